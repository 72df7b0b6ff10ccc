/*
 * ladder: sums of days that are gone grow coarser with their age.
 *
 *	five minutes	when the day goes (domains, distributions: the hour)
 *	an hour		after 90 days; domains and reasons, of which there
 *			are many: the day (distributions: not yet)
 *	a day		after two years, for good
 */
#ifndef LADDER_H
#define LADDER_H

#include <stdint.h>

/* One kind of sum at a time, so that nobody waits long. 0 or negative errno
 * and why. */
int ladder_climb(const char *store, char ret_why[256]);

#endif
