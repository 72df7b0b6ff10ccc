#include "intake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "clock.h"
#include "expose.h"
#include "log.h"
#include "tls.h"

#define ENOUGH 5000 /* lines are committed before their time */

static const struct source_ops *const kinds[] = { &source_events, &source_file,
	&source_journald, &source_unix, &source_udp, &source_unixstream,
	&source_tcp, &source_tls };

struct tap {
	const struct source_ops *ops;
	void *of;
	struct feed *feed;
	int64_t id;
};

struct intake {
	struct store *store; /* borrowed */
	struct event_base *base; /* borrowed */
	struct feeds *feeds;
	struct tap tap[FEED_SOURCES];
	size_t n;
	struct event *commit, *retry, *keep;
	int line_fd; /* inotify: others want to write */
	struct event *line, *early;
	struct metrics *metrics;
	struct turns *turns;
	struct expose *expose;
	struct keep_rules rules;
	struct timeval batch_time;
	bool is_open, is_armed;
	bool is_paused; /* not open, as others write */
	bool is_early; /* the turn began just now: no giving way yet */
};

struct event_base *
intake_base(struct intake *in)
{
	return in->base;
}

struct turns *
intake_turns(struct intake *in)
{
	return in->turns;
}

void
intake_turned_away(struct intake *in)
{
	metrics_turned_away(in->metrics);
}

bool
intake_is_open(const struct intake *in)
{
	return in->is_open;
}

int64_t
intake_source_id(struct intake *in, struct feed *f)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->tap[i].feed == f)
			return in->tap[i].id;
	return 0;
}

void
intake_place(struct intake *in, struct feed *f, struct place *ret)
{
	store_place(in->store, intake_source_id(in, f), ret);
}

static void
set_open(struct intake *in, bool is_open)
{
	in->is_open = is_open;
	for (size_t i = 0; i < in->n; i++)
		in->tap[i].ops->set_open(in->tap[i].of, is_open);
}

static void
fail(struct intake *in, int rc)
{
	static const struct timeval second = { 1, 0 };

	if (in->is_open) {
		log_warn("%s; what was not stored is read again",
		    *feeds_error(in->feeds) ? feeds_error(in->feeds)
					    : strerror(-rc));
		set_open(in, false);
	}
	evtimer_add(in->retry, &second);
}

/* Between two questions whether it is our turn; what a turn takes. */
static const struct timeval turn_ask = { 0, 5000 }, turn_time = { 0, 100000 };

static void
commit_now(struct intake *in)
{
	int rc = feeds_commit(in->feeds);

	evtimer_del(in->commit);
	in->is_armed = false;
	if (rc < 0) {
		fail(in, rc);
	} else if (!in->is_early && store_is_wanted(in->store)) {
		store_pause(in->store);
		in->is_paused = true;
		set_open(in, false);
		evtimer_add(in->retry, &turn_ask);
	}
}

static void
on_line(evutil_socket_t fd, short what, void *arg)
{
	struct intake *in = arg;
	char buf[4096];

	(void)what;
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	if (in->is_open && !in->is_early)
		commit_now(in);
}

static void
on_early(evutil_socket_t fd, short what, void *arg)
{
	struct intake *in = arg;

	(void)fd;
	(void)what;
	in->is_early = false;
	if (in->is_open)
		commit_now(in);
}

static bool
watch_line(struct intake *in)
{
	in->line_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (in->line_fd < 0 ||
	    inotify_add_watch(in->line_fd, store_line(in->store), IN_ATTRIB) <
		0)
		return false;
	in->line =
	    event_new(in->base, in->line_fd, EV_READ | EV_PERSIST, on_line, in);
	return in->line != NULL && event_add(in->line, NULL) == 0;
}

static void
on_commit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	commit_now(arg);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct intake *in = arg;
	bool was_paused = in->is_paused;
	int rc = was_paused ? store_resume(in->store) : 0;

	(void)fd;
	(void)what;
	if (rc == -EBUSY) {
		evtimer_add(in->retry, &turn_ask);
		return;
	}
	if (rc == 0) {
		in->is_paused = false;
		rc = feeds_retry(in->feeds);
	}
	if (rc < 0) {
		fail(in, rc);
		return;
	}
	if (!was_paused)
		log_warn("storing again");
	in->is_early = was_paused;
	if (was_paused)
		evtimer_add(in->early, &turn_time);
	set_open(in, true);
}

/* Now and then: what is too old goes. */
static void
on_keep(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval next = { 600, 0 };
	struct intake *in = arg;
	char why[256] = "";

	(void)fd;
	(void)what;
	if (in->is_open && feeds_pending(in->feeds) != 0)
		commit_now(in);
	if (in->is_open)
		store_keep(in->store, &in->rules, why);
	if (*why != '\0')
		log_warn("%s", why);
	evtimer_add(in->keep, &next);
}

