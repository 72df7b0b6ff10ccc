/*
 * server: the scripted other side. It listens where the story says, and says
 * and hears what the story says.
 */
#ifndef STORY_SERVER_H
#define STORY_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

#define SERVER_PLACES 8

struct server {
	int listener[SERVER_PLACES];
	char place[SERVER_PLACES][64];
	int n;
	uint16_t port; /* the same at all addresses; 0: not yet */
	char path[108]; /* of the Unix socket, or "" */
	int fd; /* the connection that is spoken over, or -1 */
	struct buf in;
};

void server_init(struct server *);
void server_listen(struct server *, const char *ip);
void server_deaf(struct server *, const char *ip); /* refused from now on */
void server_listen_unix(struct server *);
/* The next connection, at ip when that is not NULL. */
void server_accept(struct server *, const char *ip);
void server_say(struct server *, const void *, size_t);
void server_line(struct server *, char *ret, size_t max); /* without CRLF */
void server_take(struct server *, size_t n, struct buf *ret);
/* Up to the end of data, dots unstuffed. */
void server_data(struct server *, struct buf *ret);
void server_wait_closed(struct server *); /* nothing but the end comes */
void server_close(struct server *, bool is_reset);
void server_release(struct server *);

#endif
