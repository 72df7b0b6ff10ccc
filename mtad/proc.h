/*
 * proc: what all children of mtad have in common.
 *
 * A child is started with its channel to the parent on descriptor 3. It gets
 * its configuration, its slot of the counters, its peers; says READY; gets
 * GO, puts on its sandbox, and runs: turns of one event loop, each followed
 * by ops->turn and a flush of all channels and of the event log.
 *
 * Everything that arrives is checked against proto.def before ops->frame
 * sees it. A breach by a peer ends the channel to it, and the parent, which is
 * told, ends the one of the two that is trusted less, so that a new one is
 * joined. A breach or the death of the parent ends the process.
 */
#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "chan.h"
#include "conf.h"
#include "evlog.h"
#include "proto.h"
#include "stat.h"

#define PROC_MAX 16 /* processes of one role */

struct event;
struct event_base;
struct proc;

struct peer {
	struct proc *proc; /* borrowed */
	enum proto_role role;
	int index;
	struct chan *chan; /* NULL while it is not there */
	uint32_t join; /* which of the channels to it, as the parent counts */
	bool has_crashed; /* the process before it, by a fault of its own */
};

struct proc_ops {
	enum proto_role role;
	/* Configuration and counters are there, powers still too. <0: the
	 * process cannot do its work and ends (the parent tries again). */
	int (*warm)(struct proc *);
	/* Give up everything that the process does not need. */
	int (*sandbox)(struct proc *);
	/* GO came, the sandbox is on. */
	void (*start)(struct proc *);
	/* One permitted frame of a peer or of the parent that proc.c does not
	 * handle itself; false: malformed, the channel is closed. fd is the
	 * handler's (or -1). */
	bool (*frame)(struct proc *, struct peer *, enum proto_type,
	    struct slice, int fd);
	void (*peer_up)(struct proc *, struct peer *); /* may be NULL */
	void (*peer_down)(struct proc *, struct peer *); /* chan is NULL now */
	/* A new configuration: proc->conf is it, old is freed afterwards. */
	void (*reload)(struct proc *, const struct conf *old);
	/* Stop in good order, then call proc_exit(). */
	void (*stop)(struct proc *);
	void (*turn)(struct proc *); /* end of each turn; may be NULL */
};

struct proc {
	const struct proc_ops *ops;
	int index; /* among the processes of this role */
	struct event_base *base;
	struct peer parent;
	struct peer queue, lookup, local;
	struct peer smtpd[PROC_MAX], remote[PROC_MAX];
	struct conf *conf;
	struct evlog *log;
	struct stat_file *stats;
	struct stat_slot *slot;
	int smtpds, remotes; /* how many there should be */
	bool is_root; /* users, roots and ports are real */
	bool is_running; /* GO was seen */
	bool is_stopping;
	char machine[64]; /* machine-id */
	void *ctx; /* the process's own */
	bool is_done; /* private from here on */
	struct event *events_timer;
	bool events_are_due;
};

int proc_main(const struct proc_ops *, int argc, char **argv, void *ctx);
/* End after this turn: flushes, says sys.stop, returns from proc_main. */
void proc_exit(struct proc *, const char *cause);

/* One frame to a peer, dropped silently while the peer is not there:
 *	PROC_SEND(&p->queue, seg_done, SEG_DONE, .seg = 1, .end = 2); */
#define PROC_SEND_FD(peer_, id, ID, fd_, ...)                                  \
	do {                                                                   \
		struct peer *to_ = (peer_);                                    \
		int send_fd_ = (fd_);                                          \
		struct p_##id m_ = { __VA_ARGS__ };                            \
		if (to_->chan != NULL) {                                       \
			put_p_##id(chan_begin(to_->chan, P_##ID), &m_);        \
			chan_end(to_->chan, send_fd_);                         \
		} else if (send_fd_ >= 0) {                                    \
			close(send_fd_);                                       \
		}                                                              \
	} while (0)
#define PROC_SEND(peer_, id, ID, ...)                                          \
	PROC_SEND_FD(peer_, id, ID, -1, __VA_ARGS__)

#endif
