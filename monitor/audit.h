/*
 * audit: is the store what it should be? Reads all of it, changes nothing.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "buf.h"

/* A line for each file and each fault. The number of faults, or negative
 * errno when the folder cannot be read. */
int audit_store(const char *dir, struct buf *out);

#endif
