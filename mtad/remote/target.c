#include "target.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct targets *
targets_new(int max)
{
	struct targets *t =
	    calloc(1, sizeof(*t) + (size_t)max * sizeof(t->v[0]));

	if (t != NULL)
		t->refs = 1;
	return t;
}

struct targets *
targets_ref(struct targets *t)
{
	t->refs++;
	return t;
}

void
targets_unref(struct targets *t)
{
	if (t != NULL && --t->refs == 0)
		free(t);
}

struct targets *
targets_none(int code, const char *enhanced, enum reason reason,
    const char *fmt, const char *name)
{
	struct targets *t = targets_new(0);
	const char *at = strstr(fmt, "%s");

	if (t == NULL)
		return NULL;
	if (at == NULL)
		snprintf(t->why, sizeof(t->why), "%s", fmt);
	else
		snprintf(t->why, sizeof(t->why), "%.*s%s%s", (int)(at - fmt),
		    fmt, name, at + 2);
	t->verdict = (struct verdict){ .code = code,
		.reason = reason,
		.enhanced = slice_of(enhanced),
		.text = slice_of(t->why) };
	return t;
}

void
target_inet(struct target *t, int family, const void *addr, uint16_t port)
{
	memset(&t->addr, 0, sizeof(t->addr));
	if (family == AF_INET) {
		t->len = sizeof(t->addr.in);
		t->addr.in.sin_family = AF_INET;
		t->addr.in.sin_port = htons(port);
		memcpy(&t->addr.in.sin_addr, addr, 4);
	} else {
		t->len = sizeof(t->addr.in6);
		t->addr.in6.sin6_family = AF_INET6;
		t->addr.in6.sin6_port = htons(port);
		memcpy(&t->addr.in6.sin6_addr, addr, 16);
	}
}

bool
target_unix(struct target *t, struct slice path)
{
	memset(&t->addr, 0, sizeof(t->addr));
	if (path.n == 0 || path.n >= sizeof(t->addr.un.sun_path))
		return false;
	t->len = sizeof(t->addr.un);
	t->addr.un.sun_family = AF_UNIX;
	memcpy(t->addr.un.sun_path, path.p, path.n);
	return true;
}

void
target_ip(const struct target *t, char ret[64])
{
	ret[0] = '\0';
	if (t->addr.sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &t->addr.in.sin_addr, ret, 64);
	else if (t->addr.sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &t->addr.in6.sin6_addr, ret, 64);
}

uint16_t
target_port(const struct target *t)
{
	if (t->addr.sa.sa_family == AF_INET)
		return ntohs(t->addr.in.sin_port);
	return t->addr.sa.sa_family == AF_INET6 ? ntohs(t->addr.in6.sin6_port)
						: 0;
}

bool
target_same(const struct target *a, const struct target *b)
{
	return a->len == b->len && memcmp(&a->addr, &b->addr, a->len) == 0;
}

static bool
is_nowhere4(uint32_t a)
{
	return a >> 24 == 127 || a >> 24 == 0;
}

bool
target_is_nowhere(const struct target *t)
{
	const struct in6_addr *a6 = &t->addr.in6.sin6_addr;
	uint32_t a;

	if (t->addr.sa.sa_family == AF_INET)
		return is_nowhere4(ntohl(t->addr.in.sin_addr.s_addr));
	if (t->addr.sa.sa_family != AF_INET6)
		return false;
	memcpy(&a, a6->s6_addr + 12, sizeof(a));
	if (IN6_IS_ADDR_V4MAPPED(a6))
		return is_nowhere4(ntohl(a));
	return IN6_IS_ADDR_LOOPBACK(a6) || IN6_IS_ADDR_UNSPECIFIED(a6);
}

const char *
targets_cut_nowhere(struct targets *t, char ret_name[NAME_MAX_DNS])
{
	const char *name = NULL;
	int left = 0;

	for (int i = 0; i < t->n; i++) {
		if (target_is_nowhere(&t->v[i])) {
			if (name == NULL)
				memcpy(ret_name, t->v[i].name, NAME_MAX_DNS);
			name = ret_name;
		} else if (left++ != i) {
			t->v[left - 1] = t->v[i];
		}
	}
	t->n = left;
	return name;
}

static void
swap(struct mx *a, struct mx *b)
{
	struct mx t = *a;

	*a = *b;
	*b = t;
}

static void
shuffle(struct mx *v, int n, uint64_t random)
{
	for (int i = n - 1; i > 0; i--) {
		swap(&v[i], &v[(random >> 33) % (unsigned)(i + 1)]);
		random = random * 6364136223846793005u + 1442695040888963407u;
	}
}

static int
by_pref(const void *a, const void *b)
{
	const struct mx *x = a, *y = b;

	if (x->pref != y->pref)
		return x->pref < y->pref ? -1 : 1;
	return x->draw < y->draw ? -1 : x->draw > y->draw;
}

void
mx_sort(struct mx *v, int n, uint64_t random)
{
	shuffle(v, n, random);
	for (int i = 0; i < n; i++)
		v[i].draw = (uint16_t)i; /* makes the sort a stable one */
	if (n > 1)
		qsort(v, (size_t)n, sizeof(*v), by_pref);
}

int
mx_before_self(const struct mx *v, int n, struct slice self)
{
	for (int i = 0; i < n; i++) {
		int left = 0;

		if (!slice_ieq(slice_of(v[i].name), self))
			continue;
		while (v[left].pref < v[i].pref)
			left++;
		return left;
	}
	return n;
}
