#include "feed.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "event_read.h"

#define LATE (10 * US_MIN)

struct feed {
	struct store *store; /* borrowed */
	int64_t source;
	bool is_live;
	struct event_names *names;
	struct place place, behind; /* of the lines before this one; after */
	bool has_place;
	int pending;
	int64_t now; /* when the batch began: of lines without a time */
	struct feed_counts counts, committed;
};

struct feed *
feed_new(struct store *store, int64_t source, bool is_live)
{
	struct feed *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->store = store;
	f->source = source;
	f->is_live = is_live;
	f->names = event_names_new();
	if (f->names != NULL)
		return f;
	free(f);
	return NULL;
}

void
feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	if (f->pending != 0)
		store_rollback(f->store);
	event_names_free(f->names);
	free(f);
}

void
feed_at(struct feed *f, const struct place *p)
{
	f->behind = *p;
	f->has_place = true;
}

int
feed_pending(const struct feed *f)
{
	return f->pending;
}

const struct feed_counts *
feed_counts(const struct feed *f)
{
	return &f->counts;
}

/* Up to and without the line that is being read. */
static int
commit_to(struct feed *f, const struct place *place)
{
	int rc = store_commit(f->store, f->has_place ? place : NULL);

	if (rc < 0) {
		store_rollback(f->store);
		f->counts = f->committed;
	}
	f->committed = f->counts;
	f->pending = 0;
	return rc;
}

int
feed_commit(struct feed *f)
{
	f->place = f->behind;
	return commit_to(f, &f->behind);
}

static int
unparsed(struct feed *f, struct slice line)
{
	f->counts.unparsed++;
	return store_unparsed(f->store, f->now, f->source, line);
}

static int
hear(struct feed *f, const struct heard *h)
{
	enum heard_as as = HEARD_NEW;
	int rc = store_hear(f->store, h, &as);

	if (rc < 0)
		return rc;
	f->counts.events += as == HEARD_NEW;
	f->counts.before += as == HEARD_BEFORE;
	if (as == HEARD_NEW && f->is_live && f->now - h->time_us > LATE)
		rc = store_count(f->store, TK_LATE, h->time_us, 1);
	return rc;
}

/* An event of ours, from what either reader gave. */
static int
own(struct feed *f, int rc, const struct event_origin *o, struct heard *h)
{
	h->time_us = o->time_us;
	h->is_year_inferred = false;
	h->mono_us = o->mono_us;
	h->node = o->node;
	h->instance = o->instance;
	h->prog = o->prog;
	h->pid = o->pid;
	h->boot = o->boot;
	h->seq = o->boot.n != 0 ? o->seq : 0;
	return rc == -ENOENT ? store_unknown(f->store, h) : hear(f, h);
}

/* Of a line that a killed writer left without its end only what another
 * wrote behind it counts. */
static int
read_json(struct feed *f, char *line, size_t n, struct event_origin *origin,
    struct event *e)
{
	int rc = event_read_json(f->names, line, n, origin, e);
	size_t start;

	if (rc != -EBADMSG)
		return rc;
	start = event_json_start((struct slice){ line, n });
	return start == 0 || start == n
	    ? rc
	    : event_read_json(f->names, line + start, n - start, origin, e);
}

/* ret_is_own: it is a line of ours. */
static int
try_own(struct feed *f, char *line, size_t n, bool *ret_is_own)
{
	struct event_origin origin;
	struct heard h;
	int rc = -EBADMSG;

	if (n != 0 && line[0] == '{')
		rc = read_json(f, line, n, &origin, &h.event);
	else if (n != 0 && line[0] == '<')
		rc = event_read_sd(f->names, line, n, &origin, &h.event);
	*ret_is_own = rc == 0 || rc == -ENOENT;
	return *ret_is_own ? own(f, rc, &origin, &h) : 0;
}

static int
one_line(struct feed *f, char *line, size_t n)
{
	bool is_own;
	int rc = try_own(f, line, n, &is_own);

	if (rc == -ERANGE || !is_own)
		rc = unparsed(f, (struct slice){ line, n });
	return rc;
}

int
feed_line(struct feed *f, char *line, size_t n)
{
	struct feed_counts counts = f->counts;
	int rc;

	if (f->pending == 0)
		f->now = clock_wall();
	rc = one_line(f, line, n);
	if (rc == -EXFULL) { /* a batch of many days */
		f->counts = counts;
		rc = commit_to(f, &f->place);
		if (rc == 0)
			rc = one_line(f, line, n);
	}
	if (rc < 0) {
		store_rollback(f->store);
		f->counts = f->committed;
		f->pending = 0;
		return rc;
	}
	f->counts.lines++;
	f->counts.bytes += n;
	f->place = f->behind;
	return ++f->pending >= FEED_BATCH ? feed_commit(f) : 0;
}
