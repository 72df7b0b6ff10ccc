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

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

struct ledger {
	uint64_t messages; /* that left the queue, and were looked at */
	uint64_t accepted, expanded; /* recipients in */
	uint64_t delivered, bounced, expired, deleted, replaced; /* out */
	uint64_t open_messages, open_recipients; /* kept */
	uint64_t unknown; /* began before all days that are here */
	uint64_t imbalances; /* messages that do not agree */
	struct buf *out; /* borrowed: a line for each of these */
};

/* What is asked for. */
struct ledger_question {
	/* the ledger of messages that left at this time; NULL: none */
	struct ledger *(*of)(void *ctx, int64_t t);
	/* has this day (YYYYMMDD) such times? */
	bool (*has_day)(void *ctx, int day);
	void *ctx; /* borrowed */
};

/*
 * One pass over all days; of those that are not asked for only over what
 * went on when they ended, or had begun before. What is open goes to
 * ret_open. 0 or negative errno.
 */
int ledger_read(
    const char *dir, const struct ledger_question *, struct ledger *ret_open);

#endif
