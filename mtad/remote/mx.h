/*
 * mx: where a domain's mail goes, as addresses in order (RFC 5321 section
 * 5.1, RFC 7505).
 *
 *	host ""          the MX of the domain, or the domain itself
 *	host "name"      the MX of that name (a smart host, as sendmail does)
 *	host "[name]"    the addresses of that name
 *	host "[1.2.3.4]", "[IPv6:::1]", and a domain of that form: no lookup
 *
 * What the operator named may lead to this very machine; a domain of
 * strangers that leads to loopback, or back to our own listeners, is refused
 * and named.
 */
#ifndef REMOTE_MX_H
#define REMOTE_MX_H

#include "resolve.h"
#include "self.h"
#include "target.h"

struct mx_lookup;

/* Takes the reference. NULL: no memory. */
typedef void mx_done_fn(void *arg, struct targets *);

/*
 * Calls back once; NULL is returned when it did so already. Otherwise
 * mx_cancel() is possible until then. self is borrowed.
 */
struct mx_lookup *
mx_lookup(struct resolver *, const struct self *, struct slice domain,
    struct slice host, uint16_t port, mx_done_fn *, void *arg);
void mx_cancel(struct mx_lookup *); /* there will be no callback */

#endif
