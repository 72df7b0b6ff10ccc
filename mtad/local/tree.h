/*
 * tree: all that a delivery program started, wherever it went.
 *
 * Who adopts is given the orphans below it by the kernel: leaving the process
 * group or the session, or forking twice, leads back here. Ending a tree is
 * ending children until there are no more. No cgroup is needed.
 */
#ifndef LOCAL_TREE_H
#define LOCAL_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Orphans below this process are its children from now on. Blocks SIGCHLD,
 * which the waits below wait for. */
int tree_adopt(void);
/* Collects the dead. True: leader was among them, *ret_status is his. */
bool tree_reap(pid_t leader, int *ret_status);
/* Waits for the last child, until then (mono). False: some are left. */
bool tree_wait(int64_t until);
/* Ends all children and theirs. False: not all by then (mono). */
bool tree_end(int64_t until);
/* One pass of SIGKILL over the children that run, but those that are spared;
 * how many it met. */
int tree_kill(bool (*is_spared)(const void *arg, pid_t), const void *arg);

#endif
