/*
 * rig: one real process of the daemon, with a test in the place of the parent
 * and of one peer.
 *
 * Frames as in lib/chan.h, with plain blocking calls; every wait has a
 * deadline of ten seconds.
 */
#ifndef RIG_H
#define RIG_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf.h"
#include "proto.h"

struct rig {
	pid_t pid;
	int parent; /* our end of its channel to the parent */
	int peer; /* our end of its channel to a peer */
};

/* Starts the program below the build's top, up to GO. role: what the peer
 * is. The program runs as it would without root. */
void rig_start(struct rig *, const char *program, const struct conf *,
    enum proto_role role);
/* Another peer in the place of the first, which is closed. */
void rig_new_peer(struct rig *, enum proto_role role);
/* STOP, and wait for its end; the exit status. */
int rig_stop(struct rig *);
/* fd is sent along and closed, or -1. */
void rig_send(int sock, enum proto_type, const struct buf *payload, int fd);
/* The next frame; payload is the caller's, cleared first. */
enum proto_type rig_receive(int sock, struct buf *payload);
/* A descriptor with these bytes. */
int rig_memory(const void *, size_t);

#endif
