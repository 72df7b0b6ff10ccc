#include "life_words.h"

#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "visible.h"

void
life_put_time(struct buf *b, int64_t us)
{
	time_t t = (time_t)(us / US_SEC);
	struct tm tm;
	char text[32];

	if (localtime_r(&t, &tm) == NULL)
		return;
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	buf_addf(b, "%s.%03d", text, (int)(us % US_SEC / 1000));
}

void
life_put_escaped(struct buf *b, struct slice s)
{
	visible_put(b, s, MB_CUR_MAX == 1);
}

int64_t
life_number(struct db *db, const struct life *l)
{
	sqlite3_stmt *q = NULL;
	int64_t id = 0;

	if (db_prepare(db, &q,
		"SELECT id FROM msg WHERE qid = ?1 AND "
		"node = (SELECT id FROM word WHERE s = ?2)") == 0) {
		sqlite3_bind_text(q, 1, l->qid, -1, SQLITE_STATIC);
		sqlite3_bind_text(q, 2, l->node, -1, SQLITE_STATIC);
		if (sqlite3_step(q) == SQLITE_ROW)
			id = sqlite3_column_int64(q, 0);
	}
	sqlite3_finalize(q);
	return id;
}
