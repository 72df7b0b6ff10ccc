/*
 * row: an event as a row of ev, made from segment.def.
 */
#ifndef ROW_H
#define ROW_H

#include "db.h"
#include "dicts.h"
#include "fields.h"

/* What row_keys() found of an event; 0: absent. */
struct row_keys {
	int64_t type, sender, rcpt, mailer, host, peer, class;
	int64_t expanded; /* the recipient that an rcpt.expand makes */
	int64_t sender_domain, rcpt_domain;
	/* set by the caller */
	int64_t reason, writer;
	uint64_t seq; /* 0: none */
};

struct row;

struct row *row_new(struct db *); /* NULL without memory or table */
void row_free(struct row *);
/* Keys of all texts of the event. 0 or negative errno. */
int row_keys(struct dicts *, const struct fields *, struct row_keys *ret);
/* What a row says beside the event's own fields. */
struct row_origin {
	int64_t t, writer;
	uint64_t seq; /* 0: none */
	int64_t msg; /* 0: of no message */
	struct slice via; /* as struct heard has it */
};

/* Rows wait until row_flush(). */
int row_add(struct row *, const struct row_origin *, const struct fields *,
    const struct row_keys *, int64_t *ret_id);
int row_flush(struct row *);
void row_forget(struct row *); /* after a rollback */

/* 5.1.1 and 5001001; -1, and false, for what is none. */
int64_t enhanced_number(struct slice);
bool enhanced_text(int64_t, char ret[24]);

#endif
