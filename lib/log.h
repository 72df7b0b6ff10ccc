/*
 * log: words to standard error, before there are events and when all else
 * fails. Everything that a postmaster should find later is an event.
 */
#ifndef LOG_H
#define LOG_H

void log_init(const char *prog); /* borrowed */
/* For who runs unseen: where standard error is a file, each line begins with
 * the time from now on. */
void log_dated(void);
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same; returns status, for main. */
int log_fail(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Cannot start, or a bug: says so and exits with status 1. */
void
fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