void
intake_heard(struct intake *in, int rc)
{
	if (!in->is_open)
		return;
	if (rc < 0) {
		fail(in, rc);
	} else if (feeds_pending(in->feeds) >= ENOUGH) {
		commit_now(in);
	} else if (!in->is_armed && feeds_pending(in->feeds) != 0) {
		evtimer_add(in->commit, &in->batch_time);
		in->is_armed = true;
	}
}

/* What is heard is stored. */
static bool
is_ready(void *arg, struct buf *why)
{
	const struct intake *in = arg;

	if (in->is_open || in->is_paused)
		return true;
	buf_addf(why, "not storing: %s\n", feeds_error(in->feeds));
	return false;
}

static const struct source_ops *
find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i]->kind, name) == 0)
			return kinds[i];
	return NULL;
}

bool
intake_open(struct settings *s, char why[256])
{
	for (size_t i = 0; i < s->sources; i++) {
		const struct source_ops *ops = find_kind(s->source[i].Kind);

		if (ops->open != NULL && !ops->open(&s->source[i], why))
			return false;
	}
	return true;
}

void
intake_close(struct settings *s)
{
	for (size_t i = 0; i < s->sources; i++) {
		if (s->source[i].fd >= 0)
			close(s->source[i].fd);
		tls_server_free(s->source[i].tls);
		s->source[i].fd = -1;
		s->source[i].tls = NULL;
	}
}

static bool
add_tap(struct intake *in, struct source_settings *s, char why[256])
{
	struct tap *t = &in->tap[in->n];

	if (in->n == FEED_SOURCES) {
		snprintf(why, 256, "more than %d sources", FEED_SOURCES);
		return false;
	}
	t->ops = find_kind(s->Kind);
	t->id = store_source(in->store, s->Kind, s->title);
	if (t->id < 0) {
		snprintf(why, 256, "%s", store_error(in->store));
		return false;
	}
	t->feed = feed_new(in->feeds, t->id, t->ops->kind_of_feed);
	in->n++;
	if (t->feed != NULL)
		t->of = t->ops->start(in, s, t->feed, why);
	if (t->of == NULL)
		in->n--;
	return t->of != NULL;
}

struct intake *
intake_new(struct store *store, struct settings *s, struct event_base *base,
    char why[256])
{
	struct intake *in = calloc(1, sizeof(*in));

	snprintf(why, 256, "no memory");
	if (in == NULL)
		return NULL;
	in->store = store;
	in->base = base;
	in->is_open = true;
	in->line_fd = -1;
	in->batch_time.tv_sec = s->BatchTime / US_SEC;
	in->batch_time.tv_usec = s->BatchTime % US_SEC;
	in->metrics = metrics_new();
	in->feeds = feeds_new(store, in->metrics, true);
	in->turns = turns_new(base);
	in->commit = evtimer_new(base, on_commit, in);
	in->retry = evtimer_new(base, on_retry, in);
	in->keep = evtimer_new(base, on_keep, in);
	in->early = evtimer_new(base, on_early, in);
	in->rules = (struct keep_rules){ s->KeepMessagesTime > s->KeepTime
		    ? s->KeepMessagesTime
		    : s->KeepTime,
		s->MinFreeSpace };
	if (in->metrics == NULL || in->keep == NULL || in->early == NULL ||
	    in->feeds == NULL || in->commit == NULL || in->retry == NULL ||
	    in->turns == NULL)
		goto bad;
	feeds_set_keep(in->feeds, s->KeepTime);
	for (size_t i = 0; i < s->sources; i++)
		if (!add_tap(in, &s->source[i], why))
			goto bad;
	snprintf(why, 256, "inotify: %s", strerror(errno));
	if (!watch_line(in))
		goto bad;
	in->expose = expose_new(base, s, in->metrics, is_ready, in, why);
	if (in->expose == NULL)
		goto bad;
	event_active(in->keep, EV_TIMEOUT, 0);
	return in;
bad:
	intake_free(in);
	return NULL;
}

void
intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	if (in->feeds != NULL && in->is_open)
		feeds_commit(in->feeds);
	for (size_t i = 0; i < in->n; i++)
		in->tap[i].ops->stop(in->tap[i].of);
	feeds_free(in->feeds);
	turns_free(in->turns);
	expose_free(in->expose);
	metrics_free(in->metrics);
	if (in->line != NULL)
		event_free(in->line);
	if (in->early != NULL)
		event_free(in->early);
	if (in->line_fd >= 0)
		close(in->line_fd);
	if (in->commit != NULL)
		event_free(in->commit);
	if (in->retry != NULL)
		event_free(in->retry);
	if (in->keep != NULL)
		event_free(in->keep);
	free(in);
}
