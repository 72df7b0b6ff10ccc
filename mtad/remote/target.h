/*
 * target: the addresses that one delivery may go to, in order.
 *
 * A set is made once and then shared by reference, by the delivery and by the
 * connection that it went over. The choice of order and what is refused are
 * pure (RFC 5321 section 5.1).
 */
#ifndef REMOTE_TARGET_H
#define REMOTE_TARGET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "slice.h"
#include "verdict.h"

#define TARGETS_MAX 40
#define MX_READ_MAX 500 /* records looked at of a set, however large */
#define MX_USED_MAX 20 /* names used of it */
#define NAME_MAX_DNS 256

struct target {
	uint16_t pref;
	socklen_t len;
	char name[NAME_MAX_DNS];
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} addr; /* all bytes behind len are 0 */
};

struct targets {
	unsigned refs; /* private */
	int n;
	struct verdict verdict; /* n == 0: why; its text is .why */
	char why[300]; /* n != 0: a remark for people, or "" */
	struct target v[];
};

struct targets *targets_new(int max); /* one reference; NULL: no memory */
struct targets *targets_ref(struct targets *);
void targets_unref(struct targets *); /* NULL is fine */
/* No address, and why; name is put where the %s stands. */
struct targets *targets_none(int code, const char *enhanced, enum reason,
    const char *fmt, const char *name);

void target_inet(struct target *, int family, const void *addr, uint16_t port);
/* false: the path does not fit. */
bool target_unix(struct target *, struct slice path);
void target_ip(const struct target *, char ret[64]); /* "" for a path */
uint16_t target_port(const struct target *);
bool target_same(const struct target *, const struct target *);
/* Loopback and 0.0.0.0 or ::, v4 mapped in v6 too: no place to send the mail
 * of another's domain to. */
bool target_is_nowhere(const struct target *);
/* Takes these out; the name of the first one taken, or NULL. */
const char *targets_cut_nowhere(struct targets *, char ret_name[NAME_MAX_DNS]);

/* MX records in the order in which they are tried: by preference, equal ones
 * shuffled with the given random number. */
struct mx {
	uint16_t pref, draw; /* draw: mx_sort()'s own */
	char name[NAME_MAX_DNS];
};
void mx_sort(struct mx *, int n, uint64_t random);
/* How many are left when none as bad as the host named self is used. */
int mx_before_self(const struct mx *, int n, struct slice self);

#endif
