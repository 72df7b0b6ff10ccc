#include "row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch.h"
#include "columns.h"

#define EXTRA_MAX ((size_t)1 << 20)

/* columns before them: id, t, writer, seq, ty, msg, reason */
#define FIXED 7
#define EXTRA (FIXED + COLUMNS)

struct row {
	struct batch *batch;
	struct buf extra;
	int64_t last; /* number of the row before; 0: ask the table */
	struct db *db; /* borrowed */
	/* place of the field's column; 0: none; -1: within another */
	signed char column[FIELD_COUNT];
};

static char *
insert_text(void)
{
	struct buf b;
	char *sql;

	buf_init(&b, 8192);
	buf_adds(&b, "INSERT INTO ev(id, t, writer, seq, ty, msg, reason");
	for (size_t i = 0; i < COLUMNS; i++)
		buf_addf(&b, ", %s", columns[i].name);
	buf_adds(&b, ", extra)");
	sql = buf_take(&b);
	buf_release(&b);
	return sql;
}

struct row *
row_new(struct db *db)
{
	struct row *r = calloc(1, sizeof(*r));
	char *sql = insert_text();

	if (r != NULL && sql != NULL) {
		buf_init(&r->extra, EXTRA_MAX);
		for (size_t i = 0; i < COLUMNS; i++)
			r->column[columns[i].field] = (signed char)(FIXED + i);
		r->column[F_MSG_ID] = r->column[F_HOST_IP] = -1;
		r->column[F_PEER_NAME] = -1;
		r->db = db;
		r->batch = batch_new(db, "batch_ev", EXTRA + 1, sql, NULL);
	}
	free(sql);
	if (r != NULL && r->batch != NULL)
		return r;
	row_free(r);
	return NULL;
}

void
row_free(struct row *r)
{
	if (r == NULL)
		return;
	batch_free(r->batch);
	buf_release(&r->extra);
	free(r);
}

int
row_flush(struct row *r)
{
	return batch_flush(r->batch);
}

void
row_forget(struct row *r)
{
	batch_forget(r->batch);
	r->last = 0;
}

static int64_t
word_of(struct dicts *d, const struct fields *f, enum event_field which)
{
	return fields_has(f, which) ? dicts_word(d, fields_str(f, which)) : 0;
}

static int64_t
host_of(struct dicts *d, const struct fields *f, enum event_field name,
    enum event_field ip)
{
	if (!fields_has(f, name) && !fields_has(f, ip))
		return 0;
	return dicts_host(d, fields_str(f, name), fields_str(f, ip));
}

static int64_t
addr_of(struct dicts *d, const struct fields *f, enum event_field which,
    int64_t *ret_domain)
{
	*ret_domain = 0;
	return fields_has(f, which)
	    ? dicts_addr(d, fields_str(f, which), ret_domain)
	    : 0;
}

int
row_keys(struct dicts *d, const struct fields *f, struct row_keys *k)
{
	enum event_type type = f->event->type;
	int64_t bad, domain;

	k->type = dicts_type(d, type);
	k->sender = addr_of(d, f, F_MAIL_FROM, &k->sender_domain);
	k->rcpt = addr_of(d, f, F_RCPT_TO, &k->rcpt_domain);
	k->expanded = type == EV_RCPT_EXPAND ? addr_of(d, f, F_TO, &domain) : 0;
	k->mailer = word_of(d, f, F_MAILER);
	k->class = word_of(d, f, F_REASON_CLASS);
	k->host = host_of(d, f, F_HOST_NAME, F_HOST_IP);
	k->reason = 0;
	k->peer = host_of(d, f, F_PEER_NAME, F_PEER_IP);
	bad = k->type | k->sender | k->rcpt | k->mailer | k->class | k->host |
	    k->peer | k->expanded;
	return bad < 0 ? -EIO : 0;
}

int64_t
enhanced_number(struct slice s)
{
	uint64_t part[3];
	struct slice one;

	for (int i = 0; i < 3; i++)
		if (!slice_next(&s, '.', &one) ||
		    !slice_u64(one, 999, &part[i]))
			return -1;
	if (s.n != 0)
		return -1;
	return (int64_t)(part[0] * 1000000 + part[1] * 1000 + part[2]);
}

