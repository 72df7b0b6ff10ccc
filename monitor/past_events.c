#include "past_events.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "event_read.h"
#include "past_gone.h"
#include "recall.h"
#include "segment.h"
#include "trace.h"

#define CHUNK 400 /* rows of a step */
#define LINE_MAX_ ((size_t)2 << 20)

struct reading {
	struct event_names *names;
	struct buf sentence;
	past_one *one;
	void *arg;
	bool is_over; /* nobody wants more */
};

static int
begin(struct reading *r, past_one *one, void *arg)
{
	*r = (struct reading){ event_names_new(), { 0 }, one, arg, false };
	buf_init(&r->sentence, LINE_MAX_);
	return r->names == NULL ? -ENOMEM : 0;
}

static void
end(struct reading *r)
{
	event_names_free(r->names);
	buf_release(&r->sentence);
}

/* Reading unescapes in place, so it gets a copy. */
static void
tell(struct reading *r, const char *line, int day, int64_t number)
{
	char *copy = strdup(line);
	struct event_origin o;
	struct event e;
	struct fields f;

	if (copy != NULL &&
	    event_read_json(r->names, copy, strlen(copy), &o, &e) == 0) {
		fields_of(&f, &e);
		buf_clear(&r->sentence);
		event_sentence(&r->sentence, &e);
		if (!r->one(r->arg,
			&(struct past_event){ o.time_us,
			    event_info(e.type)->name,
			    event_info(e.type)->severity, line,
			    r->sentence.data, &f, day, number }))
			r->is_over = true;
	}
	free(copy);
}

struct line {
	char *text;
	int64_t t, number;
};

/* The number of the row CHUNK rows on from this one or (is_back) back, or of
 * the last there is; 0: there is none. In a lean day most numbers have no
 * row. */
static int64_t
chunk_end(struct db *db, int64_t from, bool is_back)
{
	sqlite3_stmt *q = NULL;
	int64_t n = 0;

	if (db_prepare(db, &q,
		is_back ? "SELECT min(id) FROM (SELECT id FROM ev WHERE "
			  "id <= ?1 ORDER BY id DESC LIMIT ?2)"
			: "SELECT max(id) FROM (SELECT id FROM ev WHERE "
			  "id >= ?1 ORDER BY id LIMIT ?2)") == 0) {
		sqlite3_bind_int64(q, 1, from);
		sqlite3_bind_int(q, 2, CHUNK);
		if (sqlite3_step(q) == SQLITE_ROW)
			n = sqlite3_column_int64(q, 0);
	}
	sqlite3_finalize(q);
	return n;
}

/* Rows lo to hi of a day, in the order of time; how many. */
static int
read_chunk(struct db *db, int64_t lo, int64_t hi, struct line line[CHUNK])
{
	struct recall *r = recall_new(db, "e.id BETWEEN ?1 AND ?2");
	struct buf b;
	int n = 0, rc;

	if (r == NULL)
		return -ENOMEM;
	recall_bind(r, lo, hi);
	buf_init(&b, LINE_MAX_);
	for (rc = 1; n < CHUNK; n++) {
		buf_clear(&b);
		rc = recall_next(r, &b, &line[n].t);
		if (rc != 1)
			break;
		line[n].text = strdup(b.data);
		line[n].number = recall_row(r);
		if (line[n].text == NULL)
			break;
	}
	buf_release(&b);
	recall_free(r);
	return rc < 0 && n == 0 ? rc : n;
}

static void
free_lines(struct line *line, int n)
{
	for (int i = 0; i < n; i++)
		free(line[i].text);
}

/* The last row that has anything to do with that minute or one before. */
static int64_t
last_row(struct db *db, int64_t until)
{
	sqlite3_stmt *q = NULL;
	int64_t n = 0;

	if (db_prepare(db, &q, "SELECT max(hi) FROM minute WHERE t <= ?1") ==
	    0) {
		sqlite3_bind_int64(q, 1, until);
		if (sqlite3_step(q) == SQLITE_ROW)
			n = sqlite3_column_int64(q, 0);
	}
	sqlite3_finalize(q);
	return n;
}

