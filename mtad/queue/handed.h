/*
 * handed: body files that a smtpd writes and that no record names yet. It may
 * speak of these, and of nobody else's.
 */
#ifndef HANDED_H
#define HANDED_H

#include <stdbool.h>
#include <stdint.h>

struct handed {
	struct handed_body {
		uint64_t number;
		int writer; /* index of the smtpd */
	} * body; /* owned */
	uint32_t n, cap;
};

int handed_add(struct handed *, uint64_t number, int writer); /* -ENOMEM */
/* No more: a record names it, or it is dropped. False: he never had it. */
bool handed_take(struct handed *, uint64_t number, int writer);
uint32_t handed_count(const struct handed *, int writer);
void handed_forget(struct handed *, int writer); /* he is gone */

#endif
