/*
 * queue_world: mtad-queue without its process: a spool in memory (below
 * /dev/shm), no peers, the loop turned by hand.
 *
 * A life begins with world_start() on whatever lies in the spool and ends
 * with world_end(), which empties the spool. The world itself (loop,
 * configuration, counters) is made once and lives as long as the program.
 */
#ifndef QUEUE_WORLD_H
#define QUEUE_WORLD_H

#include "mtad/queue/queue.h"

enum world_part { W_SEGMENT, W_BODY, W_JOURNAL, W_CHECKPOINT, W_LOG, W_PARTS };

struct world {
	struct proc proc;
	struct queue q;
	struct stat_file stats;
	char dir[64];
	int part[W_PARTS]; /* folders */
};

struct world *world_new(void);
/* A file of the spool, before the start. */
void
world_put(struct world *, enum world_part, const char *name, struct slice);
int world_start(struct world *); /* what recover() says */
void world_turn(struct world *); /* the loop once, without waiting */
void world_settle(struct world *); /* until the disk has nothing to do */
void world_end(struct world *);

#endif
