#include "book.h"

#include <errno.h>
#include <stdlib.h>

#include "filter.h"
#include "letters.h"
#include "map.h"
#include "seed.h"

#define KEEP_MAX 20000 /* messages in memory between two flushes */
#define RCPTS_MAX 200000 /* of all of them */
#define BYTES_MAX ((size_t)32 << 20) /* of what is said of them */
/* More are looked for in the table: in memory they are gone through. */
#define RCPTS_OF_ONE 1000
#define QID_MAX 255
#define FILTER_BITS 24 /* two to the power of it: of two million, one in nine */

struct book {
	struct letters letters;
	struct map map;
	struct letter *dirty, **last_dirty; /* in the order of their numbers */
	int64_t next; /* number of the next message; 0: ask the table */
	size_t rcpts, bytes; /* in memory, about */
	struct seed seed;
	/* A bit of each message that may be in the table: most are new, and
	 * need not be looked for. NULL: the table had rows before. */
	struct filter *filter;
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
hash_key(const struct book *b, const struct key *k)
{
	return seed_hash(&b->seed, b->seed.begin ^ (uint64_t)k->node, k->qid);
}

struct book *
book_new(struct db *db)
{
	struct book *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	map_init(&b->map, hash_of, is_key);
	b->seed = seed_draw();
	b->last_dirty = &b->dirty;
	if (db_number(db, "SELECT EXISTS (SELECT 1 FROM msg)", 1) == 0)
		b->filter = filter_new(FILTER_BITS);
	if (letters_open(&b->letters, db) == 0)
		return b;
	filter_free(b->filter);
	letters_close(&b->letters);
	free(b);
	return NULL;
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
	letters_forget(&b->letters);
	b->dirty = NULL;
	b->last_dirty = &b->dirty;
	b->next = 0;
	b->rcpts = b->bytes = 0;
}

void
book_free(struct book *b)
{
	if (b == NULL)
		return;
	book_forget(b);
	letters_close(&b->letters);
	filter_free(b->filter);
	free(b);
}

/* In memory, from the table, or (when it is to be made, and may be) new. NULL
 * with 0: not there. */
static struct letter *
get(struct book *b, struct slice qid, int64_t node, bool is_to_make,
    struct allowance *may, int *rc)
{
	struct key k = { slice_sub(qid, 0, qid.n < QID_MAX ? qid.n : QID_MAX),
		node };
	uint64_t hash = hash_key(b, &k);
	struct letter *l = map_find(&b->map, hash, &k);

	*rc = 0;
	if (l != NULL)
		return l;
	l = letter_new(k.qid, k.node, hash);
	if (l == NULL) {
		*rc = -ENOMEM;
		return NULL;
	}
	if (filter_may_have(b->filter, hash))
		*rc = letter_read(&b->letters, l);
	is_to_make =
	    is_to_make && (*rc != 0 || allowance_take(may, AL_MESSAGE));
	if (*rc == 0 && is_to_make) {
		if (b->next == 0)
			b->next = db_number(b->letters.db,
			    "SELECT coalesce(max(id), 0) + 1 FROM msg", 1);
		l->id = b->next++;
		filter_add(b->filter, hash);
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
	struct letter *l = get(b, qid, node, false, NULL, &rc);

	return l != NULL ? l->id : rc;
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
	struct rcpt *r = fields_has(f, F_RCPT_ID)
	    ? letter_rcpt(&b->letters, l, n)
	    : letter_rcpt_of(&b->letters, l, k->rcpt);

	if (r == NULL)
		return -ENOMEM;
	b->rcpts += !r->is_dirty;
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
	struct letter *l =
	    get(b, fields_str(f, F_MSG_ID), k->node, true, k->may, &rc);

	if (l == NULL)
		return rc;
	b->bytes += fields_str(f, F_MESSAGE_ID).n +
	    fields_str(f, F_ABOUT_MSG_ID).n + fields_str(f, F_REMOTE_ID).n;
	if (!l->is_dirty) {
		l->is_dirty = true;
		l->next_dirty = NULL;
		*b->last_dirty = l;
		b->last_dirty = &l->next_dirty;
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

static bool
is_full(const struct book *b)
{
	return b->map.n > KEEP_MAX || b->rcpts > RCPTS_MAX ||
	    b->bytes > BYTES_MAX;
}

int
book_flush(struct book *b)
{
	int rc = 0;

	while (b->dirty != NULL && rc == 0) {
		struct letter *l = b->dirty;

		b->dirty = l->next_dirty;
		if (b->dirty == NULL)
			b->last_dirty = &b->dirty;
		rc = letter_put(&b->letters, l);
		l->is_dirty = false;
		if (l->state != MSG_DONE && l->rcpts <= RCPTS_OF_ONE)
			continue;
		map_del(&b->map, l);
		letter_free(l);
	}
	if (rc == 0)
		rc = letters_flush(&b->letters);
	if (rc == 0 && is_full(b)) {
		int64_t next = b->next;

		book_forget(b);
		b->next = next;
	}
	return rc;
}
