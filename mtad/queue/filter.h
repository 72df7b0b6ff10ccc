/*
 * filter: which messages: the grammar of mtactl queue and of mtatop.
 *
 *	from:TEXT to:TEXT state:WORD reason~TEXT age>TIME age<TIME size>SIZE
 *	size<SIZE try>N try<N id:ID[,ID...] host:KEY
 *
 * Terms are joined by blanks and must all hold; from: and to: match any
 * part, @domain its end; a word without a colon matches sender, recipient
 * or id. Pure.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "index.h"

struct filter;

/* NULL with a sentence in why when a term is not understood. An empty text
 * matches all. */
struct filter *filter_new(struct slice text, char why[200]);
void filter_free(struct filter *);
bool filter_match(const struct filter *, const struct msg *, int64_t wall);
/* The id, when the filter names exactly one. */
bool filter_only_id(const struct filter *, struct msgid *ret);
/* "active", "deferred", "held", "deleted", "bounced", "damaged", "new" */
const char *msg_state(const struct msg *);

#endif
