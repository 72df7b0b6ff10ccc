/*
 * self: the addresses and ports at which mail comes to this host.
 *
 * Read once, before the sandbox: the addresses of the interfaces and the
 * listeners. A target that is one of these would bring the mail back.
 */
#ifndef REMOTE_SELF_H
#define REMOTE_SELF_H

#include "conf.h"
#include "target.h"

struct self;

struct self *self_new(const struct conf *); /* NULL: no memory */
void self_free(struct self *);
bool self_is(const struct self *, const struct target *);
/* Leaves only targets that are better than the first which is this host (RFC
 * 5321 section 5.1). True: it is one of them. */
bool self_cut(const struct self *, struct targets *);

#endif
