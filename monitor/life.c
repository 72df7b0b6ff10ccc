#include "life.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "clock.h"
#include "event_read.h"
#include "fields.h"
#include "life_gone.h"
#include "life_words.h"

#define RELATED_MAX 16
#define LINE_MAX_ ((size_t)2 << 20)

void
lives_init(struct lives *l)
{
	*l = (struct lives){ 0 };
}

void
lives_release(struct lives *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].qid);
		free(l->v[i].node);
	}
	free(l->v);
	lives_init(l);
}

int
lives_add(struct lives *l, const char *qid, const char *node, int64_t t)
{
	struct life *v;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].qid, qid) == 0 &&
		    strcmp(l->v[i].node, node) == 0) {
			if (t < l->v[i].t)
				l->v[i].t = t;
			return 0;
		}
	v = realloc(l->v, (l->n + 1) * sizeof(*v));
	if (v == NULL)
		return -ENOMEM;
	l->v = v;
	v += l->n;
	*v = (struct life){ strdup(qid), strdup(node), t, false };
	if (v->qid == NULL || v->node == NULL) {
		free(v->qid);
		free(v->node);
		return -ENOMEM;
	}
	l->n++;
	return 0;
}

/* Both ends of every notice that one of them is. */
static int
add_related(struct lives *l, struct db *db, const char *qid, const char *node)
{
	static const char sql[] =
	    "SELECT qid, t FROM msg WHERE about = ?1 AND "
	    "node = (SELECT id FROM word WHERE s = ?2) UNION "
	    "SELECT about, t FROM msg WHERE qid = ?1 AND about IS NOT NULL "
	    "AND node = (SELECT id FROM word WHERE s = ?2)";
	sqlite3_stmt *q = NULL;
	int err = 0, rc = db_prepare(db, &q, sql);

	if (rc < 0)
		return rc;
	sqlite3_bind_text(q, 1, qid, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, node, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW && err == 0 &&
	    l->n < RELATED_MAX) {
		size_t before = l->n;

		err = lives_add(l, (const char *)sqlite3_column_text(q, 0),
		    node, sqlite3_column_int64(q, 1));
		if (l->n > before)
			l->v[before].is_related = true;
	}
	sqlite3_finalize(q);
	return err < 0 ? err : db_errno(rc);
}

int
lives_add_notices(struct lives *l, struct days_open *days)
{
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++) {
		/* the array may move: the texts do not */
		const char *qid = l->v[i].qid, *node = l->v[i].node;

		for (size_t d = 0; d < days->n && rc == 0; d++)
			rc = add_related(l, &days->db[d], qid, node);
	}
	return rc;
}

/* Every event of it, through all days. */
static int
each_event(const struct life *l, struct days_open *days,
    int (*one)(void *arg, char *line, size_t n), void *arg)
{
	struct buf line;
	int rc = 0;

	buf_init(&line, LINE_MAX_);
	for (size_t d = 0; d < days->n && rc == 0; d++) {
		int64_t id = life_number(&days->db[d], l);
		struct recall *r =
		    id > 0 ? recall_new(&days->db[d], "e.msg = ?1") : NULL;

		if (id > 0 && r == NULL)
			rc = -ENOMEM;
		if (r != NULL)
			recall_bind(r, id, 0);
		while (r != NULL && rc == 0) {
			buf_clear(&line);
			rc = recall_next(r, &line, NULL);
			if (rc != 1)
				break;
			rc = one(arg, line.data, line.len);
		}
		recall_free(r);
	}
	buf_release(&line);
	return rc;
}

/* "5.7 ms", "12.1 s", "2h3m" */
static void
put_duration(struct buf *b, uint64_t us)
{
	if (us < (uint64_t)US_SEC)
		buf_addf(b, "%.1f ms", (double)us / 1e3);
	else if (us < (uint64_t)US_MIN * 10)
		buf_addf(b, "%.1f s", (double)us / 1e6);
	else
		clock_span(b, (int64_t)(us - us % (uint64_t)US_SEC));
}

/* Where the time went, of events that say so. */
static void
put_stages(struct buf *b, const struct fields *f)
{
	static const struct {
		enum event_field field;
		const char *name;
	} rows[] = {
		{ F_RECV_US, "receiving" },
		{ F_FSYNC_US, "sync" },
		{ F_STAGE_QUEUE_US, "queue" },
		{ F_STAGE_DNS_US, "dns" },
		{ F_STAGE_CONN_US, "connect" },
		{ F_STAGE_ENVELOPE_US, "envelope" },
		{ F_STAGE_DATA_US, "data" },
		{ F_STAGE_FINAL_US, "answer" },
		{ F_TOTAL_US, "in all" },
	};
	const char *before = "\n                          ";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!fields_has(f, rows[i].field))
			continue;
		buf_addf(b, "%s%s ", before, rows[i].name);
		put_duration(b, fields_num(f, rows[i].field, 0));
		before = ", ";
	}
}

