/*
 * days: the segment files of a store's folder, by their names.
 */
#ifndef DAYS_H
#define DAYS_H

#include <stdbool.h>

struct day {
	int day; /* YYYYMMDD */
	const char *path; /* borrowed for the call */
};

/* "DIR/ev-YYYYMMDD.db"; the caller frees it, NULL without memory. */
char *days_path(const char *dir, int day);
/* Each from the first day to the last, rising; stops at false. 0, or
 * negative errno of the folder. */
int days_each(const char *dir, int from, int to,
    bool (*one)(void *arg, const struct day *), void *arg);
/* The same, the newest first. */
int days_back(const char *dir, int from, int to,
    bool (*one)(void *arg, const struct day *), void *arg);

#endif