static int
day_of(int64_t until)
{
	return until == INT64_MAX ? 99999999 : segment_day(until);
}

/* The day on which reading back goes on; NULL at the beginning. */
static struct db *
day_back(struct past *p, struct past_place *at, int64_t until)
{
	struct db *db;
	int day = 0;

	if (at->day != 0 && at->number > 1)
		return past_day(p, at->day, &day);
	db = past_day(p, at->day == 0 ? day_of(until) : at->day - 1, &day);
	if (db == NULL)
		return NULL;
	*at = (struct past_place){ day, last_row(db, until) + 1 };
	return db;
}

int
past_back(struct past *p, struct past_place *at, int64_t until, int looked,
    past_one *one, void *arg)
{
	static const struct line none[CHUNK];
	struct reading r;
	int rc = begin(&r, one, arg);
	struct db *db = NULL;

	while (rc == 0 && looked > 0 && !r.is_over &&
	    (db = day_back(p, at, until)) != NULL) {
		int64_t hi = at->number - 1, lo = chunk_end(db, hi, true);
		struct line line[CHUNK];
		int n;

		memcpy(line, none, sizeof(line));
		n = read_chunk(db, lo > 0 ? lo : 1, hi, line);
		for (int i = n - 1; i >= 0 && !r.is_over; i--)
			if (line[i].t <= until)
				tell(&r, line[i].text, at->day, line[i].number);
		free_lines(line, n);
		at->number = lo > 0 ? lo : 1;
		looked -= CHUNK;
		rc = n < 0 ? n : 0;
	}
	end(&r);
	return rc < 0 ? rc : db != NULL;
}

int
past_newest(struct past *p, struct past_place *ret)
{
	int day = 0;
	struct db *db = past_day(p, 99999999, &day);

	if (db == NULL)
		return -ENOENT;
	*ret = (struct past_place){ day,
		db_number(db, "SELECT max(id) FROM ev", 0) };
	return 0;
}

int
past_on(
    struct past *p, struct past_place *at, int looked, past_one *one, void *arg)
{
	struct reading r;
	struct past_place newest;
	int rc = past_newest(p, &newest), day = 0;
	int err = begin(&r, one, arg);

	rc = rc < 0 ? rc : err;
	while (rc == 0 && looked > 0 &&
	    (at->day != newest.day || at->number < newest.number)) {
		struct db *db = past_day_behind(p, at->day, &day);
		struct line line[CHUNK];
		int64_t last, hi;
		int n;

		if (db == NULL)
			break;
		if (day != at->day)
			*at = (struct past_place){ day, 0 };
		last = db_number(db, "SELECT max(id) FROM ev", 0);
		if (at->number >= last) {
			*at = (struct past_place){ day + 1, 0 };
			if (day >= newest.day)
				break;
			continue;
		}
		hi = chunk_end(db, at->number + 1, false);
		n = read_chunk(db, at->number + 1, hi, line);
		for (int i = 0; i < n; i++)
			tell(&r, line[i].text, day, line[i].number);
		free_lines(line, n);
		at->number = hi > at->number ? hi : last;
		looked -= CHUNK;
		rc = n < 0 ? n : 0;
	}
	end(&r);
	return rc < 0 ? rc : looked <= 0;
}

static int
by_time(const void *a, const void *b)
{
	const char *x =
	    json_string_value(json_object_get(*(json_t *const *)a, "time"));
	const char *y =
	    json_string_value(json_object_get(*(json_t *const *)b, "time"));

	return x == NULL || y == NULL ? 0 : strcmp(x, y);
}

