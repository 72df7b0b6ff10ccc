/* HELO, EHLO, LHLO: RFC 5321 section 4.1.1.1, RFC 2033. */
#include <stdlib.h>
#include <string.h>

#include "session.h"

#define HELO_MAX 255

static void
put_extensions(struct session *s)
{
	const struct conf *c = session_conf(s);
	struct buf *b = conn_out(s->conn);

	buf_addf(b, "250-%s\r\n", c->HostName);
	buf_adds(b, "250-PIPELINING\r\n");
	if (c->MaxMessageSize != 0)
		buf_addf(b, "250-SIZE %lld\r\n", (long long)c->MaxMessageSize);
	else
		buf_adds(b, "250-SIZE\r\n");
	buf_adds(b,
	    "250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n"
	    "250-CHUNKING\r\n250-DSN\r\n250 HELP\r\n");
}

/* Anything printable: names of clients are wrong too often to insist. */
static bool
is_name(struct slice s)
{
	if (s.n == 0 || s.n > HELO_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f ||
		    strchr("<>()\\\"", s.p[i]) != NULL)
			return false;
	return utf8_ok(s);
}

struct reply
verb_hello(struct session *s, struct slice args)
{
	bool is_lhlo = s->verb == V_LHLO;
	char *name;

	if (is_lhlo != s->is_lmtp)
		return s->is_lmtp ? REPLY(500, "5.5.1 This is LMTP, say LHLO")
				  : REPLY(500, "5.5.1 This is SMTP, say EHLO");
	if (!is_name(args))
		return REPLY(501, "5.5.4 A host name is wanted");
	name = slice_dup(args);
	if (name == NULL)
		return REPLY(451, "4.3.0 Out of memory, try again later");
	free(s->helo);
	s->helo = name;
	txn_free(s);
	s->is_esmtp = s->verb != V_HELO;
	if (s->is_esmtp) {
		put_extensions(s);
		return REPLY(250, "");
	}
	return REPLY(250, session_conf(s)->HostName);
}
