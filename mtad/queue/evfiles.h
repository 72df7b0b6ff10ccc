/*
 * evfiles: the event log files: opened, handed to the parent, closed at a
 * size, compressed when the parent has confirmed the next one, and kept under
 * a total. The other processes' events come through relay.c. Names are rising numbers: events.000000000042.jsonl[.gz].
 */
#ifndef EVFILES_H
#define EVFILES_H

#include "queue.h"

/* Opens a new file: every start begins one. NULL with errno. */
struct event_files *evfiles_new(struct queue *);
void evfiles_free(struct event_files *);
void evfiles_greet(struct event_files *); /* the parent is there */
bool evfiles_confirmed(struct event_files *, struct slice);
void evfiles_second(struct event_files *); /* look at size and total */
void evfiles_rotate(struct event_files *); /* now */
/* Descriptors to sync, the caller's; ret[1] is -1 when the file before is
 * synced already. */
void evfiles_dup(struct event_files *, int ret[2]);
uint64_t evfiles_number(const struct event_files *);

#endif
