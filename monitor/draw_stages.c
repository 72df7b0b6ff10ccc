#include "draw_stages.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "draw_layout.h"

struct stages_to {
	struct draw_to *to;
	struct rrd_file *const *files;
	struct series_day *day;
};

/* n, min, max and b at column 3 and behind, as percentiles in seconds. */
static void
take_hist(double *v, sqlite3_stmt *q)
{
	struct hist h;

	hist_clear(&h);
	h.n = (uint64_t)sqlite3_column_int64(q, 3);
	h.min = (uint64_t)sqlite3_column_int64(q, 4);
	h.max = (uint64_t)sqlite3_column_int64(q, 5);
	if (h.n == 0 ||
	    !hist_decode(&h,
		(struct slice){ sqlite3_column_blob(q, 6),
		    (size_t)sqlite3_column_bytes(q, 6) }))
		return;
	for (int i = 0; i < LAYOUT_PERCENTILES; i++)
		v[i] = (double)hist_at(&h, layout_permille[i]) / 1e6;
}

struct slot {
	int64_t t;
	int n; /* how many steps of the file it is */
	bool has[SERIES_MAILERS + 1];
	double v[SERIES_MAILERS + 1][LAYOUT_SOURCES];
};

static bool
put_mailer(struct stages_to *d, const struct slot *s, int i)
{
	int64_t step = layout_stages.step, t = s->t / US_SEC;

	for (int k = 1; k <= s->n; k++)
		if (!draw_put(d->to, d->files[i], &layout_stages, t + k * step,
			s->v[i], layout_stage_values()))
			return false;
	return true;
}

static bool
put_slot(struct stages_to *d, struct slot *s)
{
	for (int i = 0; i < d->day->mailers; i++) {
		if (s->has[i] && d->files[i] != NULL && !put_mailer(d, s, i))
			return false;
		s->has[i] = false;
		for (int k = 0; k < LAYOUT_SOURCES; k++)
			s->v[i][k] = NAN;
	}
	return true;
}

/* Its last column is how many minutes a row is of. */
#define ROWS_OF(words, minutes)                                                \
	"SELECT h.t, k.s, ifnull(m.s, ''), h.n, h.min, h.max, h.b, " minutes   \
	" FROM hist h JOIN " words " k ON k.id = h.stage "                     \
	"LEFT JOIN " words " m ON m.id = h.mailer "                            \
	"WHERE h.t >= ?1 AND h.t < ?2 ORDER BY h.t"

static bool
take_row(struct stages_to *d, struct slot *s, sqlite3_stmt *q)
{
	int64_t t = sqlite3_column_int64(q, 0);
	int stage = layout_stage((const char *)sqlite3_column_text(q, 1));
	int i = series_mailer(d->day, (const char *)sqlite3_column_text(q, 2));

	if (t != s->t && !put_slot(d, s))
		return false;
	s->t = t;
	s->n = (int)(sqlite3_column_int64(q, 7) * US_MIN / LAYOUT_SLOT);
	if (stage >= 0 && i >= 0) {
		s->has[i] = true;
		take_hist(s->v[i] + stage, q);
	}
	return true;
}

static int
draw_rows(struct stages_to *d, struct db *db, const char *sql, int64_t from,
    int64_t to)
{
	struct slot *s = calloc(1, sizeof(*s));
	sqlite3_stmt *q = NULL;
	int rc = s == NULL ? -ENOMEM : db_prepare(db, &q, sql);

	if (rc == 0) {
		sqlite3_bind_int64(q, 1, from);
		sqlite3_bind_int64(q, 2, to);
	}
	while (rc == 0 && (rc = sqlite3_step(q)) == SQLITE_ROW)
		rc = take_row(d, s, q) ? 0 : d->to->rc;
	if (rc == SQLITE_DONE)
		rc = put_slot(d, s) ? 0 : d->to->rc;
	sqlite3_finalize(q);
	free(s);
	return rc > 0 ? db_errno(rc) : rc;
}

int
draw_stages(struct draw_to *to, struct rrd_file *const *files,
    struct series_day *day, struct db *db, int64_t from, int64_t end)
{
	struct stages_to d = { to, files, day };

	return draw_rows(&d, db, ROWS_OF("word", "5"),
	    from - from % LAYOUT_SLOT, end - LAYOUT_SLOT + 1);
}

int
draw_stages_gone(struct draw_to *to, struct rrd_file *const *files,
    struct series_day *day, struct db *catalog)
{
	struct stages_to d = { to, files, day };

	return draw_rows(&d, catalog, ROWS_OF("name", "h.res"), day->begin,
	    day->begin + US_DAY);
}
