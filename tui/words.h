/*
 * words: a filter that the console applies itself, to events and to the
 * queue of another mailer, in the grammar of mtactl(8): words that must all
 * hold, name:text, name~text, name>number, name<number, or a text that any
 * part may have. Pure.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

#define WORDS_MAX 16

struct word {
	char name[12]; /* "": any */
	char op; /* : ~ > < */
	char text[128];
	int64_t number; /* of > and <: microseconds, bytes, or as it is */
};

struct words {
	int n;
	struct word word[WORDS_MAX];
};

/* What a row has under a name; "" of a word without a name is all of it. p is
 * NULL: nothing. */
typedef struct slice word_text(const void *row, const char *name);
typedef int64_t word_number(const void *row, const char *name);

/* names: those that are understood, with blanks around each. False, and why,
 * when a word is none of these. */
bool
words_read(struct words *, const char *text, const char *names, char why[200]);
bool
words_match(const struct words *, const void *row, word_text *, word_number *);

#endif
