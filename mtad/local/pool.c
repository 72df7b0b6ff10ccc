/*
 * pool: letters wait in lanes, one for each recipient, for a place in an
 * agent. What a recipient holds up himself goes back to the queue (lanes.h).
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "master.h"

#define LATER "Deliveries to this recipient do not end; tried later"

static struct piece *
piece_of(struct lane_item *it)
{
	return (struct piece *)it; /* its first field */
}

/* Many recipients share the account of a virtual domain, and DefaultUser:
 * there each path and command is somebody. */
static bool
is_shared(const struct local *l, const struct piece *p)
{
	return p->r.kind == TARGET_VIRTUAL ||
	    slice_eq(p->r.user, slice_of(l->proc->conf->DefaultUser));
}

static enum lane_kind
kind_of(const struct local *l, const struct piece *p)
{
	struct slice path = p->r.path;

	if (p->r.kind == TARGET_PROGRAM)
		return LANE_PROGRAM;
	if (p->r.kind == TARGET_USER || p->r.kind == TARGET_MAILBOX)
		path = slice_of(l->proc->conf->LocalMailbox);
	return path.n != 0 && path.p[path.n - 1] == '/' ? LANE_FOLDER
							: LANE_FILE;
}

/* The kind of a path may change with the configuration: another lane then. */
static struct lane *
lane_of(struct local *l, const struct piece *p)
{
	enum lane_kind kind = kind_of(l, p);
	struct lane *lane = NULL;
	struct buf key;

	buf_init(&key, CHAN_FRAME_MAX);
	buf_addf(&key, "%d %d ", (int)kind, p->r.kind == TARGET_VIRTUAL);
	buf_add_slice(&key, p->r.user);
	if (is_shared(l, p)) {
		buf_addc(&key, ' ');
		buf_add_slice(&key, p->r.path);
	}
	if (!key.bad)
		lane = lanes_get(&l->lanes, buf_slice(&key), kind, p->crowd);
	buf_release(&key);
	return lane;
}

void
pool_add(struct local *l, struct piece *p)
{
	struct lane *lane = lane_of(l, p);

	if (lane == NULL)
		jobs_refused(p, "4.3.0", "Out of memory");
	else if (!lanes_add(&l->lanes, lane, &p->item, clock_mono()))
		jobs_refused(p, "4.2.0", LATER);
	else if (l->proc->is_stopping)
		pool_drop(l);
}

void
pool_run(struct local *l)
{
	struct lane_item *it;

	if (l->has_room)
		lanes_again(&l->lanes);
	l->has_room = false;
	while ((it = lanes_take(&l->lanes, clock_mono())) != NULL)
		if (!agents_hand(l, piece_of(it))) {
			lanes_pass(&l->lanes, it);
			l->is_pressed = true;
		}
}

void
pool_drop(struct local *l)
{
	struct lane_item *it;
	size_t pos = 0;

	while ((it = lanes_cut(&l->lanes, &pos, true, 0)) != NULL)
		jobs_dropped(piece_of(it));
}

void
pool_tidy(struct local *l, int64_t now)
{
	struct lane_item *it;
	size_t pos = 0;

	lanes_tidy(&l->lanes, now);
	while ((it = lanes_cut(&l->lanes, &pos, false, now)) != NULL)
		jobs_refused(piece_of(it), "4.2.0", LATER);
	if (l->users.held >= l->users.window)
		l->is_pressed = true;
	agents_tidy(l, now);
	l->is_pressed = false;
	l->has_room = true;
}

/* Each virtual domain has a window of its own: taken for full. */
void
pool_init_crowds(struct local *l)
{
	const struct conf *c = l->proc->conf;

	l->users.window = (unsigned)c->LocalConcurrency;
	l->virtuals.window = (unsigned)c->MaxDestinationConcurrency;
}

void
pool_init(struct local *l)
{
	lanes_init(&l->lanes);
	pool_init_crowds(l);
	l->virtuals.held = UINT32_MAX / 2;
}
