/*
 * The commands that read and fill a store: import, totals, check.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "command.h"
#include "import.h"
#include "totals.h"

bool
command_print(const struct buf *b)
{
	return !b->bad && fwrite(b->data, 1, b->len, stdout) == b->len &&
	    fflush(stdout) == 0;
}

int
command_fail(int status, const char *fmt, ...)
{
	va_list ap;

	fputs("mtacollect: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

static int
status_of(int rc)
{
	return rc == -EBUSY || rc == -ENOSPC  ? EXIT_LATER
	    : rc == -ENOENT		      ? EXIT_NOINPUT
	    : rc == -EBADMSG || rc == -EPROTO ? EXIT_DATA
					      : EXIT_IO;
}

int
command_import(const struct options *o)
{
	struct feed_counts sum = { 0 };
	struct store *s;
	char why[512] = "";
	int rc = store_open(&s, o->store, why), status = EXIT_OK;

	if (rc < 0)
		return command_fail(status_of(rc), "%s", why);
	for (int i = 0; i < o->files; i++) {
		rc = import_file(s, o->file[i], &sum, why);
		if (rc < 0)
			status = command_fail(status_of(rc), "%s", why);
	}
	store_close(s);
	printf("%llu lines: %llu events stored, %llu were here already, "
	       "%llu lines not understood, %llu of other programs\n",
	    (unsigned long long)sum.lines, (unsigned long long)sum.events,
	    (unsigned long long)sum.before, (unsigned long long)sum.unparsed,
	    (unsigned long long)sum.others);
	return status;
}

int
command_totals(const struct options *o)
{
	struct totals t;
	struct buf b;
	int rc = totals_read(o->store, o->from, o->to, &t), status = EXIT_OK;

	if (rc < 0)
		return command_fail(
		    status_of(rc), "%s: %s", o->store, strerror(-rc));
	buf_init(&b, 65536);
	if (o->is_json)
		totals_json(&b, &t);
	else
		totals_text(&b, &t);
	if (!command_print(&b))
		status = EXIT_IO;
	buf_release(&b);
	return status;
}

int
command_check(const struct options *o)
{
	struct buf b;
	int bad, status;

	buf_init(&b, 1 << 20);
	bad = audit_store(o->store, &b);
	status = !command_print(&b) ? EXIT_IO
	    : bad < 0		    ? status_of(bad)
	    : bad > 0		    ? EXIT_FOUND
				    : EXIT_OK;
	buf_release(&b);
	return status;
}

int
command_rebuild(const struct options *o)
{
	struct store *s;
	struct buf b;
	char why[256];
	int rc = store_open(&s, o->store, why), status = EXIT_OK;

	if (rc < 0)
		return command_fail(status_of(rc), "%s", why);
	buf_init(&b, 1 << 20);
	rc = store_rebuild(s, &b);
	if (!command_print(&b) || rc < 0)
		status = rc < 0 ? status_of(rc) : EXIT_IO;
	buf_release(&b);
	store_close(s);
	return status;
}
