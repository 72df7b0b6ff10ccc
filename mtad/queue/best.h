/*
 * best: of very many rows the few with the smallest keys, in order.
 *
 * What a screen can show is kept while all are looked at, so an answer is as
 * long as the screen and not as the queue. Equal keys stay in the order in
 * which they came. Pure.
 */
#ifndef BEST_H
#define BEST_H

#include <stddef.h>
#include <stdint.h>

#include "msgid.h"

#define BEST_MAX 10000

struct best_row {
	int64_t key;
	uint64_t came; /* private */
	union {
		struct msgid id;
		void *ptr; /* borrowed */
	} of;
};

struct best {
	struct best_row *row; /* owned; in order after best_sort() */
	size_t n, max;
	uint64_t came; /* private */
};

/* max is at least 1, at most BEST_MAX. 0 or -ENOMEM. */
int best_init(struct best *, size_t max);
void best_release(struct best *);
void best_add(struct best *, struct best_row);
void best_sort(struct best *);
/* A text as a key: its first bytes, small letters. */
int64_t best_text(const char *);

#endif
