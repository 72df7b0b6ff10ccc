#include "name.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"

#define NAMES_MAX 3 /* of an address; each is tried until one confirms */
#define ADDRESSES_MAX 64

struct name_lookup {
	struct resolver *resolver; /* borrowed */
	name_done_fn *done;
	void *arg;
	struct question q;
	unsigned char ip[16];
	int family;
	char name[NAMES_MAX][NAME_MAX_DNS];
	int names, at;
	bool had_temp, is_busy, is_over;
};

bool
name_reverse(const char *ip, char ret[80])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char a[16];
	int n = 0;

	if (inet_pton(AF_INET, ip, a) == 1) {
		snprintf(ret, 80, "%u.%u.%u.%u.in-addr.arpa", a[3], a[2], a[1],
		    a[0]);
		return true;
	}
	if (inet_pton(AF_INET6, ip, a) != 1)
		return false;
	for (int i = 15; i >= 0; i--) {
		ret[n++] = hex[a[i] & 15];
		ret[n++] = '.';
		ret[n++] = hex[a[i] >> 4];
		ret[n++] = '.';
	}
	memcpy(ret + n, "ip6.arpa", sizeof("ip6.arpa"));
	return true;
}

static void
finish(struct name_lookup *l, enum proto_fcrdns result, const char *name)
{
	l->is_over = true;
	l->done(l->arg, result, slice_of(name));
}

static void
leave(struct name_lookup *l, bool was_busy)
{
	l->is_busy = was_busy;
	if (l->is_over && !was_busy)
		name_cancel(l);
}

static void got_forward(void *, const struct answer *);

static void
ask_forward(struct name_lookup *l)
{
	if (l->at == l->names) {
		finish(l, l->had_temp ? FCRDNS_TEMP : FCRDNS_FAIL, l->name[0]);
		return;
	}
	question_ask(&l->q, l->resolver, l->name[l->at],
	    l->family == AF_INET ? ns_t_a : ns_t_aaaa, got_forward, l);
}

static bool
leads_back(const struct name_lookup *l, struct slice packet)
{
	unsigned char ip[ADDRESSES_MAX][16];
	size_t len = l->family == AF_INET ? 4 : 16;
	int n = answer_addresses(packet, l->family, ip[0], ADDRESSES_MAX);

	for (int i = 0; i < n; i++)
		if (memcmp(ip[0] + (size_t)i * len, l->ip, len) == 0)
			return true;
	return false;
}

static void
got_forward(void *arg, const struct answer *a)
{
	struct name_lookup *l = arg;
	bool was_busy = l->is_busy;

	l->is_busy = true;
	l->had_temp |= a->kind == ANSWER_TEMP;
	if (a->kind == ANSWER_OK && leads_back(l, a->packet)) {
		finish(l, FCRDNS_PASS, l->name[l->at]);
	} else {
		l->at++;
		ask_forward(l);
	}
	leave(l, was_busy);
}

static void
got_ptr(void *arg, const struct answer *a)
{
	struct name_lookup *l = arg;
	bool was_busy = l->is_busy;

	l->is_busy = true;
	if (a->kind == ANSWER_OK)
		l->names =
		    answer_names(a->packet, ns_t_ptr, l->name, NAMES_MAX);
	if (a->kind == ANSWER_TEMP)
		finish(l, FCRDNS_TEMP, "");
	else if (l->names <= 0)
		finish(l, FCRDNS_NONE, "");
	else
		ask_forward(l);
	leave(l, was_busy);
}

struct name_lookup *
name_lookup(struct resolver *r, struct slice ip, name_done_fn *done, void *arg)
{
	struct name_lookup *l = calloc(1, sizeof(*l));
	char text[64], reverse[80];

	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(ip));
	if (l == NULL || !name_reverse(text, reverse)) {
		free(l);
		done(arg, l == NULL ? FCRDNS_TEMP : FCRDNS_NONE, SLICE(""));
		return NULL;
	}
	l->resolver = r;
	l->done = done;
	l->arg = arg;
	l->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	inet_pton(l->family, text, l->ip);
	l->is_busy = true;
	question_ask(&l->q, r, reverse, ns_t_ptr, got_ptr, l);
	l->is_busy = false;
	if (!l->is_over)
		return l;
	name_cancel(l);
	return NULL;
}

void
name_cancel(struct name_lookup *l)
{
	question_cancel(&l->q);
	free(l);
}
