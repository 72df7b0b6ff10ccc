/*
 * intake: all sources of a running collector, and the batch that they share.
 *
 * A source hands lines to its feed while the intake is open. When the store
 * fails (full disk, locked) the intake closes: sources stop reading, what
 * was not stored is read again, and a second later it is tried again.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include <event2/event.h>

#include "feed.h"
#include "turns.h"
#include "settings.h"

struct intake;

/* One kind of source; every function gets what new_ gave. */
struct source_ops {
	const char *kind;
	/* What may need root: sockets, keys. NULL: nothing does. */
	bool (*open)(struct source_settings *, char why[256]);
	/* Borrowed settings live as long. NULL, and *why, on failure. */
	void *(*start)(struct intake *, struct source_settings *, struct feed *,
	    char why[256]);
	void (*stop)(void *);
	/* The intake closed (what is not committed is void), or opened. */
	void (*set_open)(void *, bool is_open);
	enum feed_kind kind_of_feed;
};

/* Before root is given up: opens what the sources listen at. */
bool intake_open(struct settings *, char ret_why[256]);
void intake_close(struct settings *); /* what no source took */
/* store, settings and base are borrowed. NULL, and why, on failure. */
struct intake *intake_new(
    struct store *, struct settings *, struct event_base *, char ret_why[256]);
/* Commits what there is. */
void intake_free(struct intake *);

/* For sources. */
struct event_base *intake_base(struct intake *);
struct turns *intake_turns(struct intake *); /* for what peers say */
void intake_turned_away(struct intake *); /* a connection */
int64_t intake_source_id(struct intake *, struct feed *);
/* After every call of the feed's: arms the commit, closes at a failure. */
void intake_heard(struct intake *, int rc);
bool intake_is_open(const struct intake *);
/* Where a source was read to, from the store. */
void intake_place(struct intake *, struct feed *, struct place *ret);

extern const struct source_ops source_events, source_file; /* tap_files.c */
extern const struct source_ops source_journald; /* tap_journal.c */
extern const struct source_ops source_unix, source_udp; /* tap_datagram.c */
extern const struct source_ops source_unixstream, source_tcp; /* tap_stream.c */
extern const struct source_ops source_tls;

#endif
