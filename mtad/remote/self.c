#include "self.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

struct place {
	int family;
	unsigned char ip[16];
	uint16_t port;
};

struct self {
	struct place *v;
	size_t n;
};

static int
add(struct self *s, int family, const void *ip, uint16_t port)
{
	struct place *v = realloc(s->v, (s->n + 1) * sizeof(*v));

	if (v == NULL)
		return -1;
	s->v = v;
	v[s->n] = (struct place){ .family = family, .port = port };
	memcpy(v[s->n++].ip, ip, family == AF_INET ? 4 : 16);
	return 0;
}

static const void *
ip_of(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return &((const struct sockaddr_in *)sa)->sin_addr;
	return &((const struct sockaddr_in6 *)sa)->sin6_addr;
}

/* A listener at 0.0.0.0 or :: is one at each address of that family. */
static void
add_interfaces(struct self *s, int family, uint16_t port)
{
	struct ifaddrs *all, *i;

	if (getifaddrs(&all) < 0)
		return;
	for (i = all; i != NULL; i = i->ifa_next)
		if (i->ifa_addr != NULL && i->ifa_addr->sa_family == family)
			add(s, family, ip_of(i->ifa_addr), port);
	freeifaddrs(all);
}

static void
add_listener(struct self *s, const struct conf_listener *l)
{
	static const unsigned char any[16];
	int family = strchr(l->Address, ':') ? AF_INET6 : AF_INET;
	unsigned char ip[16] = { 0 };

	if (l->Path[0] != '\0' || inet_pton(family, l->Address, ip) != 1)
		return;
	if (memcmp(ip, any, sizeof(ip)) == 0)
		add_interfaces(s, family, (uint16_t)l->Port);
	else
		add(s, family, ip, (uint16_t)l->Port);
}

struct self *
self_new(const struct conf *c)
{
	struct self *s = calloc(1, sizeof(*s));

	for (size_t i = 0; s != NULL && i < c->listener_n; i++)
		add_listener(s, &c->listener[i]);
	return s;
}

void
self_free(struct self *s)
{
	if (s == NULL)
		return;
	free(s->v);
	free(s);
}

bool
self_is(const struct self *s, const struct target *t)
{
	int family = t->addr.sa.sa_family;

	if (family != AF_INET && family != AF_INET6)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].family == family &&
		    s->v[i].port == target_port(t) &&
		    memcmp(s->v[i].ip, ip_of(&t->addr.sa),
			family == AF_INET ? 4 : 16) == 0)
			return true;
	return false;
}

bool
self_cut(const struct self *s, struct targets *t)
{
	for (int i = 0; i < t->n; i++) {
		int left = 0;

		if (!self_is(s, &t->v[i]))
			continue;
		while (t->v[left].pref < t->v[i].pref)
			left++;
		t->n = left;
		return true;
	}
	return false;
}
