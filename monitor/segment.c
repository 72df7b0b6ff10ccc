#include "segment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "allowance.h"
#include "book.h"
#include "clock.h"
#include "minutes.h"
#include "retold.h"
#include "row.h"
#include "schema.h"
#include "stages.h"
#include "writer.h"

#define DICT_BYTES ((size_t)12 << 20)
#define UNPARSED_KEPT 10000 /* lines a day */
#define UNPARSED_BYTES 4096 /* of each */

#define REASONS 1024
#define SYNC_TRIES 500 /* of 10 ms */

struct segment {
	struct db db;
	int day;
	int64_t t0; /* its begin */
	bool is_dirty;
	struct retold retold;
	struct dicts dicts;
	struct writers *writers;
	struct book *book;
	struct tally *tally;
	struct stages *stages;
	struct minutes *minutes;
	struct gaps *gone; /* NULL: its file never went */
	struct row *row;
	int64_t reason[REASONS]; /* rows that are there, by their low bits */
	sqlite3_stmt *begin, *commit, *put_reason, *put_place, *unparsed,
	    *snapshot;
	int64_t unparsed_n;
};

int
segment_day(int64_t t)
{
	time_t s = (time_t)(t / US_SEC);
	struct tm tm;

	if (gmtime_r(&s, &tm) == NULL)
		return 0;
	return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}

int64_t
segment_begin_of(int day)
{
	struct tm tm = { .tm_year = day / 10000 - 1900,
		.tm_mon = day / 100 % 100 - 1,
		.tm_mday = day % 100 };

	return (int64_t)timegm(&tm) * US_SEC;
}

