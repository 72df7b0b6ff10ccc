/*
 * tally: the sums of a day, by what happened and by whom it concerns.
 *
 * tally.c has the two tables: which events count as what (KINDS), and along
 * which dimensions they are added up (DIMS). Gathered in memory, added to
 * the rows of rollup at each flush, in the transaction of the events.
 */
#ifndef TALLY_H
#define TALLY_H

#include "db.h"
#include "dict.h"
#include "fields.h"

/* What is counted; the names are those of `mtacollect totals`. */
enum tally_kind {
	TK_RECEIVED,
	TK_DELIVERED,
	TK_DEFERRALS,
	TK_BOUNCED,
	TK_EXPIRED,
	TK_REJECTED,
	TK_HELD,
	TK_DISCARDED,
	TK_DELETED,
	TK_NOTICES,
	TK_CLOCK_JUMPS,
	TK_UNCLEAN, /* starts of mtad after a stop that was none */
	/* not of events: about what is known */
	TK_EVENTS,
	TK_UNPARSED,
	TK_LATE,
	TK_GUESSED,
	TK_LOST,
	TK_REFUSED, /* lines of a peer that had said what it may */
	TK_MISDATED, /* lines of a peer for days that are far from now */
	TK_CUT, /* events that are here without all of their names or number */
	TK_LET_GO, /* events that are no more in a day (lean.h) */
	TK_COUNT
};

/* Along what; 0 is all together. Keys are numbers of the table named so. */
enum tally_dim { TD_ALL, TD_MAILER, TD_DOMAIN, TD_CLASS, TD_REASON, TD_COUNT };

const char *tally_kind_name(enum tally_kind);
const char *tally_dim_name(enum tally_dim); /* "" for TD_ALL */

/* What of an event is along each dimension; 0: nothing. */
struct tally_keys {
	int64_t key[TD_COUNT];
};

struct tally;

struct tally *tally_new(struct db *, struct dict *words); /* NULL: no memory */
void tally_free(struct tally *);
void tally_event(struct tally *, int64_t t, const struct fields *,
    const struct tally_keys *);
void tally_add(struct tally *, enum tally_kind, int64_t t, uint64_t n);
int tally_flush(struct tally *);
void tally_forget(struct tally *);

#endif
