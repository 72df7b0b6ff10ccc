#include "peer.h"

#include <netinet/in.h>
#include <stdio.h>

enum { OF_INET = 4, OF_USER = 0xff }; /* no network of IPv6 begins so */

static void
set_key(struct peer *p, unsigned char kind, const void *v)
{
	p->key[0] = kind;
	memcpy(p->key + 4, v, 4);
}

void
peer_of_user(struct peer *p, uid_t uid)
{
	uint32_t v = uid;

	*p = (struct peer){ .via = "unix" };
	set_key(p, OF_USER, &v);
}

/* An IPv4 peer of a socket of both kinds is that address. */
static void
of_inet6(struct peer *p, const struct in6_addr *a)
{
	if (IN6_IS_ADDR_V4MAPPED(a)) {
		set_key(p, OF_INET, a->s6_addr + 12);
		inet_ntop(AF_INET, a->s6_addr + 12, p->via, sizeof(p->via));
		return;
	}
	memcpy(p->key, a->s6_addr, sizeof(p->key));
	inet_ntop(AF_INET6, a, p->via, sizeof(p->via));
}

void
peer_of_address(struct peer *p, const struct sockaddr *a)
{
	*p = (struct peer){ .via = "?" };
	if (a->sa_family == AF_INET6) {
		of_inet6(p, &((const struct sockaddr_in6 *)a)->sin6_addr);
	} else if (a->sa_family == AF_INET) {
		const struct in_addr *v =
		    &((const struct sockaddr_in *)a)->sin_addr;

		set_key(p, OF_INET, v);
		inet_ntop(AF_INET, v, p->via, sizeof(p->via));
	}
}

bool
peer_is(const struct peer *a, const struct peer *b)
{
	return memcmp(a->key, b->key, sizeof(a->key)) == 0;
}
