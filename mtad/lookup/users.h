/*
 * users: is there such an account? NSS beside the loop, with a memory of
 * seconds.
 *
 * "No such user" is only: getpwnam_r returned 0 and NULL, and every account
 * of LocalUserCheck is found. A dead directory server answers just as if the
 * user did not exist; everything else is "not now".
 */
#ifndef LOOKUP_USERS_H
#define LOOKUP_USERS_H

#include "proc.h"

enum user_answer { USER_YES, USER_NO, USER_NOT_NOW };

struct users;

struct users *users_new(struct proc *);
/* Calls back once, perhaps before it returns. name: the account's own
 * spelling; is_root: uid 0. */
void users_ask(struct users *, struct slice name,
    void (*done)(void *arg, enum user_answer, const char *name, bool is_root),
    void *arg);

#endif
