/*
 * privacy: people's names out of addresses, and out of words about them.
 *
 * The local part of an address becomes "~" and 20 hex digits of HMAC-SHA256
 * of the whole address in lower case: the same under the same key, so that
 * what is counted by it still is; nobody finds the name without the key, and
 * nobody at all when the key was thrown away. What is such a name already
 * stays. Domains, Message-IDs and queue ids are no names of people.
 *
 * Pure but for the random key.
 */
#ifndef PRIVACY_H
#define PRIVACY_H

#include <stdbool.h>

#include "buf.h"

#define PRIVACY_KEY 32

struct privacy {
	unsigned char key[PRIVACY_KEY];
	/* Borrowed; whom alone it is about, by each name that is known of
	 * them, in lower case. None: everybody. */
	const struct slice *only;
	size_t n;
};

bool privacy_random(unsigned char key[PRIVACY_KEY]);
/* What an address becomes. */
void privacy_address(const struct privacy *, struct slice, struct buf *out);
/*
 * A text with each address in it so replaced; and, of the addresses that it
 * is known to be about, local parts of two letters and more that stand there
 * as words.
 */
void privacy_text(const struct privacy *, struct slice text,
    const struct slice *about, size_t n, struct buf *out);
/* The same for all texts of a JSON object, where some fields are names as
 * they stand. What is no JSON is taken for text. */
void privacy_json(const struct privacy *, struct slice json,
    const struct slice *about, size_t n, struct buf *out);

#endif
