/*
 * lookup: what the parts of mtad-lookup share.
 *
 *	tables.c	alias files and user lists, fresh within a second
 *	ask.c		one question: which way to its answer
 *	answer.c	the answer's frames
 *	include.c	:include: files
 *	list.c		... read beside the loop
 */
#ifndef LOOKUP_LOOKUP_H
#define LOOKUP_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "aliases.h"
#include "members.h"
#include "proc.h"
#include "userlist.h"
#include "users.h"
#include "verdict.h"

struct lookup {
	struct proc *proc;
	struct users *users;
	struct worker *reader; /* of included files */
	unsigned reading;
	struct aliases *aliases; /* NULL: they cannot be read */
	char told[400]; /* the last complaint, and when */
	int64_t told_at; /* mono */
	struct userlist *lists; /* one for each row of conf->virtual_ */
	size_t lists_n;
	int64_t checked; /* mono: when files were last looked at */
};

struct ask;

/* Who asked: smtpd, the queue, or a question that needs this one. */
struct asker {
	struct peer *peer; /* borrowed */
	uint64_t key;
	bool is_expand;
	bool is_self; /* aliases are passed over */
	uint8_t what; /* enum proto_ask; ASK_VRFY: is it deliverable? */
	/* instead of a peer: */
	void (*told)(void *arg, const struct verdict *);
	void *arg;
};

struct ask {
	struct lookup *l; /* borrowed */
	struct asker by;
	char local[ADDR_LOCAL_MAX + 1], domain[ADDR_DOMAIN_MAX + 1];
	bool is_stripped; /* +detail was cut off */
};

/* tables.c */
void tables_load(struct lookup *); /* all of it, as after a reload */
void tables_refresh(struct lookup *); /* at most once a second */
/* An event about a file; the same one at most once a minute. */
void tables_complain(struct lookup *, const char *path, const char *error);

/* ask.c: answers by itself, perhaps later. */
void ask_begin(struct lookup *, const struct asker *, struct slice local,
    struct slice domain);

/* answer.c: each but the first ends the question and frees it. */
void answer_to(const struct asker *, struct verdict);
void answer_verdict(struct ask *, struct verdict);
void answer_ok(struct ask *);
void answer_user(
    struct ask *, enum proto_expand, const char *user, const char *path);
void answer_lines(struct ask *, struct slice targets);
void answer_targets(struct ask *, struct slice targets);

/* include.c: members of text, and of the files that it includes, into all.
 * -E: not now, with the file named in why. */
int include_collect(const struct aliases *, struct members *all,
    struct slice text, char why[300]);

/*
 * list.c: told the members of text, at once when it includes no file. Files
 * are read beside the loop, one after the other: a filesystem that hangs
 * keeps the lists waiting that include files, and no other question. all is
 * NULL when it is not now, with the file named in why.
 */
typedef void list_told(struct ask *, const struct members *all, char why[300]);
void list_collect(struct ask *, struct slice text, list_told *);

#endif
