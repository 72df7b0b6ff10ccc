#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "days.h"
#include "dict.h"
#include "fields.h"
#include "file.h"
#include "rebuild.h"
#include "recent.h"
#include "schema.h"
#include "sources.h"
#include "turn.h"

#define CACHE ((size_t)8 << 20) /* for pages of a day, at first */
#define EARLIEST (INT64_C(946684800) * US_SEC) /* 2000: no mail is older */

struct store {
	char *dir;
	struct turn turn;
	struct db catalog;
	struct reasons *reasons;
	struct recent recent;
	struct copier *copier; /* borrowed; NULL: none */
	int64_t possible; /* no later time is known to be so */
	char why[256];
};

/* Keeps the words of whatever failed. */
static int
failed(struct store *s, int rc, const char *words)
{
	if (rc < 0 && words != s->why)
		snprintf(s->why, sizeof(s->why), "%s: %s", s->dir,
		    words ? words : strerror(-rc));
	return rc;
}

static int
open_catalog(struct store *s, char why[256])
{
	char *path = buf_text("%s/catalog.db", s->dir);
	int rc = -ENOMEM;

	if (path != NULL)
		rc = db_open(&s->catalog, path, &schema_catalog, DB_WRITE, why);
	free(path);
	/* seldom written, and referred to by all segments: always synced */
	if (rc == 0)
		rc = db_exec(&s->catalog, "PRAGMA synchronous = FULL");
	if (rc < 0)
		return rc;
	s->reasons = reasons_new(&s->catalog);
	return s->reasons != NULL ? 0 : -ENOMEM;
}

