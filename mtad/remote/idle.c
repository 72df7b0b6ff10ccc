#include <event2/event.h>

#include "clock.h"
#include "link.h"

static void
arm(struct remote *r, int64_t us)
{
	struct timeval tv = { us / US_SEC, us % US_SEC };

	event_add(r->idle_timer, &tv);
}

static void
on_idle(int fd, short what, void *arg)
{
	struct remote *r = arg;
	int64_t most = r->proc->conf->ConnectionCacheTimeout;
	int64_t now = clock_mono();
	struct link *l;

	(void)fd;
	(void)what;
	while ((l = cache_oldest(&r->cache)) != NULL && now - l->since >= most)
		link_quit(l);
	if (l != NULL)
		arm(r, most - (now - l->since));
}

void
idle_init(struct remote *r)
{
	r->idle_timer = evtimer_new(r->proc->base, on_idle, r);
}

/* One timer for all, so that using a connection again costs none. */
void
idle_arm(struct remote *r)
{
	if (!event_pending(r->idle_timer, EV_TIMEOUT, NULL))
		arm(r, r->proc->conf->ConnectionCacheTimeout);
}
