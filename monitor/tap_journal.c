/*
 * The source of kind "journald": read when the journal says that something
 * was written, and looked at now and then in case it does not (its folder is
 * made later).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intake.h"
#include "journal.h"

#define BUDGET ((size_t)1 << 20) /* bytes before others have their turn */

struct tap_journal {
	struct intake *in; /* borrowed */
	struct journal *journal;
	struct event *woken, *look; /* woken: NULL until there is a journal */
	bool is_soon; /* the look is set already: not put off by each write */
};

static const struct timeval soon = { 0, 50000 }, later = { 2, 0 },
			    at_once = { 0, 0 };

static void
on_woken(evutil_socket_t fd, short what, void *arg)
{
	struct tap_journal *t = arg;

	(void)fd;
	(void)what;
	event_del(t->woken); /* until it is read */
	if (t->is_soon || !intake_is_open(t->in))
		return;
	t->is_soon = true;
	evtimer_add(t->look, &soon);
}

static void
watch(struct tap_journal *t)
{
	int fd = t->woken == NULL ? journal_fd(t->journal) : -1;

	if (fd >= 0)
		t->woken =
		    event_new(intake_base(t->in), fd, EV_READ, on_woken, t);
	if (t->woken != NULL)
		event_add(t->woken, NULL);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct tap_journal *t = arg;
	bool has_more = false;
	int rc;

	(void)fd;
	(void)what;
	t->is_soon = false;
	if (!intake_is_open(t->in))
		return;
	rc = journal_read(t->journal, BUDGET, &has_more);
	watch(t);
	t->is_soon = has_more;
	evtimer_add(t->look, has_more ? &at_once : &later);
	intake_heard(t->in, rc);
}

static void
stop(void *of)
{
	struct tap_journal *t = of;

	if (t->woken != NULL)
		event_free(t->woken);
	if (t->look != NULL)
		event_free(t->look);
	journal_free(t->journal);
	free(t);
}

static void *
start(
    struct intake *in, struct source_settings *s, struct feed *f, char why[256])
{
	struct tap_journal *t = calloc(1, sizeof(*t));
	struct place place;

	if (t == NULL)
		return NULL;
	t->in = in;
	intake_place(in, f, &place);
	feed_start(f, &place);
	t->journal = journal_new(s->Path, s->Match, f, &place);
	t->look = evtimer_new(intake_base(in), on_look, t);
	if (t->journal == NULL || t->look == NULL) {
		snprintf(why, 256, "source \"%s\": no memory", s->title);
		stop(t);
		return NULL;
	}
	evtimer_add(t->look, &at_once);
	return t;
}

static void
set_open(void *of, bool is_open)
{
	struct tap_journal *t = of;

	if (is_open)
		evtimer_add(t->look, &at_once);
	else
		journal_rewind(t->journal);
}

const struct source_ops source_journald = { "journald", NULL, start, stop,
	set_open, FEED_AGAIN };
