#include "privacy_day.h"

#include <string.h>

#include "anew.h"
#include "privacy_sql.h"
#include "replace.h"
#include "schema.h"

/* An address that becomes the same as another one is that one. */
#define NUMBER(column)                                                         \
	"coalesce((SELECT id FROM temp.twin WHERE was = o." column "), "       \
	"o." column ")"
#define ABOUT                                                                  \
	"(SELECT s FROM old.addr WHERE id = o.snd), "                          \
	"(SELECT s FROM old.addr WHERE id = o.addr)"

static const struct anew_change changes[] = {
	{ "ev", "snd", NUMBER("snd") },
	{ "ev", "addr", NUMBER("addr") },
	{ "ev", "text", "hide(o.text, " ABOUT ")" },
	{ "ev", "extra", "hide_json(o.extra, " ABOUT ")" },
	{ "msg", "snd", NUMBER("snd") },
	{ "rcpt", "addr", NUMBER("addr") },
	{ "reason", "tmpl", "hide(o.tmpl, NULL, NULL)" },
	{ "reason", "example", "hide(o.tmpl, NULL, NULL)" },
	{ "unparsed", NULL, "NOT names_one(o.line)" },
	{ NULL, NULL, NULL },
};

static const char addresses[] =
    "INSERT INTO main.addr(id, s, domain) "
    "SELECT min(id), hide_address(s), domain FROM old.addr GROUP BY 2;"
    "CREATE TEMP TABLE twin(was INTEGER PRIMARY KEY, id INTEGER);"
    "INSERT INTO temp.twin SELECT o.id, n.id FROM old.addr o "
    "JOIN main.addr n ON n.s = hide_address(o.s) WHERE n.id != o.id;";

bool
privacy_is_due(struct db *catalog, const struct day *day)
{
	struct db db = DB_NONE;
	char now[REPLACE_STAMP], then[REPLACE_STAMP] = "";
	int rc = db_open(&db, day->path, &schema_segment, DB_READ, NULL);

	if (rc == 0)
		rc = replace_stamp(&db, "main", now);
	db_close(&db);
	if (rc == 0)
		rc = replace_noted(catalog, day->day, then);
	return rc == 0 && strcmp(now, then) != 0;
}

bool
privacy_concerns(const struct day *day, const struct privacy *p)
{
	struct db db = DB_NONE;
	int64_t n = 1;

	if (db_open(&db, day->path, &schema_segment, DB_READ, NULL) == 0 &&
	    privacy_functions(&db, p) == 0)
		n = db_number(&db,
		    "SELECT EXISTS(SELECT 1 FROM addr "
		    "WHERE hide_address(s) != s) OR "
		    "EXISTS(SELECT 1 FROM unparsed WHERE names_one(line)) OR "
		    "EXISTS(SELECT 1 FROM reason WHERE names_one(tmpl) "
		    "OR names_one(example)) OR EXISTS(SELECT 1 FROM ev "
		    "WHERE names_one(text) OR names_one(extra))",
		    1);
	db_close(&db);
	return n != 0;
}

int
privacy_copy(struct db *catalog, const struct day *day, const struct privacy *p,
    char why[256])
{
	const struct anew_plan plan = { .change = changes,
		.before = addresses,
		.apart = "addr",
		.privacy = p,
		.names = p->n != 0 ? ANEW_FEWER_NAMES : ANEW_NO_NAMES };

	return anew_copy(catalog, day, &plan, why);
}
