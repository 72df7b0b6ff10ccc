/*
 * agent: a process that has become one recipient and serves that recipient's
 * deliveries until its socket closes.
 *
 * Forked by the master, which stays root and never touches a mailbox. Frames
 * as in lib/chan.h; several deliveries at once, in threads, so that their
 * syncs share the journal commits of the filesystem. What is under way when
 * the socket closes is finished: a mailbox keeps no half message because the
 * daemon was killed.
 *
 * A program has an agent of its own, for one message: it adopts all that the
 * program starts, closes its socket after the answer, and stays until what was
 * left running has ended, or its time has.
 */
#ifndef LOCAL_AGENT_H
#define LOCAL_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "deliver.h"
#include "wire.h"

#define AGENT_BUSY_MAX 32 /* deliveries at once */

enum agent_frame {
	AGENT_JOB = 1,
	AGENT_ANSWER,
	AGENT_HELD /* u64 tag: this one waits for a lock */
};

enum agent_purpose {
	AGENT_MAIL, /* mailboxes, files and .forward of a user */
	AGENT_PROGRAM,
	AGENT_VIRTUAL /* virtual mailboxes alone: under a filter */
};

/* One recipient of one message, to an agent. */
struct agent_job {
	uint64_t tag;
	uint8_t kind; /* enum proto_target */
	struct slice sender, rcpt, path, head;
	uint64_t rest; /* bytes in the descriptor that goes with it */
};
void put_agent_job(struct buf *, const struct agent_job *);
bool get_agent_job(struct slice, struct agent_job *);

/* Its end: a verdict, or the targets of a .forward. */
struct agent_answer {
	uint64_t tag;
	bool is_forward, keeps;
	struct result result;
	struct slice targets;
};
void put_agent_answer(struct buf *, const struct agent_answer *);
bool get_agent_answer(struct slice, struct agent_answer *);

/* What an agent is for. */
struct agent_role {
	const char *user; /* "": who started us; borrowed */
	const struct conf *conf; /* borrowed */
	bool is_root; /* users are real */
	enum agent_purpose purpose;
};

/*
 * Become the user, for good; NULL, or why not (then this process is nobody,
 * who can do nothing, and is root no more). Refuses uid 0.
 */
const char *owner_become(struct owner *, const struct agent_role *);

/*
 * In the forked child: becomes the user, serves fd until it is closed,
 * exits. Never returns.
 */
void agent_run(int fd, const struct agent_role *) __attribute__((noreturn));

#endif
