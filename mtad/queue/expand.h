/*
 * expand: aliases, lists and .forward files. Who stands in for a recipient
 * is durable before any of them gets the message, so that no crash makes
 * one of them get it twice for a different expansion.
 */
#ifndef EXPAND_H
#define EXPAND_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

struct msg;
struct peer;
struct queue;

/* What stands in for one recipient. */
struct stand_in {
	struct slice targets, user;
	struct slice owner; /* of a list: gets its errors; empty: no list */
	bool keeps; /* the mailbox, too */
	const char *kind; /* of the event */
};

/* Replace one recipient, durably; peer's serial is acknowledged then, unless
 * it is NULL. */
void expand(struct queue *, struct msg *, uint32_t rcpt,
    const struct stand_in *, struct peer *, uint64_t serial);
/* The recipient fails when nobody would stand in for it: false. */
bool expand_leads_on(
    struct queue *, struct msg *, uint32_t rcpt, struct slice targets);
bool expand_is_to_ask(uint8_t kind); /* does lookup know what it is? */

#endif
