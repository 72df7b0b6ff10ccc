/*
 * model: what is known of the daemon, and how old that is.
 *
 * Fed by the control socket's rows and the mapped counters; it never knows a
 * screen. Lists are collected beside the shown ones and replace them when
 * they are whole. Times: wall microseconds for mail, monotonic ("now") for
 * ages of data. Text is the daemon's, so partly strangers': the grid makes it
 * harmless. Readers may read every field; only model_*() write.
 */
#ifndef MODEL_H
#define MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "asks.h"
#include "map.h"
#include "shape.h"
#include "stat.h"

#define HISTORY 240 /* seconds of rates */

enum flow { FLOW_IN, FLOW_OUT, FLOW_DEFER, FLOW_FAIL, FLOWS };

/* How the daemon is, worst last; also the exit status of --check. */
enum mode_level { LEVEL_OK, LEVEL_WARN, LEVEL_BAD, LEVEL_UNKNOWN };

struct mode {
	const char *word; /* NORMAL, HELD, ... */
	enum mode_level level;
};

struct host {
	char *name, *text; /* owned; text may be NULL */
	char state[12];
	int64_t since, last_try, last_ok, next; /* wall; 0: never */
	int64_t queued, ready, active, window, fails;
};

struct message {
	char id[24], state[12], reason[32];
	char *from, *to, *text; /* owned; to, text: of the first recipient */
	int64_t size, open, tries, code, act;
	int64_t received, next, until;
};

struct detail {
	char id[24]; /* chosen; "" none */
	char asked[24]; /* what the answer on its way is about */
	json_t *row; /* owned: the message; NULL before the answer */
	json_t *why, *next_why; /* owned: arrays of rows with why, change */
	char error[200];
};

enum { HOST_STATES = 5 };

struct host_sum { /* of all destinations in a state */
	char state[12];
	int64_t hosts, queued;
};

struct hosts {
	struct host *at; /* owned: the first ones in the order asked for */
	size_t n, cap;
	int64_t matched, all;
	struct host_sum sum[HOST_STATES];
};

struct messages {
	struct message *at; /* owned */
	size_t n, cap;
	int64_t matched, in_queue;
};

#define DEPTHS 128

struct depth { /* of the queue, at a sign of life */
	int64_t at, n; /* monotonic; recipients */
};

/* What becomes of the queue when the last minute goes on like that. */
enum drain { DRAIN_UNKNOWN, DRAIN_ENDS, DRAIN_GROWS, DRAIN_STILL };

struct result { /* of the last act or its count */
	unsigned serial; /* goes up with each */
	char error[300];
	int64_t matched, changed, undo;
	int64_t looked, in_queue; /* while it goes on */
};

struct model {
	bool is_connected;
	char trouble[300]; /* why not */
	int64_t heard; /* monotonic: the last answer to status; 0 never */
	bool is_postfix; /* the queue of a Postfix, without an mtad */

	bool has_status, is_admin;
	char *state; /* owned: the daemon's own sentence */
	char *node, *version; /* owned */
	int64_t started, oldest; /* wall */
	int64_t messages, recipients, bytes, active, destinations;
	int64_t disk_free, disk_size, inodes_free, inodes; /* sizes 0: ? */
	double load; /* of this host in the last minute; below 0: not known */

	uint64_t counter[ST_COUNT];
	bool has_counters;
	int64_t sampled; /* monotonic */
	double rate[FLOWS][HISTORY]; /* the newest at the end */
	int samples;

	struct depth depth[DEPTHS]; /* the newest at the end */
	int depths;

	struct hosts hosts, next_hosts;
	bool has_hosts;
	struct shape shape; /* t is 0: none yet */
	bool has_shape; /* an answer came */
	struct messages list, next_list;
	bool has_list;
	char list_error[300];
	struct detail detail;
	struct result result;
	int64_t took[ASKS]; /* the last answer, microseconds */
	unsigned ended[ASKS]; /* answers so far */
};

void model_init(struct model *);
void model_release(struct model *);
/* The connection came or went (why: a sentence; NULL: it is there). */
void model_connected(struct model *, const char *why);
/* The daemon answered: what is known is of now. */
void model_heard(struct model *, int64_t now);
void model_load(struct model *, double);
/* A sample of all counters. */
void
model_sample(struct model *, const uint64_t counter[ST_COUNT], int64_t now);
/* An answer: it begins, its rows, its last object (NULL: it was broken off). */
void model_begin(struct model *, enum ask);
void model_row(struct model *, enum ask, const json_t *row);
void model_end(struct model *, enum ask, const json_t *last, int64_t took_us);
/* The list is another one from now on: what is known of it is forgotten. */
void model_forget_list(struct model *);
void model_forget_hosts(struct model *);
/* Choose what detail is about; the old one's is forgotten. */
void model_detail(struct model *, const char *id);

struct mode model_mode(const struct model *);
/* Mean over the last n samples; 0 without any. */
double model_rate(const struct model *, enum flow, int n);
/* Mean of those from so many ago up to (without) so many; -1 without any. */
double model_rate_of(const struct model *, enum flow, int from, int to);
/* ret: microseconds until it is empty, or by how many recipients it grows in a
 * minute. Unknown without mail, and before half a minute was seen. */
enum drain model_drain(const struct model *, int64_t *ret);
/* Used of the queue's disk, in hundredths; -1: not known. */
int model_disk(const struct model *);
int model_inodes(const struct model *);
/* Age of the last sign of life, microseconds; INT64_MAX: there was none. */
int64_t model_age(const struct model *, int64_t now);
const struct host *model_host(const struct model *, const char *name);

#endif
