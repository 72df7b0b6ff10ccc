/*
 * letters: messages and their recipients as rows of msg and rcpt, and as
 * structs in memory.
 */
#ifndef LETTERS_H
#define LETTERS_H

#include "batch.h"
#include "db.h"
#include "slice.h"

/* In all of them -1 is unknown. */
struct rcpt {
	int64_t n, addr, t_first, t_last, host, tries;
	uint8_t state;
	bool is_dirty;
	uint16_t code; /* 0: none */
	char *remote_id; /* owned; NULL: none */
};

struct letter {
	int64_t id, node, t, t_end, sender, bytes, nrcpt;
	uint8_t state;
	bool is_dirty, is_stored; /* stored: has rows in the tables */
	char *about, *msgid; /* owned; NULL: none */
	struct rcpt *rcpt; /* those that were touched, by their number */
	size_t rcpts, cap;
	struct letter *next_dirty;
	uint64_t hash;
	size_t n;
	char qid[];
};

/* The statements; embedded in the owner. */
struct letters {
	struct db *db; /* borrowed */
	sqlite3_stmt *find, *get_rcpt, *find_rcpt, *last_rcpt;
	struct batch *put, *put_rcpt;
};

int letters_open(struct letters *, struct db *); /* 0 or negative errno */
void letters_close(struct letters *);
void letters_forget(struct letters *); /* rows that wait */
int letters_flush(struct letters *);

/* Knows nothing but its name. NULL without memory. */
struct letter *letter_new(struct slice qid, int64_t node, uint64_t hash);
void letter_free(struct letter *);
/* From its row: 1 when it is there, 0 when not, negative errno. */
int letter_read(struct letters *, struct letter *);
/* A recipient, read or made; NULL without memory. Other mailers' have no
 * number: they get one by their address. */
struct rcpt *letter_rcpt(struct letters *, struct letter *, int64_t n);
struct rcpt *letter_rcpt_of(struct letters *, struct letter *, int64_t addr);
/* What is dirty, to its rows; they wait until letters_flush(). */
int letter_put(struct letters *, struct letter *);

#endif
