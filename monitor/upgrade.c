#include "upgrade.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "buf.h"
#include "days.h"
#include "turn.h"

struct work {
	const struct db_kind *day;
	struct turn turn;
	int done, rc; /* rc: of the first that failed */
	char *why;
};

void
upgrade_forget(const char *path, const struct db_kind *kind)
{
	for (int v = 1; v < kind->version; v++) {
		char *name = buf_text("%s.v%d", path, v);

		if (name != NULL)
			unlink(name);
		free(name);
	}
}

static bool
is_old(const char *path, const struct db_kind *kind)
{
	struct db db;
	int rc = db_open(&db, path, kind, DB_READ, NULL);

	db_close(&db);
	return rc == -ESTALE;
}

/* For the copy, and as much again for those who write meanwhile. */
static bool
has_room(const char *path)
{
	struct stat st;
	struct statvfs v;

	return stat(path, &st) == 0 && statvfs(path, &v) == 0 &&
	    (int64_t)v.f_bavail * (int64_t)v.f_frsize / 2 >=
	    (int64_t)st.st_size;
}

/* Within a turn: nobody may put another file in its place meanwhile. */
static int
bring_up(
    struct work *w, const char *path, const struct db_kind *kind, char why[256])
{
	struct db db = DB_NONE;
	int rc = turn_wait(&w->turn);

	snprintf(why, 256, "%s: %s", path, strerror(-rc));
	if (rc == 0 && !has_room(path)) {
		snprintf(why, 256, "%s: no room to bring it up", path);
		rc = -ENOSPC;
	}
	if (rc == 0)
		rc = db_open(&db, path, kind, DB_WRITE, why);
	db_close(&db);
	turn_end(&w->turn);
	return rc;
}

static bool
is_sound(const char *path, const struct db_kind *kind)
{
	struct db db;
	bool is_it = db_open(&db, path, kind, DB_READ, NULL) == 0 &&
	    db_number(&db,
		"SELECT count(*) FROM pragma_quick_check(1) "
		"WHERE quick_check = 'ok'",
		0) == 1;

	db_close(&db);
	return is_it;
}

/* The copy of a day that is damaged stays. */
static int
upgrade(
    struct work *w, const char *path, const struct db_kind *kind, char why[256])
{
	int rc = bring_up(w, path, kind, why);

	if (rc < 0)
		return rc;
	if (!is_sound(path, kind)) {
		snprintf(why, 256, "%s: damaged when it was brought up", path);
		return -EBADMSG;
	}
	if (kind == w->day)
		upgrade_forget(path, kind);
	return 0;
}

static void
look_at(struct work *w, const char *path, const struct db_kind *kind)
{
	char why[256];
	int rc;

	if (!is_old(path, kind))
		return;
	rc = upgrade(w, path, kind, why);
	w->done += rc == 0;
	if (rc < 0 && w->rc == 0) {
		w->rc = rc;
		memcpy(w->why, why, sizeof(why));
	}
}

static bool
look_at_day(void *arg, const struct day *day)
{
	struct work *w = arg;

	look_at(w, day->path, w->day);
	return true;
}

int
upgrade_store(const char *dir, const struct db_kind *catalog,
    const struct db_kind *day, char why[256])
{
	struct work w = { .day = day, .why = why };
	char *path = buf_text("%s/catalog.db", dir);
	int rc = path == NULL ? -ENOMEM : turn_init(&w.turn, dir);

	if (rc == 0) {
		look_at(&w, path, catalog);
		rc = days_each(dir, 0, 99999999, look_at_day, &w);
		turn_release(&w.turn);
	}
	if (rc < 0)
		snprintf(why, 256, "%s: %s", dir, strerror(-rc));
	free(path);
	return rc < 0 ? rc : w.rc < 0 ? w.rc : w.done;
}
