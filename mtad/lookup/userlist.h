/*
 * userlist: the users of a virtual domain, a name a line, read again when
 * the file changes. # begins a comment.
 */
#ifndef LOOKUP_USERLIST_H
#define LOOKUP_USERLIST_H

#include <stdbool.h>
#include <sys/stat.h>

#include "map.h"
#include "slice.h"

struct userlist {
	const char *path; /* borrowed */
	struct stat st;
	struct map names;
	bool is_readable;
};

void userlist_init(struct userlist *, const char *path);
void userlist_release(struct userlist *);
/* Reads it when it is another than before. Negative errno when it cannot be
 * read: then its users are not now, not never. */
int userlist_refresh(struct userlist *);
bool userlist_is_readable(const struct userlist *);
bool userlist_has(const struct userlist *, struct slice name);

#endif
