/*
 * reply_id: the id that the other side gave the message, from the text of
 * its last 250. Pure.
 */
#ifndef REPLY_ID_H
#define REPLY_ID_H

#include "slice.h"

/* Empty: it has none that one would know. */
struct slice reply_remote_id(struct slice text);

#endif
