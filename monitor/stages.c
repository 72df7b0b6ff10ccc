#include "stages.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "hist.h"

#define SLOT (5 * US_MIN)
#define CELLS 64
/* Of one value, and of the sum in a row: all rows of a day can be added. */
#define VALUE_MAX (UINT64_C(1) << 44)
#define SUM_MAX (UINT64_C(1) << 54)

static const struct stage {
	enum event_field field;
	const char *name;
} stages[] = {
	{ F_RECV_US, "recv" },
	{ F_FSYNC_US, "sync" },
	{ F_STAGE_QUEUE_US, "queue" },
	{ F_STAGE_DNS_US, "dns" },
	{ F_STAGE_CONN_US, "conn" },
	{ F_STAGE_ENVELOPE_US, "envelope" },
	{ F_STAGE_DATA_US, "data" },
	{ F_STAGE_FINAL_US, "final" },
	{ F_TOTAL_US, "total" },
};

#define STAGES (sizeof(stages) / sizeof(stages[0]))

const char *
stage_name(unsigned i)
{
	return i < STAGES ? stages[i].name : NULL;
}

struct cell {
	int64_t t, mailer;
	unsigned stage;
	bool is_used;
	struct hist hist;
};

struct stages {
	sqlite3_stmt *get, *put;
	struct dict *words; /* borrowed */
	struct cell *cell;
	struct buf blob;
	int rc; /* of a flush between two commits */
};

struct stages *
stages_new(struct db *db, struct dict *words)
{
	struct stages *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->words = words;
	buf_init(&s->blob, HIST_BUCKETS * 10);
	s->cell = calloc(CELLS, sizeof(*s->cell));
	if (s->cell == NULL ||
	    db_prepare(db, &s->get,
		"SELECT n, sum, min, max, b FROM hist "
		"WHERE stage = ?1 AND mailer = ?2 AND t = ?3") < 0 ||
	    db_prepare(db, &s->put,
		"INSERT OR REPLACE INTO hist"
		"(stage, mailer, t, n, sum, min, max, b) "
		"VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") < 0) {
		stages_free(s);
		return NULL;
	}
	return s;
}

void
stages_free(struct stages *s)
{
	if (s == NULL)
		return;
	sqlite3_finalize(s->get);
	sqlite3_finalize(s->put);
	buf_release(&s->blob);
	free(s->cell);
	free(s);
}

void
stages_forget(struct stages *s)
{
	for (int i = 0; i < CELLS; i++)
		s->cell[i].is_used = false;
	s->rc = 0;
}

static void
bind_key(sqlite3_stmt *s, int64_t stage, const struct cell *c)
{
	sqlite3_bind_int64(s, 1, stage);
	sqlite3_bind_int64(s, 2, c->mailer);
	sqlite3_bind_int64(s, 3, c->t);
}

/* What the table has of it already. */
static int
add_stored(struct stages *s, struct cell *c, int64_t stage)
{
	struct hist old;
	int rc;

	bind_key(s->get, stage, c);
	rc = sqlite3_step(s->get);
	if (rc == SQLITE_ROW) {
		hist_clear(&old);
		old.n = (uint64_t)sqlite3_column_int64(s->get, 0);
		old.sum = (uint64_t)sqlite3_column_int64(s->get, 1);
		old.min = (uint64_t)sqlite3_column_int64(s->get, 2);
		old.max = (uint64_t)sqlite3_column_int64(s->get, 3);
		hist_decode(&old,
		    (struct slice){ sqlite3_column_blob(s->get, 4),
			(size_t)sqlite3_column_bytes(s->get, 4) });
		hist_merge(&c->hist, &old);
	}
	sqlite3_reset(s->get);
	return db_errno(rc);
}

static int
put(struct stages *s, struct cell *c)
{
	int64_t stage = dict_key(
	    s->words, slice_of(stages[c->stage].name), (struct slice){ 0 }, 0);
	int rc = stage < 0 ? (int)stage : add_stored(s, c, stage);

	if (rc < 0)
		return rc;
	buf_clear(&s->blob);
	hist_encode(&s->blob, &c->hist);
	if (s->blob.bad)
		return -ENOMEM;
	if (c->hist.sum > SUM_MAX)
		c->hist.sum = SUM_MAX;
	bind_key(s->put, stage, c);
	sqlite3_bind_int64(s->put, 4, (sqlite3_int64)c->hist.n);
	sqlite3_bind_int64(s->put, 5, (sqlite3_int64)c->hist.sum);
	sqlite3_bind_int64(s->put, 6, (sqlite3_int64)c->hist.min);
	sqlite3_bind_int64(s->put, 7, (sqlite3_int64)c->hist.max);
	sqlite3_bind_blob(
	    s->put, 8, s->blob.data, (int)s->blob.len, SQLITE_STATIC);
	return db_run(s->put);
}

int
stages_flush(struct stages *s)
{
	int rc = s->rc;

	for (int i = 0; i < CELLS && rc == 0; i++) {
		if (!s->cell[i].is_used)
			continue;
		rc = put(s, &s->cell[i]);
		s->cell[i].is_used = false;
	}
	s->rc = rc;
	return rc;
}

static struct cell *
cell_of(struct stages *s, unsigned stage, int64_t mailer, int64_t t)
{
	uint64_t h = ((uint64_t)t / SLOT * 31 + (uint64_t)mailer) * 16 + stage;
	size_t first = (h * UINT64_C(0x9e3779b97f4a7c15)) >> 58;
	struct cell *c;

	for (size_t k = 0; k < CELLS; k++) {
		c = &s->cell[(first + k) % CELLS];
		if (!c->is_used) {
			*c = (struct cell){ t, mailer, stage, true, { 0 } };
			return c;
		}
		if (c->t == t && c->mailer == mailer && c->stage == stage)
			return c;
	}
	stages_flush(s); /* all are in use: make room */
	return s->rc < 0 ? NULL : cell_of(s, stage, mailer, t);
}

void
stages_event(
    struct stages *s, int64_t t, const struct fields *f, int64_t mailer)
{
	int64_t slot = t - t % SLOT;

	for (unsigned i = 0; i < STAGES; i++) {
		uint64_t us;

		if (!fields_has(f, stages[i].field))
			continue;
		us = fields_num(f, stages[i].field, 0);
		us = us < VALUE_MAX ? us : VALUE_MAX;
		for (int k = 0; k <= (mailer > 0); k++) {
			struct cell *c = cell_of(s, i, k ? mailer : 0, slot);

			if (c != NULL)
				hist_add(&c->hist, us);
		}
	}
}
