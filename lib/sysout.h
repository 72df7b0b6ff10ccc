/*
 * sysout: events as sentences, to a syslog.
 *
 * Three ways: the system's own log (/dev/log) as its receivers read it,
 * "<PRI>Mon dd hh:mm:ss prog[pid]: sentence"; RFC 5424 with structured data,
 * a datagram each; the same over a stream, octet-counted (RFC 6587 section
 * 3.4.1). A receiver that does not keep up loses sentences, never mail: the
 * event log file has all of them.
 */
#ifndef SYSOUT_H
#define SYSOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "event.h"

enum sysout_kind { SYSOUT_LOCAL, SYSOUT_DATAGRAM, SYSOUT_STREAM };

struct sysout;

/* node: host name; all are copied. NULL without memory. */
struct sysout *
sysout_new(const char *node, const char *prog, const char *boot, pid_t pid);
void sysout_free(struct sysout *); /* NULL is fine */
/* Takes fd, a connected socket; -1: none. What waits for an old stream is
 * dropped, as a part of a line may have left. */
void sysout_socket(struct sysout *, int fd, enum sysout_kind);
void
sysout_add(struct sysout *, const struct event *, uint64_t seq, int64_t wall);
void sysout_flush(struct sysout *); /* once a turn of the loop */
/* The socket broke since the last call: ask for a new one. */
bool sysout_wants_socket(struct sysout *);

#endif
