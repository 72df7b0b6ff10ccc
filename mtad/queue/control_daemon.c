/*
 * control_daemon: how the daemon is, and the operations on it as a whole.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "control_server.h"
#include "evfiles.h"

static void
say_aside(const struct queue *q, char *text, size_t n)
{
	char id[MSGID_TEXT + 1], more[40] = "";

	msgid_text(q->suspects.last_aside, id);
	if (q->suspects.aside > 1)
		snprintf(more, sizeof(more), " and %llu more",
		    (unsigned long long)q->suspects.aside - 1);
	snprintf(text, n,
	    "; message %s%s set aside: a process ended twice over it (mtactl "
	    "queue why)",
	    id, more);
}

/* The first thing to read: is mail taken, is it delivered, why not. */
static void
put_state(struct client *c)
{
	const struct queue *q = c->q;
	char text[600];

	if (q->is_spool_bad)
		snprintf(text, sizeof(text),
		    "neither taking nor delivering: the disk below %s has "
		    "failed",
		    q->proc->conf->QueueDirectory);
	else if (q->refuse_code != 0)
		snprintf(text, sizeof(text), "refusing mail: %u %s",
		    q->refuse_code, q->refuse_text);
	else if (q->sched.is_held)
		snprintf(
		    text, sizeof(text), "delivery is held: %s", q->held_why);
	else if (journal_error(q->journal) != 0)
		snprintf(text, sizeof(text),
		    "not delivering: the journal cannot be written: %s",
		    strerror(-journal_error(q->journal)));
	else if (q->reporting != 0)
		snprintf(text, sizeof(text),
		    "taking mail; delivery begins when the workers have "
		    "said what they hold");
	else if (q->is_clock_bad)
		snprintf(text, sizeof(text),
		    "nothing expires: the clock is in doubt (mtactl clock "
		    "accept)");
	else
		snprintf(text, sizeof(text), "taking and delivering mail");
	if (names_waiting(q) != NULL)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "; mail for %s waits: no alias delivers it",
		    names_waiting(q));
	if (q->suspects.aside != 0)
		say_aside(q, text + strlen(text), sizeof(text) - strlen(text));
	row_cstr(c, "state", text);
}

/* As df counts: without what is kept for root, which mail never gets. Some
 * file systems have no number of inodes. */
static void
put_disk(struct client *c, const struct statvfs *v)
{
	uint64_t unit = v->f_frsize, free = v->f_bavail;
	uint64_t size = v->f_blocks - v->f_bfree + free;
	uint64_t inodes = v->f_files - v->f_ffree + v->f_favail;

	if (v->f_blocks == 0)
		return;
	row_num(c, "disk_free", (int64_t)(free * unit));
	row_num(c, "disk_size", (int64_t)(size * unit));
	if (v->f_files == 0)
		return;
	row_num(c, "inodes_free", (int64_t)v->f_favail);
	row_num(c, "inodes", (int64_t)inodes);
}

static void
op_status(struct client *c, json_t *j)
{
	const struct queue *q = c->q;
	const struct msg *oldest = TAILQ_FIRST(&q->index.all);

	(void)j;
	row_begin(c);
	put_state(c);
	row_cstr(c, "host", q->proc->conf->HostName);
	row_cstr(c, "version", PACKAGE_VERSION);
	row_time(c, "started", q->started);
	row_num(c, "messages", (int64_t)q->index.by_id.n);
	row_num(c, "recipients", (int64_t)q->index.rcpts);
	row_num(c, "bytes", (int64_t)q->index.bytes);
	row_num(c, "active", q->sched.active);
	row_num(c, "destinations", (int64_t)q->sched.dests.n);
	if (oldest != NULL)
		row_time(c, "oldest", oldest->received);
	put_disk(c, &q->room);
	row_num(c, "recovered", (int64_t)q->report.recovered);
	row_num(c, "incomplete", (int64_t)q->report.incomplete);
	row_num(c, "lost", (int64_t)q->report.lost);
	row_num(c, "damaged", (int64_t)q->report.damaged);
	row_bool(c, "clean_start", q->report.was_clean);
	if (c->is_admin)
		for (int i = 0; i < ST_COUNT; i++)
			row_num(c, stat_name((enum stat_id)i),
			    (int64_t)stat_sum(q->proc->stats, (enum stat_id)i));
	row_end(c);
	control_done(c);
}

static void
order(struct client *c, enum proto_order what, const char *name)
{
	c->act_number = 0;
	control_audit(c, name, "", 1, 1, false);
	PROC_SEND(&c->q->proc->parent, order, ORDER, .key = control_new_key(c),
	    .what = (uint8_t)what, .by = slice_of(c->user));
}

static void
op_reload(struct client *c, json_t *j)
{
	(void)j;
	order(c, ORDER_RELOAD, "reload");
}

static void
op_upgrade(struct client *c, json_t *j)
{
	(void)j;
	order(c, ORDER_UPGRADE, "upgrade");
}

static void
op_subscribe(struct client *c, json_t *j)
{
	(void)j;
	c->is_subscribed = true;
}

static void
op_clock(struct client *c, json_t *j)
{
	(void)j;
	c->q->is_clock_bad = false;
	c->q->last_wall = clock_wall();
	c->act_number = 0;
	control_audit(c, "clock.accept", "", 1, 1, false);
	control_done(c);
}

static void
op_rotate(struct client *c, json_t *j)
{
	(void)j;
	evfiles_rotate(c->q->files);
	control_done(c);
}

const struct control_op control_daemon_ops[] = {
	{ "status", false, op_status },
	{ "reload", true, op_reload },
	{ "upgrade", true, op_upgrade },
	{ "subscribe", true, op_subscribe },
	{ "clock.accept", true, op_clock },
	{ "log.rotate", true, op_rotate },
	{ NULL, false, NULL },
};
