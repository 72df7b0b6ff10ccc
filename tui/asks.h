/*
 * asks: what the screens want to know of the daemon or want done, at most
 * one of each kind. The screens put requests here; they are taken in the
 * order of the enum, and the answers come to the model.
 */
#ifndef ASKS_H
#define ASKS_H

#include <jansson.h>

enum ask {
	ASK_ACT, /* an act, or its count before */
	ASK_STOP, /* of the act that is under way */
	ASK_STATUS,
	ASK_DETAIL,
	ASK_LIST,
	ASK_SHAPE,
	ASK_HOSTS,
	ASKS
};

struct asks {
	json_t *request[ASKS]; /* owned; NULL: nothing is wanted */
	unsigned stop; /* bits: give up the answer that is on its way */
};

/* Takes the request; one of the same kind that still waits is dropped. */
static inline void
asks_put(struct asks *a, enum ask kind, json_t *request)
{
	json_decref(a->request[kind]);
	a->request[kind] = request;
}

#endif
