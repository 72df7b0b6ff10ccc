/*
 * log: words to standard error, before there are events and when all else
 * fails. Everything that a postmaster should find later is an event. Where
 * standard error is a file, each line begins with the time.
 */
#ifndef LOG_H
#define LOG_H

void log_init(const char *prog); /* borrowed; looks at standard error */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Cannot start, or a bug: says so and exits with status 1. */
void
fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
