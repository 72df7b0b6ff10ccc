/*
 * name: the name of a client's address, believed only when the name leads
 * back to the address.
 */
#ifndef REMOTE_NAME_H
#define REMOTE_NAME_H

#include "resolve.h"

struct name_lookup;

/* Calls back once; NULL is returned when it did so already. name lives until
 * the callback returns; it is there with FCRDNS_FAIL, too. */
typedef void name_done_fn(void *arg, enum proto_fcrdns, struct slice name);
struct name_lookup *
name_lookup(struct resolver *, struct slice ip, name_done_fn *, void *arg);
void name_cancel(struct name_lookup *);

/* The name under which the PTR record stands; false: no address. Pure. */
bool name_reverse(const char *ip, char ret[80]);

#endif
