#include "tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

/* Both are OpenSSL's own; the names keep it out of the header. */
struct tls_server;
struct tls;

static SSL_CTX *
ctx_of(struct tls_server *s)
{
	return (SSL_CTX *)s;
}

static SSL *
ssl_of(struct tls *t)
{
	return (SSL *)t;
}

static struct tls_server *
fail(SSL_CTX *ctx, const struct source_settings *s, const char *what,
    char why[256])
{
	snprintf(why, 256, "source \"%s\": %s: %s", s->title, what,
	    ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	SSL_CTX_free(ctx);
	return NULL;
}

struct tls_server *
tls_server_new(const struct source_settings *s, char why[256])
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL)
		return fail(ctx, s, "TLS", why);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	if (SSL_CTX_use_certificate_chain_file(ctx, s->Certificate) != 1)
		return fail(ctx, s, s->Certificate, why);
	if (SSL_CTX_use_PrivateKey_file(ctx, s->Key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return fail(ctx, s, s->Key, why);
	if (*s->ClientCA == '\0')
		return (struct tls_server *)ctx;
	if (SSL_CTX_load_verify_locations(ctx, s->ClientCA, NULL) != 1)
		return fail(ctx, s, s->ClientCA, why);
	SSL_CTX_set_verify(
	    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return (struct tls_server *)ctx;
}

void
tls_server_free(struct tls_server *s)
{
	SSL_CTX_free(ctx_of(s));
}

struct tls *
tls_new(struct tls_server *s, int fd)
{
	SSL *ssl = SSL_new(ctx_of(s));

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return (struct tls *)ssl;
}

void
tls_free(struct tls *t)
{
	SSL_free(ssl_of(t));
}

ssize_t
tls_read(struct tls *t, void *to, size_t n)
{
	int rc = SSL_read(ssl_of(t), to, n < INT_MAX ? (int)n : INT_MAX);

	if (rc > 0)
		return rc;
	switch (SSL_get_error(ssl_of(t), rc)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_READ:
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		return -EINPROGRESS;
	default:
		ERR_clear_error();
		return -EPROTO;
	}
}
