/*
 * nameserver: an NSD of the story's own, with the records of the story.
 */
#ifndef STORY_NAMESERVER_H
#define STORY_NAMESERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "buf.h"

struct nameserver {
	struct buf records; /* lines of a zone file, below "." */
	char folder[64];
	int port;
	pid_t pid; /* 0: not running */
};

void nameserver_init(struct nameserver *);
void nameserver_add(struct nameserver *, const char *record);
/* At 127.0.0.1, a free port the first time and the same again. False: there
 * is no nsd on this machine. */
bool nameserver_start(struct nameserver *);
void nameserver_stop(struct nameserver *);
void nameserver_release(struct nameserver *);

#endif
