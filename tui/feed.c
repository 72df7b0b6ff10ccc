#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "request.h"

#define ROWS_A_TURN 300 /* then keys are looked at */

struct feed {
	char *control_path, *stats_path; /* owned */
	struct model *model; /* borrowed */
	struct asks *asks; /* borrowed */
	struct control *live, *talk; /* subscribe; requests. NULL: away */
	enum ask kind; /* of the answer on its way; ASKS: none */
	int64_t asked; /* when, monotonic */
	int64_t retry; /* when to connect again */
	struct stat_file *stats; /* NULL: the subscription has to do */
	int place[ST_COUNT]; /* of each counter in it; -1: it has none */
};

struct feed *
feed_new(const char *run, const char *socket, struct model *m, struct asks *a)
{
	struct feed *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	*f = (struct feed){ .model = m, .asks = a, .kind = ASKS };
	f->control_path = socket ? strdup(socket) : buf_text("%s/control", run);
	f->stats_path = buf_text("%s/stats", run);
	if (f->control_path == NULL || f->stats_path == NULL) {
		feed_free(f);
		return NULL;
	}
	return f;
}

static void
close_stats(struct feed *f)
{
	if (f->stats != NULL)
		stat_unmap(f->stats);
	f->stats = NULL;
}

void
feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	control_close(f->live);
	control_close(f->talk);
	close_stats(f);
	free(f->control_path);
	free(f->stats_path);
	free(f);
}

/* Places come from the names, as another version has others. */
static void
open_stats(struct feed *f)
{
	int fd = open(f->stats_path, O_RDONLY | O_CLOEXEC);

	close_stats(f);
	if (fd < 0)
		return;
	f->stats = stat_map(fd, 0);
	close(fd);
	for (int i = 0; f->stats != NULL && i < ST_COUNT; i++) {
		f->place[i] = -1;
		for (int k = 0; k < 64; k++)
			if (strncmp(f->stats->name[k],
				stat_name((enum stat_id)i), 32) == 0)
				f->place[i] = k;
	}
}

static void
read_stats(struct feed *f, uint64_t ret[ST_COUNT])
{
	for (int i = 0; i < ST_COUNT; i++) {
		ret[i] = 0;
		for (int s = 0; f->place[i] >= 0 && s < STAT_SLOTS; s++)
			ret[i] += __atomic_load_n(
			    &f->stats->slot[s].counter[f->place[i]],
			    __ATOMIC_RELAXED);
	}
}

static void
sample_row(struct feed *f, const json_t *row, int64_t now)
{
	const json_t *c = json_object_get(row, "counters");
	uint64_t v[ST_COUNT];

	for (int i = 0; i < ST_COUNT; i++)
		v[i] = (uint64_t)json_integer_value(
		    json_object_get(c, stat_name((enum stat_id)i)));
	model_sample(f->model, v, now);
}

static void
end_answer(struct feed *f, const json_t *last, int64_t now)
{
	if (f->kind != ASKS)
		model_end(f->model, f->kind, last, now - f->asked);
	f->kind = ASKS;
}

static void
disconnect(struct feed *f, int error, int64_t now)
{
	char why[300];

	snprintf(why, sizeof(why), "%s: %s", f->control_path,
	    error == EPIPE ? "it went away" : strerror(error));
	control_close(f->live);
	control_close(f->talk);
	f->live = f->talk = NULL;
	end_answer(f, NULL, now);
	if (f->asks->request[ASK_ACT] != NULL) {
		asks_put(f->asks, ASK_ACT, NULL);
		model_end(f->model, ASK_ACT, NULL, 0);
	}
	close_stats(f);
	model_connected(f->model, why);
	f->retry = now + US_SEC;
}

/* Neither reads nor writes wait: requests are short, answers come in turns. */
static struct control *
open_one(const struct feed *f)
{
	struct control *c = control_open(f->control_path);

	if (c != NULL)
		fcntl(control_fd(c), F_SETFL, O_NONBLOCK);
	return c;
}

