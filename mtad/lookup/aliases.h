/*
 * aliases: alias files in memory (aliases(5)). Keys without regard to case.
 */
#ifndef LOOKUP_ALIASES_H
#define LOOKUP_ALIASES_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf.h"
#include "slice.h"

struct aliases;

/*
 * Reads all of files. NULL when one cannot be read or understood: then why
 * names file, line and what is wrong. A file that does not exist counts as
 * empty only when it is the default one. With a table, why may hold a
 * warning: a name that stands twice (the first counts).
 */
struct aliases *aliases_read(const struct conf_list *files, char why[300]);
struct aliases *aliases_new(void); /* empty; NULL without memory */
/* One file's text; name is for why. False: not understood. */
bool aliases_parse(
    struct aliases *, const char *name, struct slice text, char why[300]);
void aliases_free(struct aliases *); /* with its last holder */
struct aliases *aliases_hold(struct aliases *); /* one aliases_free() more */
/* The right side as it stands in the file, or an empty slice. */
bool aliases_find(
    const struct aliases *, struct slice key, struct slice *ret_members);
/* Has any of the files changed since it was read? */
bool aliases_are_old(const struct aliases *);
/* Does one of the files belong to this user? */
bool aliases_is_owner(const struct aliases *, uid_t);
size_t aliases_count(const struct aliases *);

#endif
