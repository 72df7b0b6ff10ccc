/*
 * foreign: the logs of Postfix, sendmail, Exim and OpenSMTPD as the events of
 * event.def.
 *
 * Lines go in, one at a time and in the order of each mailer's log; events
 * come out by the heard_fn, during the call. What a mailer tells over several
 * lines is joined by its own ids, within bounded memory (joins.h). A line
 * that is a known mailer's and says nothing known is counted and handed back
 * as such: nothing is guessed. mta-foreign(7) says what becomes of what.
 *
 * No I/O, no threads. Slices in events are borrowed for the call.
 */
#ifndef FOREIGN_H
#define FOREIGN_H

#include "heard.h"

struct foreign;

enum foreign_result {
	FOREIGN_TOLD, /* one event or more */
	FOREIGN_KNOWN, /* read, and nothing to tell (yet) */
	FOREIGN_UNPARSED, /* a mailer's, and not understood */
	FOREIGN_OTHER, /* another program's */
	FOREIGN_RESULTS
};

#define FOREIGN_LINE_MAX 65536 /* the rest of a longer line is not read */

/* now_us: no line is later (for times without a year); a file's last change,
 * or the present. NULL without memory. */
struct foreign *foreign_new(heard_fn *, void *ctx, int64_t now_us);
void foreign_free(struct foreign *);
void foreign_set_now(struct foreign *, int64_t now_us);
/* Who wrote a line that does not say so (Exim's log); borrowed for good. */
void foreign_set_node(struct foreign *, struct slice);

/* From whom the next lines come: what one peer says is never joined to what
 * another does, and of all peers' beginnings those go first of whom there is
 * most, by these numbers. Nobody at first. */
void foreign_set_peer(struct foreign *, struct slice via, unsigned number);

/* One line without its line end, or with it. */
enum foreign_result foreign_line(struct foreign *, struct slice line);
/* The same for what it teaches, and tell nothing: lines that were told before
 * a restart, so that what follows them is joined to them. */
void foreign_learn(struct foreign *, struct slice line);

struct foreign_stats {
	uint64_t lines, events;
	uint64_t results[FOREIGN_RESULTS];
	uint64_t forgotten; /* beginnings, for want of room */
};
const struct foreign_stats *foreign_stats(const struct foreign *);

#endif
