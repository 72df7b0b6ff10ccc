/*
 * draw: the store's sums as round robin files, in its folder rrd.
 *
 * mtacollect(8) says which files and what is in them. They are made of the
 * store alone: what was drawn at once and what was drawn minute by minute is
 * the same. A file takes no time before its last; what the store hears later
 * of such a time is counted, and drawn when all is made anew.
 */
#ifndef DRAW_H
#define DRAW_H

#include <stdbool.h>
#include <stdint.h>

struct draw_counts {
	int64_t
	    last; /* end of the last minute that is drawn, seconds; 0: none */
	uint64_t minutes; /* drawn now */
	uint64_t late; /* events of minutes that were drawn before */
};

/* Goes on, or (is_anew) makes all files anew beside the old ones and puts
 * them in their place. 0 or negative errno, -EBUSY: another one draws. */
int draw_store(
    const char *dir, bool is_anew, struct draw_counts *ret, char ret_why[256]);

#endif
