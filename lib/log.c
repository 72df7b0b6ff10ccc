#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *prog = "mtad";

void
log_init(const char *name)
{
	prog = name;
}

/* One write a line, so that lines of several processes do not mix. */
static void
say(const char *fmt, va_list ap)
{
	char line[2048];
	int n = snprintf(line, sizeof(line) - 1, "%s: ", prog);

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

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	exit(EXIT_FAILURE);
}
