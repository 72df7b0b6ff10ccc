/*
 * queue: the whole of mtad-queue's knowledge, and what its parts ask of each
 * other. One struct, built in main, handed to every part.
 *
 * The data's way: smtpd announces (accept.c) -> index -> sched -> attempt.c
 * asks lookup, reads the body, hands it to a worker -> the outcome is
 * journaled -> events, notice (notice.c), end.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/statvfs.h>
#include <time.h>

#include "handed.h"
#include "handover.h"
#include "index.h"
#include "journal.h"
#include "proc.h"
#include "relay.h"
#include "sched.h"
#include "segment.h"
#include "suspect.h"
#include "worker.h"

struct attempt;
struct shared;
struct control_server;
struct event_files;
struct writer;

/* What the event file holds for sure (told.c). Of a start: found in the
 * journal; later: when it was last synced. */
#define TOLD_SEGMENTS 64
struct told {
	uint64_t seq; /* journal records before this one */
	uint32_t next_no; /* segments before this one, but for: */
	int segments;
	struct told_segment {
		uint32_t no;
		uint64_t offset; /* messages before it */
	} segment[TOLD_SEGMENTS];
	bool has_news, is_syncing, has_failed;
};

/* A round of copying forward (copy.c). */
struct copying {
	struct index_walk walk;
	bool is_walking;
	uint32_t in_flight; /* messages being read or written */
	uint64_t bytes; /* of them */
};

struct queue {
	struct proc *proc;
	int spool_fd, log_fd, control_fd;
	int segment_fd, body_fd, journal_fd, checkpoint_fd, drop_fd, lock_fd;
	struct worker *disk; /* journal, segments, checkpoint: in order */
	struct worker *reader; /* bodies that are not in memory */
	struct worker *slow; /* compression of event logs */
	struct index index;
	struct sched sched;
	struct segments segments;
	struct journal *journal;
	struct writer *writer; /* our own segment: notices */
	struct writer *copier; /* the same for copies and imports */
	struct copying copying;
	struct told told;
	struct snapshot *snapshot;
	int64_t names_next; /* mono: root and postmaster are asked for */
	uint8_t names_waiting; /* bits of those whose mail waits */
	bool is_retelling; /* events are marked as told again */
	struct event_files *files;
	struct control_server *control;
	struct map attempts; /* by number */
	uint64_t next_attempt;
	struct index_walk expiry, graves; /* going round */
	struct msg_list notify, notify_later; /* the later ones in a second */
	struct event *timer, *second, *commit_timer;
	uint64_t reserved; /* journal bytes for attempts under way */
	uint32_t reporting; /* slots of workers yet to say what they hold */
	struct handed handed;
	struct handover handover;
	struct suspects suspects;
	struct relay relay;
	bool relay_owes; /* somebody's events are taken, and not yet written */
	uint32_t seg_wants, body_wants; /* bit set: which smtpd waits */
	uint64_t marked; /* journal number when marks were last written */
	uint16_t refuse_code; /* 0: we take mail; else the reply to MAIL */
	char refuse_text[200];
	char held_why[200]; /* when sched.is_held */
	bool is_ready; /* recovered */
	bool is_clock_bad; /* nothing expires */
	bool is_spool_bad; /* EROFS, EIO: neither take nor deliver */
	bool is_looking; /* the disk is asked for its room... */
	int64_t looked; /* since then; mono */
	struct statvfs space; /* what it said; the disk's worker writes it */
	struct statvfs room; /* its last answer; f_blocks 0: none yet */
	bool
	    is_checking; /* mtactl queue check: nothing runs, changes or is told */
	bool is_checkpointing;
	bool is_journal_down; /* and that was said */
	struct peer *drop_peer; /* reads a drop file now, or NULL */
	uint64_t drop_number;
	int drop_deaths; /* of smtpds over one file */
	char drop_name[256];
	struct timespec drop_seen; /* time of the folder when last looked at */
	unsigned drop_quiet;
	bool wants_schedule, wants_commit; /* at the end of this turn */
	uint32_t next_act; /* number of the next operator's act */
	gid_t admin_gid; /* of AdminGroup; (gid_t)-1: there is none */
	uid_t admin_uid; /* acts too: who started us without root */
	int clock_good; /* seconds since the clock was last found wrong */
	bool has_locked; /* segments whose writer outlived the last queue */
	uint64_t checkpoint_number, checkpoint_journal, checkpoint_seq; /* of
		the newest */
	int64_t checkpoint_begun; /* mono */
	int64_t clock_offset; /* wall minus mono, at the last good check */
	int64_t last_wall; /* newest wall time in the journal at start */
	int64_t started; /* wall */
	struct report {
		uint64_t recovered, incomplete, lost, damaged;
		bool was_clean;
		int error; /* why it cannot go on: nothing is believed dead */
		char where[64];
	} report;
};

