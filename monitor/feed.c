#include "feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "event_read.h"
#include "foreign/foreign.h"

#define LATE (10 * US_MIN)
#define KEPT_MAX ((size_t)8 << 20) /* of lines that come once */

struct feed {
	struct feeds *all; /* borrowed */
	int64_t source;
	enum feed_kind kind;
	/* behind the lines before this one; behind it; behind the last commit */
	struct place place, behind, committed;
	bool has_place;
	struct foreign *foreign; /* lines of other mailers */
	int foreign_rc; /* of the events of one line */
	struct slice via; /* where this line came from; empty: no network */
	struct buf
	    kept; /* FEED_ONCE: lines of the batch, as struct kept says */
};

/* In front of a line that is kept, and of its address behind it. */
struct kept {
	uint32_t line, via;
};

struct feeds {
	struct store *store; /* borrowed */
	struct metrics *metrics; /* borrowed; NULL: none */
	bool is_live;
	char node[256]; /* of lines that do not say it */
	struct event_names *names;
	struct feed *feed[FEED_SOURCES];
	size_t n;
	size_t pending;
	int64_t now; /* when the batch began: of lines without a time */
	struct feed_counts counts, committed;
};

struct feeds *
feeds_new(struct store *store, struct metrics *metrics, bool is_live)
{
	struct feeds *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->store = store;
	all->metrics = metrics;
	all->is_live = is_live;
	if (gethostname(all->node, sizeof(all->node) - 1) < 0)
		all->node[0] = '\0';
	all->names = event_names_new();
	if (all->names != NULL)
		return all;
	free(all);
	return NULL;
}

void
feeds_free(struct feeds *all)
{
	if (all == NULL)
		return;
	store_rollback(all->store);
	for (size_t i = 0; i < all->n; i++) {
		foreign_free(all->feed[i]->foreign);
		buf_release(&all->feed[i]->kept);
		free(all->feed[i]);
	}
	event_names_free(all->names);
	free(all);
}

static void hear_foreign(void *, const struct heard *);

struct feed *
feed_new(struct feeds *all, int64_t source, enum feed_kind kind)
{
	struct feed *f = all->n < FEED_SOURCES ? calloc(1, sizeof(*f)) : NULL;

	if (f == NULL)
		return NULL;
	f->all = all;
	f->source = source;
	f->kind = kind;
	f->foreign = foreign_new(hear_foreign, f, clock_wall());
	if (f->foreign == NULL) {
		free(f);
		return NULL;
	}
	foreign_set_node(f->foreign, slice_of(all->node));
	buf_init(&f->kept, KEPT_MAX);
	all->feed[all->n++] = f;
	return f;
}

void
feed_set_now(struct feed *f, int64_t now_us)
{
	foreign_set_now(f->foreign, now_us);
}

void
feed_start(struct feed *f, const struct place *p)
{
	f->place = f->behind = f->committed = *p;
}

void
feed_at(struct feed *f, const struct place *p)
{
	f->behind = *p;
	f->has_place = true;
}

size_t
feeds_pending(const struct feeds *all)
{
	return all->pending;
}

const struct place *
feed_committed(const struct feed *f)
{
	return &f->committed;
}

const struct feed_counts *
feeds_counts(const struct feeds *all)
{
	return &all->counts;
}

const char *
feeds_error(const struct feeds *all)
{
	return store_error(all->store);
}

/* All of the batch is void. */
static int
undo(struct feeds *all, int rc)
{
	store_rollback(all->store);
	if (all->metrics != NULL)
		metrics_rollback(all->metrics);
	all->counts = all->committed;
	all->pending = 0;
	for (size_t i = 0; i < all->n; i++)
		all->feed[i]->place = all->feed[i]->behind =
		    all->feed[i]->committed;
	return rc;
}

