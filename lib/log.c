#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"

static const char *prog = "mtad";
static bool is_file; /* nobody else says when it was */

void
log_init(const char *name)
{
	prog = name;
}

void
log_dated(void)
{
	struct stat st;

	is_file = fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

static int
put_time(char *line, size_t size)
{
	struct buf b;
	int n;

	buf_init(&b, 64);
	if (is_file)
		clock_rfc3339(&b, clock_wall());
	n = snprintf(line, size, "%s%s", b.data, is_file ? " " : "");
	buf_release(&b);
	return n;
}

/* One write a line, so that lines of several processes do not mix. */
static void
say(const char *fmt, va_list ap)
{
	char line[2048];
	int n = put_time(line, sizeof(line) - 1);

	n += snprintf(line + n, sizeof(line) - 1 - (size_t)n, "%s: ", prog);
	n += vsnprintf(line + n, sizeof(line) - 1 - (size_t)n, fmt, ap);
	if ((size_t)n > sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	fwrite(line, 1, (size_t)n, stderr);
	fflush(stderr);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

int
log_fail(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return status;
}

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	exit(EXIT_FAILURE);
}
