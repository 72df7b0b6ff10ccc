/*
 * claim: what a smtpd says, held against what the queue knows. It reads what
 * strangers send; broken, it may say anything of its own messages that a
 * client could have made it say, and nothing of any other.
 */
#ifndef CLAIM_H
#define CLAIM_H

#include <stdbool.h>

#include "proto.h"

struct segment;

/* Could a client have sent a message with this envelope? What only the queue
 * may say (a notice, what it is about, states of recipients, programs and
 * files) has no place in it. */
bool claim_is_clients(const struct p_envelope *);
/* Does the record lie behind all that was announced of its segment, and is it
 * of a size that there is? */
bool claim_is_next(
    const struct segment *, uint64_t segment_size, const struct p_msg_new *);

#endif
