/*
 * archive_rows: events as the rows of the screens Log and Trace.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "clock.h"

/* "34 ms", "12.1 s", "2h3m" */
static void
put_span(struct buf *b, uint64_t us)
{
	if (us < (uint64_t)US_SEC)
		buf_addf(b, "%.1fms", (double)us / 1e3);
	else if (us < 600 * (uint64_t)US_SEC)
		buf_addf(b, "%.1fs", (double)us / 1e6);
	else
		clock_span(b, (int64_t)(us - us % (uint64_t)US_SEC));
}

/* Where the time went; NULL when the event does not say. */
static char *
stages_of(const struct fields *f)
{
	static const struct {
		enum event_field field;
		const char *name;
	} rows[] = { { F_RECV_US, "recv" }, { F_FSYNC_US, "sync" },
		{ F_STAGE_QUEUE_US, "queue" }, { F_STAGE_DNS_US, "dns" },
		{ F_STAGE_CONN_US, "conn" },
		{ F_STAGE_ENVELOPE_US, "envelope" },
		{ F_STAGE_DATA_US, "data" }, { F_STAGE_FINAL_US, "end" },
		{ F_TOTAL_US, "total" } };
	struct buf b;
	char *s;

	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!fields_has(f, rows[i].field))
			continue;
		buf_addf(&b, "%s%s ", b.len != 0 ? "  " : "", rows[i].name);
		put_span(&b, fields_num(f, rows[i].field, 0));
	}
	s = b.len != 0 ? buf_take(&b) : NULL;
	buf_release(&b);
	return s;
}

void
log_rows_clear(struct log_rows *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->at[i].text);
		free(l->at[i].stages);
	}
	free(l->at);
	*l = (struct log_rows){ 0 };
}

bool
log_rows_add(struct log_rows *l, const struct past_event *e)
{
	struct slice id = fields_str(e->fields, F_MSG_ID);
	uint64_t attempt = fields_num(e->fields, F_ATTEMPT, 0);
	struct log_row *r;

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 256;

		r = realloc(l->at, cap * sizeof(*r));
		if (r == NULL)
			return false;
		l->at = r;
		l->cap = cap;
	}
	r = &l->at[l->n];
	*r = (struct log_row){ .t = e->t, .severity = e->severity };
	snprintf(r->name, sizeof(r->name), "%s", e->name);
	snprintf(r->id, sizeof(r->id), "%.*s", SLICE_ARG(id));
	if (e->day != 0)
		snprintf(r->key, sizeof(r->key), "%d.%lld", e->day,
		    (long long)e->number);
	else
		snprintf(r->key, sizeof(r->key), "%zu", l->n);
	r->text = attempt > 1
	    ? buf_text("#%llu %s", (unsigned long long)attempt, e->sentence)
	    : strdup(e->sentence);
	r->stages = stages_of(e->fields);
	if (r->text == NULL) {
		free(r->stages);
		return false;
	}
	l->n++;
	return true;
}

bool
log_row_is_trouble(const struct log_row *r)
{
	return r->severity <= 4 || strcmp(r->name, "dlv.defer") == 0 ||
	    strcmp(r->name, "conn.reject") == 0 ||
	    strcmp(r->name, "host.backoff") == 0;
}

size_t
archive_log_rows(const struct archive *a)
{
	return a->newer.n + a->older.n;
}

const struct log_row *
archive_log(const struct archive *a, size_t row)
{
	if (row < a->newer.n)
		return &a->newer.at[a->newer.n - 1 - row];
	row -= a->newer.n;
	return row < a->older.n ? &a->older.at[row] : NULL;
}
