#include "kept.h"

#include <errno.h>

/* In front of each line. */
struct head {
	size_t n;
	struct guest *guest; /* NULL: peer is void */
	struct peer peer;
};

void
kept_init(struct kept *k)
{
	buf_init(&k->lines, KEPT_MAX);
}

void
kept_release(struct kept *k)
{
	buf_release(&k->lines);
}

void
kept_clear(struct kept *k)
{
	buf_clear(&k->lines);
}

void
kept_add(
    struct kept *k, struct slice line, struct guest *g, const struct peer *p)
{
	struct head h = { .n = line.n, .guest = g };

	if (p != NULL)
		h.peer = *p;
	buf_add(&k->lines, &h, sizeof(h));
	buf_add_slice(&k->lines, line);
}

bool
kept_is_much(const struct kept *k)
{
	return k->lines.len > KEPT_MAX / 2;
}

bool
kept_next(const struct kept *k, size_t *at, char **ret_line, size_t *ret_n,
    struct guest **ret_guest, struct peer *ret_peer, int *ret_rc)
{
	struct head h;

	*ret_rc = 0;
	if (*at >= k->lines.len)
		return false;
	memcpy(&h, k->lines.data + *at, sizeof(h));
	*ret_line =
	    slice_dup((struct slice){ k->lines.data + *at + sizeof(h), h.n });
	if (*ret_line == NULL) {
		*ret_rc = -ENOMEM;
		return false;
	}
	*at += sizeof(h) + h.n;
	*ret_n = h.n;
	*ret_guest = h.guest;
	*ret_peer = h.peer;
	return true;
}