static int
prepare_all(struct segment *s)
{
	const struct {
		sqlite3_stmt **to;
		const char *sql;
	} rows[] = {
		{ &s->begin, "BEGIN IMMEDIATE" },
		{ &s->commit, "COMMIT" },
		{ &s->put_place,
		    "INSERT OR REPLACE INTO place(source, file, off, mark) "
		    "VALUES(?1, ?2, ?3, ?4)" },
		{ &s->put_reason,
		    "INSERT INTO reason(id, tmpl, example) "
		    "VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET "
		    "tmpl = excluded.tmpl" },
		{ &s->unparsed,
		    "INSERT INTO unparsed(t, source, line) "
		    "VALUES(?1, ?2, ?3)" },
		{ &s->snapshot,
		    "INSERT OR REPLACE INTO "
		    "qsnap(t, node, n, bytes, oldest, cells) "
		    "VALUES(?1, ?2, ?3, ?4, ?5, ?6)" },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		rc = db_prepare(&s->db, rows[i].to, rows[i].sql);
	return rc;
}

void
segment_set_cache(struct segment *s, size_t bytes)
{
	char *sql = buf_text("PRAGMA cache_size = -%zu", bytes / 1024);

	if (sql != NULL)
		db_exec(&s->db, sql); /* slower, if not */
	free(sql);
}

void
segment_leave_log(struct segment *s)
{
	db_exec(&s->db, "PRAGMA wal_autocheckpoint = 40000");
}

static int
open_parts(struct segment *s, size_t cache)
{
	int rc = dicts_open(&s->dicts, &s->db, DICT_BYTES);

	segment_set_cache(s, cache);
	if (rc == 0)
		rc = prepare_all(s);
	if (rc == 0)
		rc = retold_open(&s->retold, &s->db);
	if (rc < 0)
		return rc;
	s->writers = writers_new(&s->db);
	s->book = book_new(&s->db);
	s->tally = tally_new(&s->db, s->dicts.word);
	s->stages = stages_new(&s->db, s->dicts.word);
	s->minutes = minutes_new(&s->db);
	s->row = row_new(&s->db);
	return s->writers && s->book && s->tally && s->stages && s->minutes &&
		s->row
	    ? 0
	    : -ENOMEM;
}

int
segment_open(struct segment **ret, const char *path, int day, size_t cache,
    char why[256])
{
	struct segment *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return -ENOMEM;
	s->day = day;
	s->t0 = segment_begin_of(day);
	rc = db_open(&s->db, path, &schema_segment, DB_WRITE, why);
	if (rc == 0)
		rc = open_parts(s, cache);
	if (rc < 0) {
		segment_close(s);
		return rc;
	}
	s->unparsed_n = db_number(&s->db, "SELECT count(*) FROM unparsed", 0);
	*ret = s;
	return 0;
}

void
segment_close(struct segment *s)
{
	if (s == NULL)
		return;
	if (s->is_dirty)
		segment_rollback(s);
	writers_free(s->writers);
	book_free(s->book);
	tally_free(s->tally);
	stages_free(s->stages);
	minutes_free(s->minutes);
	gaps_free(s->gone);
	row_free(s->row);
	dicts_close(&s->dicts);
	sqlite3_finalize(s->begin);
	sqlite3_finalize(s->commit);
	sqlite3_finalize(s->put_reason);
	sqlite3_finalize(s->put_place);
	sqlite3_finalize(s->unparsed);
	retold_close(&s->retold);
	sqlite3_finalize(s->snapshot);
	if (s->db.h != NULL)
		sqlite3_exec(s->db.h, "PRAGMA optimize", NULL, NULL, NULL);
	db_close(&s->db);
	free(s);
}

void
segment_set_gone(struct segment *s, struct gaps *gone)
{
	gaps_free(s->gone);
	s->gone = gone;
}

int
segment_number(const struct segment *s)
{
	return s->day;
}

bool
segment_is_of(const struct segment *s, int64_t t)
{
	return t >= s->t0 && t < s->t0 + US_DAY;
}

bool
segment_is_dirty(const struct segment *s)
{
	return s->is_dirty;
}

const char *
segment_error(const struct segment *s)
{
	return db_error(&s->db);
}

static int
begin(struct segment *s)
{
	int rc = s->is_dirty ? 0 : db_run(s->begin);

	if (rc == 0)
		s->is_dirty = true;
	return rc;
}

static int
put_snapshot(struct segment *s, int64_t t, const struct fields *f, int64_t node)
{
	struct slice cells = fields_str(f, F_QUEUE);

	sqlite3_bind_int64(s->snapshot, 1, t);
	sqlite3_bind_int64(s->snapshot, 2, node);
	sqlite3_bind_int64(
	    s->snapshot, 3, (sqlite3_int64)fields_num(f, F_COUNT, 0));
	sqlite3_bind_int64(
	    s->snapshot, 4, (sqlite3_int64)fields_num(f, F_SIZE_BYTES, 0));
	if (fields_has(f, F_OLDEST))
		sqlite3_bind_int64(
		    s->snapshot, 5, (sqlite3_int64)fields_num(f, F_OLDEST, 0));
	else
		sqlite3_bind_null(s->snapshot, 5);
	sqlite3_bind_text(s->snapshot, 6, cells.p, (int)cells.n, SQLITE_STATIC);
	return db_run(s->snapshot);
}

static void
count(struct segment *s, const struct heard *h, const struct fields *f,
    const struct row_keys *k)
{
	/* mtad's own refusals have an empty mailer */
	int64_t mailer = fields_str(f, F_MAILER).n != 0 ? k->mailer : 0;
	struct tally_keys keys = { .key = {
				       [TD_MAILER] = mailer,
				       [TD_DOMAIN] = k->rcpt_domain,
				       [TD_CLASS] = k->class,
				       [TD_REASON] = k->reason,
				   } };

	tally_event(s->tally, h->time_us, f, &keys);
	if (h->is_year_inferred)
		tally_add(s->tally, TK_GUESSED, h->time_us, 1);
	stages_event(s->stages, h->time_us, f, mailer);
}

/* All of a new event, into every table that it concerns. */
static int
store(struct segment *s, const struct heard *h, const struct fields *f,
    const struct row_keys *k, int64_t node)
{
	struct book_keys keys = { node, k->sender,
		k->expanded ? k->expanded : k->rcpt, k->host, h->may };
	struct row_origin origin = { h->time_us, k->writer, k->seq, 0, h->via };
	int64_t msg = 0, id;
	int rc;

	if (fields_str(f, F_MSG_ID).n != 0)
		msg = book_event(s->book, h->time_us, f, &keys);
	if (msg < 0)
		return (int)msg;
	origin.msg = msg;
	rc = row_add(s->row, &origin, f, k, &id);
	if (rc == 0)
		minutes_add(s->minutes, h->time_us, id);
	if (rc == 0 && h->event.type == EV_QUEUE_SNAPSHOT)
		rc = put_snapshot(s, h->time_us, f, node);
	if (rc == 0)
		count(s, h, f, k);
	return rc;
}

/* Whose it is, and is its number here? ret_seq: 0 when it has none. */
static int
take(struct segment *s, const struct heard *h, enum heard_as *as,
    int64_t *ret_writer, uint64_t *ret_seq)
{
	char boot[WRITER_BOOT_MAX];
	enum number number;
	struct writer *w;
	int rc = writers_get(s->writers, h, &w);

	if (rc < 0)
		return rc;
	*ret_writer = w->id;
	if (h->seq != 0 && s->gone != NULL &&
	    gaps_has(s->gone, writer_boot(h, boot), h->seq)) {
		*as = HEARD_BEFORE;
		return 0;
	}
	number = writers_take(s->writers, w, h, &rc);
	*as = number == NUMBER_BEFORE ? HEARD_BEFORE : HEARD_NEW;
	*ret_seq = number == NUMBER_NONE ? 0 : h->seq;
	return rc;
}

#define NODE_MAX_ 600

/* The host that its messages are on: what came over a socket changes nothing
 * of a message that others told of. */
static struct slice
node_of(const struct heard *h, char room[NODE_MAX_])
{
	int n;

	if (h->via.n == 0)
		return h->node;
	n = snprintf(room, NODE_MAX_, "%.*s via %.*s",
	    (int)(h->node.n < 500 ? h->node.n : 500),
	    h->node.p != NULL ? h->node.p : "", SLICE_ARG(h->via));
	return (
	    struct slice){ room, n < NODE_MAX_ ? (size_t)n : NODE_MAX_ - 1 };
}

/* The row of its reason, and its class when the event names none. */
static int
keep_reason(struct segment *s, const struct why *w, struct row_keys *k)
{
	int64_t *kept = &s->reason[(uint64_t)w->id % REASONS];

	if (w->class != RC_NONE)
		k->class =
		    dicts_word(&s->dicts, slice_of(reason_name(w->class)));
	k->reason = w->id;
	if (k->class < 0)
		return (int)k->class;
	if (w->id == 0 || (*kept == w->id && !w->is_changed))
		return 0;
	*kept = w->id;
	sqlite3_bind_int64(s->put_reason, 1, w->id);
	sqlite3_bind_text(
	    s->put_reason, 2, w->template.p, (int)w->template.n, SQLITE_STATIC);
	sqlite3_bind_text(
	    s->put_reason, 3, w->text.p, (int)w->text.n, SQLITE_STATIC);
	return db_run(s->put_reason);
}

static int
hear(struct segment *s, const struct heard *h, const struct why *why,
    enum heard_as *as)
{
	struct fields f;
	struct row_keys k;
	char room[NODE_MAX_];
	int64_t writer, node;
	uint64_t seq;
	bool is_double = false, is_peer = h->via.n != 0;
	int rc = take(s, h, as, &writer, &seq);

	if (rc < 0 || *as == HEARD_BEFORE)
		return rc;
	fields_of(&f, &h->event);
	node = dicts_word(&s->dicts, node_of(h, room));
	rc = node < 0 ? (int)node : row_keys(&s->dicts, &f, &k);
	k.writer = writer;
	k.seq = seq;
	if (rc == 0)
		rc = keep_reason(s, why, &k);
	if (rc == 0)
		rc = retold_note(&s->retold, &s->dicts, &f, node, is_peer);
	if (rc == 0 && retold_is_known(&s->retold, node, is_peer) &&
	    fields_has(&f, F_MSG_ID))
		rc = retold_is_here(
		    &s->retold, s->book, s->row, &f, k.type, node, &is_double);
	if (rc < 0)
		return rc;
	if (is_double) {
		*as = HEARD_BEFORE;
		return 0;
	}
	return store(s, h, &f, &k, node);
}

int
segment_hear(struct segment *s, const struct heard *h, const struct why *why,
    enum heard_as *as)
{
	int rc = begin(s);

	dicts_set_asker(&s->dicts, h->may);
	if (rc == 0)
		rc = hear(s, h, why, as);
	dicts_set_asker(&s->dicts, NULL);
	return rc;
}

int
segment_knows(struct segment *s, const struct heard *h, bool *ret)
{
	struct fields f;
	char room[NODE_MAX_];
	int64_t node = dicts_known_word(&s->dicts, node_of(h, room));
	int64_t type = dicts_known_word(
	    &s->dicts, slice_of(event_info(h->event.type)->name));

	*ret = false;
	if (node <= 0 || type <= 0)
		return (int)(node < 0 ? node : type < 0 ? type : 0);
	fields_of(&f, &h->event);
	return retold_is_here(&s->retold, s->book, s->row, &f, type, node, ret);
}

int
segment_unknown(struct segment *s, const struct heard *h)
{
	enum heard_as as;
	int64_t writer;
	uint64_t seq;
	int rc = begin(s);

	return rc < 0 ? rc : take(s, h, &as, &writer, &seq);
}

int
segment_unparsed(struct segment *s, enum tally_kind kind, int64_t t,
    int64_t source, struct slice line, struct allowance *may)
{
	int rc = begin(s);

	if (rc < 0)
		return rc;
	tally_add(s->tally, kind, t, 1);
	if (s->unparsed_n >= UNPARSED_KEPT || !allowance_take(may, AL_UNPARSED))
		return 0;
	s->unparsed_n++;
	sqlite3_bind_int64(s->unparsed, 1, t);
	sqlite3_bind_int64(s->unparsed, 2, source);
	sqlite3_bind_blob(s->unparsed, 3, line.n ? line.p : "",
	    (int)(line.n < UNPARSED_BYTES ? line.n : UNPARSED_BYTES),
	    SQLITE_STATIC);
	return db_run(s->unparsed);
}

int
segment_count(struct segment *s, enum tally_kind kind, int64_t t, uint64_t n)
{
	int rc = begin(s);

	if (rc == 0)
		tally_add(s->tally, kind, t, n);
	return rc;
}

int
segment_place(struct segment *s, const struct place *p)
{
	int rc = begin(s);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(s->put_place, 1, p->source);
	sqlite3_bind_int64(s->put_place, 2, p->file);
	sqlite3_bind_int64(s->put_place, 3, p->off);
	sqlite3_bind_text(s->put_place, 4, p->mark, -1, SQLITE_STATIC);
	return db_run(s->put_place);
}

int
segment_commit(struct segment *s, bool is_durable)
{
	int rc;

	if (!s->is_dirty)
		return 0;
	rc = row_flush(s->row);
	if (rc == 0)
		rc = book_flush(s->book);
	if (rc == 0)
		rc = writers_flush(s->writers);
	if (rc == 0)
		rc = tally_flush(s->tally);
	if (rc == 0)
		rc = stages_flush(s->stages);
	if (rc == 0)
		rc = minutes_flush(s->minutes);
	if (rc == 0)
		rc = dicts_flush(&s->dicts);
	if (rc == 0)
		rc = db_run(s->commit);
	if (rc < 0)
		return rc;
	s->is_dirty = false;
	return is_durable ? segment_sync(s) : 0;
}

void
segment_rollback(struct segment *s)
{
	if (s->db.h != NULL && sqlite3_get_autocommit(s->db.h) == 0)
		sqlite3_exec(s->db.h, "ROLLBACK", NULL, NULL, NULL);
	s->is_dirty = false;
	memset(s->reason, 0, sizeof(s->reason));
	if (s->book != NULL)
		book_forget(s->book);
	if (s->writers != NULL)
		writers_forget(s->writers);
	if (s->tally != NULL)
		tally_forget(s->tally);
	if (s->stages != NULL)
		stages_forget(s->stages);
	if (s->row != NULL)
		row_forget(s->row);
	if (s->minutes != NULL)
		minutes_forget(s->minutes);
	if (s->dicts.addr != NULL)
		dicts_forget(&s->dicts);
}

/* A checkpoint syncs the log before it copies from it; a copier's may be under
 * way. */
int
segment_sync(struct segment *s)
{
	int rc = SQLITE_BUSY;

	for (int i = 0; i < SYNC_TRIES && rc == SQLITE_BUSY; i++) {
		if (i != 0)
			usleep(10000);
		rc = sqlite3_wal_checkpoint_v2(
		    s->db.h, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	}
	return db_errno(rc);
}