bool
enhanced_text(int64_t v, char ret[24])
{
	if (v < 0 || v > 999999999)
		return false;
	snprintf(ret, 24, "%d.%d.%d", (int)(v / 1000000),
	    (int)(v / 1000 % 1000), (int)(v % 1000));
	return true;
}

/* "bff3236400000001" as the 64 bits that it is. */
static bool
session_number(struct slice s, int64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 16)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret = (int64_t)v;
	return true;
}

static int64_t
key_for(const struct row_keys *k, enum event_field f)
{
	switch (f) {
	case F_MAIL_FROM:
		return k->sender;
	case F_RCPT_TO:
		return k->rcpt;
	case F_MAILER:
		return k->mailer;
	case F_HOST_NAME:
		return k->host;
	case F_PEER_IP:
		return k->peer;
	default:
		return k->class;
	}
}

static int64_t
clamp(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

/* Into its column; false when the value does not fit there. */
static bool
put_value(struct batch *b, int at, const struct event_value *v,
    const struct row_keys *k)
{
	int64_t n;

	switch (columns[at - FIXED].how) {
	case NUM:
		n = clamp(v->v.num);
		break;
	case CODE:
		n = enhanced_number(v->v.str);
		if (n < 0)
			return false;
		break;
	case HEX:
		if (!session_number(v->v.str, &n))
			return false;
		break;
	case TEXT:
		batch_text(b, at, v->v.str);
		return true;
	default:
		n = key_for(k, v->field);
		if (n == 0)
			return true; /* empty: no key, no value */
	}
	batch_int(b, at, n);
	return true;
}

/* Keys that are there without their field: of a pair's two either may stand
 * alone, and a class may be ours. */
static void
put_keys(struct row *r, const struct row_keys *k)
{
	if (k->host != 0)
		batch_int(r->batch, r->column[F_HOST_NAME], k->host);
	if (k->peer != 0)
		batch_int(r->batch, r->column[F_PEER_IP], k->peer);
	if (k->class != 0)
		batch_int(r->batch, r->column[F_REASON_CLASS], k->class);
	if (k->reason != 0)
		batch_int(r->batch, 6, k->reason);
}

/* {"name":value,...} of the fields without a column. */
static void
put_extra(struct row *r, const struct event *left, struct slice via)
{
	buf_clear(&r->extra);
	if (via.n != 0) {
		buf_adds(&r->extra, ",\"via\":");
		put_json(&r->extra, via);
	}
	event_json(&r->extra, left);
	buf_addc(&r->extra, '}');
	if (r->extra.bad)
		return;
	r->extra.data[0] = '{';
	batch_text(r->batch, EXTRA, buf_slice(&r->extra));
}

int
row_add(struct row *r, const struct row_origin *o, const struct fields *f,
    const struct row_keys *k, int64_t *ret_id)
{
	const struct event *e = f->event;
	struct event left;
	int rc = batch_row(r->batch);

	if (rc < 0)
		return rc;
	if (r->last == 0)
		r->last =
		    db_number(r->db, "SELECT coalesce(max(id), 0) FROM ev", 0);
	*ret_id = ++r->last;
	batch_int(r->batch, 0, r->last);
	batch_int(r->batch, 1, o->t);
	batch_int(r->batch, 2, o->writer);
	if (o->seq != 0)
		batch_int(r->batch, 3, (int64_t)o->seq);
	batch_int(r->batch, 4, k->type);
	if (o->msg != 0)
		batch_int(r->batch, 5, o->msg);
	event_init(&left, e->type);
	for (int i = 0; i < e->n; i++) {
		const struct event_value *v = &e->value[i];
		int at = r->column[v->field];

		/* of no message that is known: its id is here */
		if (v->field == F_MSG_ID && o->msg == 0)
			at = 0;
		if (at == 0 || (at > 0 && !put_value(r->batch, at, v, k)))
			left.value[left.n++] = *v;
	}
	put_keys(r, k);
	if (left.n != 0 || o->via.n != 0)
		put_extra(r, &left, o->via);
	return 0;
}
