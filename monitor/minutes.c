#include "minutes.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define OF_DAY 1440

struct minutes {
	sqlite3_stmt *put;
	bool is_dirty;
	struct {
		int64_t t, lo, hi; /* lo is 0 while nothing changed */
	} at[OF_DAY];
};

struct minutes *
minutes_new(struct db *db)
{
	struct minutes *m = calloc(1, sizeof(*m));

	if (m != NULL &&
	    db_prepare(db, &m->put,
		"INSERT INTO minute(t, lo, hi) VALUES(?1, ?2, ?3) "
		"ON CONFLICT DO UPDATE SET lo = min(lo, excluded.lo), "
		"hi = max(hi, excluded.hi)") == 0)
		return m;
	minutes_free(m);
	return NULL;
}

void
minutes_free(struct minutes *m)
{
	if (m == NULL)
		return;
	sqlite3_finalize(m->put);
	free(m);
}

void
minutes_add(struct minutes *m, int64_t t, int64_t row)
{
	int64_t minute = t / US_MIN;
	size_t i = (size_t)(minute % OF_DAY);

	m->is_dirty = true;
	if (m->at[i].lo == 0) {
		m->at[i].t = minute * US_MIN;
		m->at[i].lo = m->at[i].hi = row;
	}
	if (row > m->at[i].hi)
		m->at[i].hi = row;
}

int
minutes_flush(struct minutes *m)
{
	int rc = 0;

	for (size_t i = 0; m->is_dirty && i < OF_DAY && rc == 0; i++) {
		if (m->at[i].lo == 0)
			continue;
		sqlite3_bind_int64(m->put, 1, m->at[i].t);
		sqlite3_bind_int64(m->put, 2, m->at[i].lo);
		sqlite3_bind_int64(m->put, 3, m->at[i].hi);
		rc = db_run(m->put);
		m->at[i].lo = 0;
	}
	m->is_dirty = rc < 0;
	return rc;
}

void
minutes_forget(struct minutes *m)
{
	m->is_dirty = false;
	memset(m->at, 0, sizeof(m->at));
}