/* Up to and without the line that is being read. */
static int
commit(struct feeds *all)
{
	struct place place[FEED_SOURCES];
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < all->n; i++)
		if (all->feed[i]->has_place)
			place[n++] = all->feed[i]->place;
	rc = store_commit(all->store, place, n);
	if (rc < 0)
		return undo(all, rc);
	for (size_t i = 0; i < all->n; i++) {
		all->feed[i]->committed = all->feed[i]->place;
		buf_clear(&all->feed[i]->kept);
	}
	if (all->metrics != NULL)
		metrics_commit(all->metrics);
	all->committed = all->counts;
	all->pending = 0;
	return 0;
}

int
feeds_commit(struct feeds *all)
{
	for (size_t i = 0; i < all->n; i++)
		all->feed[i]->place = all->feed[i]->behind;
	return commit(all);
}

static int
unparsed(struct feed *f, struct slice line)
{
	f->all->counts.unparsed++;
	if (f->all->metrics != NULL)
		metrics_unparsed(f->all->metrics);
	return store_unparsed(f->all->store, f->all->now, f->source, line);
}

static int
hear_it(struct feed *f, const struct heard *h)
{
	enum heard_as as = HEARD_NEW;
	int rc = store_hear(f->all->store, h, &as);

	if (rc < 0)
		return rc;
	f->all->counts.events += as == HEARD_NEW;
	f->all->counts.before += as == HEARD_BEFORE;
	if (as == HEARD_NEW && f->all->metrics != NULL)
		metrics_hear(f->all->metrics, h);
	if (as == HEARD_NEW && f->all->is_live &&
	    f->all->now - h->time_us > LATE)
		rc = store_count(f->all->store, TK_LATE, h->time_us, 1);
	return rc;
}

static int
hear(struct feed *f, const struct heard *h)
{
	struct heard copy;

	if (f->via.n == 0)
		return hear_it(f, h);
	copy = *h;
	copy.via = f->via;
	return hear_it(f, &copy);
}

/* An event of ours, from what either reader gave. */
static int
own(struct feed *f, int rc, const struct event_origin *o, struct heard *h)
{
	h->time_us = o->time_us;
	h->is_year_inferred = false;
	h->mono_us = o->mono_us;
	h->node = o->node;
	h->via = f->via;
	h->instance = o->instance;
	h->prog = o->prog;
	h->pid = o->pid;
	h->boot = o->boot;
	h->seq = o->boot.n != 0 ? o->seq : 0;
	return rc == -ENOENT ? store_unknown(f->all->store, h) : hear(f, h);
}

/* Of a line that a killed writer left without its end only what another
 * wrote behind it counts. */
static int
read_json(struct feed *f, char *line, size_t n, struct event_origin *origin,
    struct event *e)
{
	int rc = event_read_json(f->all->names, line, n, origin, e);
	size_t start;

	if (rc != -EBADMSG)
		return rc;
	start = event_json_start((struct slice){ line, n });
	return start == 0 || start == n
	    ? rc
	    : event_read_json(
		  f->all->names, line + start, n - start, origin, e);
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
		rc = event_read_sd(f->all->names, line, n, &origin, &h.event);
	*ret_is_own = rc == 0 || rc == -ENOENT;
	return *ret_is_own ? own(f, rc, &origin, &h) : 0;
}

/* The place before this line goes with a batch that ends within it. */
static void
hear_foreign(void *ctx, const struct heard *h)
{
	struct feed *f = ctx;
	int rc = f->foreign_rc < 0 ? f->foreign_rc : hear(f, h);

	if (rc == -EXFULL && (rc = commit(f->all)) == 0)
		rc = hear(f, h);
	f->foreign_rc = rc;
}

/* Does it begin as lines of a system's log do: <22>, "Nov 24", 2026-11-24?
 * Then it is another program's, and nothing is missing. */
static bool
is_of_a_log(struct slice s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	if (s.n < 5)
		return false;
	return s.p[0] == '<' ||
	    (s.p[3] == ' ' && memmem(months, 36, s.p, 3) != NULL) ||
	    (s.p[4] == '-' && s.p[0] >= '0' && s.p[0] <= '9');
}

