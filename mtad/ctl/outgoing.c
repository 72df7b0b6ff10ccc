#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "addr.h"
#include "header.h"
#include "sendmail.h"

void
outgoing_add(struct outgoing *o, struct slice rcpt)
{
	for (size_t i = 0; i < rcpt.n; i++)
		if ((unsigned char)rcpt.p[i] < 0x20)
			return; /* no address has that */
	buf_add_slice(&o->rcpts, rcpt);
	buf_addc(&o->rcpts, '\n');
	o->n++;
}

static void
add_one(void *arg, struct slice addr)
{
	outgoing_add(arg, addr);
}

/* Up to the end, or a line that is one dot. CR before LF goes. */
static void
put_lines(struct buf *b, struct slice in, bool ignores_dots)
{
	struct slice line;

	while (slice_next(&in, '\n', &line)) {
		if (line.n != 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (!ignores_dots && slice_eq(line, SLICE(".")))
			return;
		buf_add_slice(b, line);
		buf_addc(b, '\n');
	}
}

static bool
is_one_of(struct slice name, const char *a, const char *b, const char *c)
{
	return slice_ieq(name, slice_of(a)) || slice_ieq(name, slice_of(b)) ||
	    slice_ieq(name, slice_of(c));
}

/* The header without Bcc; with -t its recipients. */
static bool
put_header(
    struct outgoing *o, const struct sendmail_options *opt, struct slice *rest)
{
	bool has_from = false;
	struct header_field f;

	while (header_next(rest, &f)) {
		bool is_bcc = slice_ieq(f.name, SLICE("Bcc"));

		if (opt->reads_header && is_one_of(f.name, "To", "Cc", "Bcc"))
			header_addresses(f.value, add_one, o);
		has_from |= slice_ieq(f.name, SLICE("From"));
		if (!is_bcc)
			buf_add_slice(&o->message, f.raw);
	}
	return has_from;
}

/* "Full Name" <address>, quoted where RFC 5322 wants it. */
static void
put_from(struct buf *b, const char *name, const char *sender)
{
	buf_adds(b, "From: ");
	if (name != NULL && *name != '\0') {
		buf_addc(b, '"');
		for (; *name != '\0'; name++) {
			if (*name == '"' || *name == '\\')
				buf_addc(b, '\\');
			if ((unsigned char)*name >= 0x20)
				buf_addc(b, *name);
		}
		buf_adds(b, "\" ");
	}
	buf_addf(b, "<%s>\n", sender);
}

static char *
full_sender(const char *given, const char *user, const char *host)
{
	struct slice s = slice_of(given ? given : user);
	struct buf b;

	if (s.n > 1 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = slice_sub(s, 1, s.n - 1);
	buf_init(&b, 2048);
	buf_add_slice(&b, s);
	if (s.n != 0 && slice_rfind(s, '@') == s.n)
		buf_addf(&b, "@%s", host);
	return buf_take(&b);
}

int
outgoing_make(struct outgoing *o, const struct sendmail_options *opt,
    struct slice input, const char *user, const char *full_name,
    const char *host)
{
	struct buf text;
	struct slice rest;
	bool has_from, has_gap;

	o->sender = full_sender(opt->sender, user, host);
	buf_init(&text, (size_t)1 << 30);
	put_lines(&text, input, opt->ignores_dots);
	rest = buf_slice(&text);
	if (slice_istarts(rest, SLICE("From "))) /* out of a mailbox */
		rest = slice_sub(rest, slice_find(rest, '\n') + 1, rest.n);
	has_from = put_header(o, opt, &rest);
	if (!has_from && o->sender != NULL && *o->sender != '\0')
		put_from(&o->message,
		    opt->full_name ? opt->full_name : full_name, o->sender);
	has_gap = rest.n != 0 && rest.p[0] == '\n';
	if (!has_gap)
		buf_addc(&o->message, '\n');
	buf_add_slice(&o->message, rest);
	buf_release(&text);
	if (o->sender == NULL || o->message.bad || o->rcpts.bad)
		return EX_OSERR;
	return o->n != 0 ? 0 : EX_USAGE;
}
