/*
 * postfix: the queue of a Postfix where no mtad is: what postqueue -j(1) says
 * answers what the screens ask, as an mtad would.
 */
#ifndef POSTFIX_H
#define POSTFIX_H

#include <poll.h>

#include "model.h"

struct postfix;

/* NULL: there is no postqueue on this machine. model and asks are borrowed. */
struct postfix *postfix_new(struct model *, struct asks *);
void postfix_free(struct postfix *); /* NULL is fine */
int postfix_poll(const struct postfix *, struct pollfd ret[1]);
/* True: call again at once. */
bool postfix_turn(struct postfix *, int64_t now);

#endif