static int
other_mailer(struct feed *f, struct slice line)
{
	enum foreign_result r;

	f->foreign_rc = 0;
	r = foreign_line(f->foreign, line);
	if (f->foreign_rc == -ERANGE || r == FOREIGN_UNPARSED ||
	    (r == FOREIGN_OTHER && !is_of_a_log(line)))
		return unparsed(f, line);
	f->all->counts.others += r == FOREIGN_OTHER;
	return f->foreign_rc;
}

static int
one_line(struct feed *f, char *line, size_t n)
{
	bool is_own;
	int rc = try_own(f, line, n, &is_own);

	if (rc == -ERANGE)
		return unparsed(f, (struct slice){ line, n });
	return is_own ? rc : other_mailer(f, (struct slice){ line, n });
}

/* A batch of too many days ends before this line. */
static int
take_line(struct feed *f, char *line, size_t n)
{
	struct feed_counts counts = f->all->counts;
	int rc = one_line(f, line, n);

	if (rc != -EXFULL)
		return rc;
	f->all->counts = counts;
	rc = commit(f->all);
	return rc < 0 ? rc : one_line(f, line, n);
}

static void
begin(struct feeds *all)
{
	if (all->pending != 0)
		return;
	all->now = clock_wall();
	for (size_t i = 0; all->is_live && i < all->n; i++)
		foreign_set_now(all->feed[i]->foreign, all->now);
}

/* After something was taken, or was not. */
static int
finish(struct feed *f, int rc)
{
	if (rc < 0)
		return undo(f->all, rc);
	f->place = f->behind;
	return ++f->all->pending >= FEED_BATCH || f->kept.len > KEPT_MAX / 2
	    ? feeds_commit(f->all)
	    : 0;
}

static void
keep(struct feed *f, const char *line, size_t n)
{
	struct kept k = { (uint32_t)n, (uint32_t)f->via.n };

	buf_add(&f->kept, &k, sizeof(k));
	buf_add(&f->kept, line, n);
	buf_add_slice(&f->kept, f->via);
}

int
feed_line(struct feed *f, char *line, size_t n)
{
	begin(f->all);
	if (f->kind == FEED_ONCE)
		keep(f, line, n);
	f->all->counts.lines++;
	f->all->counts.bytes += n;
	return finish(f, take_line(f, line, n));
}

int
feed_line_from(struct feed *f, char *line, size_t n, struct slice address)
{
	int rc;

	f->via = address;
	rc = feed_line(f, line, n);
	f->via = (struct slice){ NULL, 0 };
	return rc;
}

void
feed_learn(struct feed *f, const char *line, size_t n)
{
	if (n != 0 && line[0] != '{')
		foreign_learn(f->foreign, (struct slice){ line, n });
}

int
feed_hear(struct feed *f, const struct heard *h)
{
	begin(f->all);
	return finish(f, hear(f, h));
}

int
feed_count(struct feed *f, enum tally_kind kind, uint64_t n)
{
	begin(f->all);
	if (kind == TK_LOST && f->all->metrics != NULL)
		metrics_lost(f->all->metrics, n);
	return finish(f, store_count(f->all->store, kind, f->all->now, n));
}

static int
say_again(struct feed *f)
{
	struct kept k;
	char *copy;
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < f->kept.len; at += k.line + k.via) {
		memcpy(&k, f->kept.data + at, sizeof(k));
		at += sizeof(k);
		copy = slice_dup((struct slice){ f->kept.data + at, k.line });
		if (copy == NULL) {
			rc = -ENOMEM;
			break;
		}
		f->all->counts.lines++;
		f->all->pending++;
		f->via = (struct slice){ f->kept.data + at + k.line, k.via };
		rc = one_line(f, copy, k.line);
		free(copy);
	}
	f->via = (struct slice){ NULL, 0 };
	return rc;
}

int
feeds_retry(struct feeds *all)
{
	int rc = 0;

	begin(all);
	for (size_t i = 0; i < all->n && rc == 0; i++)
		rc = say_again(all->feed[i]);
	return rc < 0 ? undo(all, rc) : feeds_commit(all);
}
