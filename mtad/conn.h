/*
 * conn: one connection as bytes in and bytes out, to a client or a server.
 *
 * Sessions never touch the socket: TLS, the PROXY header and filters find
 * their place in here. Buffers exist only while they hold
 * bytes; what the session does not take yet stays, up to a ceiling at which
 * the socket is read no more.
 */
#ifndef CONN_H
#define CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

#include "buf.h"
#include "slice.h"

struct conn;
struct event_base;

struct conn_ops {
	/* Bytes came; returns how many were taken. Not called while paused.
	 * May close the connection: then returns anything. */
	size_t (*input)(void *arg, struct slice);
	/* The peer closed, reset, or the time ran out: cause says which. The
	 * session ends; the conn is freed by conn_free(). */
	void (*ended)(void *arg, const char *cause);
	/* All that was in conn_out() is with the kernel after it had been
	 * full: more may follow. May be NULL. */
	void (*drained)(void *arg);
};

/* Takes fd. timeout: borrowed, a common timeout of the base. */
struct conn *conn_new(struct event_base *, int fd, const struct conn_ops *,
    void *arg, const struct timeval *timeout);
void conn_free(struct conn *); /* sends what the socket takes, closes */
/* A new limit for the wait for bytes, from now on. */
void conn_timeout(struct conn *, const struct timeval *);
struct buf *conn_out(struct conn *); /* append; then conn_flush() */
void conn_flush(struct conn *);
/* Before conn_free(): the bytes leave in one packet with the end. For a peer
 * that has nothing more to say: unread input would cost it these words. */
void conn_flush_last(struct conn *);
void conn_pause(struct conn *); /* no input() until conn_resume() */
void conn_resume(struct conn *); /* calls input() with what waited */
bool conn_is_paused(const struct conn *);
bool conn_is_reading(const struct conn *); /* inside its input() */
bool conn_has_input(const struct conn *); /* bytes wait that input() left */
uint64_t conn_bytes_in(const struct conn *);
uint64_t conn_bytes_out(const struct conn *);
int conn_fd(const struct conn *);
int conn_error(const struct conn *); /* errno of "error", or 0 */
bool conn_is_stuck(const struct conn *); /* output waits for the peer */

#endif
