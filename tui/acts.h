/*
 * acts: what can be done to messages and destinations, and the way there:
 * choose, be told effect and count, agree, watch it, see what came of it.
 * Nothing is changed before the answer; above a hundred the count itself is
 * typed. While an act goes on the console goes on, too, and Esc stops the
 * act. Pure: requests go to the asks, answers come from the model.
 */
#ifndef ACTS_H
#define ACTS_H

#include "grid.h"
#include "model.h"
#include "prompt.h"
#include "tags.h"

#define ACT_TYPE_ABOVE 100 /* more at once need the number typed */

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

/* On what: the chosen row, the tagged ones, all that match the filter. */
enum act_reach { REACH_ONE, REACH_TAGGED, REACH_ALL, REACHES };

struct acts {
	enum act_stage stage;
	enum act_reach reach;
	bool is_host;
	char target[300]; /* id or destination */
	char filter[256];
	struct tags tags;
	int64_t number; /* of the act that undo takes back; 0 none */
	const struct act *act;
	int64_t count;
	size_t next; /* destinations are told one by one: how many were */
	int64_t changed;
	bool is_asked, is_stopping, is_stop_sent;
	unsigned serial; /* of the result before the request */
	struct prompt typed;
	int64_t last_undo; /* the last act of this console; 0 none */
	char note[400]; /* what came of it */
};

struct act_target {
	bool is_host;
	const char *name, *filter;
	const struct tags *tags; /* copied; when there are any they are meant */
	int64_t under_act; /* that the message is under */
};

/* Opens the menu, or goes to the count of one act (op; NULL: the menu). */
void acts_open(struct acts *, const struct act_target *, const char *op);
/* The same for what was typed: all that the filter matches. False: there is
 * no such act. */
bool
acts_command(struct acts *, bool is_host, const char *op, const char *what);
void acts_key(struct acts *, const struct model *, struct asks *, int code);
/* Answers may have come; true when the lists should be asked for again. */
bool acts_turn(struct acts *, const struct model *, struct asks *);
/* Gives up what is not done yet, or stops what goes on. */
void acts_cancel(struct acts *, const struct model *, struct asks *);
/* The acts that there are, up to one without an op; those with a key below 0
 * are only typed. */
const struct act *acts_menu(const struct acts *);
/* The words for what is acted on. */
void acts_target(const struct acts *, char *ret, size_t size);
/* Keys are its own. */
bool acts_is_modal(const struct acts *);
/* In place of the body's end and of the last row; what goes on: one line. */
void acts_draw(const struct acts *, struct grid *, int y, int rows);
void
acts_progress(const struct acts *, const struct model *, struct grid *, int y);

#endif
