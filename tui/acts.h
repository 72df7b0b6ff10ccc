/*
 * acts: what can be done to messages and destinations, and the way there:
 * choose, be told effect and count, agree, see what came of it. Nothing is
 * changed before the answer; above a hundred the count itself is typed. Pure:
 * requests go to the asks, answers come from the model.
 */
#ifndef ACTS_H
#define ACTS_H

#include "grid.h"
#include "model.h"
#include "prompt.h"

struct act {
	int key; /* in the menu */
	const char *op, *name;
	const char *effect; /* said before it is done */
};

enum act_stage {
	ACT_NONE,
	ACT_MENU,
	ACT_COUNTING, /* the daemon is asked how many */
	ACT_CONFIRM,
	ACT_RUNNING
};

struct acts {
	enum act_stage stage;
	bool is_host, is_all; /* all that the filter matches */
	char target[300]; /* id or destination */
	char filter[256];
	int64_t number; /* of the act that undo takes back; 0 none */
	const struct act *act;
	int64_t count;
	bool is_asked;
	unsigned serial; /* of the result before the request */
	struct prompt typed;
	int64_t last_undo; /* the last act of this console; 0 none */
	char note[400]; /* what came of it */
};

/* Opens the menu, or goes to the count of one act (op; NULL: the menu). */
void acts_open(struct acts *, bool is_host, const char *target,
    const char *filter, int64_t under_act, const char *op);
void acts_key(struct acts *, const struct model *, struct asks *, int code);
/* Answers may have come; true when the lists should be asked for again. */
bool acts_turn(struct acts *, const struct model *, struct asks *);
/* Gives up what is not done yet. */
void acts_cancel(struct acts *, struct asks *);
/* In place of the body's end and of the last row. */
void acts_draw(const struct acts *, struct grid *, int y, int rows);

#endif
