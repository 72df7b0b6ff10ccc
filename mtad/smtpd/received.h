/*
 * received: what stands before a message: the Received field (RFC 5321
 * section 4.4) and, on submission, what the program left out.
 *
 * All but the id is made while the session is there, so that a client that
 * has gone leaves the same trace.
 */
#ifndef SMTP_RECEIVED_H
#define SMTP_RECEIVED_H

#include "session.h"

/* Fill sub->trace: from a client, or from a user by a drop file. */
void received_from_session(struct submission *, const struct session *);
void received_from_user(struct submission *, uint32_t uid);
/* For submission.head. */
void received_head(struct submission *, struct msgid, struct buf *);

#endif
