/*
 * db: one SQLite file of ours, with the settings of all of them.
 *
 * A file knows what it is (application_id) and which version of its tables
 * it has (user_version). An older one is brought up step by step, each step
 * one transaction, after a copy was made beside it; a newer one, or a file
 * of others, is refused. Writers use the WAL, so that readers never wait.
 *
 * All return 0 or a negative -E…: -ENOSPC full disk, -EBUSY locked longer
 * than five seconds, -EBADMSG damaged or none of ours, -EPROTO of a newer
 * version, -ESTALE of an older one that only DB_WRITE brings up, -ENODATA
 * being made this moment, -EIO and the like. db_error() has SQLite's words.
 */
#ifndef DB_H
#define DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct db_kind {
	int32_t application_id;
	const char *const *steps; /* SQL from version i to i + 1 */
	int version; /* number of steps */
};

enum db_mode {
	DB_READ, /* must exist; nothing can be changed */
	DB_CHANGE, /* must exist and be of our version */
	DB_WRITE, /* made when it is not there */
};

struct db {
	sqlite3 *h; /* NULL: not open */
	char *path;
};

#define DB_NONE ((struct db){ 0 })

/* Once, before anything else of SQLite: it serves one thread here, and keeps
 * no account of its memory. */
void db_setup(void);
/* On failure the struct is closed; ret_why (may be NULL) says it in words. */
int db_open(struct db *, const char *path, const struct db_kind *, enum db_mode,
    char ret_why[256]);
void db_close(struct db *); /* fine when it is not open */
int db_exec(struct db *, const char *sql); /* one or more statements */
/* Kept until sqlite3_finalize(); the text is not copied. */
int db_prepare(struct db *, sqlite3_stmt **ret, const char *sql);
/* Step to the end, and reset: for statements without rows. */
int db_run(sqlite3_stmt *);
/* The first column of the first row; def when there is none. */
int64_t db_number(struct db *, const char *sql, int64_t def);
int db_errno(int sqlite_code);
const char *db_error(const struct db *);
bool db_is_there(const char *path);

#endif
