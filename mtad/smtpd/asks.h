/*
 * asks: questions of sessions to other processes, and answers that are
 * remembered for a moment, so that a busy local domain costs no round trip
 * for each message.
 */
#ifndef SMTP_ASKS_H
#define SMTP_ASKS_H

#include "proc.h"

struct asks;
struct session;

struct asks *asks_new(void);
void asks_free(struct asks *);
/* A key that leads back to the session until asks_drop(). 0 without memory. */
uint64_t asks_add(struct asks *, struct session *);
struct session *asks_take(struct asks *, uint64_t key); /* NULL: gone */
void asks_drop(struct asks *, uint64_t key); /* 0 is fine */
/* Those that have waited since before `mono`, one at a time. */
struct session *asks_overdue(struct asks *, int64_t mono);
/* Was this address found good within the last seconds? */
bool asks_is_known(struct asks *, struct slice local, struct slice domain);
void asks_know(struct asks *, struct slice local, struct slice domain);
void asks_forget(struct asks *); /* a reload */

#endif