/* accept.c: what smtpd says and wants */
bool accept_msg_new(struct queue *, struct peer *, struct slice);
bool accept_seg_want(struct queue *, struct peer *);
bool accept_seg_done(struct queue *, struct peer *, struct slice);
bool accept_seg_bad(struct queue *, struct peer *, struct slice);
bool accept_body_want(struct queue *, struct peer *);
bool accept_body_drop(struct queue *, struct peer *, struct slice);
/* A sync failed: nothing of this range of a segment counts. Journaled. */
void
accept_abandon(struct queue *, struct segment *, uint64_t from, uint64_t to);
void accept_peer_down(struct queue *, struct peer *);
void accept_tell(struct queue *, struct peer *); /* the state, to one smtpd */
void accept_state(struct queue *, uint16_t code, const char *text);
void accept_ready(struct queue *); /* segments or bodies are there */
void accept_check_space(struct queue *); /* asks the disk: may wait for it */
void accept_space(struct queue *); /* q->space is new */
void accept_no_answer(struct queue *); /* the disk hangs */
/* EV_MSG_RECEIVED */
void accept_say(struct queue *, const struct msg *, const struct p_envelope *,
    uint32_t fsync_us);
/* A message is in the index and durable: events, counters, routing. */
void accept_msg(
    struct queue *, struct msg *, const struct p_envelope *, uint32_t fsync_us);

/* attempt.c */
struct attempt_rcpt {
	uint32_t index; /* in msg->rcpt */
	uint8_t kind; /* enum proto_target, as the worker gets it */
	bool is_settled; /* lookup's answer was an outcome of its own */
	char *user, *path; /* owned: from lookup, or NULL */
	struct buf targets; /* of an answer in several parts */
	struct buf verdict; /* lookup's, when that is the outcome */
};

TAILQ_HEAD(attempts, attempt);

/* One transaction under way. Owns a pin of its message. */
struct attempt {
	uint64_t number;
	struct msg *msg;
	struct dest *dest;
	struct peer *worker; /* NULL until it was handed over */
	int64_t started; /* wall microseconds */
	int64_t began; /* mono */
	struct sched_share share;
	struct shared *shared; /* the body, when others use it too */
	TAILQ_ENTRY(attempt) body_link; /* while it waits for that to be read */
	bool is_waiting_for_body;
	int slot; /* of the worker whose credit it takes */
	uint64_t lent; /* of that credit */
	bool is_suspect;
	uint64_t reserved; /* journal bytes */
	uint32_t waiting; /* answers of lookup */
	uint32_t n;
	struct attempt_rcpt rcpt[];
};

