#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <event2/event.h>

#include "access.h"
#include "asks.h"
#include "clock.h"
#include "session.h"

static const struct timeval *
common(struct smtpd *d, int64_t us)
{
	struct timeval tv = { us / US_SEC, us % US_SEC };

	return event_base_init_common_timeout(d->proc->base, &tv);
}

void
smtpd_set_timeouts(struct smtpd *d)
{
	d->t_command = common(d, d->proc->conf->TimeoutCommand);
	d->t_block = common(d, d->proc->conf->TimeoutDatablock);
}

/* Session ids: a random start, then counted. */
static uint64_t
first_id(void)
{
	uint64_t id;

	if (getrandom(&id, sizeof(id), 0) < 0)
		id = (uint64_t)clock_wall() << 20;
	return id & ~UINT64_C(0xffffffff);
}

int
smtpd_init(struct smtpd *d, struct proc *p)
{
	memset(d, 0, sizeof(*d));
	d->proc = p;
	LIST_INIT(&d->sessions);
	map_init(&d->by_id, session_hash, session_is);
	d->host = strdup(p->conf->HostName);
	d->access = access_new(p->conf);
	d->asks = asks_new();
	d->store = store_new(p);
	d->reader = worker_new(p->base);
	d->files_max = UINT32_MAX;
	d->next_id = first_id();
	smtpd_set_timeouts(d);
	stat_set(p->slot, ST_CONN_IN_OPEN, 0); /* the last one may have died */
	return d->host && d->access && d->asks && d->store && d->reader
	    ? 0
	    : -ENOMEM;
}

void
smtpd_release(struct smtpd *d)
{
	struct session *s;

	while ((s = LIST_FIRST(&d->sessions)) != NULL)
		session_end(s, "shutdown");
	worker_free(d->reader);
	store_free(d->store);
	asks_free(d->asks);
	access_free(d->access);
	map_release(&d->by_id);
	free(d->host);
}

bool
smtpd_answer(struct smtpd *d, struct slice payload)
{
	struct p_rcpt_answer m;
	struct session *s;
	struct verdict v;
	struct rd r;

	if (!get_p_rcpt_answer(payload, &m))
		return false;
	r = rd_of(m.verdict);
	v = get_verdict(&r);
	s = asks_take(d->asks, m.key);
	if (s == NULL)
		return true;
	if (r.bad || v.code < 200 || v.code > 599)
		v = VERDICT(451, "4.3.0", RC_LOCAL_RESOURCE,
		    "The user database gave no answer");
	if (s->verb == V_RCPT)
		rcpt_answered(s, &v);
	else
		vrfy_answered(s, &v, m.lines);
	return true;
}
