#include "life_gone.h"

#include "book.h"
#include "clock.h"
#include "event.h"
#include "lean.h"
#include "life_words.h"

/* The columns of the two answers. */
enum { M_FROM, M_BYTES, M_MSGID, M_T, M_END, M_NRCPT };
enum {
	R_N,
	R_TO,
	R_STATE,
	R_CODE,
	R_HOST,
	R_IP,
	R_ID,
	R_TRIES,
	R_FIRST,
	R_LAST
};

static const char message_sql[] =
    "SELECT (SELECT s FROM addr WHERE id = snd), bytes, msgid, t, t_end, nrcpt "
    "FROM msg WHERE id = ?1";
static const char rcpts_sql[] =
    "SELECT r.n, a.s, r.state, r.code, h.name, h.ip, r.remote_id, r.tries, "
    "r.t_first, r.t_last FROM rcpt r LEFT JOIN addr a ON a.id = r.addr "
    "LEFT JOIN host h ON h.id = r.host WHERE r.msg = ?1 ORDER BY r.n";

static int
each_row(struct db *db, const char *sql, int64_t id,
    void (*put)(struct buf *, sqlite3_stmt *), struct buf *out)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q, sql);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(q, 1, id);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		put(out, q);
	sqlite3_finalize(q);
	return db_errno(rc);
}

static struct slice
text_of(sqlite3_stmt *q, int column)
{
	return slice_of((const char *)sqlite3_column_text(q, column));
}

static bool
has(sqlite3_stmt *q, int column)
{
	return sqlite3_column_type(q, column) != SQLITE_NULL;
}

static void
put_word(struct buf *out, const char *name, sqlite3_stmt *q, int column,
    const char *end)
{
	if (text_of(q, column).n == 0)
		return;
	buf_adds(out, name);
	life_put_escaped(out, text_of(q, column));
	buf_adds(out, end);
}

static void
put_message(struct buf *out, sqlite3_stmt *q)
{
	life_put_time(out, sqlite3_column_int64(q, M_T));
	buf_adds(out, "  its events are gone; from=<");
	life_put_escaped(out, text_of(q, M_FROM));
	buf_addc(out, '>');
	if (has(q, M_BYTES))
		buf_addf(out, ", size=%lld",
		    (long long)sqlite3_column_int64(q, M_BYTES));
	if (has(q, M_NRCPT))
		buf_addf(out, ", nrcpt=%lld",
		    (long long)sqlite3_column_int64(q, M_NRCPT));
	put_word(out, ", msgid=", q, M_MSGID, "");
	if (has(q, M_END)) {
		buf_adds(out, ", done ");
		life_put_time(out, sqlite3_column_int64(q, M_END));
	}
	buf_addc(out, '\n');
}

static void
put_rcpt(struct buf *out, sqlite3_stmt *q)
{
	int tries = sqlite3_column_int(q, R_TRIES);

	if (has(q, R_LAST))
		life_put_time(out, sqlite3_column_int64(q, R_LAST));
	else
		buf_addf(out, "%23s", "");
	put_word(out, "  to=<", q, R_TO, ">, ");
	buf_adds(out, rcpt_state_name(sqlite3_column_int(q, R_STATE)));
	if (sqlite3_column_int(q, R_CODE) != 0)
		buf_addf(out, " %d", sqlite3_column_int(q, R_CODE));
	put_word(out, ", relay=", q, R_HOST, "");
	put_word(out, " [", q, R_IP, "]");
	put_word(out, ", remote id ", q, R_ID, "");
	buf_addf(out, ", %d %s", tries, tries == 1 ? "try" : "tries");
	if (tries > 1 && has(q, R_FIRST)) {
		buf_adds(out, ", the first ");
		life_put_time(out, sqlite3_column_int64(q, R_FIRST));
	}
	buf_addc(out, '\n');
}

