/*
 * daemon: a real mtad-remote, with the test as its parent, its queue and a
 * smtpd. Everything waits with a deadline; a failure ends the story.
 */
#ifndef STORY_DAEMON_H
#define STORY_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "conf.h"
#include "proto.h"
#include "slice.h"

#define STORY_WAIT_MS 10000

struct frame {
	uint16_t type;
	struct slice payload; /* in the side's buffer, until the next one */
};

/* One end of a channel of the daemon. */
struct side {
	int fd;
	struct buf in;
	size_t taken;
	int events_fd; /* of the queue's: where events go; -1: nowhere */
};

struct daemon {
	pid_t pid;
	struct side parent, queue, smtpd;
	bool is_stopping;
	int events_fd; /* the events it told the queue, to be read */
};

/* Ends the story with these words. */
void story_fail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));
int64_t story_ms(void); /* monotonic */

/* Starts it with this configuration and waits until it runs. */
void daemon_start(struct daemon *, const char *program, const struct conf *);
void daemon_say_stop(struct daemon *);
void daemon_stop(struct daemon *); /* and waits for a clean end */
void daemon_kill(struct daemon *);
/* Does what a parent does when it is asked for a mailer's socket. */
void daemon_give_unix(struct daemon *, const char *path);
/* What events have come; other frames stay for side_next(). */
void daemon_take_events(struct daemon *);
/* Another queue instead of the one it had. */
void daemon_new_queue(struct daemon *);

/* Encode into b between these, with fd or -1 (which it takes). */
void side_send(struct side *, uint16_t type, const struct buf *payload, int fd);
/* The next frame, or the story fails. Events are taken on the way. */
struct frame side_next(struct side *, const char *what);

#endif