void attempt_init(struct queue *);
void attempt_start_all(struct queue *);
bool attempt_has_active(const struct attempt *);
struct attempt *attempt_find(const struct queue *, uint64_t number);
/* All of lookup's answers are there: read the body and hand it over. */
void attempt_go_on(struct queue *, struct attempt *);
/* Ends it: recipients still RS_ACTIVE go back to be tried at once. */
void attempt_end(struct queue *, struct attempt *, enum sched_result);
bool attempt_result(struct queue *, struct peer *, struct slice);
bool attempt_holding(struct queue *, struct peer *, struct slice);
void attempt_reported(struct queue *, const struct peer *); /* HOLDING_END */
void attempt_peer_down(struct queue *, struct peer *);
void attempt_second(struct queue *);
/* Route what is open of one that came or was recovered; next_try is wall. */
void route_msg(struct queue *, struct msg *);
/* Is it delivered on this host? */
bool rcpt_is_local(struct queue *, const struct msg *, uint32_t rcpt);
/* Route an open recipient and put it into its queue; when: mono, 0 now. */
void route_rcpt(struct queue *, struct msg *, uint32_t rcpt, bool is_retry,
    bool is_host_wait, int64_t when);

/* expand.c: what lookup and .forward files make of a recipient */
void expand_ask(struct queue *, struct attempt *);
bool expand_answer(struct queue *, struct slice);
bool expand_forward(struct queue *, struct peer *, struct slice);
/* J_EXPANDED's effect on the index; true: recipients were added. */
bool expand_replay(struct queue *, struct slice);

/* snapshot.c: what is in the queue, each minute. NULL without memory. */
struct snapshot *snapshot_new(void);
void snapshot_free(struct snapshot *); /* before its index */
void snapshot_second(struct queue *);
/* A row with the shape: of this moment while the queue is small, else of the
 * last snapshot. Nothing before the first. */
void snapshot_put(struct queue *, struct buf *);

/* names.c: whether the mail of root and postmaster goes anywhere */
void names_second(struct queue *);
void names_answer(struct queue *, const struct p_expand_answer *);
const char *names_waiting(const struct queue *); /* words, or NULL: none */

/* outcome.c */
/* The verdicts of result->rcpts, which name recipients of a (or, with a
 * NULL, any of m): journal, then tell. peer: whom to acknowledge, or NULL. */
void outcome_apply(struct queue *, struct msg *, const struct p_result *,
    const struct attempt *, struct peer *);
/* One verdict for one recipient that is in no queue and with no worker. */
void outcome_decide(
    struct queue *, struct msg *, uint32_t rcpt, const struct verdict *);
/* Take a message out of all queues, and what is open of it in again. */
void requeue(struct queue *, struct msg *);
/* J_OUTCOME; false: there is no such message. tell: its events, again. */
bool outcome_replay(struct queue *, struct slice, bool tell);
void outcome_finish_rcpt(
    struct queue *, struct msg *, uint32_t rcpt, enum rcpt_state);
#define DELETED_WHY "deleted by an operator"
/* dlv.discard: ends without delivery, and nobody is told. */
void outcome_say_discard(
    struct queue *, const struct msg *, uint32_t rcpt, const char *why);
/* Leaves the queue when nothing is open and nothing pins it. */
void msg_settle(struct queue *, struct msg *);
void msg_unpin(struct queue *, struct msg *);
int64_t msg_expires(const struct queue *, const struct msg *); /* wall */
bool msg_is_too_old(const struct queue *, const struct msg *);
/* postmaster or root of this host: is never returned, whatever happens. */
bool
rcpt_is_kept(const struct queue *, const struct msg *, const struct rcpt *);

/* notice.c */
void notice_want(struct queue *, struct msg *);
void notice_turn(struct queue *); /* once a turn: write what is wanted */
void notice_replay(struct queue *, struct slice about); /* a notice is there */
bool notice_gone_replay(struct queue *, struct slice); /* J_GONE */

/* body.c: the record of a message, whole and checked */
struct body {
	char *record; /* owned: envelope and, when there is no file, content */
	size_t envelope, length; /* bytes of record */
	int fd; /* body file, or -1; the callback's */
	int error; /* 0, -EBADMSG damaged, or the errno of the read */
};
/* Calls back from the loop, perhaps before it returns. b is the callback's
 * only until it returns; it takes fd by setting it to -1. */
