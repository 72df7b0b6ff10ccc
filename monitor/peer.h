/*
 * peer: who is at the other end of a socket, as far as it can be told: an
 * address without its port, or the user of a process on this machine.
 *
 * Of IPv6 the network counts: a host has as many of the rest as it likes.
 */
#ifndef PEER_H
#define PEER_H

#include <arpa/inet.h>
#include <stdbool.h>

#include "slice.h"

struct peer {
	unsigned char key[8]; /* the same for the same peer */
	/* as it is stored; "unix" for all on this machine, as the programs of
	 * one mailer are several users */
	char via[INET6_ADDRSTRLEN];
};

void peer_of_address(struct peer *, const struct sockaddr *);
void peer_of_user(struct peer *, uid_t);
bool peer_is(const struct peer *, const struct peer *);

#endif
