#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "addr.h"
#include "header.h"
#include "map.h"
#include "sendmail.h"

#define MESSAGE_MAX ((size_t)1 << 30)
#define RCPTS_MAX ((size_t)16 << 20)

void
outgoing_init(struct outgoing *o)
{
	*o = (struct outgoing){ .n = 0 };
	buf_init(&o->message, MESSAGE_MAX);
	buf_init(&o->rcpts, RCPTS_MAX);
}

void
outgoing_release(struct outgoing *o)
{
	buf_release(&o->message);
	buf_release(&o->rcpts);
	free(o->sender);
}

static void
is_bad(struct outgoing *o, struct slice what)
{
	size_t n = what.n < sizeof(o->bad) - 1 ? what.n : sizeof(o->bad) - 1;

	if (o->bad[0] != '\0')
		return;
	memcpy(o->bad, what.p, n);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)o->bad[i] < 0x20 || o->bad[i] == 0x7f)
			o->bad[i] = '?';
	if (n == 0)
		memcpy(o->bad, "<>", 3);
}

/* As it stands between < and >: what the daemon would refuse does not get to
 * its command line, least of all a newline. */
static bool
put_address(struct buf *b, struct slice s, bool *is_utf8)
{
	struct addr a;

	if (addr_parse(s, ADDR_BARE_OK | ADDR_UTF8_OK, &a) < 0)
		return false;
	addr_put(b, slice_of(a.local), slice_of(a.domain));
	*is_utf8 |= a.is_utf8;
	return !b->bad;
}

static void
add_one(void *arg, struct slice s)
{
	struct outgoing *o = arg;

	if (!put_address(&o->rcpts, s, &o->is_utf8)) {
		is_bad(o, s);
		return;
	}
	buf_addc(&o->rcpts, '\n');
	o->n++;
}

static void
add_list(struct outgoing *o, struct slice list)
{
	if (!header_addresses(list, add_one, o))
		is_bad(o, list);
}

void
outgoing_add(struct outgoing *o, const char *word)
{
	for (const char *p = word; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			is_bad(o, slice_of(word));
			return;
		}
	add_list(o, slice_of(word));
}

static void
set_sender(void *arg, struct slice s)
{
	struct outgoing *o = arg;
	struct buf b;

	buf_init(&b, 2048);
	if (o->sender == NULL && put_address(&b, s, &o->is_utf8))
		o->sender = buf_take(&b);
	buf_release(&b);
}

bool
outgoing_sender(
    struct outgoing *o, const char *given, const char *user, const char *host)
{
	struct slice s = slice_trim(slice_of(given ? given : user));
	struct buf b;

	if (given != NULL && (s.n == 0 || slice_eq(s, SLICE("<>")))) {
		o->sender = strdup("");
		return o->sender != NULL;
	}
	if (!header_addresses(s, set_sender, o) || o->sender == NULL)
		return false;
	if (slice_rfind(slice_of(o->sender), '@') != strlen(o->sender))
		return true;
	buf_init(&b, 2048);
	buf_addf(&b, "%s@%s", o->sender, host);
	free(o->sender);
	o->sender = buf_take(&b);
	buf_release(&b);
	return o->sender != NULL;
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

/* What a field of the header is to us. */
enum {
	IS_FROM = 1,
	IS_RCPT = 2, /* -t reads it */
	IS_RESENT = 4,
	IS_BCC = 8, /* goes */
	IS_LIST = 16 /* bare names are completed */
};
static const struct {
	const char *name;
	unsigned is;
} fields[] = {
	{ "From", IS_FROM | IS_LIST },
	{ "Sender", IS_LIST },
	{ "Reply-To", IS_LIST },
	{ "To", IS_RCPT | IS_LIST },
	{ "Cc", IS_RCPT | IS_LIST },
	{ "Bcc", IS_RCPT | IS_BCC },
	{ "Resent-From", IS_LIST },
	{ "Resent-Sender", IS_LIST },
	{ "Resent-To", IS_RCPT | IS_RESENT | IS_LIST },
	{ "Resent-Cc", IS_RCPT | IS_RESENT | IS_LIST },
	{ "Resent-Bcc", IS_RCPT | IS_RESENT | IS_BCC },
};

static unsigned
field_is(struct slice name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (slice_ieq(name, slice_of(fields[i].name)))
			return fields[i].is;
	return 0;
}

/* A message that is sent on goes to whom it is sent on to, and to them alone
 * (RFC 5322 section 3.6.6). */
static bool
has_resent(struct slice text)
{
	struct header_field f;

	while (header_next(&text, &f))
		if (field_is(f.name) & IS_RESENT)
			return true;
	return false;
}

/* The header without Bcc; with -t its recipients. */
static bool
put_header(
    struct outgoing *o, bool reads_header, struct slice *rest, const char *host)
{
	unsigned kind = has_resent(*rest) ? IS_RESENT : 0;
	bool has_from = false;
	struct header_field f;

