/*
 * The source of kind "events": mtad's event log folder, read when inotify
 * says that something was written, and looked at now and then in case it
 * does not (the folder is made later, or is on a network filesystem).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "follow.h"
#include "intake.h"

#define BUDGET ((size_t)1 << 20) /* bytes before others have their turn */

struct tap_events {
	struct intake *in; /* borrowed */
	const char *dir; /* borrowed */
	struct follow *follow;
	int fd, watch; /* inotify; watch is -1 while there is no folder */
	struct event *woken, *look;
	bool is_soon; /* the look is set already: not put off by each write */
};

/* Writers write often: what comes within this is read at once. */
static const struct timeval soon = { 0, 50000 }, later = { 2, 0 },
			    at_once = { 0, 0 };

static void
watch(struct tap_events *t)
{
	if (t->watch < 0)
		t->watch = inotify_add_watch(t->fd, t->dir,
		    IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct tap_events *t = arg;
	bool has_more = false;
	int rc;

	(void)fd;
	(void)what;
	t->is_soon = false;
	watch(t);
	if (!intake_is_open(t->in))
		return;
	rc = follow_read(t->follow, BUDGET, &has_more);
	t->is_soon = has_more;
	evtimer_add(t->look, has_more ? &at_once : &later);
	intake_heard(t->in, rc);
}

static void
on_woken(evutil_socket_t fd, short what, void *arg)
{
	struct tap_events *t = arg;
	char buf[4096]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	(void)what;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (const void *)p;

			if (e->mask & (IN_DELETE_SELF | IN_IGNORED))
				t->watch = -1;
			p += sizeof(*e) + e->len;
		}
	if (t->is_soon || !intake_is_open(t->in))
		return;
	t->is_soon = true;
	evtimer_add(t->look, &soon);
}

static void
stop(void *of)
{
	struct tap_events *t = of;

	if (t->woken != NULL)
		event_free(t->woken);
	if (t->look != NULL)
		event_free(t->look);
	if (t->fd >= 0)
		close(t->fd);
	follow_free(t->follow);
	free(t);
}

static void *
start(struct intake *in, const struct source_settings *s, struct feed *f,
    char why[256])
{
	struct tap_events *t = calloc(1, sizeof(*t));
	struct place place;

	if (t == NULL)
		return NULL;
	t->in = in;
	t->dir = s->Path;
	t->watch = -1;
	t->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	intake_place(in, f, &place);
	feed_start(f, &place);
	t->follow = follow_new(s->Path, f, &place);
	t->woken = event_new(
	    intake_base(in), t->fd, EV_READ | EV_PERSIST, on_woken, t);
	t->look = evtimer_new(intake_base(in), on_look, t);
	if (t->fd < 0 || t->follow == NULL || t->woken == NULL ||
	    t->look == NULL) {
		snprintf(
		    why, 256, "source \"%s\": no inotify or memory", s->title);
		stop(t);
		return NULL;
	}
	event_add(t->woken, NULL);
	evtimer_add(t->look, &at_once);
	return t;
}

static void
set_open(void *of, bool is_open)
{
	struct tap_events *t = of;

	if (is_open)
		evtimer_add(t->look, &at_once);
	else
		follow_rewind(t->follow);
}

const struct source_ops source_events = { "events", start, stop, set_open,
	FEED_AGAIN };
