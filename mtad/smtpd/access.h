/*
 * access: who a client is by its address: trusted or not; what each client
 * has, and how many connections it may have.
 */
#ifndef SMTP_ACCESS_H
#define SMTP_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "slice.h"

struct access;

/* One client, while it has connections: an IPv4 address; a /64 of IPv6, as
 * every host there has one to choose its addresses from; or a user behind a
 * Unix socket, as "uid 1000". */
struct client {
	char name[46];
	uint32_t n;
	uint32_t body_files; /* of messages that come in */
	size_t rcpt_bytes; /* the same */
};

/* HOST: who is trusted as he comes from this host's own addresses, of which
 * anybody here has 127.0.0.0/8 to choose from. */
enum access_class {
	CLASS_LOCAL,
	CLASS_HOST,
	CLASS_TRUSTED,
	CLASS_STRANGER,
	CLASSES
};

struct access *access_new(const struct conf *); /* NULL without memory */
void access_free(struct access *);
void access_reload(struct access *, const struct conf *);
bool access_is_trusted(const struct access *, const char *ip);
/* ip "": behind a Unix socket. */
enum access_class access_class_of(const char *ip, bool is_trusted);
/* One connection more: NULL without memory. */
struct client *access_open(struct access *, const char *name);
void access_close(struct access *, struct client *);
/*
 * Connections that one client may have, and those that a class gets even when
 * MaxSessions are open: nobody, however many addresses or users he has, takes
 * what another class lives on. Both are of one process of `processes`, which
 * share the clients as it happens.
 */
uint32_t access_limit(const struct conf *, enum access_class, int processes);
uint32_t access_reserve(const struct conf *, int processes);

/* "10.0.0.0/8", "::1", "192.0.2.1": does ip lie in it? Pure. */
bool network_has(const char *network, const char *ip);
/*
 * Does a local part name a host to relay to: user%host, host!user,
 * @a:user@b, or user@host inside quotes? Pure.
 */
bool local_part_relays(struct slice local);

#endif
