#include "tally.h"

#include <errno.h>
#include <stdlib.h>

#include "batch.h"
#include "clock.h"

/* Operators' deletions and returns are holds to the queue, not to people. */
static bool
is_hold(const struct fields *f)
{
	struct slice why = fields_str(f, F_WHY);

	return !slice_eq(why, SLICE("deleted")) &&
	    !slice_eq(why, SLICE("bounced"));
}

/* What the mailer made itself is counted as notices, or is the same mail
 * under another number. */
static bool
is_from_others(const struct fields *f)
{
	struct slice protocol = fields_str(f, F_PROTOCOL);

	return !slice_eq(protocol, SLICE("dsn")) &&
	    !slice_eq(protocol, SLICE("forward"));
}

static const struct kind {
	const char *name;
	enum event_type type; /* EV_COUNT: none */
	enum event_field count; /* how many; FIELD_COUNT: one an event */
	bool (*is_it)(const struct fields *); /* NULL: any */
} kinds[TK_COUNT] = {
#define OF(type) EV_##type, FIELD_COUNT, NULL
#define NONE EV_COUNT, FIELD_COUNT, NULL
	[TK_RECEIVED] = { "received", EV_MSG_RECEIVED, FIELD_COUNT,
	    is_from_others },
	[TK_DELIVERED] = { "delivered", OF(DLV_OK) },
	[TK_DEFERRALS] = { "deferrals", OF(DLV_DEFER) },
	[TK_BOUNCED] = { "bounced", OF(DLV_FAIL) },
	[TK_EXPIRED] = { "expired", OF(DLV_EXPIRE) },
	[TK_REJECTED] = { "rejected", OF(CONN_REJECT) },
	[TK_HELD] = { "held", EV_MSG_HOLD, FIELD_COUNT, is_hold },
	[TK_DISCARDED] = { "discarded", OF(DLV_DISCARD) },
	[TK_DELETED] = { "deleted", EV_MSG_DONE, F_DELETED_COUNT, NULL },
	[TK_NOTICES] = { "notices", OF(DSN_SENT) },
	[TK_CLOCK_JUMPS] = { "clock_jumps", OF(SYS_CLOCK) },
	[TK_UNCLEAN] = { "unclean_starts", OF(SYS_UNCLEAN) },
	[TK_EVENTS] = { "events", NONE },
	[TK_UNPARSED] = { "unparsed", NONE },
	[TK_LATE] = { "late", NONE },
	[TK_GUESSED] = { "guessed_times", NONE },
	[TK_LOST] = { "lost", NONE },
	[TK_REFUSED] = { "refused", NONE },
	[TK_MISDATED] = { "misdated", NONE },
	[TK_CUT] = { "cut", NONE },
	[TK_LET_GO] = { "let_go", NONE },
#undef OF
#undef NONE
};

static const struct dim {
	const char *name;
	int minutes; /* of one row */
} dims[TD_COUNT] = {
	[TD_ALL] = { "", 1 },
	[TD_MAILER] = { "mailer", 1 },
	[TD_DOMAIN] = { "domain", 60 },
	[TD_CLASS] = { "class", 5 },
	[TD_REASON] = { "reason", 5 },
};

const char *
tally_kind_name(enum tally_kind k)
{
	return kinds[k].name;
}

const char *
tally_dim_name(enum tally_dim d)
{
	return dims[d].name;
}

#define CELLS 65536 /* in memory; three quarters full are flushed */
/* Of a row: nobody's mail is more in a minute, and the sums of all rows of
 * years are numbers still, whatever some event said. */
#define MOST 17592186044416 /* 2^44 */
#define LITERAL(n) LITERAL_(n)
#define LITERAL_(n) #n

struct cell {
	int64_t t, key; /* t: minutes */
	uint64_t n, bytes;
	uint8_t kind, dim;
	bool is_used;
};

struct tally {
	struct batch *add;
	struct cell **sorted; /* of a flush: rows go in by their keys */
	struct dict *words; /* borrowed */
	int64_t kind_word[TK_COUNT], dim_word[TD_COUNT]; /* 0: unknown yet */
	struct cell *cell;
	size_t used;
	int rc; /* of a flush between two commits */
	uint8_t kind_of[EV_COUNT]; /* + 1; 0: counts as nothing */
};

static void
index_kinds(struct tally *t)
{
	for (uint8_t k = 0; k < TK_COUNT; k++)
		if (kinds[k].type != EV_COUNT)
			t->kind_of[kinds[k].type] = (uint8_t)(k + 1);
}

struct tally *
tally_new(struct db *db, struct dict *words)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->words = words;
	t->cell = calloc(CELLS, sizeof(*t->cell));
	t->sorted = calloc(CELLS, sizeof(*t->sorted));
	t->add = batch_new(db, "batch_rollup", 6,
	    "INSERT INTO rollup(kind, dim, key, t, n, bytes)",
	    "ON CONFLICT DO UPDATE SET n = min(n + excluded.n, " LITERAL(
		MOST) "), "
		      "bytes = min(bytes + excluded.bytes, " LITERAL(MOST) ")");
	if (t->cell == NULL || t->sorted == NULL || t->add == NULL) {
		tally_free(t);
		return NULL;
	}
	index_kinds(t);
	return t;
}

