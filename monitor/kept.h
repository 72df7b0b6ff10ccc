/*
 * kept: lines that come once, until what was made of them is stored.
 */
#ifndef KEPT_H
#define KEPT_H

#include "buf.h"
#include "guests.h"

#define KEPT_MAX ((size_t)8 << 20) /* bytes */

struct kept {
	struct buf lines; /* private */
};

void kept_init(struct kept *);
void kept_release(struct kept *);
void kept_clear(struct kept *);
/* guest is borrowed; NULL, NULL: nobody's. */
void
kept_add(struct kept *, struct slice line, struct guest *, const struct peer *);
/* Are there so many that they should be stored? */
bool kept_is_much(const struct kept *);
/* One after the other, as copies that may change; *at is 0 at first. False
 * behind the last one; -ENOMEM in ret_rc. The caller frees the line. */
bool kept_next(const struct kept *, size_t *at, char **ret_line, size_t *ret_n,
    struct guest **ret_guest, struct peer *ret_peer, int *ret_rc);

#endif
