/*
 * join: the channels between children. Who talks to whom stands in one table.
 *
 * A channel that is over though both of its ends live is repaired: the end
 * that is trusted less (proto_trust()) is ended and comes back with a new one.
 * Two that only ask each other questions are joined again instead, unless the
 * one that is trusted more saw the other break the rules; of smtpd and remote,
 * who both read strangers' bytes, neither's word counts.
 */
#ifndef JOIN_H
#define JOIN_H

#include <stdbool.h>

#include "child.h"

/* A new child, with all that run and that it talks to. */
void join_all(struct child *);
/* P_PEER_LOST from c; false: malformed. */
bool join_lost(struct child *c, struct slice payload);

#endif
