/*
 * script: what scripts get: one JSON object a frame, and the check's line.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdio.h>

#include "console.h"

/* The frame as one object on one line; names are those of mta-control(7). */
void script_json(const struct console *, FILE *, int64_t now, int64_t wall);
/* One line; the exit status, in Nagios order: 0 to 3. */
int script_check(const struct model *, FILE *, int64_t wall);

#endif
