#include "reason.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"

/*
 * Fixed depth: the number of words, the class and the first words lead to a
 * leaf; there the nearest row takes the template, or it founds one. What is
 * seen often is found by its whole template in a table before all that.
 */
#define PATH_WORDS 4
#define WORDS_MAX 96 /* the last one holds the rest */
#define LEAF_MAX 64 /* rows of one leaf */
#define SEEN_SLOTS 4096 /* a power of two */

struct row {
	struct row *next; /* in the leaf; owned */
	uint64_t hash;
	char *text; /* owned */
	size_t n;
};

struct leaf {
	uint64_t key;
	struct row *first; /* owned */
	unsigned count;
};

struct seen {
	struct row *row; /* NULL: nothing here */
	size_t n;
	char text[REASON_TEMPLATE_MAX];
};

struct reason_tree {
	struct map leaves; /* entries owned */
	size_t rows;
	struct seen *seen;
	struct buf made; /* the template in hand */
};

struct words {
	size_t n;
	struct slice word[WORDS_MAX];
};

static uint64_t
leaf_hash(const void *entry)
{
	return ((const struct leaf *)entry)->key;
}

static bool
leaf_is(const void *entry, const void *key)
{
	return ((const struct leaf *)entry)->key == *(const uint64_t *)key;
}

struct reason_tree *
reason_tree_new(void)
{
	struct reason_tree *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	map_init(&t->leaves, leaf_hash, leaf_is);
	buf_init(&t->made, REASON_TEMPLATE_MAX + 1);
	t->seen = calloc(SEEN_SLOTS, sizeof(*t->seen));
	if (t->seen == NULL) {
		reason_tree_free(t);
		return NULL;
	}
	return t;
}

static void
leaf_free(struct leaf *l)
{
	struct row *r;

	while ((r = l->first) != NULL) {
		l->first = r->next;
		free(r->text);
		free(r);
	}
	free(l);
}

void
reason_tree_free(struct reason_tree *t)
{
	struct leaf *l;
	size_t pos = 0;

	if (t == NULL)
		return;
	while ((l = map_next(&t->leaves, &pos)) != NULL)
		leaf_free(l);
	map_release(&t->leaves);
	buf_release(&t->made);
	free(t->seen);
	free(t);
}

static void
split(struct slice text, struct words *w)
{
	w->n = 0;
	while (w->n < WORDS_MAX - 1 && slice_next(&text, ' ', &w->word[w->n]))
		w->n++;
	if (text.n != 0)
		w->word[w->n++] = text;
}

/* Words that another reply of the same kind has otherwise: with something
 * replaced in them, in quotes, and names of hosts. */
static bool
is_variable(struct slice w)
{
	size_t dot = slice_find(w, '.');

	return slice_find(w, '<') < w.n || slice_find(w, '"') < w.n ||
	    slice_find(w, '\'') < w.n || (dot > 0 && dot + 2 < w.n);
}

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

static uint64_t
path_key(const struct words *w, struct slice text)
{
	uint64_t key = mix(w->n, reason_classify(0, SLICE(""), text));

	for (size_t i = 0; i < PATH_WORDS && i < w->n; i++)
		key = mix(
		    key, is_variable(w->word[i]) ? 1 : slice_ihash(w->word[i]));
	return key;
}

/* Words that are the same; 0 when that is under six of ten. */
static size_t
likeness(const struct row *r, const struct words *w)
{
	struct slice rest = { r->text, r->n };
	struct words own;
	size_t same = 0;

	split(rest, &own);
	if (own.n != w->n)
		return 0;
	for (size_t i = 0; i < w->n; i++)
		same += slice_eq(own.word[i], w->word[i]);
	return same * 10 >= w->n * 6 ? same : 0;
}

static struct row *
nearest(const struct leaf *l, const struct words *w)
{
	struct row *best = NULL;
	size_t most = 0;

	for (struct row *r = l->first; r != NULL; r = r->next) {
		size_t same = likeness(r, w);

		if (same > most) {
			most = same;
			best = r;
		}
	}
	return best;
}

/* Nothing differs but what may. */
static bool
is_covered(const struct row *r, const struct words *w)
{
	struct words own;

	split((struct slice){ r->text, r->n }, &own);
	for (size_t i = 0; i < own.n; i++)
		if (!slice_eq(own.word[i], w->word[i]) &&
		    !slice_eq(own.word[i], SLICE("<*>")))
			return false;
	return true;
}

