/*
 * The sources of kinds "events" (mtad's event log folder) and "file" (a log
 * of others): read when inotify says that something was written in their
 * folder, and looked at now and then in case it does not (the folder is made
 * later, or is on a network filesystem).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "follow.h"
#include "intake.h"
#include "tail.h"

#define BUDGET ((size_t)1 << 20) /* bytes before others have their turn */

/* The two readers, called alike. */
struct reader {
	const char *kind;
	bool is_folder; /* the path is the folder itself */
	void *(*new)(const char *path, struct feed *, const struct place *);
	void (*free)(void *);
	int (*read)(void *, size_t budget, bool *ret_more);
	void (*rewind)(void *);
};

#define READER(name)                                                           \
	static void *name##_new_(                                              \
	    const char *path, struct feed *f, const struct place *p)           \
	{                                                                      \
		return name##_new(path, f, p);                                 \
	}                                                                      \
	static void name##_free_(void *r)                                      \
	{                                                                      \
		name##_free(r);                                                \
	}                                                                      \
	static int name##_read_(void *r, size_t budget, bool *ret_more)        \
	{                                                                      \
		return name##_read(r, budget, ret_more);                       \
	}                                                                      \
	static void name##_rewind_(void *r)                                    \
	{                                                                      \
		name##_rewind(r);                                              \
	}

READER(follow)
READER(tail)

static const struct reader readers[] = {
	{ "events", true, follow_new_, follow_free_, follow_read_,
	    follow_rewind_ },
	{ "file", false, tail_new_, tail_free_, tail_read_, tail_rewind_ },
};

struct tap_files {
	struct intake *in; /* borrowed */
	char *dir;
	const struct reader *reader;
	void *of; /* the reader's own */
	int fd, watch; /* inotify; watch is -1 while there is no folder */
	struct event *woken, *look;
	bool is_soon; /* the look is set already: not put off by each write */
};

/* Writers write often: what comes within this is read at once. */
static const struct timeval soon = { 0, 50000 }, later = { 2, 0 },
			    at_once = { 0, 0 };

static void
watch(struct tap_files *t)
{
	if (t->watch < 0)
		t->watch = inotify_add_watch(t->fd, t->dir,
		    IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct tap_files *t = arg;
	bool has_more = false;
	int rc;

	(void)fd;
	(void)what;
	t->is_soon = false;
	watch(t);
	if (!intake_is_open(t->in))
		return;
	rc = t->reader->read(t->of, BUDGET, &has_more);
	t->is_soon = has_more;
	evtimer_add(t->look, has_more ? &at_once : &later);
	intake_heard(t->in, rc);
}

static void
on_woken(evutil_socket_t fd, short what, void *arg)
{
	struct tap_files *t = arg;
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
	struct tap_files *t = of;

	if (t->woken != NULL)
		event_free(t->woken);
	if (t->look != NULL)
		event_free(t->look);
	if (t->fd >= 0)
		close(t->fd);
	if (t->of != NULL)
		t->reader->free(t->of);
	free(t->dir);
	free(t);
}

static char *
folder_of(const char *path, bool is_folder)
{
	size_t slash = slice_rfind(slice_of(path), '/');

	if (is_folder)
		return strdup(path);
	return path[slash] == '\0' ? strdup(".")
				   : buf_text("%.*s", (int)slash + 1, path);
}

static void *
start(
    struct intake *in, struct source_settings *s, struct feed *f, char why[256])
{
	struct tap_files *t = calloc(1, sizeof(*t));
	struct place place;

	if (t == NULL)
		return NULL;
	t->in = in;
	t->reader =
	    strcmp(s->Kind, readers[0].kind) == 0 ? &readers[0] : &readers[1];
	t->dir = folder_of(s->Path, t->reader->is_folder);
	t->watch = -1;
	t->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	intake_place(in, f, &place);
	feed_start(f, &place);
	t->of = t->reader->new (s->Path, f, &place);
	t->woken = event_new(
	    intake_base(in), t->fd, EV_READ | EV_PERSIST, on_woken, t);
	t->look = evtimer_new(intake_base(in), on_look, t);
	if (t->fd < 0 || t->dir == NULL || t->of == NULL || t->woken == NULL ||
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
	struct tap_files *t = of;

	if (is_open)
		evtimer_add(t->look, &at_once);
	else
		t->reader->rewind(t->of);
}

const struct source_ops source_events = { "events", NULL, start, stop, set_open,
	FEED_AGAIN };
const struct source_ops source_file = { "file", NULL, start, stop, set_open,
	FEED_AGAIN };
