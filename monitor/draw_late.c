#include "draw_late.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "days.h"
#include "file.h"
#include "schema.h"
#include "segment.h"

struct sum {
	int64_t to;
	uint64_t n;
};

/* words: "word" of a day, "name" of the catalog. */
static void
add(struct sum *s, const char *path, const struct db_kind *kind,
    const char *words)
{
	struct db db = DB_NONE;
	char *sql = buf_text("SELECT sum(n) FROM rollup WHERE "
			     "kind = (SELECT id FROM %s WHERE s = 'events') "
			     "AND dim = (SELECT id FROM %s WHERE s = '') "
			     "AND key = 0 AND t < %lld",
	    words, words, (long long)s->to);

	if (sql != NULL && db_open(&db, path, kind, DB_READ, NULL) == 0)
		s->n += (uint64_t)db_number(&db, sql, 0);
	db_close(&db);
	free(sql);
}

static bool
add_day(void *arg, const struct day *day)
{
	add(arg, day->path, &schema_segment, "word");
	return true;
}

/* Events of the minutes before a time in seconds. */
static uint64_t
events_before(const char *store, int64_t last)
{
	struct sum s = { last * US_SEC, 0 };
	char *path = buf_text("%s/catalog.db", store);

	if (path != NULL)
		add(&s, path, &schema_catalog, "name");
	free(path);
	days_each(store, 0, segment_day(s.to), add_day, &s);
	return s.n;
}

void
draw_late_look(const char *store, const char *folder, struct draw_counts *c)
{
	char *path = buf_text("%s/counted", folder);
	FILE *f = path != NULL ? fopen(path, "re") : NULL;
	unsigned long long n = 0;
	long long last = 0;
	uint64_t now;

	if (f != NULL && fscanf(f, "%lld %llu", &last, &n) == 2 && last > 0) {
		now = events_before(store, last);
		c->late = now > n ? now - n : 0;
	}
	if (f != NULL)
		fclose(f);
	free(path);
}

void
draw_late_note(
    const char *store, const char *folder, const struct draw_counts *c)
{
	uint64_t n = events_before(store, c->last) - c->late;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *text =
	    buf_text("%lld %llu\n", (long long)c->last, (unsigned long long)n);

	if (fd >= 0 && text != NULL && c->minutes != 0)
		file_replace(fd, "counted", text, strlen(text), 0640);
	if (fd >= 0)
		close(fd);
	free(text);
}