	while (header_next(rest, &f)) {
		unsigned is = field_is(f.name);

		if (reads_header && (is & IS_RCPT) && (is & IS_RESENT) == kind)
			add_list(o, f.value);
		has_from |= (is & IS_FROM) != 0;
		if (is & IS_LIST)
			put_completed(&o->message, f.raw, f.value, host);
		else if (!(is & IS_BCC))
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

/* A mailbox's "From " line; a field may be spelled "From :". */
static struct slice
without_mailbox_line(struct slice text)
{
	size_t n = slice_find(text, '\n');
	struct slice line = slice_sub(text, 0, n);

	if (line.n < 6 || memcmp(line.p, "From ", 5) != 0 ||
	    slice_istarts(slice_trim(slice_sub(line, 4, line.n)), SLICE(":")))
		return text;
	return slice_sub(text, n + 1, text.n);
}

static uint64_t
hash_line(const void *entry)
{
	const char *p = entry;

	return slice_ihash((struct slice){ p, strcspn(p, "\n") });
}

static bool
is_line(const void *entry, const void *key)
{
	const char *p = entry;

	return slice_ieq(
	    (struct slice){ p, strcspn(p, "\n") }, *(const struct slice *)key);
}

/* Who stands in To and in Cc gets one copy. */
static int
drop_doubles(struct outgoing *o)
{
	struct slice rest = buf_slice(&o->rcpts), one;
	struct map seen;
	struct buf out;
	int rc = 0;

	map_init(&seen, hash_line, is_line);
	buf_init(&out, RCPTS_MAX);
	o->n = 0;
	while (rc == 0 && slice_next(&rest, '\n', &one)) {
		if (map_find(&seen, slice_ihash(one), &one) != NULL)
			continue;
		rc = map_add(&seen, (void *)(uintptr_t)one.p);
		buf_add_slice(&out, one);
		buf_addc(&out, '\n');
		o->n++;
	}
	map_release(&seen);
	buf_release(&o->rcpts);
	o->rcpts = out;
	return rc;
}

int
outgoing_make(struct outgoing *o, const struct sendmail_options *opt,
    struct slice input, const char *full_name, const char *host)
{
	struct buf text;
	struct slice rest;
	bool has_from;

	buf_init(&text, MESSAGE_MAX);
	put_lines(&text, input, opt->ignores_dots);
	rest = without_mailbox_line(buf_slice(&text));
	has_from = put_header(o, opt->reads_header, &rest, host);
	if (!has_from && *o->sender != '\0')
		put_from(&o->message,
		    opt->full_name ? opt->full_name : full_name, o->sender);
	else if (!has_from)
		buf_addf(&o->message, "From: <MAILER-DAEMON@%s>\n", host);
	if (rest.n == 0 || rest.p[0] != '\n')
		buf_addc(&o->message, '\n');
	buf_add_slice(&o->message, rest);
	if (text.bad || o->message.bad || o->rcpts.bad || drop_doubles(o) < 0) {
		buf_release(&text);
		return EX_OSERR;
	}
	buf_release(&text);
	return o->n != 0 ? 0 : o->bad[0] ? EX_NOUSER : EX_USAGE;
}