int
life_gone_text(const struct life *l, struct days_open *days, struct buf *out)
{
	int rc = 0;

	for (size_t d = 0; d < days->n && rc == 0; d++) {
		struct db *db = &days->db[d];
		int64_t id = life_number(db, l);

		if (id == 0 || !lean_is(db))
			continue;
		rc = each_row(db, message_sql, id, put_message, out);
		if (rc == 0)
			rc = each_row(db, rcpts_sql, id, put_rcpt, out);
	}
	return rc;
}

/* How a column stands in an object. */
enum form { TEXT, NUMBER, TIME };

struct member {
	const char *name;
	enum event_field field; /* when name is NULL */
	int column;
	enum form form;
};

static void
put_member(struct buf *out, const struct member *m, sqlite3_stmt *q)
{
	int64_t n = sqlite3_column_int64(q, m->column);

	if (!has(q, m->column) ||
	    (m->form == TEXT && text_of(q, m->column).n == 0))
		return;
	buf_addf(out,
	    ",\"%s\":", m->name != NULL ? m->name : field_info(m->field)->name);
	if (m->form == TEXT) {
		put_json(out, text_of(q, m->column));
	} else if (m->form == NUMBER) {
		buf_addf(out, "%lld", (long long)n);
	} else {
		buf_addc(out, '"');
		clock_rfc3339(out, n);
		buf_addc(out, '"');
	}
}

static void
put_json_message(struct buf *out, sqlite3_stmt *q)
{
	static const struct member members[] = {
		{ "time", 0, M_T, TIME },
		{ "done", 0, M_END, TIME },
		{ NULL, F_SIZE_BYTES, M_BYTES, NUMBER },
		{ NULL, F_RCPT_COUNT, M_NRCPT, NUMBER },
		{ NULL, F_MESSAGE_ID, M_MSGID, TEXT },
	};

	buf_adds(out, "{\"events_gone\":true");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		put_member(out, &members[i], q);
	/* that of a notice is empty */
	buf_addf(out, ",\"%s\":", field_info(F_MAIL_FROM)->name);
	put_json(out, text_of(q, M_FROM));
	buf_adds(out, ",\"recipients\":[");
}

static void
put_json_rcpt(struct buf *out, sqlite3_stmt *q)
{
	static const struct member members[] = {
		{ NULL, F_RCPT_TO, R_TO, TEXT },
		{ NULL, F_CODE, R_CODE, NUMBER },
		{ NULL, F_HOST_NAME, R_HOST, TEXT },
		{ NULL, F_HOST_IP, R_IP, TEXT },
		{ NULL, F_REMOTE_ID, R_ID, TEXT },
		{ "tries", 0, R_TRIES, NUMBER },
		{ "first", 0, R_FIRST, TIME },
		{ "last", 0, R_LAST, TIME },
	};
	const char *state = rcpt_state_name(sqlite3_column_int(q, R_STATE));

	buf_addf(out, "%s{\"%s\":%lld,\"state\":\"%s\"",
	    out->data[out->len - 1] == '}' ? "," : "",
	    field_info(F_RCPT_ID)->name,
	    (long long)sqlite3_column_int64(q, R_N), state);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		put_member(out, &members[i], q);
	buf_addc(out, '}');
}

int
life_gone_json(const struct life *l, struct days_open *days, struct buf *out)
{
	const char *before = ",\"summaries\":[";
	int rc = 0;

	for (size_t d = 0; d < days->n && rc == 0; d++) {
		struct db *db = &days->db[d];
		int64_t id = life_number(db, l);

		if (id == 0 || !lean_is(db))
			continue;
		buf_adds(out, before);
		rc = each_row(db, message_sql, id, put_json_message, out);
		if (rc == 0)
			rc = each_row(db, rcpts_sql, id, put_json_rcpt, out);
		buf_adds(out, "]}");
		before = ",";
	}
	if (*before == ',' && before[1] == '\0')
		buf_addc(out, ']');
	return rc;
}
