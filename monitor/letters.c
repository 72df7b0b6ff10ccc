#include "letters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
open_batches(struct letters *ls)
{
	ls->put = batch_new(ls->db, "batch_msg", 11,
	    "INSERT INTO msg(id, qid, node, t, t_end, state, snd, bytes, "
	    "nrcpt, about, msgid)",
	    "ON CONFLICT(id) DO UPDATE SET t = excluded.t, "
	    "t_end = excluded.t_end, state = excluded.state, "
	    "snd = excluded.snd, bytes = excluded.bytes, "
	    "nrcpt = excluded.nrcpt, about = excluded.about, "
	    "msgid = excluded.msgid");
	ls->put_rcpt = batch_new(ls->db, "batch_rcpt", 10,
	    "INSERT OR REPLACE INTO rcpt(msg, n, addr, state, tries, "
	    "t_first, t_last, host, code, remote_id)",
	    NULL);
	return ls->put != NULL && ls->put_rcpt != NULL ? 0 : -ENOMEM;
}

int
letters_open(struct letters *ls, struct db *db)
{
	const struct {
		sqlite3_stmt **to;
		const char *sql;
	} rows[] = {
		{ &ls->find,
		    "SELECT id, t, t_end, state, snd, bytes, nrcpt, about, "
		    "msgid FROM msg WHERE qid = ?1 AND node = ?2" },
		{ &ls->get_rcpt,
		    "SELECT n, addr, state, tries, t_first, t_last, host, "
		    "code, remote_id FROM rcpt WHERE msg = ?1 AND n = ?2" },
		{ &ls->find_rcpt,
		    "SELECT n FROM rcpt WHERE msg / 16384 = ?1 / 16384 "
		    "AND addr = ?2 AND +msg = ?1" },
		{ &ls->last_rcpt, "SELECT max(n) FROM rcpt WHERE msg = ?1" },
	};
	int rc = 0;

	ls->db = db;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		rc = db_prepare(db, rows[i].to, rows[i].sql);
	return rc < 0 ? rc : open_batches(ls);
}

void
letters_close(struct letters *ls)
{
	sqlite3_finalize(ls->find);
	sqlite3_finalize(ls->get_rcpt);
	sqlite3_finalize(ls->find_rcpt);
	sqlite3_finalize(ls->last_rcpt);
	batch_free(ls->put);
	batch_free(ls->put_rcpt);
}

void
letters_forget(struct letters *ls)
{
	batch_forget(ls->put);
	batch_forget(ls->put_rcpt);
}

int
letters_flush(struct letters *ls)
{
	int rc = batch_flush(ls->put);

	return rc < 0 ? rc : batch_flush(ls->put_rcpt);
}

void
letter_free(struct letter *l)
{
	for (size_t i = 0; i < l->rcpts; i++)
		free(l->rcpt[i].remote_id);
	free(l->rcpt);
	free(l->about);
	free(l->msgid);
	free(l);
}

struct letter *
letter_new(struct slice qid, int64_t node, uint64_t hash)
{
	struct letter *l = calloc(1, sizeof(*l) + qid.n);

	if (l == NULL)
		return NULL;
	l->hash = hash;
	l->node = node;
	l->n = qid.n;
	memcpy(l->qid, qid.p, qid.n);
	l->t = l->t_end = l->sender = l->bytes = l->nrcpt = -1;
	return l;
}

/* A number of a column, -1 for NULL. */
static int64_t
number(sqlite3_stmt *s, int column)
{
	return sqlite3_column_type(s, column) == SQLITE_NULL
	    ? -1
	    : sqlite3_column_int64(s, column);
}

/* A text of a column of its own, NULL for NULL. */
static char *
text(sqlite3_stmt *s, int column)
{
	const char *p = (const char *)sqlite3_column_text(s, column);

	return p == NULL ? NULL
			 : slice_dup((struct slice){
			       p, (size_t)sqlite3_column_bytes(s, column) });
}

static void
load(struct letter *l, sqlite3_stmt *s)
{
	l->is_stored = true;
	l->id = number(s, 0);
	l->t = number(s, 1);
	l->t_end = number(s, 2);
	l->state = (uint8_t)number(s, 3);
	l->sender = number(s, 4);
	l->bytes = number(s, 5);
	l->nrcpt = number(s, 6);
	l->about = text(s, 7);
	l->msgid = text(s, 8);
}

int
letter_read(struct letters *ls, struct letter *l)
{
	int rc;

	sqlite3_bind_text(ls->find, 1, l->qid, (int)l->n, SQLITE_STATIC);
	sqlite3_bind_int64(ls->find, 2, l->node);
	rc = sqlite3_step(ls->find);
	if (rc == SQLITE_ROW)
		load(l, ls->find);
	sqlite3_reset(ls->find);
	return rc == SQLITE_ROW ? 1 : db_errno(rc);
}

