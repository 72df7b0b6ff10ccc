/*
 * agent: a process that has become one recipient and serves that recipient's
 * deliveries until its socket closes.
 *
 * Forked by the master, which stays root and never touches a mailbox. Frames
 * as in lib/chan.h; several deliveries at once, in threads, so that their
 * syncs share the journal commits of the filesystem.
 */
#ifndef LOCAL_AGENT_H
#define LOCAL_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "deliver.h"
#include "wire.h"

enum agent_frame { AGENT_JOB = 1, AGENT_ANSWER };

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

/*
 * In the forked child: becomes user (when is_root), serves fd until it is
 * closed, exits. Never returns. Refuses uid 0.
 */
void agent_run(int fd, const char *user, const struct conf *, bool is_root)
    __attribute__((noreturn));

#endif
