#include "feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admit.h"
#include "clock.h"
#include "event_read.h"
#include "foreign/foreign.h"
#include "kept.h"
#include "own_line.h"

#define LATE (10 * US_MIN)
#define KEEP (14 * US_DAY)

struct feed {
	struct feeds *all; /* borrowed */
	int64_t source;
	enum feed_kind kind;
	/* behind the lines before this one; behind it; behind the last commit */
	struct place place, behind, committed;
	bool has_place;
	struct foreign *foreign; /* lines of other mailers */
	int foreign_rc; /* of the events of one line */
	unsigned line_events; /* their number */
	/* beginnings that it forgot: in all, and those not counted yet */
	uint64_t forgotten, uncounted;
	/* whose line it is; NULL: not of a peer */
	struct guest *guest;
	struct slice via;
	enum tally_kind not_taken; /* what this line counts as, then */
	struct kept kept; /* FEED_ONCE: lines of the batch */
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
	int64_t keep;
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
	all->keep = KEEP;
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
		kept_release(&all->feed[i]->kept);
		free(all->feed[i]);
	}
	event_names_free(all->names);
	free(all);
}

void
feeds_set_keep(struct feeds *all, int64_t us)
{
	all->keep = us;
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
	kept_init(&f->kept);
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

/* They are of no line in particular; when there is no room for the day they
 * go with the next batch. */
static void
count_forgotten(struct feeds *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct feed *f = all->feed[i];

		if (f->uncounted != 0 &&
		    store_count(all->store, TK_CUT, all->now, f->uncounted) ==
			0)
			f->uncounted = 0;
	}
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
	count_forgotten(all);
	rc = store_commit(all->store, place, n);
	if (rc < 0)
		return undo(all, rc);
	for (size_t i = 0; i < all->n; i++) {
		all->feed[i]->committed = all->feed[i]->place;
		kept_clear(&all->feed[i]->kept);
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

static void
note(struct feed *f, enum tally_kind kind, uint64_t n)
{
	if (f->all->metrics != NULL)
		metrics_count(f->all->metrics, kind, n);
}

static struct allowance *
allowance_of(const struct feed *f)
{
	return f->guest != NULL ? &f->guest->may : NULL;
}

static int
unparsed(struct feed *f, struct slice line)
{
	f->all->counts.unparsed++;
	note(f, f->not_taken, 1);
	return store_unparsed(f->all->store, f->not_taken, f->all->now,
	    f->source, line, allowance_of(f));
}

/* -ERANGE: it is not taken as an event. */
static int
admit(struct feed *f, const struct heard *h)
{
	const struct feeds *all = f->all;

	if (!admit_numbers(h))
		return -ERANGE;
	if (f->guest == NULL ||
	    admit_time(h, all->store, f->guest, all->now, all->keep))
		return 0;
	f->not_taken = TK_MISDATED;
	return -ERANGE;
}

/* Of an event that was stored: what is to be said of it. */
static int
count_doubts(struct feed *f, const struct heard *h)
{
	int rc = 0;

	if (f->all->is_live && f->all->now - h->time_us > LATE)
		rc = store_count(f->all->store, TK_LATE, h->time_us, 1);
	if (rc == 0 && h->may != NULL && h->may->is_cut) {
		note(f, TK_CUT, 1);
		rc = store_count(f->all->store, TK_CUT, h->time_us, 1);
	}
	return rc;
}

static int
hear_it(struct feed *f, const struct heard *h)
{
	enum heard_as as = HEARD_NEW;
	int rc = admit(f, h);

	if (h->may != NULL)
		h->may->is_cut = false;
	if (rc == 0)
		rc = store_hear(f->all->store, h, &as);
	if (rc < 0)
		return rc;
	f->all->counts.events += as == HEARD_NEW;
	f->all->counts.before += as == HEARD_BEFORE;
	if (as == HEARD_BEFORE)
		return 0;
	if (f->all->metrics != NULL)
		metrics_hear(f->all->metrics, h);
	return count_doubts(f, h);
}

static int
hear(struct feed *f, const struct heard *h)
{
	struct heard copy;

	if (f->guest == NULL)
		return hear_it(f, h);
	copy = *h;
	copy.via = f->via;
	copy.may = allowance_of(f);
	return hear_it(f, &copy);
}

/* Its number is taken all the same. */
static int
later_version(struct feed *f, const struct heard *h)
{
	int rc = admit(f, h);

	return rc < 0 ? rc : store_unknown(f->all->store, h);
}

/* ret_is_own: it is a line of ours. */
static int
try_own(struct feed *f, char *line, size_t n, bool *ret_is_own)
{
	struct heard h;
	int rc = own_line_read(f->all->names, line, n, &h);

	*ret_is_own = rc == 0 || rc == -ENOENT;
	if (!*ret_is_own)
		return 0;
	h.via = f->via;
	h.may = allowance_of(f);
	return rc == -ENOENT ? later_version(f, &h) : hear_it(f, &h);
}

/* The place before this line goes with a batch that ends within it. */
static void
hear_foreign(void *ctx, const struct heard *h)
{
	struct feed *f = ctx;
	int rc;

	if (f->guest != NULL && f->line_events++ != 0)
		guest_charge(f->guest, 1);
	rc = f->foreign_rc < 0 ? f->foreign_rc : hear(f, h);

	if (rc == -EXFULL && (rc = commit(f->all)) == 0)
		rc = hear(f, h);
	f->foreign_rc = rc;
}

static void
note_forgotten(struct feed *f)
{
	uint64_t n = foreign_stats(f->foreign)->forgotten - f->forgotten;

	f->forgotten += n;
	if (n == 0 || f->guest == NULL)
		return;
	f->uncounted += n;
	note(f, TK_CUT, n);
}

static int
other_mailer(struct feed *f, struct slice line)
{
	enum foreign_result r;

	f->foreign_rc = 0;
	f->line_events = 0;
	r = foreign_line(f->foreign, line);
	note_forgotten(f);
	if (f->foreign_rc == -ERANGE || r == FOREIGN_UNPARSED ||
	    (r == FOREIGN_OTHER && !own_line_is_of_a_log(line)))
		return unparsed(f, line);
	f->all->counts.others += r == FOREIGN_OTHER;
	return f->foreign_rc;
}

static int
one_line(struct feed *f, char *line, size_t n)
{
	bool is_own;
	int rc;

	f->not_taken = TK_UNPARSED;
	rc = try_own(f, line, n, &is_own);

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
	return ++f->all->pending >= FEED_BATCH || kept_is_much(&f->kept)
	    ? feeds_commit(f->all)
	    : 0;
}

/* NULL, NULL: nobody's. */
static void
set_guest(struct feed *f, struct guest *g, const struct peer *p)
{
	f->guest = g;
	f->via = p != NULL ? slice_of(p->via) : (struct slice){ NULL, 0 };
	foreign_set_peer(f->foreign, f->via, g != NULL ? g->number : 0);
}

static int
take(struct feed *f, char *line, size_t n, const struct peer *p)
{
	begin(f->all);
	if (f->kind == FEED_ONCE)
		kept_add(&f->kept, (struct slice){ line, n }, f->guest, p);
	f->all->counts.lines++;
	f->all->counts.bytes += n;
	return finish(f, take_line(f, line, n));
}

int
feed_line(struct feed *f, char *line, size_t n)
{
	return take(f, line, n, NULL);
}

int
feed_line_from(
    struct feed *f, char *line, size_t n, struct guest *g, const struct peer *p)
{
	int rc;

	set_guest(f, g, p);
	rc = take(f, line, n, p);
	set_guest(f, NULL, NULL);
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
	note(f, kind, n);
	return finish(f, store_count(f->all->store, kind, f->all->now, n));
}

static int
say_again(struct feed *f)
{
	struct guest *g;
	struct peer p;
	size_t at = 0, n;
	char *line;
	int rc = 0;

	while (rc == 0 && kept_next(&f->kept, &at, &line, &n, &g, &p, &rc)) {
		f->all->counts.lines++;
		f->all->pending++;
		set_guest(f, g, g != NULL ? &p : NULL);
		rc = one_line(f, line, n);
		free(line);
	}
	set_guest(f, NULL, NULL);
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
