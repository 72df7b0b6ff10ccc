#include "past_sums.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "hist.h"
#include "segment.h"
#include "stages.h"
#include "tally.h"

#define SHAPE_AGE (10 * US_MIN)

int
past_shape(struct past *p, int64_t t, struct past_shape *ret, struct buf *b)
{
	int day = 0, rc, n = 0;
	struct db *db = past_day(p, segment_day(t), &day);
	sqlite3_stmt *q = NULL;

	if (db == NULL)
		return 0;
	rc = db_prepare(db, &q,
	    "SELECT max(t), n, bytes, oldest, cells FROM qsnap "
	    "WHERE t <= ?1 AND t > ?2 GROUP BY node");
	if (rc < 0)
		return rc;
	*ret = (struct past_shape){ 0 };
	sqlite3_bind_int64(q, 1, t);
	sqlite3_bind_int64(q, 2, t - SHAPE_AGE);
	buf_addc(b, '[');
	for (; (rc = sqlite3_step(q)) == SQLITE_ROW; n++) {
		int64_t oldest = sqlite3_column_int64(q, 3);
		const char *cells = (const char *)sqlite3_column_text(q, 4);

		if (sqlite3_column_int64(q, 0) > ret->t)
			ret->t = sqlite3_column_int64(q, 0);
		ret->messages += sqlite3_column_int64(q, 1);
		ret->bytes += sqlite3_column_int64(q, 2);
		if (oldest != 0 && (ret->oldest == 0 || oldest < ret->oldest))
			ret->oldest = oldest;
		buf_addf(b, "%s%s", n > 0 ? "," : "", cells ? cells : "[]");
	}
	buf_addc(b, ']');
	sqlite3_finalize(q);
	rc = past_errno(p, rc);
	return rc < 0 ? rc : n > 0;
}

bool
past_snapshot(struct past *p, int64_t t, bool is_back, int64_t *ret)
{
	int day = segment_day(t), found;
	int64_t at = 0;

	for (int i = 0; i < 2 && at == 0; i++) {
		struct db *db = is_back ? past_day(p, day, &found)
					: past_day_behind(p, day, &found);
		sqlite3_stmt *q = NULL;

		if (db == NULL)
			return false;
		if (db_prepare(db, &q,
			is_back
			    ? "SELECT max(t) FROM qsnap WHERE t < ?1"
			    : "SELECT min(t) FROM qsnap WHERE t > ?1") == 0) {
			sqlite3_bind_int64(q, 1, t);
			if (sqlite3_step(q) == SQLITE_ROW)
				at = sqlite3_column_int64(q, 0);
		}
		sqlite3_finalize(q);
		day = is_back ? found - 1 : found + 1;
	}
	if (at != 0)
		*ret = at;
	return at != 0;
}

static int
flow_of(const char *kind)
{
	static const struct {
		enum tally_kind kind;
		enum past_flow flow;
	} rows[] = { { TK_RECEIVED, PF_IN }, { TK_DELIVERED, PF_OUT },
		{ TK_DEFERRALS, PF_DEFER }, { TK_BOUNCED, PF_FAIL },
		{ TK_EXPIRED, PF_FAIL } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(tally_kind_name(rows[i].kind), kind) == 0)
			return rows[i].flow;
	return -1;
}

/* One day's part of the minutes from first on. */
static int
add_minutes(struct past *p, struct db *db, int64_t first, int n,
    double *const ret[PAST_FLOWS])
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q,
	    "SELECT k.s, r.t, r.n FROM rollup r JOIN word k ON k.id = r.kind "
	    "WHERE r.dim = (SELECT id FROM word WHERE s = '') AND r.key = 0 "
	    "AND r.t >= ?1 AND r.t < ?2");

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(q, 1, first);
	sqlite3_bind_int64(q, 2, first + n * US_MIN);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		const char *kind = (const char *)sqlite3_column_text(q, 0);
		int64_t i = (sqlite3_column_int64(q, 1) - first) / US_MIN;
		int f = flow_of(kind ? kind : "");

		if (i < 0 || i >= n)
			continue;
		for (int k = 0; k < PAST_FLOWS; k++)
			if (ret[k][i] < 0)
				ret[k][i] = 0;
		if (f >= 0)
			ret[f][i] += sqlite3_column_double(q, 2);
	}
	sqlite3_finalize(q);
	return past_errno(p, rc);
}

int
past_minutes(struct past *p, int64_t t, int n, double *const ret[PAST_FLOWS])
{
	int64_t first = t - t % US_MIN - (n - 1) * US_MIN;
	int last = segment_day(t), rc = 0, found;

	for (int k = 0; k < PAST_FLOWS; k++)
		for (int i = 0; i < n; i++)
			ret[k][i] = -1;
	for (int day = segment_day(first); rc == 0 && day <= last;
	     day = found + 1) {
		struct db *db = past_day_behind(p, day, &found);

		if (db == NULL || found > last)
			break;
		rc = add_minutes(p, db, first, n, ret);
	}
	return rc;
}

/* Rows of one stage that have to do with ?2 to ?3: of five minutes, or of
 * hours and days. */
static const char of_day[] =
    "SELECT n, sum, min, max, b FROM hist WHERE mailer = 0 AND "
    "stage = (SELECT id FROM word WHERE s = ?1) AND "
    "t BETWEEN ?2 - 299999999 AND ?3";
static const char of_gone[] =
    "SELECT n, sum, min, max, b FROM hist WHERE mailer = 0 AND "
    "stage = (SELECT id FROM name WHERE s = ?1) AND "
    "t BETWEEN ?2 - 86400000000 AND ?3 AND t + res * 60000000 > ?2";

static int
add_stage(struct past *p, struct db *db, const char *sql, const char *name,
    int64_t from, int64_t to, struct hist *h)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q, sql);

	if (rc < 0)
		return rc;
	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, from);
	sqlite3_bind_int64(q, 3, to);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct hist one = { .n = (uint64_t)sqlite3_column_int64(q, 0),
			.sum = (uint64_t)sqlite3_column_int64(q, 1),
			.min = (uint64_t)sqlite3_column_int64(q, 2),
			.max = (uint64_t)sqlite3_column_int64(q, 3) };
		struct slice blob = { sqlite3_column_blob(q, 4),
			(size_t)sqlite3_column_bytes(q, 4) };

		if (hist_decode(&one, blob))
			hist_merge(h, &one);
	}
	sqlite3_finalize(q);
	return past_errno(p, rc);
}

int
past_stages(struct past *p, int64_t from, int64_t to,
    struct past_stage ret[PAST_STAGES])
{
	int day = 0, rc = 0;
	struct db *db = past_day(p, segment_day(to), &day), catalog = DB_NONE;
	bool is_gone = db == NULL || day != segment_day(to);
	struct hist h;

	if (is_gone)
		rc = past_catalog(p, &catalog);
	for (unsigned s = 0; s < PAST_STAGES && stage_name(s) != NULL; s++) {
		hist_clear(&h);
		if (!is_gone) /* each has a moment of its own */
			db = past_day(p, segment_day(to), &day);
		if (rc == 0 && (is_gone || db != NULL))
			rc = add_stage(p, is_gone ? &catalog : db,
			    is_gone ? of_gone : of_day, stage_name(s), from, to,
			    &h);
		ret[s] = (struct past_stage){ stage_name(s), h.n,
			hist_at(&h, 500), hist_at(&h, 950) };
	}
	db_close(&catalog);
	return rc;
}
