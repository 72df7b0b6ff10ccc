/*
 * sources: what is read, and how far it was.
 */
#ifndef SOURCES_H
#define SOURCES_H

#include "segment.h"

/* The number of a source, made when it is new; negative errno. */
int64_t sources_get(struct db *catalog, const char *kind, const char *name);
/* All of this kind; stops when it says false. 0 or negative errno. */
int sources_each(struct db *catalog, const char *kind,
    bool (*one)(void *arg, int64_t id, const char *name), void *arg);
/* The furthest place that the catalog or any day has; false: none. */
bool sources_place(
    struct db *catalog, const char *dir, int64_t source, struct place *ret);

#endif
