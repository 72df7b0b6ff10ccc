/*
 * batch: rows gathered in memory, then given to SQLite in one statement.
 *
 * A statement a row costs more in beginnings and ends than in rows. Here the
 * rows look like a table to SQLite (an eponymous virtual table), and
 *
 *	INSERT INTO ev(...) SELECT * FROM batch_ev
 *
 * moves all of them: half the time, as measured.
 */
#ifndef BATCH_H
#define BATCH_H

#include <stddef.h>

#include "db.h"
#include "slice.h"

struct batch;

/* name: "batch_…", unique in this database; into: what stands before the
 * SELECT and, NULL or not, behind it ("ON CONFLICT …"). NULL: no memory. */
struct batch *batch_new(struct db *, const char *name, int columns,
    const char *into, const char *conflict);
void batch_free(struct batch *);
int batch_columns(const struct batch *);

/* A new row of NULLs; flushes first when there is no room. 0 or negative. */
int batch_row(struct batch *);
/* Into the row that was begun last; columns from 0. Texts are copied. */
void batch_int(struct batch *, int column, int64_t);
void batch_text(struct batch *, int column, struct slice);
/* As batch_int(), but a negative number is NULL. */
void batch_known(struct batch *, int column, int64_t);
int batch_flush(struct batch *); /* -ENOMEM also for an earlier text */
void batch_forget(struct batch *);

#endif
