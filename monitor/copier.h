/*
 * copier: a process that copies what was committed from a day's log into its
 * file, while the next batch is gathered.
 *
 * SQLite's writer would do it at the end of a commit, and wait for the disk
 * there: a ninth of the time of an import. It is a process, not a thread, as
 * SQLite is used without locks here; the file's own locks part the two.
 */
#ifndef COPIER_H
#define COPIER_H

#include <stdbool.h>
#include <sys/types.h>

struct copier {
	int fd; /* -1: there is none */
	pid_t pid;
	bool is_busy; /* it has not said that it is done */
};

#define COPIER_NONE ((struct copier){ .fd = -1 })

/* Before a store is open: a child would have its locks. 0 or negative errno,
 * then there is none; the others below do nothing without one. */
int copier_start(struct copier *);
/* Returns at once; what finds it busy is done with the next one. */
void copier_ask(struct copier *, const char *path);
void copier_wait(struct copier *); /* until it has no file open */
void copier_stop(struct copier *);

#endif