typedef void body_done(struct queue *, struct msg *, struct body *, void *arg);
void body_read(struct queue *, struct msg *, body_done *, void *arg);
/* The same, and of one with a body file as much as a header can have, too. */
void body_read_header(struct queue *, struct msg *, body_done *, void *arg);
struct slice body_content(const struct body *);
/* raw: m->length bytes from its place. Are they what the index says? 0, and
 * b points into raw; or -EBADMSG. */
int body_check(const struct msg *, char *raw, struct body *b);

/* A run over the queue, told at its start and end (qrun.c). */
struct qrun {
	const char *kind; /* boot, op or host */
	const char *selector; /* borrowed; NULL or "": all */
	int64_t started; /* mono, by qrun_start */
};
void qrun_start(struct queue *, struct qrun *);
void qrun_end(struct queue *, const struct qrun *, uint64_t selected);

/* event helpers */
void queue_event_msg(struct event *, enum event_type, const struct msg *,
    char id[MSGID_TEXT + 1]);
void queue_emit(struct queue *, const struct event *);
void queue_damage(struct queue *, const struct msg *, const char *file,
    uint64_t offset, const char *what);
void queue_spool_error(struct queue *, const char *what, int error);
/* Commit soon: within a few milliseconds; now: as soon as the disk can. */
void queue_commit_soon(struct queue *);
void queue_commit_now(struct queue *);
void queue_commit(struct queue *); /* here and now, if the disk is free */
int queue_commit_init(struct queue *); /* -ENOMEM */
int second_start(struct queue *); /* second.c; -ENOMEM */
/* A destination is paused or not, known by its key; it is made if need be. */
void queue_pause_key(struct queue *, struct slice key, bool is_paused);
void queue_held_why(struct queue *, struct slice); /* copied */
void queue_reset_segments(struct queue *); /* recovery: begin again */
void queue_schedule(struct queue *); /* run the scheduler after this turn */

/* grave.c: what operators do to messages, and undo */
enum act { ACT_HOLD, ACT_RELEASE, ACT_RETRY, ACT_DELETE, ACT_BOUNCE, ACT_UNDO };
/* True when it changed anything. Journaled; the caller commits. */
bool act_on(struct queue *, struct msg *, enum act, uint32_t number);
/* Held, by mtad itself: a worker ended over it. */
void act_set_aside(struct queue *, struct msg *, const char *why);
void grave_second(struct queue *); /* whose time is over */
void expire_old(struct queue *); /* a slice of the queue, once a second */

/* told.c */
void told_second(struct queue *); /* sync the event file when there is news */
void told_find(struct queue *, struct journal_place); /* at start */
bool told_has_msg(const struct told *, const struct segment *, uint64_t offset);

/* copy.c: once a second, segments that are mostly dead */
void copy_second(struct queue *);

/* check.c: verify a spool that no mtad runs on; prints, returns the exit code */
int check_spool(struct queue *, const char *dir);
void check_note(
    const struct msg *, const char *file, uint64_t offset, const char *what);

/* spool.c: folders, lock and identity; negative errno, and said why */
int spool_open(struct queue *);
int spool_identify(struct queue *);
uint32_t spool_format(struct queue *); /* 0: there is no identity */

/* recover.c, checkpoint.c */
int recover(struct queue *); /* negative errno: cannot start */
int recover_look(struct queue *); /* the same, and nothing is changed */
/* A part of the spool cannot be read now: the first one stops the start. */
void recover_fail(struct queue *, const char *part, const char *name, int);
void recover_locked(struct queue *); /* writers that outlived the last queue */
/* A writer is gone: sync its segment, take what it had not announced, seal. */
void recover_tail(struct queue *, struct segment *);
void checkpoint_want(struct queue *); /* when the journal has grown */
void checkpoint_begin(struct queue *); /* now, in slices */
int checkpoint_final(struct queue *); /* at the stop: waits for the disk */
/* The newest that reads: index and segments are filled. -ENOENT: there is
 * none; -EBADMSG: there are some and none reads. */
int checkpoint_load(
    struct queue *, struct journal_place *ret_from, bool *ret_was_clean);

#endif
