/*
 * lists: the rows of hosts.list and queue.list as the model keeps them.
 */
#ifndef LISTS_H
#define LISTS_H

#include "model.h"

const char *row_text(const json_t *row, const char *name); /* "" if absent */
int64_t row_number(const json_t *row, const char *name); /* 0 if absent */
int64_t row_wall(const json_t *row, const char *name); /* 0 if absent */

void hosts_init(struct hosts *);
void hosts_clear(struct hosts *);
/* Adds the destination, or brings the one of that name up to date. */
void hosts_put(struct hosts *, const json_t *row);
void hosts_sort(struct hosts *);
/* Makes the list of the shown ones anew. */
void hosts_show(struct hosts *, const char *filter);

void messages_clear(struct messages *);
void messages_put(struct messages *, const json_t *row);

#endif
