/*
 * route: which way an address goes. Pure: looks at the configuration only.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "proto.h"
#include "slice.h"

/* Strings are borrowed from the configuration or from the domain given. */
struct route {
	enum proto_mailer kind;
	struct slice mailer; /* its name */
	struct slice domain; /* the recipient's, without a final dot */
	struct slice host; /* next host; empty: the MX of domain */
	struct slice path; /* unix socket instead */
	uint16_t port;
	int64_t max_concurrency; /* 0: the general limit */
	int64_t max_size; /* 0: any */
	const struct conf_virtual *virtual_; /* for MAILER_VIRTUAL */
};

enum route_class {
	ROUTE_LOCAL, /* ours: lookup knows the users */
	ROUTE_VIRTUAL, /* ours too */
	ROUTE_RELAY, /* anybody's mail is relayed there */
	ROUTE_OTHER /* only for trusted clients */
};

/* An empty domain is this host's. */
enum route_class route_class(const struct conf *, struct slice domain);
void route_find(const struct conf *, struct slice domain, struct route *ret);
/* One line that names the destination: the key of its queue.
 * "smtp:example.org", "smtp:[127.0.0.1]:2626", "local:", "virtual:dom" */
void route_key(struct buf *, const struct route *);
/* The mailbox of a virtual user: $u and $d in the template. False: the name
 * could leave the folder, and is no user's. */
bool route_virtual_path(const struct conf_virtual *, struct slice local,
    struct slice domain, struct buf *);

#endif
