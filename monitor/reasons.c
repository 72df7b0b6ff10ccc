#include "reasons.h"

#include <errno.h>
#include <stdlib.h>

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

int
reasons_find(struct reasons *r, const struct heard *h, struct why *ret)
{
	struct fields f;
	struct reason_row row;
	enum reason class;

	*ret = (struct why){ 0 };
	if (!is_refusal[h->event.type])
		return 0;
	fields_of(&f, &h->event);
	ret->text = fields_str(&f, F_TEXT);
	if (ret->text.n == 0)
		return 0;
	row = reason_tree_find(r->tree, ret->text);
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
