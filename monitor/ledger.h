/*
 * ledger: recipients in are recipients out and kept, message by message.
 *
 * What was received and what came of expansions goes in; what was delivered,
 * returned, expired, deleted, discarded or replaced by its expansion goes
 * out. For each message that left the queue the events of its recipients,
 * those of its beginning, and the counts that it left with must agree: three
 * books that mtad writes in different places. Messages of other mailers have
 * no such counts and are not looked at.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "buf.h"

struct ledger {
	uint64_t messages; /* that left the queue, and were looked at */
	uint64_t accepted, expanded; /* recipients in */
	uint64_t delivered, bounced, expired, deleted, replaced; /* out */
	uint64_t open_messages, open_recipients; /* kept */
	uint64_t unknown; /* began before all days that are here */
	uint64_t imbalances; /* messages that do not agree */
};

/* From and to choose by the time at which a message left. Of messages that
 * do not agree a line each goes to out. 0 or negative errno. */
int ledger_read(const char *dir, int64_t from, int64_t to, struct ledger *ret,
    struct buf *out);

#endif
