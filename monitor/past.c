#include "past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "days.h"
#include "schema.h"
#include "segment.h"
#include "totals.h"

#define OPEN_DAYS 3 /* yesterday, today, and one that is looked at */
#define LOOK_EACH 2000 /* steps of SQLite between two looks at the clock */

struct open_day {
	struct db db;
	int day; /* 0: free */
	dev_t dev; /* the file, as it was found under its name */
	ino_t ino;
	uint64_t used;
};

struct past {
	char *dir; /* owned */
	struct open_day open[OPEN_DAYS];
	uint64_t uses;
	unsigned replaced;
	int64_t budget, end; /* microseconds; mono */
};

static bool
first_is_enough(void *arg, const struct day *d)
{
	*(int *)arg = d->day;
	return false;
}

struct past *
past_open(const char *dir, char why[256])
{
	struct past *p = calloc(1, sizeof(*p));
	int day = 0, rc;

	if (p != NULL)
		p->dir = strdup(dir);
	if (p == NULL || p->dir == NULL) {
		free(p);
		return NULL;
	}
	p->budget = US_SEC / 20;
	rc = days_back(dir, 0, 99999999, first_is_enough, &day);
	if (rc == 0 && day != 0)
		return p;
	snprintf(why, 256, "%s: %s", dir,
	    rc < 0 ? strerror(-rc) : "no day is there");
	past_close(p);
	return NULL;
}

void
past_close(struct past *p)
{
	if (p == NULL)
		return;
	for (int i = 0; i < OPEN_DAYS; i++)
		db_close(&p->open[i].db);
	free(p->dir);
	free(p);
}

const char *
past_dir(const struct past *p)
{
	return p->dir;
}

void
past_budget(struct past *p, int64_t us)
{
	p->budget = us;
	p->end = clock_mono() + us;
}

static int
is_over(void *arg)
{
	return clock_mono() > ((struct past *)arg)->end;
}

int
past_errno(const struct past *p, int code)
{
	(void)p;
	return (code & 0xff) == SQLITE_INTERRUPT ? -ETIME : db_errno(code);
}

/* A rebuild puts another file in a day's place, and days are removed. */
static bool
is_there(const struct past *p, const struct open_day *o)
{
	char *path = days_path(p->dir, o->day);
	struct stat st;
	bool is_same = path != NULL && stat(path, &st) == 0 &&
	    st.st_dev == o->dev && st.st_ino == o->ino;

	free(path);
	return is_same;
}

static void
close_replaced(struct past *p)
{
	for (int i = 0; i < OPEN_DAYS; i++)
		if (p->open[i].day != 0 && !is_there(p, &p->open[i])) {
			db_close(&p->open[i].db);
			p->open[i] = (struct open_day){ 0 };
			p->replaced++;
		}
}

unsigned
past_replaced(const struct past *p)
{
	return p->replaced;
}

/* Looked at before it is opened: one that comes between is seen next time. */
static int
open_file(struct past *p, struct open_day *o, int day)
{
	char *path = days_path(p->dir, day);
	struct stat st;
	int rc = -ENOMEM;

	if (path != NULL)
		rc = stat(path, &st) < 0
		    ? -errno
		    : db_open(&o->db, path, &schema_segment, DB_READ, NULL);
	free(path);
	if (rc < 0)
		return rc;
	sqlite3_progress_handler(o->db.h, LOOK_EACH, is_over, p);
	o->day = day;
	o->dev = st.st_dev;
	o->ino = st.st_ino;
	return 0;
}

static struct db *
open_day(struct past *p, int day)
{
	struct open_day *o = &p->open[0];

	close_replaced(p);
	for (int i = 0; i < OPEN_DAYS; i++) {
		if (p->open[i].day == day) {
			p->open[i].used = ++p->uses;
			return &p->open[i].db;
		}
		if (p->open[i].used < o->used)
			o = &p->open[i];
	}
	db_close(&o->db);
	*o = (struct open_day){ 0 };
	if (open_file(p, o, day) < 0)
		return NULL;
	o->used = ++p->uses;
	return &o->db;
}

static struct db *
begin(struct past *p, int day, int *ret_day)
{
	struct db *db;

	p->end = clock_mono() + p->budget;
	if (day == 0)
		return NULL;
	db = open_day(p, day);
	if (db != NULL)
		*ret_day = day;
	return db;
}

struct db *
past_day(struct past *p, int day, int *ret_day)
{
	int found = 0;

	days_back(p->dir, 0, day, first_is_enough, &found);
	return begin(p, found, ret_day);
}

struct db *
past_day_behind(struct past *p, int day, int *ret_day)
{
	int found = 0;

	days_each(p->dir, day, 99999999, first_is_enough, &found);
	return begin(p, found, ret_day);
}

int
past_catalog(struct past *p, struct db *ret)
{
	char *path = buf_text("%s/catalog.db", p->dir);
	int rc = path == NULL
	    ? -ENOMEM
	    : db_open(ret, path, &schema_catalog, DB_READ, NULL);

	free(path);
	p->end = clock_mono() + p->budget;
	if (rc == 0)
		sqlite3_progress_handler(ret->h, LOOK_EACH, is_over, p);
	return rc;
}

int
past_confess(struct past *p, int64_t wall, struct past_confession *ret)
{
	struct totals t;
	struct db *db;
	int rc = totals_read(p->dir, wall - US_DAY, wall + US_DAY, &t), day;

	if (rc < 0)
		return rc;
	*ret = (struct past_confession){ .gaps = t.gaps,
		.missing = t.missing,
		.unparsed = t.n[TK_UNPARSED],
		.lost = t.n[TK_LOST] + t.n[TK_REFUSED] + t.n[TK_MISDATED],
		.days_unread = t.days_unread };
	db = past_day(p, 99999999, &day);
	if (db != NULL)
		ret->newest = db_number(db, "SELECT max(t) FROM minute", 0);
	return 0;
}
