/*
 * segment: one day (UTC) of events, in a file of its own.
 *
 * Everything about the day is in the file: events, messages, dictionaries,
 * sums, which sequence numbers are here, and how far each source was read.
 * One transaction holds a batch of events and the place behind it, so no
 * crash can part them; a day that is too old is one file to remove.
 *
 * All return 0 or a negative -E… of db.h. After an error in a transaction
 * call segment_rollback(): nothing of it is left, in the file or in memory.
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include "gaps.h"
#include "heard.h"
#include "reasons.h"
#include "tally.h"

struct segment;

/* What became of an event. */
enum heard_as { HEARD_NEW, HEARD_BEFORE };

/* How far a source was read: (file, off) only rises, mark is its own. */
struct place {
	int64_t source;
	int64_t file, off;
	char mark[200];
};

/* YYYYMMDD of a time, and the time at which it begins. */
int segment_day(int64_t t);
int64_t segment_begin_of(int day);

/* Opens or makes the file; cache: bytes for its pages. */
int segment_open(struct segment **ret, const char *path, int day, size_t cache,
    char ret_why[256]);
/* Bytes for its pages from now on. */
void segment_set_cache(struct segment *, size_t);
/* Its log is copied by another process (copier.h), unless it grows long. */
void segment_leave_log(struct segment *);
/* What the day had when its file went, to be owned: it is heard before. */
void segment_set_gone(struct segment *, struct gaps *);
void segment_close(struct segment *); /* rolls back what is open */
int segment_number(const struct segment *); /* its day */
bool segment_is_of(const struct segment *, int64_t t);
bool segment_is_dirty(const struct segment *); /* in a transaction */

int segment_hear(struct segment *, const struct heard *, const struct why *,
    enum heard_as *ret_as);
/* Is an event of the same message, recipient, attempt and kind here? */
int segment_knows(struct segment *, const struct heard *, bool *ret);
/* A number of a writer that is here although its event is not known. */
int segment_unknown(struct segment *, const struct heard *);
/* A line that nobody could read, or whose time is none, as kind says: counted,
 * and kept while there is room, of a peer as many as it may have. */
int segment_unparsed(struct segment *, enum tally_kind, int64_t t,
    int64_t source, struct slice, struct allowance *);
int segment_count(struct segment *, enum tally_kind, int64_t t, uint64_t n);
int segment_place(struct segment *, const struct place *);
/* is_durable: on the disk when it returns; else with the next ones. */
int segment_commit(struct segment *, bool is_durable);
void segment_rollback(struct segment *);
int segment_sync(struct segment *); /* all earlier commits on the disk */
const char *segment_error(const struct segment *);

#endif
