/*
 * mtad-queue: the messages, their schedule, and the control socket.
 * Sees no network; may not die of anything a stranger or a full disk does.
 */
#include "queue.h"

#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "control_server.h"
#include "drops.h"
#include "evfiles.h"
#include "log.h"
#include "priv.h"
#include "records.h"
#include "writer.h"

static void
set_timer(struct queue *q)
{
	int64_t now = clock_mono(), at = sched_wake(&q->sched, now);
	struct timeval tv;

	if (at == 0)
		return;
	at = at > now ? at - now : 0;
	tv = (struct timeval){ at / US_SEC, at % US_SEC };
	evtimer_add(q->timer, &tv);
}

static void
on_timer(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	queue_schedule(arg);
}

static void
segments_ready(void *arg)
{
	struct queue *q = arg;

	accept_ready(q);
	writer_turn(q->writer);
	writer_turn(q->copier);
}

static void
segments_error(void *arg, const char *what, int error)
{
	struct queue *q = arg;

	queue_spool_error(q, what, error);
	if (error == -EIO) { /* the folder itself, not one bad file */
		q->is_spool_bad = true;
		accept_state(q, 451,
		    "4.3.0 The mail queue's disk has failed, try again later");
	}
}

static const struct segments_ops segment_ops = { segments_ready,
	segments_error };

static int
warm(struct proc *p)
{
	struct queue *q = p->ctx;

	struct group *gr = getgrnam(p->conf->AdminGroup);

	q->proc = p;
	q->admin_gid = gr ? gr->gr_gid : (gid_t)-1;
	q->admin_uid = p->is_root ? 0 : geteuid();
	return 0;
}

/* Runs in the spool. The folder of event files is below no path of it: it is
 * reached by its descriptor alone. */
static int
sandbox(struct proc *p)
{
	static const int calls[] = { SCMP_SYS(openat), SCMP_SYS(unlinkat),
		SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(mkdirat),
		SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate),
		SCMP_SYS(fallocate), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
		SCMP_SYS(preadv2), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
		SCMP_SYS(fstatfs), SCMP_SYS(getdents64), SCMP_SYS(flock),
		SCMP_SYS(dup), SCMP_SYS(fcntl), SCMP_SYS(accept4),
		SCMP_SYS(accept), SCMP_SYS(getsockopt), SCMP_SYS(faccessat),
		SCMP_SYS(faccessat2), SCMP_SYS(clone), SCMP_SYS(clone3),
		SCMP_SYS(eventfd2), SCMP_SYS(shutdown), SCMP_SYS(setsockopt),
		SCMP_SYS(sysinfo), SCMP_SYS(memfd_create), -1 };
	struct queue *q = p->ctx;
	int rc = priv_drop(
	    p->conf->QueueUser, p->is_root ? p->conf->QueueDirectory : NULL);

	if (rc < 0)
		return rc;
	q->disk = worker_new(p->base);
	q->reader = worker_new(p->base);
	q->slow = worker_new(p->base);
	if (q->disk == NULL || q->reader == NULL || q->slow == NULL)
		return -ENOMEM;
	return priv_filter(calls);
}

static bool
may_go(void *arg, const struct job *j)
{
	return suspect_may(arg, j);
}

static bool
prepare(struct queue *q)
{
	struct proc *p = q->proc;
	int rc;

	q->started = clock_wall();
	sched_init(&q->sched, p->conf);
	index_init(&q->index);
	attempt_init(q);
	handover_init(&q->handover);
	suspects_init(&q->suspects);
	q->sched.may = may_go;
	q->sched.may_arg = q;
	segments_init(&q->segments);
	TAILQ_INIT(&q->notify);
	TAILQ_INIT(&q->notify_later);
	if (q->spool_fd < 0 || q->log_fd < 0 || q->control_fd < 0)
		return false;
	q->files = evfiles_new(q);
	if (q->files == NULL)
		log_warn("no memory");
	rc = q->files == NULL ? -ENOMEM : spool_open(q);
	if (rc == 0) {
		q->segments.dirfd = q->segment_fd;
		q->segments.body_dirfd = q->body_fd;
		q->segments.size = (uint64_t)p->conf->SegmentSize;
		q->segments.worker = q->disk;
		q->segments.ops = &segment_ops;
		q->segments.arg = q;
		rc = spool_identify(q);
	}
	q->snapshot = snapshot_new();
	q->writer = writer_new(q, SEGMENT_QUEUE);
	q->copier = writer_new(q, SEGMENT_COPY);
	if (rc == 0)
		rc = q->writer && q->copier ? recover(q) : -ENOMEM;
	if (rc < 0 && q->files != NULL)
		log_warn("cannot use %s%s%s: %s", p->conf->QueueDirectory,
		    q->report.error ? "/" : "", q->report.where, strerror(-rc));
	return rc == 0;
}

static void
start(struct proc *p)
{
	struct queue *q = p->ctx;

	q->proc = p;
	q->timer = evtimer_new(p->base, on_timer, q);
	if (q->timer == NULL || queue_commit_init(q) < 0 || !prepare(q) ||
	    second_start(q) < 0) {
		proc_exit(p, "cannot use the spool");
		return;
	}
	walk_start(&q->index, &q->expiry);
	walk_start(&q->index, &q->graves);
	q->reporting = 0;
	for (int i = 0; i < p->remotes; i++)
		if (p->remote[i].chan != NULL)
			q->reporting |= 1u << handover_slot(&p->remote[i]);
	if (p->local.chan != NULL)
		q->reporting |= 1u << handover_slot(&p->local);
	q->is_ready = true;
	segments_fill(&q->segments);
	accept_check_space(q);
	if (!q->report.was_clean || q->checkpoint_number == 0)
		checkpoint_begin(q);
	q->control = control_server_new(q, q->control_fd);
	evfiles_greet(q->files);
	queue_commit_now(q);
	queue_schedule(q);
}

