/*
 * shape: the queue's recipients by domain and age, from the cells of a
 * snapshot (mta-control(7), queue.shape), of now or of then. Pure.
 */
#ifndef SHAPE_H
#define SHAPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHAPE_AGES 8 /* up to 5 minutes, 10, 20 … 320, more */

enum shape_state {
	SHAPE_NEW,
	SHAPE_ACTIVE,
	SHAPE_DEFERRED,
	SHAPE_HELD,
	SHAPE_OTHER,
	SHAPE_STATES
};

struct shape_row {
	char *name; /* owned; "" is all domains without a row */
	int64_t age[SHAPE_AGES], state[SHAPE_STATES], n; /* recipients */
	int64_t messages;
};

struct shape {
	int64_t t; /* wall: as of when; 0: not known */
	struct shape_row total;
	struct shape_row *row; /* owned; most first, the rest last */
	size_t rows;
	bool is_of_messages; /* all that the cells knew: n is messages, too */
};

void shape_release(struct shape *);
/* Replaces what is there. cells: an array of cells, or of such arrays. */
void shape_read(struct shape *, const json_t *cells, int64_t t);
/* The letter of the state that most of it is in. */
char shape_letter(const struct shape_row *);
extern const char *const shape_ages[SHAPE_AGES]; /* headings, in minutes */

#endif
