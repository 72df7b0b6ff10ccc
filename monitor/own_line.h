/*
 * own_line: a line of mtad's, from its files or as syslog, as what was heard.
 */
#ifndef OWN_LINE_H
#define OWN_LINE_H

#include "event_read.h"
#include "heard.h"

/* 0, -ENOENT: an event of a later version, -EBADMSG: it is none of ours. The
 * line changes, and what is heard points into it. */
int own_line_read(
    const struct event_names *, char *line, size_t n, struct heard *ret);
/* Does it begin as lines of a system's log do: <22>, "Nov 24", 2026-11-24?
 * Then it is another program's, and nothing is missing. */
bool own_line_is_of_a_log(struct slice);

#endif
