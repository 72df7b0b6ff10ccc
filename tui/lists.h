/*
 * lists: the rows of hosts.list and queue.list as the model keeps them.
 */
#ifndef LISTS_H
#define LISTS_H

#include "model.h"

const char *row_text(const json_t *row, const char *name); /* "" if absent */
int64_t row_number(const json_t *row, const char *name); /* 0 if absent */
int64_t row_wall(const json_t *row, const char *name); /* 0 if absent */

void hosts_clear(struct hosts *);
void hosts_put(struct hosts *, const json_t *row);
/* The last object of the answer. */
void hosts_end(struct hosts *, const json_t *last);

void messages_clear(struct messages *);
void messages_put(struct messages *, const json_t *row);

#endif
