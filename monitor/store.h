/*
 * store: the folder with all that was heard: catalog.db, and a segment for
 * each day. mta-store(7) describes it.
 *
 * One process writes at a time (turn.h); between two batches it gives way to
 * others. Events are heard in batches; store_commit() makes a batch and the place behind it durable in
 * one order: what belongs to other days first, synced, then the newest day
 * together with the place. So a place that survived a power cut proves that
 * everything before it did.
 *
 * After any error the batch is void: store_rollback(), then read again from
 * store_place().
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>

#include "buf.h"
#include "copier.h"
#include "keep.h"
#include "segment.h"

struct store;

/* The folder is made when it is not there. Waits for its turn. */
int store_open(struct store **ret, const char *dir, char ret_why[256]);
void store_close(struct store *);
/* From now on the newest day's log is copied by this one, borrowed. */
void store_set_copier(struct store *, struct copier *);
/* Between batches. Another process waits for its turn. */
bool store_is_wanted(const struct store *);
/* Lets others write, and forgets what they may change; nothing else is
 * called until store_resume() says 0. -EBUSY: others write, ask again. */
void store_pause(struct store *);
int store_resume(struct store *);
/* Both at once, when the store is wanted: for those who may be kept waiting. */
int store_give_way(struct store *);
/* The file whose attributes change when the store becomes wanted. */
const char *store_line(const struct store *);
/* Days that are too old go (keep.h); commit before. */
int store_keep(struct store *, const struct keep_rules *, char ret_why[256]);
/* Each day's sums, messages and recipients anew from its events; says a line
 * for each. 0, or what went wrong first. */
int store_rebuild(struct store *, struct buf *out);

/* The number of a source, made when it is new; negative errno. */
int64_t store_source(struct store *, const char *kind, const char *name);
/* Of all sources of this kind; stops when it says false. */
int store_each_source(struct store *, const char *kind,
    bool (*one)(void *arg, int64_t id, const char *name), void *arg);
/* How far it was read; false: never. */
bool store_place(struct store *, int64_t source, struct place *ret);

/* These say, and have stored nothing then: -ERANGE: no time that mail can
 * have; -EXFULL: too many days in one batch, commit and say it again. */
int store_hear(struct store *, const struct heard *, enum heard_as *ret_as);
int store_unknown(struct store *, const struct heard *);
int store_unparsed(struct store *, enum tally_kind, int64_t t, int64_t source,
    struct slice, struct allowance *);
/* Would an event of this time not have to open a day? */
bool store_has_open(const struct store *, int64_t t);
int store_count(struct store *, enum tally_kind, int64_t t, uint64_t n);
int store_commit(struct store *, const struct place *, size_t places);
void store_rollback(struct store *);
const char *store_error(const struct store *);

#endif
