/*
 * share: who may have how much of MaxActive (sched.h, Shares).
 */
#include "sched.h"

/* It has answered, and has not failed since. */
bool
share_is_proven(const struct dest *d)
{
	return d->last_ok != 0 && d->fails == 0 && d->slow == 0;
}

/* See Shares, above. What is of this host has its own count. */
bool
share_has(const struct sched *s, const struct job *j)
{
	uint32_t most = (uint32_t)s->conf->MaxActive;
	uint32_t half = most / 2 + 1, quarter = most / 4 + 1;
	const struct dest *d = j->dest;

	if (d->lane == 0)
		return s->active_local < most;
	if (s->active >= most)
		return false;
	if (!share_is_proven(d) &&
	    s->unproven >= (d->active == 0 ? most - most / 4 : half))
		return false;
	return s->active < half || s->caused[j->msg->cause] < quarter;
}

void
share_take(struct sched *s, const struct dest *d, const struct sched_share *sh)
{
	if (d->lane == 0) {
		s->active_local++;
		return;
	}
	s->active++;
	s->unproven += sh->is_unproven;
	s->caused[sh->cause]++;
}

void
share_give(struct sched *s, struct dest *d, const struct sched_share *sh)
{
	d->slow -= sh->is_slow;
	if (d->lane == 0) {
		s->active_local--;
		return;
	}
	s->active--;
	s->unproven -= sh->is_unproven;
	s->caused[sh->cause]--;
}

void
sched_is_slow(struct sched *s, struct dest *d, struct sched_share *sh)
{
	if (sh->is_slow)
		return;
	sh->is_slow = true;
	d->slow++;
	if (d->lane == 0)
		return;
	s->unproven += !sh->is_unproven;
	sh->is_unproven = true;
}