/* What differs becomes <*>; true when that is more than before. */
static bool
generalise(struct row *r, const struct words *w)
{
	struct words own;
	struct buf text;
	bool is_changed = false;
	size_t n;
	char *p;

	split((struct slice){ r->text, r->n }, &own);
	buf_init(&text, 4 * REASON_TEMPLATE_MAX);
	for (size_t i = 0; i < own.n; i++) {
		bool is_same = slice_eq(own.word[i], w->word[i]);
		bool is_wild = slice_eq(own.word[i], SLICE("<*>"));

		if (i != 0)
			buf_addc(&text, ' ');
		buf_add_slice(&text, is_same ? own.word[i] : SLICE("<*>"));
		is_changed |= !is_same && !is_wild;
	}
	n = text.len;
	p = is_changed ? buf_take(&text) : NULL;
	buf_release(&text);
	if (p == NULL)
		return false;
	free(r->text);
	r->text = p;
	r->n = n;
	return true;
}

static struct leaf *
leaf_get(struct reason_tree *t, uint64_t key)
{
	struct leaf *l = map_find(&t->leaves, key, &key);

	if (l != NULL || t->rows >= REASON_TREE_MAX)
		return l;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->key = key;
	if (map_add(&t->leaves, l) < 0) {
		free(l);
		return NULL;
	}
	return l;
}

static struct row *
found(struct reason_tree *t, struct leaf *l, uint64_t hash, struct slice text)
{
	struct row *r, **last = &l->first;

	if (l->count >= LEAF_MAX || t->rows >= REASON_TREE_MAX)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->text = slice_dup(text);
	if (r->text == NULL) {
		free(r);
		return NULL;
	}
	r->n = text.n;
	r->hash = hash;
	while (*last != NULL)
		last = &(*last)->next;
	*last = r;
	l->count++;
	t->rows++;
	return r;
}

static struct reason_row
answer(const struct row *r)
{
	static const struct slice other = { "other", 5 };

	if (r == NULL)
		return (struct reason_row){ .hash = reason_hash(other),
			.template = other };
	return (struct reason_row){ .hash = r->hash,
		.template = { r->text, r->n } };
}

static struct row *
place(struct reason_tree *t, struct slice text, bool *ret_is_new,
    bool *ret_is_changed)
{
	struct words w;
	struct leaf *l;
	struct row *r;

	split(text, &w);
	l = leaf_get(t, path_key(&w, text));
	if (l == NULL)
		return NULL;
	r = nearest(l, &w);
	if (r != NULL) {
		*ret_is_changed = generalise(r, &w);
		return r;
	}
	r = found(t, l, reason_hash(text), text);
	*ret_is_new = r != NULL;
	return r;
}

size_t
reason_tree_rows(const struct reason_tree *t)
{
	return t->rows;
}

struct reason_row
reason_tree_look(struct reason_tree *t, struct slice text)
{
	struct reason_row ret;
	const struct leaf *l;
	const struct row *r;
	const struct seen *s;
	struct words w;
	uint64_t key;

	buf_clear(&t->made);
	reason_template(&t->made, text);
	if (t->made.bad)
		return answer(NULL);
	text = buf_slice(&t->made);
	s = &t->seen[reason_hash(text) & (SEEN_SLOTS - 1)];
	if (s->row != NULL && slice_eq(text, (struct slice){ s->text, s->n }))
		return answer(s->row);
	split(text, &w);
	key = path_key(&w, text);
	l = map_find(&t->leaves, key, &key);
	r = l != NULL ? nearest(l, &w) : NULL;
	ret = answer(r);
	ret.is_new = r == NULL;
	ret.is_changed = r != NULL && !is_covered(r, &w);
	return ret;
}

struct reason_row
reason_tree_find(struct reason_tree *t, struct slice text)
{
	bool is_new = false, is_changed = false;
	struct reason_row ret;
	struct slice made;
	struct seen *s;

	buf_clear(&t->made);
	reason_template(&t->made, text);
	if (t->made.bad)
		return answer(NULL);
	made = buf_slice(&t->made);
	s = &t->seen[reason_hash(made) & (SEEN_SLOTS - 1)];
	if (s->row != NULL && slice_eq(made, (struct slice){ s->text, s->n }))
		return answer(s->row);
	s->row = place(t, made, &is_new, &is_changed);
	s->n = made.n;
	memcpy(s->text, made.p, made.n);
	ret = answer(s->row);
	ret.is_new = is_new;
	ret.is_changed = is_changed;
	return ret;
}

void
reason_tree_add(struct reason_tree *t, uint64_t hash, struct slice template)
{
	struct words w;
	struct leaf *l;

	split(template, &w);
	l = leaf_get(t, path_key(&w, template));
	if (l != NULL)
		found(t, l, hash, template);
}