/* Of the first one that is not below n; they are in order. */
static size_t
place_of(const struct letter *l, int64_t n)
{
	size_t lo = 0, hi = l->rcpts;

	if (hi != 0 && l->rcpt[hi - 1].n < n)
		return hi; /* they come in their order */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->rcpt[mid].n < n)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct rcpt *
add_rcpt(struct letter *l, int64_t n)
{
	size_t at = place_of(l, n);
	struct rcpt *r;

	if (l->rcpts == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 1;

		r = realloc(l->rcpt, cap * sizeof(*r));
		if (r == NULL)
			return NULL;
		l->rcpt = r;
		l->cap = cap;
	}
	r = &l->rcpt[at];
	memmove(r + 1, r, (l->rcpts++ - at) * sizeof(*r));
	*r = (struct rcpt){
		.n = n, .addr = -1, .t_first = -1, .t_last = -1, .host = -1
	};
	return r;
}

static struct rcpt *
load_rcpt(struct letters *ls, struct letter *l, int64_t n)
{
	struct rcpt *r = add_rcpt(l, n);
	sqlite3_stmt *s = ls->get_rcpt;

	if (r == NULL || !l->is_stored)
		return r;
	sqlite3_bind_int64(s, 1, l->id);
	sqlite3_bind_int64(s, 2, n);
	if (sqlite3_step(s) == SQLITE_ROW) {
		r->addr = number(s, 1);
		r->state = (uint8_t)number(s, 2);
		r->tries = number(s, 3);
		r->t_first = number(s, 4);
		r->t_last = number(s, 5);
		r->host = number(s, 6);
		r->code = number(s, 7) > 0 ? (uint16_t)number(s, 7) : 0;
		r->remote_id = text(s, 8);
	}
	sqlite3_reset(s);
	return r;
}

struct rcpt *
letter_rcpt(struct letters *ls, struct letter *l, int64_t n)
{
	size_t at = place_of(l, n);

	return at < l->rcpts && l->rcpt[at].n == n ? &l->rcpt[at]
						   : load_rcpt(ls, l, n);
}

static int64_t
ask(sqlite3_stmt *s, int64_t a, int64_t b)
{
	int64_t n = -1;

	sqlite3_bind_int64(s, 1, a);
	if (sqlite3_bind_parameter_count(s) > 1)
		sqlite3_bind_int64(s, 2, b);
	if (sqlite3_step(s) == SQLITE_ROW)
		n = number(s, 0);
	sqlite3_reset(s);
	return n;
}

struct rcpt *
letter_rcpt_of(struct letters *ls, struct letter *l, int64_t addr)
{
	int64_t n = l->rcpts != 0 ? l->rcpt[l->rcpts - 1].n : -1;

	for (size_t i = l->rcpts; i-- > 0;)
		if (l->rcpt[i].addr == addr)
			return &l->rcpt[i];
	if (l->is_stored) {
		int64_t stored = ask(ls->find_rcpt, l->id, addr);

		if (stored >= 0)
			return load_rcpt(ls, l, stored);
		stored = ask(ls->last_rcpt, l->id, 0);
		n = stored > n ? stored : n;
	}
	return add_rcpt(l, n + 1);
}

static void
put_text(struct batch *b, int column, const char *text)
{
	if (text != NULL)
		batch_text(b, column, slice_of(text));
}

static int
put_rcpt(struct letters *ls, const struct letter *l, struct rcpt *r)
{
	struct batch *to = ls->put_rcpt;
	int rc = batch_row(to);

	if (rc < 0)
		return rc;
	batch_int(to, 0, l->id);
	batch_int(to, 1, r->n);
	batch_known(to, 2, r->addr);
	batch_int(to, 3, r->state);
	batch_int(to, 4, r->tries);
	batch_known(to, 5, r->t_first);
	batch_known(to, 6, r->t_last);
	batch_known(to, 7, r->host);
	batch_known(to, 8, r->code ? r->code : -1);
	put_text(to, 9, r->remote_id);
	r->is_dirty = false;
	return 0;
}

int
letter_put(struct letters *ls, struct letter *l)
{
	struct batch *to = ls->put;
	int rc = batch_row(to);

	if (rc < 0)
		return rc;
	batch_int(to, 0, l->id);
	batch_text(to, 1, (struct slice){ l->qid, l->n });
	batch_int(to, 2, l->node);
	batch_int(to, 3, l->t);
	batch_known(to, 4, l->t_end);
	batch_int(to, 5, l->state);
	batch_known(to, 6, l->sender);
	batch_known(to, 7, l->bytes);
	batch_known(to, 8, l->nrcpt);
	put_text(to, 9, l->about);
	put_text(to, 10, l->msgid);
	for (size_t i = 0; i < l->rcpts && rc == 0; i++)
		if (l->rcpt[i].is_dirty)
			rc = put_rcpt(ls, l, &l->rcpt[i]);
	l->is_stored = true;
	return rc;
}
