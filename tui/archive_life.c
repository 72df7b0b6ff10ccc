/*
 * archive_life: the life of one message, for the screen Trace and for the pane
 * of Messages. A store of many days has to be asked day by day, which takes
 * longer than a key may wait: a thread of its own does it. It shares nothing
 * with the rest but what it was given, and the flag by which it gives it back.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "clock.h"

#define EACH (2 * US_SEC)
#define BUSY_SHARE 50 /* reading takes at most a 50th of all time */
#define LOOK_AGAIN (US_SEC / 50) /* whether it has ended */

struct reader {
	pthread_t thread;
	struct past *past; /* borrowed; only its folder is asked for */
	char id[300];
	int64_t at, took;
	int severity;
	struct log_rows rows;
	bool is_done; /* atomic: all is the life's again */
};

void
life_set(struct life *l, const char *id)
{
	if (strcmp(l->id, id) != 0)
		log_rows_clear(&l->rows);
	snprintf(l->id, sizeof(l->id), "%s", id);
	l->is_read = false;
	l->due = 0;
}

static bool
add_event(void *arg, const struct past_event *e)
{
	struct reader *r = arg;

	if ((r->at != 0 && e->t > r->at) || e->severity > r->severity)
		return true;
	return log_rows_add(&r->rows, e);
}

static void *
read_life(void *arg)
{
	struct reader *r = arg;
	int64_t begun = clock_mono();

	past_life(r->past, r->id, add_event, r);
	r->took = clock_mono() - begun;
	__atomic_store_n(&r->is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Signals are the main thread's. */
static void
begin(struct life *l, struct past *p, int64_t at)
{
	struct reader *r = calloc(1, sizeof(*r));
	sigset_t all, before;
	int rc;

	if (r == NULL)
		return;
	*r = (struct reader){ .past = p, .at = at, .severity = l->severity };
	memcpy(r->id, l->id, sizeof(r->id));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&r->thread, NULL, read_life, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		l->reader = r;
	else
		free(r);
}

/* What was read, if it is still what is wanted. */
static bool
take(struct life *l, int64_t at, int64_t now)
{
	struct reader *r = l->reader;
	bool is_it = strcmp(r->id, l->id) == 0 && r->at == at && l->due >= 0;

	pthread_join(r->thread, NULL);
	l->reader = NULL;
	if (is_it) {
		log_rows_clear(&l->rows);
		l->rows = r->rows;
		r->rows = (struct log_rows){ 0 };
		l->is_read = true;
		l->due = now +
		    (r->took * BUSY_SHARE > EACH ? r->took * BUSY_SHARE : EACH);
	}
	log_rows_clear(&r->rows);
	free(r);
	return is_it;
}

bool
life_turn(struct life *l, struct past *p, int64_t at, int64_t now)
{
	if (l->reader != NULL)
		return __atomic_load_n(&l->reader->is_done, __ATOMIC_ACQUIRE) &&
		    take(l, at, now);
	if (l->id[0] != '\0' && now >= l->due)
		begin(l, p, at);
	return false;
}

int64_t
life_rest(const struct life *l, int64_t now)
{
	if (l->reader != NULL)
		return LOOK_AGAIN;
	if (l->id[0] == '\0' || l->is_read)
		return INT64_MAX;
	return l->due > now ? l->due - now : LOOK_AGAIN;
}

void
life_release(struct life *l)
{
	if (l->reader != NULL)
		take(l, 0, 0);
	log_rows_clear(&l->rows);
}
