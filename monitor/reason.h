/*
 * reason: replies told apart by what they say and not by the ids in them.
 *
 * A text becomes a template: what differs from one reply to the next is
 * replaced by <addr>, <ip>, <id>, <n>, <path> and <t>. Templates that still
 * differ only in some words gather in one row of a tree (after Drain, He and
 * others 2017), whose words that differ become <*>. A row keeps the hash of
 * the template that founded it, so that a number once given stays.
 *
 * The bytes are strangers': every text, template and table here is bounded.
 * No I/O and no clock.
 */
#ifndef REASON_H
#define REASON_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "event.h"
#include "slice.h"

#define REASON_TEMPLATE_MAX 512 /* bytes; the rest of a text is not looked at */
#define REASON_TREE_MAX 65536 /* rows; what is new after them is "other" */

/* Appends the template: one line, lower case, single blanks. */
void reason_template(struct buf *out, struct slice text);

/* The same on every machine and in every version; never 0. */
uint64_t reason_hash(struct slice template);

/*
 * The closed class. code is 0 when nobody replied and the words are the
 * mailer's own ("connection refused"); enhanced may be empty.
 */
enum reason
reason_classify(unsigned code, struct slice enhanced, struct slice text);

struct reason_tree;

struct reason_row {
	uint64_t hash; /* of the template that founded the row */
	struct slice template; /* as it is now; until the next call */
	bool is_new; /* founded by this text */
	bool is_changed; /* more general than it was, by this text */
};

/* NULL without memory. */
struct reason_tree *reason_tree_new(void);
void reason_tree_free(struct reason_tree *);
/* The row for a text, the nearest there is or a new one. The template "other"
 * with its hash when the tree is full, or memory is. */
struct reason_row reason_tree_find(struct reason_tree *, struct slice text);
/* The same, but nothing is founded and nothing changed: is_new and is_changed
 * say what would be, the row is the nearest or "other". */
struct reason_row reason_tree_look(struct reason_tree *, struct slice text);
size_t reason_tree_rows(const struct reason_tree *);
/* A row as the store has it from an earlier run; before the first find. */
void
reason_tree_add(struct reason_tree *, uint64_t hash, struct slice template);

#endif
