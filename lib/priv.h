/*
 * priv: giving up powers, once and for good.
 */
#ifndef PRIV_H
#define PRIV_H

#include <stddef.h>

/*
 * As root: become user (with its group, no others), in root as the root
 * directory when root is not NULL. The folder need not exist: "" means an
 * empty one made for the purpose, unlinked, unwritable. Not as root: nothing
 * but no_new_privs. Negative errno; the caller must not go on then.
 */
int priv_drop(const char *user, const char *root);
/* The same with all groups that the user is in, in the root that there is. */
int priv_become(const char *user);

/*
 * Allow these system calls (libseccomp numbers, SCMP_SYS) beside the common
 * ones that any of our loops needs; close the list with -1. Others fail with
 * ENOSYS and are remembered; the dangerous ones (exec, ptrace, modules and
 * the like) kill. All threads that run now are under it. Negative errno.
 */
int priv_filter(const int *allowed);
/* Number of the last refused call since the last question, or -1. */
int priv_denied(void);
const char *priv_call_name(int call, char ret[32]);

#endif
