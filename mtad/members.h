/*
 * members: the right side of an alias, a line of a list, a .forward file.
 * Pure.
 *
 *	address, "quoted"@domain, \user (that mailbox, no further aliases),
 *	|command or "|command with arguments", /file, :include:/file
 *
 * separated by commas or newlines; # begins a comment at the start of a line.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include <stdbool.h>

#include "buf.h"
#include "proto.h"
#include "slice.h"

#define MEMBERS_MAX ((size_t)32 << 20)

struct members {
	struct buf targets; /* p_target after p_target; owned */
	struct buf includes; /* paths, a newline after each; owned */
	uint32_t n;
	const char *error; /* static; NULL: all of it was understood */
};

void members_init(struct members *);
void members_release(struct members *);
/* Appends what stands in text. False with ->error at the first thing that is
 * none of the above. */
bool members_parse(struct members *, struct slice text);
/* Words of a command: quotes and backslashes as in a shell, nothing else.
 * Up to max words into argv (owned by *store, which the caller frees);
 * -1 when a quote does not close or there are too many. */
int command_words(struct slice command, char **argv, int max, char **store);

#endif