static bool
got_key(struct queue *q, struct slice payload)
{
	struct p_key m;

	if (!get_p_key(payload, &m))
		return false;
	q->handover.key = (struct siphash_key){ { m.k0, m.k1 } };
	return true;
}

static bool
order_done(struct queue *q, struct slice payload)
{
	struct p_order_done m;

	if (!get_p_order_done(payload, &m))
		return false;
	control_order_done(q->control, m.key, m.ok, m.text);
	return true;
}

static bool
got_dir(struct queue *q, struct slice payload, int fd)
{
	struct p_dir m;

	if (!get_p_dir(payload, &m) || m.which > DIR_LOG) {
		close(fd);
		return false;
	}
	*(m.which == DIR_SPOOL ? &q->spool_fd : &q->log_fd) = fd;
	return true;
}

static bool
frame(struct proc *p, struct peer *peer, enum proto_type type,
    struct slice payload, int fd)
{
	struct queue *q = p->ctx;

	switch (type) {
	case P_DIR:
		return got_dir(q, payload, fd);
	case P_KEY:
		return got_key(q, payload);
	case P_LISTEN:
		q->control_fd = fd;
		return true;
	case P_MSG_NEW:
		return accept_msg_new(q, peer, payload);
	case P_SEG_WANT:
		return accept_seg_want(q, peer);
	case P_SEG_DONE:
		return accept_seg_done(q, peer, payload);
	case P_SEG_BAD:
		return accept_seg_bad(q, peer, payload);
	case P_BODY_WANT:
		return accept_body_want(q, peer);
	case P_BODY_DROP:
		return accept_body_drop(q, peer, payload);
	case P_DROP_DONE:
		return drop_done(q, peer, payload);
	case P_EXPAND_ANSWER:
		return expand_answer(q, payload);
	case P_RESULT:
		return attempt_result(q, peer, payload);
	case P_FORWARD:
		return expand_forward(q, peer, payload);
	case P_HOLDING:
		return attempt_holding(q, peer, payload);
	case P_HOLDING_END:
		attempt_reported(q, peer);
		return true;
	case P_MX_ANSWER:
		return control_mx_answer(q->control, payload);
	case P_EVLOG_OK:
		return evfiles_confirmed(q->files, payload);
	case P_EVENTS:
		return relay_take(q, peer, payload);
	case P_ORDER_DONE:
		return order_done(q, payload);
	default:
		if (fd >= 0)
			close(fd);
		return false;
	}
}

static void
peer_up(struct proc *p, struct peer *peer)
{
	struct queue *q = p->ctx;

	relay_greet(q, peer);
	if (!q->is_ready)
		return;
	if (peer->role == R_SMTPD)
		accept_tell(q, peer);
	else
		suspect_judge(q, peer);
	queue_schedule(q);
}

static void
peer_down(struct proc *p, struct peer *peer)
{
	struct queue *q = p->ctx;

	if (!q->is_ready)
		return;
	if (peer->role == R_SMTPD) {
		accept_peer_down(q, peer);
		drop_peer_down(q, peer);
	} else {
		attempt_peer_down(q, peer);
	}
	queue_schedule(q);
}

static void
turn(struct proc *p)
{
	struct queue *q = p->ctx;

	if (!q->is_ready)
		return;
	control_turn(q->control); /* first: what it asks for is done below */
	notice_turn(q);
	if (q->wants_schedule) {
		q->wants_schedule = false;
		set_timer(q);
		attempt_start_all(q);
	}
	writer_turn(q->writer);
	writer_turn(q->copier);
	if (q->wants_commit) {
		q->wants_commit = false;
		queue_commit(q);
	}
	relay_turn(q);
	if (p->is_stopping && !journal_is_busy(q->journal) &&
	    !journal_has_pending(q->journal) && !q->is_checkpointing) {
		if (checkpoint_final(q) < 0)
			log_warn("no final checkpoint: the next start reads "
				 "the journal");
		proc_exit(p, "stop");
	}
}

static void
reload(struct proc *p, const struct conf *old)
{
	struct queue *q = p->ctx;

	(void)old;
	q->sched.conf = p->conf;
	q->names_next = 0;
	queue_schedule(q);
}

/* Everything that was journaled is synced first; turn() does the rest. */
static void
stop(struct proc *p)
{
	struct queue *q = p->ctx;

	if (!q->is_ready) {
		proc_exit(p, "stop");
		return;
	}
	q->sched.is_blocked = true;
	queue_commit_now(q);
}

static const struct proc_ops ops = {
	.role = R_QUEUE,
	.warm = warm,
	.sandbox = sandbox,
	.start = start,
	.frame = frame,
	.peer_up = peer_up,
	.peer_down = peer_down,
	.reload = reload,
	.stop = stop,
	.turn = turn,
};

int
main(int argc, char **argv)
{
	static struct queue q = { .spool_fd = -1,
		.log_fd = -1,
		.control_fd = -1,
		.drop_fd = -1,
		.lock_fd = -1 };

	if (argc == 3 && strcmp(argv[1], "--check") == 0)
		return check_spool(&q, argv[2]);
	return proc_main(&ops, argc, argv, &q);
}
