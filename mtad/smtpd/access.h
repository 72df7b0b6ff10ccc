/*
 * access: who a client is by its address: trusted or not, and how many
 * connections it has.
 */
#ifndef SMTP_ACCESS_H
#define SMTP_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "slice.h"

struct access;

/* One client, while it has connections: an IPv4 address, or a /64 of IPv6,
 * as every host there has one to choose its addresses from. */
struct client {
	char ip[46];
	uint32_t n;
};

struct access *access_new(const struct conf *); /* NULL without memory */
void access_free(struct access *);
void access_reload(struct access *, const struct conf *);
bool access_is_trusted(const struct access *, const char *ip);
/* One connection more: NULL without memory. */
struct client *access_open(struct access *, const char *ip);
void access_close(struct access *, struct client *);

/* "10.0.0.0/8", "::1", "192.0.2.1": does ip lie in it? Pure. */
bool network_has(const char *network, const char *ip);
/*
 * Does a local part name a host to relay to: user%host, host!user,
 * @a:user@b, or user@host inside quotes? Pure.
 */
bool local_part_relays(struct slice local);

#endif
