/*
 * resolve: where a domain's mail goes, as addresses in order, through
 * libunbound's event interface.
 *
 * No answer, SERVFAIL and bogus answers are temporary; only NXDOMAIN and a
 * null MX (RFC 7505) are final. Every question has a deadline of our own.
 */
#ifndef REMOTE_RESOLVE_H
#define REMOTE_RESOLVE_H

#include <netinet/in.h>
#include <stdbool.h>

#include "proc.h"
#include "verdict.h"

#define TARGETS_MAX 40
#define MX_MAX 20 /* names used of a set, however large it is */

struct target {
	char name[256];
	uint16_t pref;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} addr;
};

struct targets {
	int n;
	struct target v[TARGETS_MAX];
	struct verdict verdict; /* why there are none; static texts */
};

struct resolver;

/* Opens and warms: files are read now. NULL with a warning. */
struct resolver *resolver_new(struct proc *);
/* Our own names and addresses: mail that would come back here. */
/*
 * host: "" the MX of domain; "[1.2.3.4]", "[name]" no MX; "name" its MX.
 * Calls back once, perhaps before it returns; targets are the callback's
 * only until it returns.
 */
void resolver_mx(struct resolver *, struct slice domain, struct slice host,
    uint16_t port, void (*done)(void *arg, const struct targets *), void *arg);
/* The name of an address, confirmed by its own lookup. */
void resolver_name(struct resolver *, struct slice ip,
    void (*done)(void *arg, enum proto_fcrdns, struct slice name), void *arg);
/* MX records in the order in which they are tried: by preference, equal ones
 * shuffled with the given random number. Pure. */
struct mx {
	uint16_t pref;
	char name[256];
};
void mx_sort(struct mx *, int n, uint64_t random);

#endif
