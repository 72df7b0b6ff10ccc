/*
 * expose: the collector's own numbers, where others fetch them: the pages
 * /metrics, /live and /ready, and a file for node_exporter, each as the
 * settings say.
 */
#ifndef EXPOSE_H
#define EXPOSE_H

#include <event2/event.h>

#include "metrics.h"
#include "settings.h"

struct expose;

/* What is_ready says becomes /ready; why not is put into the buffer. All is
 * borrowed. NULL, and why, on failure. */
struct expose *
expose_new(struct event_base *, const struct settings *, const struct metrics *,
    bool (*is_ready)(void *arg, struct buf *ret_why), void *arg, char why[256]);
void expose_free(struct expose *); /* fine with NULL */

#endif
