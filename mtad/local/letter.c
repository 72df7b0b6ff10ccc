#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deliver.h"
#include "header.h"

#define BLOCK 65536

/* CRLF to LF, in pieces of at most a block; a CR at the end of one waits for
 * the next. */
static int
put_lf(struct slice s, bool *has_cr, int (*put)(void *, const char *, size_t),
    void *arg)
{
	int rc = 0;

	while (s.n != 0 && rc >= 0) {
		size_t cr = slice_find(slice_sub(s, 0, BLOCK), '\r');

		if (*has_cr && s.p[0] != '\n')
			rc = put(arg, "\r", 1);
		*has_cr = false;
		if (rc >= 0 && cr != 0)
			rc = put(arg, s.p, cr);
		*has_cr = cr < s.n && s.p[cr] == '\r';
		s = slice_sub(s, cr + *has_cr, s.n);
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

/* The beginning, but for an older Return-Path: the last hop's is the one. */
static int
put_head(const struct letter *l, bool *has_cr,
    int (*put)(void *, const char *, size_t), void *arg)
{
	struct slice rest = l->head, todo = l->head;
	struct header_field f;
	int rc = 0;

	while (rc >= 0 && header_next(&rest, &f)) {
		size_t at = (size_t)(f.raw.p - todo.p);

		if (!slice_ieq(f.name, SLICE("Return-Path")))
			continue;
		rc = put_lf(slice_sub(todo, 0, at), has_cr, put, arg);
		todo = slice_sub(todo, at + f.raw.n, todo.n);
	}
	return rc < 0 ? rc : put_lf(todo, has_cr, put, arg);
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
		rc = put_head(l, &has_cr, put, arg);
	if (rc >= 0 && l->rest != 0)
		rc = put_rest(l, &has_cr, put, arg);
	if (rc >= 0 && has_cr)
		rc = put(arg, "\r", 1);
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

size_t
path_fixed(const char *tmpl, const char *home)
{
	const char *dollar = strchr(tmpl, '$');
	size_t n;

	if (dollar == tmpl && tmpl[1] == 'z')
		return strlen(home);
	n = dollar ? (size_t)(dollar - tmpl) : strlen(tmpl);
	while (dollar == NULL && n > 1 && tmpl[n - 1] == '/')
		n--; /* without a name of its own: its folder */
	while (n != 0 && tmpl[n - 1] != '/')
		n--;
	return n;
}
