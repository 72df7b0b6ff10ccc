/*
 * join: the channels between children. Who talks to whom stands in one table.
 *
 * A channel that is over though both of its ends live is repaired: the end
 * that is trusted less (proto_trust()) is ended and comes back with a new one.
 * Two that both read strangers' bytes are joined again instead, as neither's
 * word about the other counts; they only ask each other questions.
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
