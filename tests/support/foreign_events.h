/*
 * foreign_events: what a log becomes, as lines that rows of tests can name.
 *
 * An event is "name field=value field=value ", values as they are.
 */
#ifndef FOREIGN_EVENTS_H
#define FOREIGN_EVENTS_H

#include <stddef.h>

#include "foreign/foreign.h"

struct told {
	enum event_type type;
	int64_t time_us;
	bool is_year_inferred;
	char *text; /* owned */
	char *node, *prog; /* owned */
	uint64_t pid;
};

struct tale {
	struct told *told; /* owned */
	size_t n;
	struct foreign_stats stats;
};

/* The lines of a text; the tale is released by the caller. */
void tale_read(struct tale *, const char *lines, int64_t now_us);
/* A file of tests/data/foreign, by its mailer. */
void tale_read_log(struct tale *, const char *mailer);
char *tale_file(const char *path); /* a whole file, the caller's */
void tale_release(struct tale *);

/* Of all the events, or of those of the messages and connections that the
 * one with this Message-ID (without its domain) belongs to: how many have all
 * of these words. */
size_t
tale_count(const struct tale *, const char *message_id, const char *words);
/* The value of a field in an event; NULL: absent. The caller's. */
char *told_value(const struct told *, const char *field);

#endif