void
tally_free(struct tally *t)
{
	if (t == NULL)
		return;
	batch_free(t->add);
	free(t->sorted);
	free(t->cell);
	free(t);
}

void
tally_forget(struct tally *t)
{
	memset(t->cell, 0, CELLS * sizeof(*t->cell));
	memset(t->kind_word, 0, sizeof(t->kind_word));
	memset(t->dim_word, 0, sizeof(t->dim_word));
	t->used = 0;
	t->rc = 0;
	batch_forget(t->add);
}

static int64_t
word(struct tally *t, int64_t *known, const char *text)
{
	if (*known <= 0)
		*known =
		    dict_key(t->words, slice_of(text), (struct slice){ 0 }, 0);
	return *known;
}

static int
put(struct tally *t, const struct cell *c)
{
	int64_t kind = word(t, &t->kind_word[c->kind], kinds[c->kind].name);
	int64_t dim = word(t, &t->dim_word[c->dim], dims[c->dim].name);
	int rc;

	if (kind < 0 || dim < 0)
		return (int)(kind < 0 ? kind : dim);
	rc = batch_row(t->add);
	if (rc < 0)
		return rc;
	batch_int(t->add, 0, kind);
	batch_int(t->add, 1, dim);
	batch_int(t->add, 2, c->key);
	batch_int(t->add, 3, c->t * US_MIN);
	batch_int(t->add, 4, (int64_t)c->n);
	batch_int(t->add, 5, (int64_t)c->bytes);
	return 0;
}

static int
by_key(const void *pa, const void *pb)
{
	const struct cell *a = *(struct cell *const *)pa;
	const struct cell *b = *(struct cell *const *)pb;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->dim != b->dim)
		return a->dim < b->dim ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->t < b->t ? -1 : a->t > b->t;
}

int
tally_flush(struct tally *t)
{
	size_t n = 0;
	int rc = t->rc;

	for (size_t i = 0; n < t->used; i++)
		if (t->cell[i].is_used)
			t->sorted[n++] = &t->cell[i];
	qsort(t->sorted, n, sizeof(*t->sorted), by_key);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = put(t, t->sorted[i]);
		t->sorted[i]->is_used = false;
	}
	if (rc == 0)
		rc = batch_flush(t->add);
	t->used = 0;
	t->rc = rc;
	return rc;
}

static struct cell *
cell_of(struct tally *t, unsigned kind, unsigned dim, int64_t key, int64_t min)
{
	uint64_t h = (uint64_t)key * 31 + kind * 7 + dim;
	struct cell *c;

	h = (h ^ (uint64_t)min << 20) * UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = h >> 48;; i = (i + 1) % CELLS) {
		c = &t->cell[i];
		if (!c->is_used)
			break;
		if (c->key == key && c->t == min && c->kind == kind &&
		    c->dim == dim)
			return c;
	}
	if (t->used * 4 > CELLS * 3) {
		tally_flush(t);
		return t->rc < 0 ? NULL : cell_of(t, kind, dim, key, min);
	}
	*c = (struct cell){ min, key, 0, 0, (uint8_t)kind, (uint8_t)dim, true };
	t->used++;
	return c;
}

static uint64_t
add_up(uint64_t a, uint64_t b)
{
	return b < MOST && a + b < MOST ? a + b : MOST;
}

static void
add(struct tally *t, unsigned kind, unsigned dim, int64_t key, int64_t when,
    uint64_t n, uint64_t bytes)
{
	int64_t minute = when / US_MIN;
	struct cell *c =
	    cell_of(t, kind, dim, key, minute - minute % dims[dim].minutes);

	if (c == NULL)
		return;
	c->n = add_up(c->n, n);
	c->bytes = add_up(c->bytes, bytes);
}

static void
add_kind(struct tally *t, unsigned kind, int64_t when, const struct fields *f,
    const struct tally_keys *keys)
{
	uint64_t n = 1, bytes = fields_num(f, F_SIZE_BYTES, 0);

	if (kinds[kind].is_it != NULL && !kinds[kind].is_it(f))
		return;
	if (kinds[kind].count != FIELD_COUNT)
		n = fields_num(f, kinds[kind].count, 0);
	if (n == 0)
		return;
	add(t, kind, TD_ALL, 0, when, n, bytes);
	for (unsigned d = TD_ALL + 1; d < TD_COUNT; d++)
		if (keys->key[d] != 0)
			add(t, kind, d, keys->key[d], when, n, bytes);
}

void
tally_event(struct tally *t, int64_t when, const struct fields *f,
    const struct tally_keys *keys)
{
	enum event_type type = f->event->type;

	add(t, TK_EVENTS, TD_ALL, 0, when, 1, 0);
	if (t->kind_of[type] != 0)
		add_kind(t, t->kind_of[type] - 1u, when, f, keys);
}

void
tally_add(struct tally *t, enum tally_kind kind, int64_t when, uint64_t n)
{
	add(t, kind, TD_ALL, 0, when, n, 0);
}
