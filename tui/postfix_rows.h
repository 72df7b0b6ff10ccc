/*
 * postfix_rows: one listing of postqueue -j(1), and answers to the requests
 * of the console out of it. Pure.
 */
#ifndef POSTFIX_ROWS_H
#define POSTFIX_ROWS_H

#include "model.h"
#include "slice.h"

#define POSTFIX_ROWS_MAX 200000 /* messages that are kept; more are counted */

struct postfix_rows;

struct postfix_rows *postfix_rows_new(int64_t wall); /* NULL without memory */
void postfix_rows_free(struct postfix_rows *); /* NULL is fine */
/* A line of the listing; false: it is none. */
bool postfix_rows_take(struct postfix_rows *, struct slice line);
/* The listing has ended, as it should. */
void postfix_rows_end(struct postfix_rows *);
/* Gives the rows of the answer to the model; its last object, the caller's. */
json_t *postfix_rows_answer(const struct postfix_rows *, struct model *,
    enum ask, const json_t *request);

#endif