static bool
send_request(struct control *c, json_t *request)
{
	int rc = control_send(c, request);

	json_decref(request);
	return rc == 0;
}

static void
connect_both(struct feed *f, int64_t now)
{
	errno = 0;
	f->live = open_one(f);
	f->talk = f->live ? open_one(f) : NULL;
	if (f->talk == NULL ||
	    !send_request(f->live, request_new("subscribe", NULL, NULL))) {
		disconnect(f, errno ? errno : EPIPE, now);
		return;
	}
	open_stats(f);
	model_connected(f->model, NULL);
}

/* An answer that nobody waits for any more: the daemon stops making it. */
static void
stop_answer(struct feed *f, int64_t now)
{
	bool is_it = f->kind != ASKS && (f->asks->stop & 1u << f->kind) != 0;

	f->asks->stop = 0;
	if (!is_it)
		return;
	control_close(f->talk);
	f->kind = ASKS;
	f->talk = open_one(f);
	if (f->talk == NULL)
		disconnect(f, errno, now);
}

static void
start_request(struct feed *f, int64_t now)
{
	for (int k = 0; k < ASKS && f->talk && f->kind == ASKS; k++) {
		json_t *request = f->asks->request[k];

		if (request == NULL)
			continue;
		f->asks->request[k] = NULL;
		f->kind = (enum ask)k;
		f->asked = now;
		model_begin(f->model, f->kind);
		if (!send_request(f->talk, request))
			disconnect(f, EPIPE, now);
	}
}

static bool
is_again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void
read_live(struct feed *f, int64_t now)
{
	json_t *row = NULL;

	for (int i = 0; i < ROWS_A_TURN && f->live != NULL; i++) {
		row = control_next(f->live);
		if (row == NULL)
			break;
		model_second(f->model, row, now);
		if (f->stats == NULL && json_object_get(row, "counters"))
			sample_row(f, row, now);
		json_decref(row);
	}
	if (f->live != NULL && row == NULL && !is_again())
		disconnect(f, errno, now);
}

/* True when the slice ended before the answer did. */
static bool
read_talk(struct feed *f, int64_t now)
{
	for (int i = 0; i < ROWS_A_TURN && f->talk != NULL; i++) {
		json_t *row = control_next(f->talk);

		if (row == NULL) {
			if (!is_again())
				disconnect(f, errno, now);
			return false;
		}
		if (json_is_true(json_object_get(row, "done")))
			end_answer(f, row, now);
		else if (f->kind != ASKS)
			model_row(f->model, f->kind, row);
		json_decref(row);
		if (f->kind == ASKS)
			return false;
	}
	return f->talk != NULL;
}

int
feed_poll(const struct feed *f, struct pollfd ret[2])
{
	int n = 0;

	if (f->live != NULL)
		ret[n++] = (struct pollfd){ control_fd(f->live), POLLIN, 0 };
	if (f->talk != NULL)
		ret[n++] = (struct pollfd){ control_fd(f->talk), POLLIN, 0 };
	return n;
}

void
feed_send(struct feed *f, int64_t now)
{
	if (f->live == NULL)
		return;
	stop_answer(f, now);
	start_request(f, now);
}

bool
feed_turn(struct feed *f, int64_t now)
{
	bool has_more = false;
	uint64_t v[ST_COUNT];

	if (f->live == NULL && now >= f->retry)
		connect_both(f, now);
	if (f->live == NULL)
		return false;
	feed_send(f, now);
	read_live(f, now);
	if (f->kind != ASKS || f->talk != NULL)
		has_more = read_talk(f, now);
	start_request(f, now);
	if (f->stats != NULL && now - f->model->sampled >= US_SEC) {
		read_stats(f, v);
		model_sample(f->model, v, now);
	}
	return has_more;
}
