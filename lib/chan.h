/*
 * chan: frames over a stream socketpair between two of our processes.
 *
 * A frame is a 16-bit type and up to CHAN_FRAME_MAX bytes, with at most one
 * descriptor. Frames queue up during a turn of the loop and leave in one
 * sendmsg by chan_flush(); what the peer does not take yet goes when the
 * socket is writable. What they mean is checked by whoever reads the frame.
 *
 * What the other side can cost is bounded here: a frame's size is looked at
 * when its head is there (ops->most), a descriptor without its frame is a
 * breach, and a guarded peer that does not read is not read from, so that its
 * questions cannot pile up answers. Of two that are joined only the one that is
 * trusted more may guard the other, or both could wait for ever.
 */
#ifndef CHAN_H
#define CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

#define CHAN_FRAME_MAX ((size_t)8 << 20)

struct chan;
struct event_base;

struct chan_ops {
	/*
	 * One frame. The payload lives until return; fd is -1 or is the
	 * handler's from now on. A negative return closes the channel, as
	 * a peer's breach does.
	 */
	int (*frame)(
	    void *arg, struct chan *, uint16_t type, struct slice, int fd);
	/* The peer is gone or broke the rules; the channel reads no more.
	 * The handler frees it (at once or later). */
	void (*gone)(void *arg, struct chan *);
	/* The most bytes that a frame of this type may have; a longer one is a
	 * breach before it is read. NULL: CHAN_FRAME_MAX for each. */
	size_t (*most)(void *arg, uint16_t type);
};

/* Takes fd (also when it fails, with NULL). */
struct chan *
chan_new(struct event_base *, int fd, const struct chan_ops *, void *arg);
void chan_free(struct chan *);

/* Read nothing until chan_resume(): the peer's frames wait in the kernel. */
void chan_pause(struct chan *);
void chan_resume(struct chan *);

/* A frame: append the payload to what chan_begin() returned, then end it.
 * fd is -1, or a descriptor that the channel takes, sends and closes. When it
 * does not fit the channel is over, and gone is called at the next flush. */
struct buf *chan_begin(struct chan *, uint16_t type);
void chan_end(struct chan *, int fd);
/* The same for a frame that can wait or stay: -EMSGSIZE, larger than a frame;
 * -ENOBUFS, no room now. Nothing of it is sent, and the channel goes on. */
int chan_try_end(struct chan *, int fd);

void chan_guard(struct chan *); /* the peer is trusted less than we are */
/* In gone: the peer broke the rules, it did not just end. */
bool chan_is_breached(const struct chan *);

/* Give the kernel what is queued; called once a turn of the loop. */
void chan_flush(struct chan *);
size_t chan_queued(const struct chan *); /* bytes not yet taken */

#endif
