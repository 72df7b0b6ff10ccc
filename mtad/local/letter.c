#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deliver.h"
#include "header.h"

#define BLOCK 65536

void
result_set(struct result *r, int code, const char *enhanced, enum reason reason,
    const char *fmt, ...)
{
	va_list ap;

	r->code = code;
	r->reason = reason;
	snprintf(r->enhanced, sizeof(r->enhanced), "%s", enhanced);
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
}

void
result_errno(struct result *r, int error, const char *what, const char *path)
{
	if (error < 0)
		error = -error;
	if (error == ENOSPC || error == EDQUOT)
		result_set(r, 452, error == EDQUOT ? "4.2.2" : "4.3.1",
		    error == EDQUOT ? RC_MAILBOX_FULL : RC_LOCAL_IO,
		    "%s %s: %s", what, path, strerror(error));
	else
		result_set(r, 451, "4.3.0", RC_LOCAL_IO, "%s %s: %s", what,
		    path, strerror(error));
}

/* CRLF to LF; a CR at the end of a piece waits for the next one. */
static int
put_lf(struct slice s, bool *has_cr, int (*put)(void *, const char *, size_t),
    void *arg)
{
	int rc = 0;

	while (s.n != 0 && rc >= 0) {
		size_t cr = slice_find(s, '\r');

		if (*has_cr && s.p[0] != '\n')
			rc = put(arg, "\r", 1);
		*has_cr = false;
		if (rc >= 0 && cr != 0)
			rc = put(arg, s.p, cr);
		*has_cr = cr < s.n;
		s = slice_sub(s, cr + 1, s.n);
	}
	return rc;
}

static int
put_rest(const struct letter *l, bool *has_cr,
    int (*put)(void *, const char *, size_t), void *arg)
{
	char block[BLOCK];
	uint64_t at = 0;
	int rc = 0;

	while (rc >= 0 && at < l->rest) {
		ssize_t n = pread(l->fd, block, sizeof(block), (off_t)at);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += (uint64_t)n;
		rc = put_lf(
		    (struct slice){ block, (size_t)n }, has_cr, put, arg);
	}
	return rc;
}

int
letter_write(
    const struct letter *l, int (*put)(void *, const char *, size_t), void *arg)
{
	char head[2048];
	bool has_cr = false;
	int n = snprintf(head, sizeof(head),
	    "Return-Path: <%.*s>\nDelivered-To: %.*s\n", SLICE_ARG(l->sender),
	    SLICE_ARG(l->rcpt));
	int rc;

	if (n < 0 || (size_t)n >= sizeof(head))
		return -ENAMETOOLONG;
	rc = put(arg, head, (size_t)n);
	if (rc >= 0)
		rc = put_lf(l->head, &has_cr, put, arg);
	if (rc >= 0 && l->fd >= 0)
		rc = put_rest(l, &has_cr, put, arg);
	return rc;
}

bool
deliver_is_loop(const struct letter *l, struct result *r)
{
	struct slice rest = l->head;
	struct header_field f;

	while (header_next(&rest, &f))
		if (slice_ieq(f.name, SLICE("Delivered-To")) &&
		    slice_ieq(f.value, l->rcpt)) {
			result_set(r, 554, "5.4.6", RC_LOOP,
			    "The message was here already: mail goes in a "
			    "circle");
			return true;
		}
	return false;
}

void
expand_path(struct buf *b, const char *tmpl, const struct letter *l)
{
	size_t at = slice_find(l->rcpt, '@');
	size_t plus = slice_find(slice_sub(l->rcpt, 0, at), '+');

	for (const char *p = tmpl; *p != '\0'; p++) {
		if (p[0] != '$' || p[1] == '\0') {
			buf_addc(b, *p);
			continue;
		}
		switch (*++p) {
		case 'u':
			buf_adds(b, l->owner->name);
			break;
		case 'z':
			buf_adds(b, l->owner->home);
			break;
		case 'h': /* the detail; nothing that could be a path */
			if (slice_find(l->rcpt, '/') == l->rcpt.n)
				buf_add_slice(
				    b, slice_sub(l->rcpt, plus + 1, at));
			break;
		case 'w':
			buf_adds(b, l->conf->HostName);
			break;
		default:
			buf_addc(b, '$');
			buf_addc(b, *p);
		}
	}
}
