/*
 * life: what all days know of a message, and how it is shown.
 */
#ifndef LIFE_H
#define LIFE_H

#include "buf.h"
#include "db.h"
#include "recall.h"

/* The segments that are looked at, in the order of their days. */
struct days_open {
	struct db *db;
	size_t n;
};

struct life {
	char *qid, *node; /* owned */
	int64_t t; /* when it is heard of first */
	bool is_related; /* found by another one: a notice, or what it is of */
};

struct lives {
	struct life *v;
	size_t n;
};

void lives_init(struct lives *);
void lives_release(struct lives *);
/* Once each. 0 or -ENOMEM. */
int lives_add(struct lives *, const char *qid, const char *node, int64_t t);
/* The notices about those that are there, and what they are notices of. */
int lives_add_notices(struct lives *, struct days_open *);

/* All return 0 or negative errno. */
int life_line(const struct life *, struct days_open *, struct buf *out);
int life_text(const struct life *, struct days_open *, struct buf *out);
int life_json(const struct life *, struct days_open *, struct buf *out);
/* Lines of events that are of no message. */
void life_refusals(struct slice lines, bool is_json, struct buf *out);

#endif