struct text {
	struct buf *out;
	struct event_names *names;
};

static int
put_event(void *arg, char *line, size_t n)
{
	struct text *t = arg;
	struct event_origin o;
	struct event e;
	struct fields f;
	struct buf words;

	if (event_read_json(t->names, line, n, &o, &e) < 0)
		return 0;
	fields_of(&f, &e);
	buf_init(&words, LINE_MAX_);
	event_sentence(&words, &e);
	life_put_time(t->out, o.time_us);
	buf_addf(t->out, "  %-13s ", event_info(e.type)->name);
	if (fields_has(&f, F_ATTEMPT))
		buf_addf(t->out, "#%llu ",
		    (unsigned long long)fields_num(&f, F_ATTEMPT, 0));
	life_put_escaped(t->out, buf_slice(&words));
	put_stages(t->out, &f);
	buf_addc(t->out, '\n');
	buf_release(&words);
	return 0;
}

int
life_text(const struct life *l, struct days_open *days, struct buf *out)
{
	struct text t = { out, event_names_new() };
	int rc = t.names == NULL ? -ENOMEM : 0;

	buf_addf(
	    out, "%s%s on %s\n", l->is_related ? "\n" : "", l->qid, l->node);
	if (rc == 0)
		rc = life_gone_text(l, days, out);
	if (rc == 0)
		rc = each_event(l, days, put_event, &t);
	event_names_free(t.names);
	return rc;
}

struct json {
	struct buf *out;
	bool has_one;
};

static int
put_json_event(void *arg, char *line, size_t n)
{
	struct json *j = arg;

	if (j->has_one)
		buf_addc(j->out, ',');
	buf_add(j->out, line, n);
	j->has_one = true;
	return 0;
}

int
life_json(const struct life *l, struct days_open *days, struct buf *out)
{
	struct json j = { out, false };
	int rc;

	buf_adds(out, "{\"msg.id\":");
	put_json(out, slice_of(l->qid));
	buf_adds(out, ",\"node\":");
	put_json(out, slice_of(l->node));
	buf_addf(out, ",\"related\":%s,\"events\":[",
	    l->is_related ? "true" : "false");
	rc = each_event(l, days, put_json_event, &j);
	buf_addc(out, ']');
	if (rc == 0)
		rc = life_gone_json(l, days, out);
	buf_adds(out, "}\n");
	return rc;
}

/* The last day that knows of it has the last word. */
static int
put_summary(struct db *db, int64_t id, struct buf *out)
{
	static const char sql[] =
	    "SELECT (SELECT s FROM addr WHERE id = m.snd), "
	    "(SELECT s FROM addr WHERE id = r.addr), r.state, r.code, "
	    "(SELECT count(*) FROM rcpt WHERE msg = m.id) "
	    "FROM msg m LEFT JOIN rcpt r ON r.msg = m.id WHERE m.id = ?1 "
	    "LIMIT 1";
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q, sql);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(q, 1, id);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW) {
		const char *from = (const char *)sqlite3_column_text(q, 0);
		const char *to = (const char *)sqlite3_column_text(q, 1);
		int more = sqlite3_column_int(q, 4) - 1;

		buf_addc(out, '<');
		life_put_escaped(out, slice_of(from));
		buf_adds(out, "> to ");
		life_put_escaped(out, slice_of(to ? to : "nobody yet"));
		if (more > 0)
			buf_addf(out, " and %d more", more);
		if (to != NULL)
			buf_addf(out, ", %s",
			    rcpt_state_name(sqlite3_column_int(q, 2)));
		if (sqlite3_column_int(q, 3) != 0)
			buf_addf(out, " %d", sqlite3_column_int(q, 3));
	}
	sqlite3_finalize(q);
	return db_errno(rc);
}

int
life_line(const struct life *l, struct days_open *days, struct buf *out)
{
	int rc = 0;

	life_put_time(out, l->t);
	buf_addf(out, "  %-16s ", l->qid);
	for (size_t d = days->n; d-- > 0;) {
		int64_t id = life_number(&days->db[d], l);

		if (id == 0)
			continue;
		rc = put_summary(&days->db[d], id, out);
		break;
	}
	buf_addc(out, '\n');
	return rc;
}

void
life_refusals(struct slice lines, bool is_json, struct buf *out)
{
	struct text t = { out, event_names_new() };
	struct slice line;

	while (t.names != NULL && slice_next(&lines, '\n', &line)) {
		char *copy = slice_dup(line);

		if (line.n == 0 || copy == NULL) {
			free(copy);
			continue;
		}
		if (is_json) {
			buf_add_slice(out, line);
			buf_addc(out, '\n');
		} else {
			put_event(&t, copy, line.n);
		}
		free(copy);
	}
	event_names_free(t.names);
}
