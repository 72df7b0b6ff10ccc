/*
 * listen: the socket that a source's settings describe.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include "settings.h"

/* type: SOCK_DGRAM or SOCK_STREAM (listening). A unix socket that nobody
 * serves any more is replaced. -1, and why, on failure. */
int listen_at(const struct source_settings *, int type, char why[256]);

/* An address and port; name is for what is said in why. */
int listen_inet(
    const char *name, const char *address, int port, int type, char why[256]);

#endif
