/*
 * place: where the daemon's folder with control socket and counters is.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>

#define PLACE_MAX 4200

/* Beside the socket if one is given; else RunDirectory of mtad.conf (conf
 * NULL: $MTAD_CONF or the installed one; without the file its default).
 * False, after saying so, when conf was given and does not read. */
bool place_run(const char *conf, const char *socket, char ret[PLACE_MAX]);

#endif
