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
	int64_t sender_domain, rcpt_domain;
};

struct row;

struct row *row_new(struct db *); /* NULL without memory or table */
void row_free(struct row *);
/* Keys of all texts of the event. 0 or negative errno. */
int row_keys(struct dicts *, const struct fields *, struct row_keys *ret);
/* msg: 0 for an event of no message; seq: 0 for none. */
int row_add(struct row *, int64_t t, int64_t writer, uint64_t seq, int64_t msg,
    const struct fields *, const struct row_keys *);

/* 5.1.1 and 5001001; -1, and false, for what is none. */
int64_t enhanced_number(struct slice);
bool enhanced_text(int64_t, char ret[24]);

#endif