int
store_open(struct store **ret, const char *dir, char why[256])
{
	struct store *s = calloc(1, sizeof(*s));
	int rc;

	snprintf(why, 256, "%s: no memory", dir);
	if (s == NULL)
		return -ENOMEM;
	s->turn = (struct turn){ .lock = -1, .line = -1 };
	s->dir = strdup(dir);
	rc = s->dir == NULL ? -ENOMEM : file_mkdir(AT_FDCWD, dir, 0750);
	if (rc == 0)
		rc = turn_init(&s->turn, dir);
	if (rc == 0)
		rc = turn_wait(&s->turn);
	if (rc < 0)
		snprintf(why, 256, "%s: %s", dir, strerror(-rc));
	else
		rc = open_catalog(s, why);
	if (rc < 0) {
		store_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void
store_set_copier(struct store *s, struct copier *c)
{
	s->copier = c;
}

void
store_pause(struct store *s)
{
	if (s->copier != NULL)
		copier_wait(s->copier);
	recent_close(&s->recent);
	reasons_free(s->reasons);
	s->reasons = NULL;
	db_close(&s->catalog);
	turn_end(&s->turn);
}

int
store_resume(struct store *s)
{
	int rc = turn_try(&s->turn);

	if (rc == -EBUSY)
		return rc;
	if (rc == 0)
		rc = open_catalog(s, s->why);
	if (rc < 0)
		store_pause(s);
	return failed(s, rc, s->why);
}

int
store_give_way(struct store *s)
{
	int rc;

	if (!turn_is_wanted(&s->turn))
		return 0;
	store_pause(s);
	rc = turn_wait(&s->turn);
	return rc < 0 ? rc : store_resume(s);
}

bool
store_is_wanted(const struct store *s)
{
	return turn_is_wanted(&s->turn);
}

const char *
store_line(const struct store *s)
{
	return turn_line(&s->turn);
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_pause(s);
	turn_release(&s->turn);
	free(s->dir);
	free(s);
}

const char *
store_error(const struct store *s)
{
	return s->why;
}

static int
in_catalog(struct store *s, int rc)
{
	return failed(s, rc, db_error(&s->catalog));
}

int64_t
store_source(struct store *s, const char *kind, const char *name)
{
	int64_t id = sources_get(&s->catalog, kind, name);

	return id > 0 ? id : in_catalog(s, (int)id);
}

int
store_each_source(struct store *s, const char *kind,
    bool (*one)(void *, int64_t, const char *), void *arg)
{
	return in_catalog(s, sources_each(&s->catalog, kind, one, arg));
}

bool
store_place(struct store *s, int64_t source, struct place *ret)
{
	return sources_place(&s->catalog, s->dir, source, ret);
}

static int
list_segment(struct store *s, int day, const char *path)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(&s->catalog, &q,
	    "INSERT INTO segment(day, path) VALUES(?1, ?2) "
	    "ON CONFLICT DO UPDATE SET state = 0");

	if (rc == 0) {
		sqlite3_bind_int64(q, 1, day);
		sqlite3_bind_text(
		    q, 2, strrchr(path, '/') + 1, -1, SQLITE_STATIC);
		rc = db_run(q);
	}
	sqlite3_finalize(q);
	return in_catalog(s, rc);
}

/* A day whose file went may come again: what it had is in its sums. */
static int
recall_gone(struct store *s, struct segment *one)
{
	int day = segment_number(one), rc = -ENOMEM;
	struct gaps *gone = gaps_new();

	if (gone != NULL)
		rc = in_catalog(s, gaps_add_gone(gone, &s->catalog, day, day));
	if (rc == 0 && !gaps_is_empty(gone)) {
		segment_set_gone(one, gone);
		return 0;
	}
	gaps_free(gone);
	return rc;
}

static int
open_day(struct store *s, int day)
{
	char *path = days_path(s->dir, day);
	bool is_new = path != NULL && !db_is_there(path);
	struct segment *one;
	int rc = path == NULL ? -ENOMEM : recent_make_room(&s->recent);

	if (rc == 0)
		rc = failed(
		    s, segment_open(&one, path, day, CACHE, s->why), s->why);
	if (rc == 0) {
		rc = is_new ? list_segment(s, day, path) : 0;
		if (rc == 0)
			rc = recall_gone(s, one);
		if (rc < 0)
			segment_close(one);
	}
	if (rc == 0) {
		recent_add(&s->recent, one);
		if (s->copier != NULL)
			segment_leave_log(one);
	}
	free(path);
	return rc;
}

static int
get_day(struct store *s, int day, struct segment **ret)
{
	int rc = 0;

	*ret = recent_use(&s->recent, day);
	if (*ret == NULL)
		rc = open_day(s, day);
	if (rc == 0 && *ret == NULL)
		*ret = recent_use(&s->recent, day);
	return rc;
}

/* The clock is asked for the latest times only. */
static bool
is_possible(struct store *s, int64_t t)
{
	if (t >= s->possible)
		s->possible = clock_wall() + US_DAY;
	return t >= EARLIEST && t < s->possible;
}

/* Nearly all are of the day of the one before. */
static int
get(struct store *s, int64_t t, struct segment **ret)
{
	*ret = s->recent.of[0];
	if (!is_possible(s, t))
		return -ERANGE;
	return *ret != NULL && segment_is_of(*ret, t)
	    ? 0
	    : get_day(s, segment_day(t), ret);
}

/* Told again after midnight: the first telling is in the day before. */
static int
is_of_day_before(struct store *s, const struct heard *h, bool *ret)
{
	int day = segment_day(h->time_us - US_DAY);
	char *path = days_path(s->dir, day);
	bool is_there = path != NULL && db_is_there(path);
	struct segment *before;
	int rc;

	free(path);
	*ret = false;
	if (!is_there)
		return 0;
	rc = get_day(s, day, &before);
	return rc < 0 ? rc : segment_knows(before, h, ret);
}

bool
store_has_open(const struct store *s, int64_t t)
{
	const struct segment *last = s->recent.of[0];

	return (last != NULL && segment_is_of(last, t)) ||
	    recent_has(&s->recent, segment_day(t));
}

static bool
is_retold(const struct heard *h)
{
	for (int i = 0; i < h->event.n; i++)
		if (h->event.value[i].field == F_RETOLD)
			return true;
	return false;
}

int
store_hear(struct store *s, const struct heard *h, enum heard_as *as)
{
	struct segment *seg;
	struct why why;
	bool is_double = false;
	int rc = is_possible(s, h->time_us) && is_retold(h)
	    ? is_of_day_before(s, h, &is_double)
	    : 0;

	if (rc < 0)
		return rc;
	rc = get(s, h->time_us, &seg);
	if (rc < 0)
		return rc;
	if (is_double) {
		*as = HEARD_BEFORE;
		rc = segment_unknown(seg, h);
	} else {
		rc = in_catalog(s, reasons_find(s->reasons, h, &why));
		if (rc == 0)
			rc = segment_hear(seg, h, &why, as);
	}
	return failed(s, rc, segment_error(seg));
}

int
store_unknown(struct store *s, const struct heard *h)
{
	struct segment *seg;
	int rc = get(s, h->time_us, &seg);

	return rc < 0 ? rc
		      : failed(s, segment_unknown(seg, h), segment_error(seg));
}

int
store_unparsed(struct store *s, enum tally_kind kind, int64_t t, int64_t source,
    struct slice line, struct allowance *may)
{
	struct segment *seg;
	int rc = get(s, t, &seg);

	return rc < 0
	    ? rc
	    : failed(s, segment_unparsed(seg, kind, t, source, line, may),
		  segment_error(seg));
}

int
store_count(struct store *s, enum tally_kind kind, int64_t t, uint64_t n)
{
	struct segment *seg;
	int rc = get(s, t, &seg);

	return rc < 0
	    ? rc
	    : failed(s, segment_count(seg, kind, t, n), segment_error(seg));
}

static void
copy_log(struct store *s, const struct segment *one)
{
	char *path = days_path(s->dir, segment_number(one));

	if (path != NULL)
		copier_ask(s->copier, path);
	free(path);
}

/* The newest day of the batch holds its place. */
int
store_commit(struct store *s, const struct place *place, size_t places)
{
	struct segment *last = recent_newest_dirty(&s->recent), *bad = NULL;
	int rc = 0;

	if (last == NULL && places == 0)
		return 0;
	rc = in_catalog(s, reasons_commit(s->reasons));
	if (rc == 0 && last == NULL)
		last = s->recent.of[0];
	if (rc == 0 && last == NULL)
		rc = get_day(s, segment_day(clock_wall()), &last);
	if (rc < 0)
		return rc;
	rc = recent_commit_others(&s->recent, last, &bad);
	if (rc < 0)
		return failed(s, rc, segment_error(bad));
	for (size_t i = 0; i < places && rc == 0; i++)
		rc = segment_place(last, &place[i]);
	if (rc == 0)
		rc = segment_commit(last, false);
	s->recent.main_day = segment_number(last);
	if (rc == 0 && s->copier != NULL)
		copy_log(s, last);
	return failed(s, rc, segment_error(last));
}

void
store_rollback(struct store *s)
{
	recent_rollback(&s->recent);
}

static bool
is_open(void *arg, int day)
{
	return recent_has(&((const struct store *)arg)->recent, day);
}

int
store_keep(struct store *s, const struct keep_rules *rules, char why[256])
{
	int rc = reasons_commit(s->reasons);

	return rc < 0 ? in_catalog(s, rc)
		      : keep_run(&s->catalog, s->dir, rules, is_open, s, why);
}

struct rebuilding {
	struct store *store;
	struct buf *out;
	int rc;
};

static bool
rebuild_one(void *arg, const struct day *day)
{
	struct rebuilding *r = arg;
	uint64_t events = 0;
	struct store *s = r->store;
	char why[256];
	int rc = in_catalog(s, reasons_commit(s->reasons));

	if (rc == 0)
		rc = store_give_way(s);
	snprintf(why, sizeof(why), "%s", s->why);
	if (rc == 0)
		rc = rebuild_day(day->path, day->day, s->reasons, &events, why);
	if (rc < 0)
		buf_addf(r->out, "%s\n", why);
	else if (rc == 0)
		buf_addf(r->out, "%s: left as it is, its events are gone\n",
		    day->path);
	else
		buf_addf(r->out, "%s: %llu events\n", day->path,
		    (unsigned long long)events);
	if (r->rc == 0 && rc < 0)
		r->rc = rc;
	return s->reasons != NULL;
}

int
store_rebuild(struct store *s, struct buf *out)
{
	struct rebuilding r = { s, out, 0 };
	int rc = days_each(s->dir, 0, 99999999, rebuild_one, &r);

	if (rc == 0 && s->reasons != NULL)
		rc = reasons_commit(s->reasons);
	return rc < 0 ? rc : r.rc;
}
