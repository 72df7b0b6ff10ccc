/*
 * tls: the server's side of syslog over TLS (RFC 5425), on sockets that do
 * not block. TLS 1.2 and later.
 */
#ifndef TLS_H
#define TLS_H

#include <stddef.h>
#include <sys/types.h>

#include "settings.h"

struct tls;

/* NULL, and why, when certificate, key or authorities cannot be used. */
struct tls_server *
tls_server_new(const struct source_settings *, char ret_why[256]);
void tls_server_free(struct tls_server *);
/* fd is borrowed. NULL without memory. */
struct tls *tls_new(struct tls_server *, int fd);
void tls_free(struct tls *);
/* Shakes hands first. Bytes, 0 at the end, -EAGAIN: wait until the socket is
 * readable, -EINPROGRESS: until it is writable, -EPROTO: broken. */
ssize_t tls_read(struct tls *, void *, size_t);

#endif
