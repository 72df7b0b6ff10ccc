#include "book.h"

#include <errno.h>
#include <stdlib.h>

#include "batch.h"
#include "map.h"

#define KEEP_MAX 20000 /* messages in memory between two flushes */
#define RCPTS_MAX 200000 /* of all of them */
#define QID_MAX 255

struct rcpt {
	int64_t n, addr, t_first, t_last, host, tries;
	uint8_t state;
	bool is_dirty;
	uint16_t code;
	char *remote_id; /* owned; NULL: none */
};

struct letter {
	int64_t id, node, t, t_end, sender, bytes, nrcpt; /* -1: unknown */
	uint8_t state;
	bool is_dirty, is_stored; /* stored: has rows in the tables */
	char *about, *msgid; /* owned; NULL: none */
	struct rcpt *rcpt;
	size_t rcpts, cap;
	struct letter *next_dirty;
	uint64_t hash;
	size_t n;
	char qid[];
};

struct book {
	sqlite3_stmt *find, *get_rcpt, *find_rcpt, *last_rcpt;
	struct batch *put, *put_rcpt;
	struct db *db; /* borrowed */
	struct map map;
	struct letter *dirty;
	int64_t next; /* number of the next message; 0: ask the table */
	size_t rcpts; /* in memory */
};

struct key {
	struct slice qid;
	int64_t node;
};

const char *
rcpt_state_name(int s)
{
	static const char *const names[RCPT_STATES] = { "queued", "delivered",
		"deferred", "bounced", "expired", "discarded" };

	return s >= 0 && s < RCPT_STATES ? names[s] : "?";
}

static uint64_t
hash_of(const void *entry)
{
	return ((const struct letter *)entry)->hash;
}

static bool
is_key(const void *entry, const void *key)
{
	const struct letter *l = entry;
	const struct key *k = key;

	return l->node == k->node && l->n == k->qid.n &&
	    memcmp(l->qid, k->qid.p, l->n) == 0;
}

