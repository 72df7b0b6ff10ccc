#include "rate.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "clock.h"
#include "slice.h"

#define SLOTS 4096

struct rate {
	int64_t max;
	struct {
		int64_t second, n;
	} slot[SLOTS];
};

struct rate *
rate_new(int64_t max)
{
	struct rate *r = calloc(1, sizeof(*r));

	if (r != NULL)
		r->max = max;
	return r;
}

void
rate_free(struct rate *r)
{
	free(r);
}

static struct slice
address_of(const struct sockaddr *a, socklen_t n)
{
	if (n >= sizeof(struct sockaddr_in) && a->sa_family == AF_INET)
		return (struct slice){ (const char *)&(
					   (const struct sockaddr_in *)a)
					   ->sin_addr,
			sizeof(struct in_addr) };
	if (n >= sizeof(struct sockaddr_in6) && a->sa_family == AF_INET6)
		return (struct slice){
			(const char *)&((const struct sockaddr_in6 *)a)
			    ->sin6_addr,
			8 /* the network: a host has as many of the rest as it
			     likes */
		};
	return (struct slice){ 0 };
}

bool
rate_takes(struct rate *r, const struct sockaddr *a, socklen_t n)
{
	size_t i = slice_ihash(address_of(a, n)) % SLOTS;
	int64_t second = clock_mono() / US_SEC;

	if (r->slot[i].second != second) {
		r->slot[i].second = second;
		r->slot[i].n = 0;
	}
	return r->slot[i].n++ < r->max;
}
