/*
 * asks: questions about names from other processes: smtpd wants the name of a
 * client, the queue (for an operator) where a domain's mail would go.
 */
#ifndef REMOTE_ASKS_H
#define REMOTE_ASKS_H

#include "remote.h"

/* P_NAME_ASK, P_MX_ASK. False: malformed. */
bool asks_name(struct remote *, struct peer *, struct slice payload);
bool asks_mx(struct remote *, struct peer *, struct slice payload);
/* Who asked is gone: its successor must not get these answers. */
void asks_forget(struct remote *, const struct peer *);

#endif
