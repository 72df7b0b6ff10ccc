/*
 * smtpd_world: sessions of mtad-smtpd inside a test, with a queue that gives
 * segments and bodies in memory and a lookup that knows a few names:
 * "nobody" is unknown, "later" is not known now, "silent" gets no answer,
 * "list" has members; all others are there.
 *
 * One world a process. Nothing sleeps: world_settle() makes turns of the
 * loop until nothing is left to do.
 */
#ifndef SMTPD_WORLD_H
#define SMTPD_WORLD_H

#include "mtad/smtpd/session.h"

struct world {
	struct proc proc;
	struct smtpd smtpd;
	struct stat_slot slot;
	struct chan *queue, *lookup; /* the other ends */
	int segment[4]; /* by number modulo 4: the last ones given; -1 */
	uint32_t next_seg;
	uint64_t next_body;
	int asks; /* questions that lookup saw */
	bool keeps_bodies; /* the queue has no body file to give */
	int messages; /* MSG_NEW frames */
	struct buf record; /* of the last one, with its head */
	size_t envelope; /* bytes of the record that are the envelope */
	struct conf_listener listener;
	int client; /* the client's end of the connection; -1 */
};

/* Host mx.test, local domain local.test, relay domain relay.test; no
 * segments when is_full. */
void world_init(struct world *, bool is_full);
void world_release(struct world *);
/* A client at ip (NULL: a Unix socket) of a listener of that kind. */
void world_connect(struct world *, const char *kind, const char *ip);
void world_say(struct world *, struct slice); /* then settles */
void world_settle(struct world *);
/* What the server said since, appended; false: it has closed. */
bool world_hear(struct world *, struct buf *);
void world_give_body(struct world *);
void world_hang_up(struct world *);
/* The last message as the queue has it: behind the envelope. */
struct slice world_message(const struct world *);
bool world_envelope(const struct world *, struct p_envelope *);

#endif
