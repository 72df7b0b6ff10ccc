#include "reasons.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "allowance.h"
#include "fields.h"

struct reasons {
	struct db *db; /* borrowed */
	struct reason_tree *tree;
	sqlite3_stmt *put;
	bool is_dirty;
};

/* Events whose text is a refusal. */
static const bool is_refusal[EV_COUNT] = {
	[EV_CONN_REJECT] = true,
	[EV_DLV_DEFER] = true,
	[EV_DLV_FAIL] = true,
	[EV_DLV_EXPIRE] = true,
};

static int
load(struct reasons *r)
{
	sqlite3_stmt *q = NULL;
	int rc =
	    db_prepare(r->db, &q, "SELECT id, tmpl FROM reason ORDER BY first");

	if (rc < 0)
		return rc;
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		reason_tree_add(r->tree, (uint64_t)sqlite3_column_int64(q, 0),
		    slice_of((const char *)sqlite3_column_text(q, 1)));
	sqlite3_finalize(q);
	return db_errno(rc);
}

struct reasons *
reasons_new(struct db *catalog)
{
	struct reasons *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->db = catalog;
	r->tree = reason_tree_new();
	if (r->tree != NULL && load(r) == 0 &&
	    db_prepare(catalog, &r->put,
		"INSERT INTO reason(id, tmpl, example, class, first) "
		"VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
		"tmpl = excluded.tmpl, first = min(first, excluded.first)") ==
		0)
		return r;
	reasons_free(r);
	return NULL;
}

void
reasons_free(struct reasons *r)
{
	if (r == NULL)
		return;
	reasons_commit(r);
	sqlite3_finalize(r->put);
	reason_tree_free(r->tree);
	free(r);
}

int
reasons_commit(struct reasons *r)
{
	int rc = r->is_dirty ? db_exec(r->db, "COMMIT") : 0;

	if (rc == 0)
		r->is_dirty = false;
	return rc;
}

static int
keep(struct reasons *r, const struct why *w, enum reason class, int64_t t)
{
	const char *name = reason_name(class);
	int rc = r->is_dirty ? 0 : db_exec(r->db, "BEGIN IMMEDIATE");

	if (rc < 0)
		return rc;
	r->is_dirty = true;
	sqlite3_bind_int64(r->put, 1, w->id);
	sqlite3_bind_text(
	    r->put, 2, w->template.p, (int)w->template.n, SQLITE_STATIC);
	sqlite3_bind_text(r->put, 3, w->text.p, (int)w->text.n, SQLITE_STATIC);
	sqlite3_bind_text(r->put, 4, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(r->put, 5, t);
	return db_run(r->put);
}

/* Letters and digits, and what joins them in a local part. */
static bool
is_in_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '+' ||
	    (c & 0x80);
}

/* Local parts that are words of replies themselves. */
static bool
is_plain_word(struct slice s)
{
	static const char *const words[] = { "user", "mail", "mailbox",
		"recipient", "account", "address", "message", "host" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_ieq(s, slice_of(words[i])))
			return true;
	return false;
}

/*
 * "unknown user: alice" is the same reply for everybody, and a template must
 * not name people: where the local part of its address stands in the text as
 * a word, an address does. The answer is the text itself, or in room.
 */
static struct slice
without_name(
    struct slice text, struct slice address, char room[2 * REASON_TEMPLATE_MAX])
{
	struct slice name = slice_sub(address, 0, slice_rfind(address, '@'));
	const char *at = name.n < 2 || is_plain_word(name)
	    ? NULL
	    : memmem(text.p, text.n, name.p, name.n);
	size_t from, n;

	if (at == NULL)
		return text;
	from = (size_t)(at - text.p);
	if ((from != 0 && (is_in_word(at[-1]) || at[-1] == '<')) ||
	    (from + name.n < text.n &&
		(is_in_word(at[name.n]) || at[name.n] == '@')))
		return text;
	n = (size_t)snprintf(room, 2 * REASON_TEMPLATE_MAX, "%.*s<addr>%.*s",
	    (int)(from < REASON_TEMPLATE_MAX ? from : REASON_TEMPLATE_MAX),
	    text.p,
	    (int)(text.n - from - name.n < REASON_TEMPLATE_MAX
		    ? text.n - from - name.n
		    : REASON_TEMPLATE_MAX),
	    at + name.n);
	return (struct slice){ room,
		n < 2 * REASON_TEMPLATE_MAX ? n : 2 * REASON_TEMPLATE_MAX - 1 };
}

/* Most replies are known; only what would change the table is asked for. */
static struct reason_row
find(struct reasons *r, struct allowance *may, struct slice text)
{
	struct reason_row row;
	bool was_cut;

	if (may == NULL)
		return reason_tree_find(r->tree, text);
	row = reason_tree_look(r->tree, text);
	if (!row.is_new && !row.is_changed)
		return row;
	was_cut = may->is_cut;
	if (reason_tree_rows(r->tree) < REASON_TREE_MAX / 2 &&
	    allowance_take(may, AL_REASON))
		return reason_tree_find(r->tree, text);
	may->is_cut = was_cut || row.is_new; /* one that is near is whole */
	row.is_new = row.is_changed = false;
	return row;
}

int
reasons_find(struct reasons *r, const struct heard *h, struct why *ret)
{
	struct fields f;
	struct reason_row row;
	enum reason class;
	char room[2 * REASON_TEMPLATE_MAX];

	*ret = (struct why){ 0 };
	if (!is_refusal[h->event.type])
		return 0;
	fields_of(&f, &h->event);
	ret->text = fields_str(&f, F_TEXT);
	if (ret->text.n == 0)
		return 0;
	row = find(r, h->may,
	    without_name(ret->text, fields_str(&f, F_RCPT_TO), room));
	ret->id = (int64_t)row.hash;
	ret->template = row.template;
	ret->is_changed = row.is_new || row.is_changed;
	class = fields_has(&f, F_REASON_CLASS)
	    ? reason_parse(fields_str(&f, F_REASON_CLASS))
	    : reason_classify((unsigned)fields_num(&f, F_CODE, 0),
		  fields_str(&f, F_ENHANCED), ret->text);
	if (!fields_has(&f, F_REASON_CLASS))
		ret->class = class;
	return ret->is_changed ? keep(r, ret, class, h->time_us) : 0;
}
