/*
 * transfer: one message on its way through the control socket, in pieces that
 * are read and written beside the loop. A client has at most one.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "control_server.h"

#define TRANSFER_PIECE ((size_t)256 << 10)

struct transfer {
	struct queue *q; /* borrowed */
	int fd; /* the body file; -1 */
	uint64_t at, left;
	char *piece;
	size_t n; /* of piece */
	/* of an import */
	struct msgid id;
	struct p_envelope envelope; /* points into json */
	json_t *json;
	struct buf rcpts, state, content;
	uint64_t body_file; /* 0: content has all */
	char why[200]; /* it is refused; the bytes are passed over */
};

/* The client's, instead of one that it had; NULL without memory. */
struct transfer *transfer_new(struct client *);
void transfer_over(struct client *);
/* Names in an export of what is a number inside: RS_STATES and TARGET_COUNT of
 * them; an import reads them back. */
extern const char *const transfer_states[];
extern const char *const transfer_kinds[];

#endif