/* {"events":[...]} a line, one for the message and one for each notice. */
static int
tell_lives(struct reading *r, const struct buf *lives)
{
	struct slice rest = buf_slice(lives), line;
	json_t *all = json_array(), *one;
	json_t **v;
	size_t n, i;

	while (slice_next(&rest, '\n', &line)) {
		one = json_loadb(line.p, line.n, 0, NULL);
		json_array_extend(all, json_object_get(one, "events"));
		past_gone_add(one, all);
		json_decref(one);
	}
	n = json_array_size(all);
	v = calloc(n + 1, sizeof(json_t *));
	json_array_foreach(all, i, one) if (v != NULL) v[i] = one;
	if (v != NULL)
		qsort(v, n, sizeof(json_t *), by_time);
	for (i = 0; v != NULL && i < n && !r->is_over; i++) {
		char *text =
		    json_dumps(v[i], JSON_COMPACT | JSON_PRESERVE_ORDER);

		if (text != NULL)
			tell(r, text, 0, 0);
		free(text);
	}
	free(v);
	json_decref(all);
	return (int)n;
}

int
past_life(struct past *p, const char *id, past_one *one, void *arg)
{
	struct trace_query q = { .by = id[0] == '<' ? TRACE_MSGID : TRACE_ID,
		.what = id,
		.until = INT64_MAX,
		.is_json = true,
		.limit = 1 };
	struct reading r;
	struct buf lives;
	int rc = begin(&r, one, arg);

	buf_init(&lives, 64 << 20);
	if (rc == 0)
		rc = trace_find(past_dir(p), &q, &lives);
	if (rc > 0)
		rc = tell_lives(&r, &lives);
	buf_release(&lives);
	end(&r);
	return rc;
}

static const char changes[] =
    "SELECT %s(t) FROM ev WHERE t %s ?1 AND ty IN (SELECT id FROM word WHERE "
    "s LIKE 'host.%%' OR s LIKE 'sys.%%' OR s LIKE 'spool.%%' OR "
    "s IN ('op.action', 'log.gap')) AND id BETWEEN "
    "(SELECT min(lo) FROM minute WHERE t BETWEEN ?2 AND ?3) AND "
    "(SELECT max(hi) FROM minute WHERE t BETWEEN ?2 AND ?3)";

/* An hour at a time, until one has it. */
static bool
change_of_day(struct past *p, struct db *db, int day, int64_t t, bool is_back,
    int64_t *ret)
{
	char *sql =
	    buf_text(changes, is_back ? "max" : "min", is_back ? "<" : ">");
	int64_t begin_of = segment_begin_of(day), from = t;
	sqlite3_stmt *q = NULL;
	bool is_found = false;
	int rc = sql == NULL ? -ENOMEM : db_prepare(db, &q, sql);

	from = from < begin_of	       ? begin_of
	    : from > begin_of + US_DAY ? begin_of + US_DAY
				       : from;
	while (rc == 0 && !is_found && from >= begin_of &&
	    from <= begin_of + US_DAY) {
		sqlite3_bind_int64(q, 1, t);
		sqlite3_bind_int64(q, 2, from - US_MIN - is_back * US_HOUR);
		sqlite3_bind_int64(q, 3, from + US_MIN + !is_back * US_HOUR);
		rc = sqlite3_step(q);
		if (rc == SQLITE_ROW &&
		    sqlite3_column_type(q, 0) != SQLITE_NULL) {
			*ret = sqlite3_column_int64(q, 0);
			is_found = true;
		}
		rc = past_errno(p, rc);
		sqlite3_reset(q);
		from += is_back ? -US_HOUR : US_HOUR;
	}
	sqlite3_finalize(q);
	free(sql);
	return is_found;
}

bool
past_change(struct past *p, int64_t t, bool is_back, int64_t *ret)
{
	int day = segment_day(t), found;

	for (int i = 0; i < 8; i++) {
		struct db *db = is_back ? past_day(p, day, &found)
					: past_day_behind(p, day, &found);

		if (db == NULL)
			return false;
		if (change_of_day(p, db, found, t, is_back, ret))
			return true;
		day = is_back ? found - 1 : found + 1;
	}
	return false;
}