/* Capital and small letters of a queue id are different ones. */
static uint64_t
hash_key(const struct key *k)
{
	uint64_t h = (uint64_t)k->node, v;
	struct slice s = k->qid;

	for (; s.n >= 8; s.p += 8, s.n -= 8) {
		memcpy(&v, s.p, 8);
		h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

static int
open_batches(struct book *b)
{
	b->put = batch_new(b->db, "batch_msg", 11,
	    "INSERT INTO msg(id, qid, node, t, t_end, state, snd, bytes, "
	    "nrcpt, about, msgid)",
	    "ON CONFLICT(id) DO UPDATE SET t = excluded.t, "
	    "t_end = excluded.t_end, state = excluded.state, "
	    "snd = excluded.snd, bytes = excluded.bytes, "
	    "nrcpt = excluded.nrcpt, about = excluded.about, "
	    "msgid = excluded.msgid");
	b->put_rcpt = batch_new(b->db, "batch_rcpt", 10,
	    "INSERT OR REPLACE INTO rcpt(msg, n, addr, state, tries, "
	    "t_first, t_last, host, code, remote_id)",
	    NULL);
	return b->put != NULL && b->put_rcpt != NULL ? 0 : -ENOMEM;
}

struct book *
book_new(struct db *db)
{
	struct book *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->db = db;
	map_init(&b->map, hash_of, is_key);
	if (db_prepare(db, &b->find,
		"SELECT id, t, t_end, state, snd, bytes, nrcpt, about, msgid "
		"FROM msg WHERE qid = ?1 AND node = ?2") == 0 &&
	    db_prepare(db, &b->get_rcpt,
		"SELECT n, addr, state, tries, t_first, t_last, host, code, "
		"remote_id FROM rcpt WHERE msg = ?1 AND n = ?2") == 0 &&
	    db_prepare(db, &b->find_rcpt,
		"SELECT n FROM rcpt WHERE msg = ?1 AND addr = ?2") == 0 &&
	    db_prepare(db, &b->last_rcpt,
		"SELECT max(n) FROM rcpt WHERE msg = ?1") == 0 &&
	    open_batches(b) == 0)
		return b;
	book_free(b);
	return NULL;
}

static void
letter_free(struct letter *l)
{
	for (size_t i = 0; i < l->rcpts; i++)
		free(l->rcpt[i].remote_id);
	free(l->rcpt);
	free(l->about);
	free(l->msgid);
	free(l);
}

void
book_forget(struct book *b)
{
	struct letter *l;
	size_t pos = 0;

	while ((l = map_next(&b->map, &pos)) != NULL)
		letter_free(l);
	map_release(&b->map);
	map_init(&b->map, hash_of, is_key);
	batch_forget(b->put);
	batch_forget(b->put_rcpt);
	b->dirty = NULL;
	b->next = 0;
	b->rcpts = 0;
}

void
book_free(struct book *b)
{
	if (b == NULL)
		return;
	if (b->put != NULL && b->put_rcpt != NULL)
		book_forget(b);
	sqlite3_finalize(b->find);
	sqlite3_finalize(b->get_rcpt);
	sqlite3_finalize(b->find_rcpt);
	batch_free(b->put);
	batch_free(b->put_rcpt);
	sqlite3_finalize(b->last_rcpt);
	free(b);
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

/* From the table: 1 when it is there. */
static int
read_row(struct book *b, struct letter *l)
{
	int rc;

	sqlite3_bind_text(b->find, 1, l->qid, (int)l->n, SQLITE_STATIC);
	sqlite3_bind_int64(b->find, 2, l->node);
	rc = sqlite3_step(b->find);
	if (rc == SQLITE_ROW)
		load(l, b->find);
	sqlite3_reset(b->find);
	return rc == SQLITE_ROW ? 1 : db_errno(rc);
}

static struct letter *
letter_new(const struct key *k, uint64_t hash)
{
	struct letter *l = calloc(1, sizeof(*l) + k->qid.n);

	if (l == NULL)
		return NULL;
	l->hash = hash;
	l->node = k->node;
	l->n = k->qid.n;
	memcpy(l->qid, k->qid.p, k->qid.n);
	l->t = l->t_end = l->sender = l->bytes = l->nrcpt = -1;
	return l;
}

/* In memory, from the table, or (when it is to be made) new. NULL with 0:
 * not there. */
static struct letter *
get(struct book *b, struct slice qid, int64_t node, bool is_to_make, int *rc)
{
	struct key k = { slice_sub(qid, 0, qid.n < QID_MAX ? qid.n : QID_MAX),
		node };
	uint64_t hash = hash_key(&k);
	struct letter *l = map_find(&b->map, hash, &k);

	*rc = 0;
	if (l != NULL)
		return l;
	l = letter_new(&k, hash);
	if (l == NULL) {
		*rc = -ENOMEM;
		return NULL;
	}
	*rc = read_row(b, l);
	if (*rc == 0 && is_to_make) {
		if (b->next == 0)
			b->next = db_number(b->db,
			    "SELECT coalesce(max(id), 0) + 1 FROM msg", 1);
		l->id = b->next++;
	}
	if (*rc >= 0 && (*rc == 1 || is_to_make))
		*rc = map_add(&b->map, l);
	else
		l->id = 0;
	if (*rc == 0 && l->id != 0)
		return l;
	letter_free(l);
	return NULL;
}

int64_t
book_find(struct book *b, struct slice qid, int64_t node)
{
	int rc;
	struct letter *l = get(b, qid, node, false, &rc);

	return l != NULL ? l->id : rc;
}

static struct rcpt *
add_rcpt(struct book *b, struct letter *l, int64_t n)
{
	struct rcpt *r;

	if (l->rcpts == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 1;

		r = realloc(l->rcpt, cap * sizeof(*r));
		if (r == NULL)
			return NULL;
		l->rcpt = r;
		l->cap = cap;
	}
	r = &l->rcpt[l->rcpts++];
	*r = (struct rcpt){
		.n = n, .addr = -1, .t_first = -1, .t_last = -1, .host = -1
	};
	b->rcpts++;
	return r;
}

static struct rcpt *
load_rcpt(struct book *b, struct letter *l, int64_t n)
{
	struct rcpt *r = add_rcpt(b, l, n);
	sqlite3_stmt *s = b->get_rcpt;

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

/* Recipients come in their order, so the n-th is nearly always there. */
static struct rcpt *
rcpt_by_number(struct book *b, struct letter *l, int64_t n)
{
	if ((size_t)n < l->rcpts && l->rcpt[n].n == n)
		return &l->rcpt[n];
	for (size_t i = 0; i < l->rcpts; i++)
		if (l->rcpt[i].n == n)
			return &l->rcpt[i];
	return load_rcpt(b, l, n);
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

/* Other mailers' recipients have no number: they get one by their address. */
static struct rcpt *
rcpt_by_addr(struct book *b, struct letter *l, int64_t addr)
{
	int64_t n = -1;

	for (size_t i = l->rcpts; i-- > 0;) {
		if (l->rcpt[i].addr == addr)
			return &l->rcpt[i];
		if (l->rcpt[i].n > n)
			n = l->rcpt[i].n;
	}
	if (l->is_stored) {
		int64_t stored = ask(b->find_rcpt, l->id, addr);

		if (stored >= 0)
			return load_rcpt(b, l, stored);
		stored = ask(b->last_rcpt, l->id, 0);
		n = stored > n ? stored : n;
	}
	return add_rcpt(b, l, n + 1);
}

static void
set_text(char **to, struct slice s)
{
	if (s.n == 0)
		return;
	free(*to);
	*to = slice_dup(s);
}

static void
set_number(int64_t *to, const struct fields *f, enum event_field which)
{
	if (fields_has(f, which))
		*to = (int64_t)fields_num(f, which, 0);
}

/* What each event does to its message. */
static void
on_received(struct letter *l, int64_t t, const struct fields *f)
{
	l->t = t;
	set_number(&l->bytes, f, F_SIZE_BYTES);
	set_number(&l->nrcpt, f, F_RCPT_COUNT);
	set_text(&l->msgid, fields_str(f, F_MESSAGE_ID));
}

static void
on_hold(struct letter *l, int64_t t, const struct fields *f)
{
	(void)t;
	(void)f;
	l->state = MSG_HELD;
}

static void
on_release(struct letter *l, int64_t t, const struct fields *f)
{
	(void)t;
	(void)f;
	l->state = MSG_OPEN;
}

static void
on_done(struct letter *l, int64_t t, const struct fields *f)
{
	(void)f;
	l->t_end = t;
	l->state = MSG_DONE;
}

static void
on_notice(struct letter *l, int64_t t, const struct fields *f)
{
	(void)t;
	set_text(&l->about, fields_str(f, F_ABOUT_MSG_ID));
}

static void (*const message_acts[EV_COUNT])(
    struct letter *, int64_t, const struct fields *) = {
	[EV_MSG_RECEIVED] = on_received,
	[EV_MSG_HOLD] = on_hold,
	[EV_MSG_RELEASE] = on_release,
	[EV_MSG_DONE] = on_done,
	[EV_DSN_SENT] = on_notice,
	[EV_DSN_DOUBLE] = on_notice,
};

/* And to its recipient: state + 1, 0: nothing. */
static const uint8_t rcpt_states[EV_COUNT] = {
	[EV_RCPT_EXPAND] = RCPT_OPEN + 1,
	[EV_DLV_OK] = RCPT_DELIVERED + 1,
	[EV_DLV_DEFER] = RCPT_DEFERRED + 1,
	[EV_DLV_FAIL] = RCPT_BOUNCED + 1,
	[EV_DLV_EXPIRE] = RCPT_EXPIRED + 1,
	[EV_DLV_DISCARD] = RCPT_DISCARDED + 1,
};

static int
note_rcpt(struct book *b, struct letter *l, int64_t t, const struct fields *f,
    const struct book_keys *k)
{
	enum rcpt_state state = rcpt_states[f->event->type] - 1;
	int64_t n = (int64_t)(fields_num(f, F_RCPT_ID, 0) & INT32_MAX);
	struct rcpt *r = fields_has(f, F_RCPT_ID) ? rcpt_by_number(b, l, n)
						  : rcpt_by_addr(b, l, k->rcpt);

	if (r == NULL)
		return -ENOMEM;
	r->is_dirty = true;
	if (k->rcpt > 0)
		r->addr = k->rcpt;
	if (state == RCPT_OPEN)
		return 0;
	r->tries++;
	if (r->t_first < 0 || t < r->t_first)
		r->t_first = t;
	if (t < r->t_last) /* came late: the newer one is what holds */
		return 0;
	r->t_last = t;
	r->state = (uint8_t)state;
	if (k->host > 0)
		r->host = k->host;
	r->code = (uint16_t)fields_num(f, F_CODE, 0);
	set_text(&r->remote_id, fields_str(f, F_REMOTE_ID));
	return 0;
}

int64_t
book_event(struct book *b, int64_t t, const struct fields *f,
    const struct book_keys *k)
{
	enum event_type type = f->event->type;
	int rc = 0;
	struct letter *l = get(b, fields_str(f, F_MSG_ID), k->node, true, &rc);

	if (l == NULL)
		return rc;
	if (!l->is_dirty) {
		l->is_dirty = true;
		l->next_dirty = b->dirty;
		b->dirty = l;
	}
	if (l->t < 0 || t < l->t)
		l->t = t;
	if (k->sender > 0)
		l->sender = k->sender;
	if (message_acts[type] != NULL)
		message_acts[type](l, t, f);
	if (rcpt_states[type] != 0)
		rc = note_rcpt(b, l, t, f, k);
	return rc < 0 ? rc : l->id;
}

static void
put_text(struct batch *b, int column, const char *text)
{
	if (text != NULL)
		batch_text(b, column, slice_of(text));
}

static int
put_rcpt(struct book *b, const struct letter *l, struct rcpt *r)
{
	struct batch *to = b->put_rcpt;
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

static int
put_letter(struct book *b, struct letter *l)
{
	struct batch *to = b->put;
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
			rc = put_rcpt(b, l, &l->rcpt[i]);
	l->is_stored = true;
	return rc;
}

int
book_flush(struct book *b)
{
	int rc = 0;

	while (b->dirty != NULL && rc == 0) {
		struct letter *l = b->dirty;

		b->dirty = l->next_dirty;
		rc = put_letter(b, l);
		l->is_dirty = false;
		if (l->state != MSG_DONE)
			continue;
		b->rcpts -= l->rcpts;
		map_del(&b->map, l);
		letter_free(l);
	}
	if (rc == 0)
		rc = batch_flush(b->put);
	if (rc == 0)
		rc = batch_flush(b->put_rcpt);
	if (rc == 0 && (b->map.n > KEEP_MAX || b->rcpts > RCPTS_MAX)) {
		int64_t next = b->next;

		book_forget(b);
		b->next = next;
	}
	return rc;
}
