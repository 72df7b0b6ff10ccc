/*
 * archive: what the store of mtacollect(8) knows, for the screens.
 *
 * archive_turn() does at most one question of a moment's length each time; a
 * console without a store has one that knows nothing and says why. Readers
 * may read every field; the console sets what is wanted.
 */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include "past_events.h"
#include "past_sums.h"
#include "shape.h"
#include "words.h"

#define LOG_MOST 5000 /* rows that are kept */
#define LOG_LOOKED 200000 /* events that are looked through for a filter */
#define MINUTES 60 /* of charts */
#define ARCHIVE_HOSTS 16

struct log_row {
	int64_t t; /* wall */
	int severity;
	char name[20], id[24];
	char key[32]; /* no other row of the list has it */
	char *text; /* owned: the sentence */
	char *stages; /* owned: "queue 11 ms, dns 1 ms"; or NULL */
};

struct log_rows {
	struct log_row *at; /* owned */
	size_t n, cap;
};

/* The events of one message and of its notices. */
struct life {
	char id[300]; /* "" none */
	struct log_rows rows; /* the oldest first */
	bool is_read;
	/* private */
	int severity; /* of what is in it, at most */
	int64_t due; /* below 0: to be set */
	struct reader *reader; /* owned: it is being read; or NULL */
};

struct archive {
	struct past *past; /* NULL: none */
	unsigned replaced; /* files of it, that is known of */
	char dir[4096], why[256]; /* why there is none */
	int64_t retry; /* mono: when to look for it again */
	int64_t at; /* wall: the moment that is shown; 0: now */

	struct past_confession confession;
	bool has_confession;

	/* the log: newer is told on, older back; the newest is shown first */
	bool wants_log;
	size_t wanted; /* rows */
	char filter[256], filter_error[200];
	struct words words;
	struct log_rows newer, older;
	struct past_place front, back;
	bool is_begun, is_whole; /* nothing is further back */
	long looked;
	unsigned version; /* goes up when rows came */

	struct life trace;
	struct life trail; /* of the message that is chosen in the queue */

	bool wants_flow;
	char domain[300]; /* that whys are about; "" all */
	bool has_flow;
	struct shape shape; /* of then, with at */
	int64_t messages, oldest;
	double minute[PAST_FLOWS][MINUTES]; /* < 0: not known */
	struct past_stage stage[PAST_STAGES];
	char why_text[600];
	int64_t why_n, why_of;

	char destination[300]; /* that hosts are about; "" none */
	int port; /* of it; 0: whatever */
	struct past_host host[ARCHIVE_HOSTS];
	int hosts;
	bool has_hosts;

	int64_t due[4]; /* private */
	bool is_busy; /* the last turn had something to do */
};

void archive_setup(void); /* before any store is opened */
/* dir may be NULL: there is no store, for this reason. */
void archive_init(struct archive *, const char *dir, const char *why);
void archive_release(struct archive *);
/* Does what is due; true when something that is shown may have changed. */
bool archive_turn(struct archive *, int64_t now, int64_t wall);
/* Something is left to do at once. */
bool archive_has_more(const struct archive *);
/* Older rows of the log are on their way. */
bool archive_reads_on(const struct archive *);

void archive_set_at(struct archive *, int64_t at);
void archive_set_filter(struct archive *, const char *text);
void archive_set_trace(struct archive *, const char *id);
/* It is read when it was wanted for a moment: a cursor that goes by reads
 * nothing. */
void archive_set_trail(struct archive *, const char *id);
/* Microseconds until the next turn has a life to read, or has read it;
 * INT64_MAX: nothing new. */
int64_t archive_rest(const struct archive *, int64_t now);
void archive_set_domain(struct archive *, const char *domain);
void archive_set_destination(struct archive *, const char *key);
/* Row 0 is the newest. NULL behind the end. */
const struct log_row *archive_log(const struct archive *, size_t row);
size_t archive_log_rows(const struct archive *);
/* Did this event say that something went wrong? */
bool log_row_is_trouble(const struct log_row *);
/* Appends a row; for archive.c and tests. False without memory. */
bool log_rows_add(struct log_rows *, const struct past_event *);

/* For archive.c. */
void log_rows_clear(struct log_rows *);
void life_set(struct life *, const char *id);
/* Events up to at (0: now). True: there are new ones. */
bool life_turn(struct life *, struct past *, int64_t at, int64_t now);
int64_t life_rest(const struct life *, int64_t now); /* as archive_rest() */
void life_release(struct life *); /* waits for its thread */

#endif
