/*
 * import: whole files into the store, in any order, twice without harm.
 *
 * Events of ours are known by their numbers. A file of other lines is known
 * by its first bytes, and how far it was read is kept: the same file again,
 * grown or packed, goes on where it ended.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "feed.h"

/* fd is closed. name: for words. What is counted is added to *sum; ret_why is
 * set on failure. */
int import_file(struct store *, int fd, const char *name,
    struct feed_counts *sum, char ret_why[512]);

#endif
