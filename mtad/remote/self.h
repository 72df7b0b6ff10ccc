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

#endif
