/*
 * dropin: a drop file (lib/drop.h) from the queue, made into a message.
 */
#ifndef SMTP_DROPIN_H
#define SMTP_DROPIN_H

#include "session.h"

/* P_DROP: takes fd. Answers with P_DROP_DONE, at once or when it is durable.
 * False: the frame is malformed. */
bool dropin_take(struct smtpd *, struct slice payload, int fd);

#endif
