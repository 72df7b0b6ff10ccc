#include "access.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"

struct network {
	int family;
	unsigned char addr[16];
	unsigned bits;
};

struct access {
	struct network *net;
	size_t n;
	struct map clients;
};

static bool
parse_network(const char *text, struct network *ret)
{
	char host[64];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t bits;

	if (n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	ret->family = strchr(host, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(ret->family, host, ret->addr) != 1)
		return false;
	bits = ret->family == AF_INET6 ? 128 : 32;
	if (slash != NULL && !slice_u64(slice_of(slash + 1), bits, &bits))
		return false;
	ret->bits = (unsigned)bits;
	return true;
}

static bool
has(const struct network *net, int family, const unsigned char *addr)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (net->family != family || memcmp(net->addr, addr, whole) != 0)
		return false;
	return rest == 0 ||
	    ((net->addr[whole] ^ addr[whole]) >> (8 - rest)) == 0;
}

/* An IPv4 address in IPv6 clothes is the IPv4 address. */
static bool
parse_ip(const char *ip, int *ret_family, unsigned char ret[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	*ret_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(*ret_family, ip, ret) != 1)
		return false;
	if (*ret_family == AF_INET6 && memcmp(ret, mapped, 12) == 0) {
		*ret_family = AF_INET;
		memmove(ret, ret + 12, 4);
	}
	return true;
}

bool
network_has(const char *network, const char *ip)
{
	struct network net;
	unsigned char addr[16];
	int family;

	return parse_network(network, &net) && parse_ip(ip, &family, addr) &&
	    has(&net, family, addr);
}

static uint64_t
hash_client(const void *entry)
{
	return slice_ihash(slice_of(((const struct client *)entry)->name));
}

static bool
is_client(const void *entry, const void *key)
{
	return strcmp(((const struct client *)entry)->name, key) == 0;
}

void
access_reload(struct access *a, const struct conf *c)
{
	struct network *net = calloc(c->TrustedNetworks.n + 1, sizeof(*net));
	size_t n = 0;

	if (net == NULL)
		return; /* the old list stays */
	for (size_t i = 0; i < c->TrustedNetworks.n; i++)
		if (parse_network(c->TrustedNetworks.v[i], &net[n]))
			n++;
	free(a->net);
	a->net = net;
	a->n = n;
}

struct access *
access_new(const struct conf *c)
{
	struct access *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	map_init(&a->clients, hash_client, is_client);
	access_reload(a, c);
	return a;
}

void
access_free(struct access *a)
{
	size_t pos = 0;
	void *c;

	while ((c = map_next(&a->clients, &pos)) != NULL)
		free(c);
	map_release(&a->clients);
	free(a->net);
	free(a);
}

bool
access_is_trusted(const struct access *a, const char *ip)
{
	unsigned char addr[16];
	int family;

	if (!parse_ip(ip, &family, addr))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (has(&a->net[i], family, addr))
			return true;
	return false;
}

static void
client_key(char key[46], const char *name)
{
	unsigned char addr[16];
	int family;

	if (!parse_ip(name, &family, addr)) {
		snprintf(key, 46, "%s", name);
		return;
	}
	if (family == AF_INET6)
		memset(addr + 8, 0, 8);
	inet_ntop(family, addr, key, 46);
}

enum access_class
access_class_of(const char *ip, bool is_trusted)
{
	if (ip[0] == '\0')
		return CLASS_LOCAL;
	if (!is_trusted)
		return CLASS_STRANGER;
	return network_has("127.0.0.0/8", ip) || network_has("::1", ip)
	    ? CLASS_HOST
	    : CLASS_TRUSTED;
}

struct client *
access_open(struct access *a, const char *name)
{
	char key[46];
	struct client *c;

	client_key(key, name);
	c = map_find(&a->clients, slice_ihash(slice_of(key)), key);
	if (c == NULL) {
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			return NULL;
		memcpy(c->name, key, strlen(key) + 1);
		if (map_add(&a->clients, c) < 0) {
			free(c);
			return NULL;
		}
	}
	c->n++;
	return c;
}

void
access_close(struct access *a, struct client *c)
{
	if (c == NULL || --c->n != 0)
		return;
	map_del(&a->clients, c);
	free(c);
}

/* Friends come from few addresses, and with much mail. Of MaxSessions no user
 * has more than a quarter. */
uint32_t
access_limit(const struct conf *c, enum access_class class, int processes)
{
	int64_t n = c->MaxSessionsPerClient;

	if (class != CLASS_STRANGER)
		n *= 10;
	if (class == CLASS_LOCAL && n > c->MaxSessions / 4)
		n = c->MaxSessions / 4;
	return (uint32_t)(n / processes) + 1;
}

uint32_t
access_reserve(const struct conf *c, int processes)
{
	return (uint32_t)(c->MaxSessions / 8 / processes) + 1;
}

bool
local_part_relays(struct slice local)
{
	if (slice_find(local, '%') != local.n ||
	    slice_find(local, '!') != local.n)
		return true;
	if (slice_find(local, '@') != local.n ||
	    slice_find(local, ':') != local.n)
		return true;
	return false;
}
