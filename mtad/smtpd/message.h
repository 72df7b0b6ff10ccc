/*
 * message: a message while its bytes come in, and what becomes of it at its
 * end. In memory while it is small, in a body file of the queue's when it is
 * large or when all sessions together hold more than their budget.
 */
#ifndef SMTP_MESSAGE_H
#define SMTP_MESSAGE_H

#include "session.h"

/* What the header has, while it is in memory: before the first spill. */
void message_note_header(struct submission *, const struct body *);
/* Into a body file, or further into it: 0; -EAGAIN no file is there, or
 * another negative error. */
int message_spill(struct store *, struct submission *);
/*
 * The session's body has grown: count its bytes, move them to a file, or refuse the message; then its bytes are dropped up to its end.
 */
void message_look(struct session *);
/* A body file came: those that wait for one go on. */
void message_got_body(struct smtpd *);
/* Once a second: nobody waits for ever. May end the session. */
void message_tick(struct session *, int64_t now);
void message_stop_waiting(struct session *); /* also fine when it does not */
/* It is not among those that come in any more; its bytes are as long as they
 * live. */
void message_give_up(struct session *);
/* It is whole: to the store, or its refusal. The session is answered then or
 * later. */
void message_end(struct session *);

#endif
