#include "privacy_keys.h"

#include <errno.h>
#include <stdlib.h>

#include "event.h"
#include "json_text.h"
#include "schema.h"

static int
find(struct db *catalog, int month, unsigned char key[PRIVACY_KEY])
{
	sqlite3_stmt *q = NULL;
	int rc =
	    db_prepare(catalog, &q, "SELECT key FROM secret WHERE month = ?1");

	if (rc == 0) {
		sqlite3_bind_int(q, 1, month);
		rc = sqlite3_step(q) == SQLITE_ROW &&
			sqlite3_column_bytes(q, 0) == PRIVACY_KEY
		    ? 0
		    : -ENOENT;
	}
	if (rc == 0)
		memcpy(key, sqlite3_column_blob(q, 0), PRIVACY_KEY);
	sqlite3_finalize(q);
	return rc;
}

int
privacy_key(struct db *catalog, int day, unsigned char key[PRIVACY_KEY])
{
	sqlite3_stmt *q = NULL;
	int month = day / 100, rc = find(catalog, month, key);

	if (rc != -ENOENT)
		return rc;
	if (!privacy_random(key))
		return -EIO;
	rc = db_prepare(
	    catalog, &q, "INSERT INTO secret(month, key) VALUES(?1, ?2)");
	if (rc == 0) {
		sqlite3_bind_int(q, 1, month);
		sqlite3_bind_blob(q, 2, key, PRIVACY_KEY, SQLITE_STATIC);
		rc = db_run(q);
	}
	sqlite3_finalize(q);
	return rc;
}

int
privacy_forget(struct db *catalog, int oldest_day)
{
	char *sql = buf_text("PRAGMA secure_delete = ON;"
			     "DELETE FROM secret WHERE month < %d",
	    oldest_day / 100);
	int rc = sql == NULL ? -ENOMEM : db_exec(catalog, sql);

	free(sql);
	return rc;
}

static void
add_hidden(struct db *catalog, struct slice address, struct buf *json)
{
	sqlite3_stmt *q = NULL;
	struct privacy p = { .n = 0 };
	struct buf name;

	buf_init(&name, 4096);
	if (db_prepare(catalog, &q, "SELECT key FROM secret") < 0)
		return;
	while (sqlite3_step(q) == SQLITE_ROW)
		if (sqlite3_column_bytes(q, 0) == PRIVACY_KEY) {
			memcpy(p.key, sqlite3_column_blob(q, 0), PRIVACY_KEY);
			buf_clear(&name);
			privacy_address(&p, address, &name);
			buf_addc(json, ',');
			put_json(json, buf_slice(&name));
		}
	sqlite3_finalize(q);
	buf_release(&name);
}

void
privacy_names(const char *dir, struct slice address, struct buf *json)
{
	char *path = buf_text("%s/catalog.db", dir);
	struct db catalog = DB_NONE;

	buf_addc(json, '[');
	put_json(json, address);
	if (path != NULL &&
	    db_open(&catalog, path, &schema_catalog, DB_READ, NULL) == 0)
		add_hidden(&catalog, address, json);
	buf_addc(json, ']');
	db_close(&catalog);
	free(path);
}
