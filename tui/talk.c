#include "talk.h"

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

/* Answers come one after the other on a connection; so what may take long has
 * one of its own, and the sign of life never waits. */
struct channel {
	unsigned kinds; /* bits */
	struct control *talk; /* NULL: away */
	enum ask kind; /* of the answer on its way; ASKS: none */
	int64_t asked; /* when, monotonic */
};

struct talk {
	char *control_path, *stats_path; /* owned */
	struct model *model; /* borrowed */
	struct asks *asks; /* borrowed */
	struct channel channel[TALK_CHANNELS];
	bool is_up;
	int64_t retry; /* when to connect again */
	struct stat_file *stats; /* NULL: the answer to status has to do */
	int place[ST_COUNT]; /* of each counter in it; -1: it has none */
};

struct talk *
talk_new(const char *run, const char *socket, struct model *m, struct asks *a)
{
	struct talk *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	*f = (struct talk){ .model = m,
		.asks = a,
		.channel = {
		    { 1u << ASK_STOP | 1u << ASK_STATUS | 1u << ASK_DETAIL |
			    1u << ASK_SHAPE | 1u << ASK_HOSTS,
			NULL, ASKS, 0 },
		    { 1u << ASK_LIST, NULL, ASKS, 0 },
		    { 1u << ASK_ACT, NULL, ASKS, 0 },
		} };
	f->control_path = socket ? strdup(socket) : buf_text("%s/control", run);
	f->stats_path = buf_text("%s/stats", run);
	if (f->control_path == NULL || f->stats_path == NULL) {
		talk_free(f);
		return NULL;
	}
	return f;
}

static void
close_stats(struct talk *f)
{
	if (f->stats != NULL)
		stat_unmap(f->stats);
	f->stats = NULL;
}

void
talk_free(struct talk *f)
{
	if (f == NULL)
		return;
	for (int i = 0; i < TALK_CHANNELS; i++)
		control_close(f->channel[i].talk);
	close_stats(f);
	free(f->control_path);
	free(f->stats_path);
	free(f);
}

/* Places come from the names, as another version has others. */
static void
open_stats(struct talk *f)
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
read_stats(struct talk *f, uint64_t ret[ST_COUNT])
{
	for (int i = 0; i < ST_COUNT; i++) {
		ret[i] = 0;
		for (int s = 0; f->place[i] >= 0 && s < STAT_SLOTS; s++)
			ret[i] += __atomic_load_n(
			    &f->stats->slot[s].counter[f->place[i]],
			    __ATOMIC_RELAXED);
	}
}

/* For administrators status has them, too. */
static void
sample_row(struct talk *f, const json_t *row, int64_t now)
{
	uint64_t v[ST_COUNT];

	if (f->stats != NULL || json_object_get(row, "msg_in") == NULL)
		return;
	for (int i = 0; i < ST_COUNT; i++)
		v[i] = (uint64_t)json_integer_value(
		    json_object_get(row, stat_name((enum stat_id)i)));
	model_sample(f->model, v, now);
}

/* The socket is a unix one: the daemon's host is this one. */
static void
hear_load(struct talk *f)
{
	double load;

	model_load(f->model, getloadavg(&load, 1) == 1 ? load : -1);
}

static void
end_answer(struct talk *f, struct channel *c, const json_t *last, int64_t now)
{
	if (c->kind == ASK_STATUS && last != NULL) {
		hear_load(f);
		model_heard(f->model, now);
	}
	if (c->kind != ASKS)
		model_end(f->model, c->kind, last, now - c->asked);
	c->kind = ASKS;
}

static void
disconnect(struct talk *f, int error, int64_t now)
{
	char why[300];

	snprintf(why, sizeof(why), "%s: %s", f->control_path,
	    error == EPIPE ? "it went away" : strerror(error));
	for (int i = 0; i < TALK_CHANNELS; i++) {
		control_close(f->channel[i].talk);
		f->channel[i].talk = NULL;
		end_answer(f, &f->channel[i], NULL, now);
	}
	if (f->asks->request[ASK_ACT] != NULL) {
		asks_put(f->asks, ASK_ACT, NULL);
		model_end(f->model, ASK_ACT, NULL, 0);
	}
	close_stats(f);
	f->is_up = false;
	model_connected(f->model, why);
	f->retry = now + US_SEC;
}

/* Neither reads nor writes wait: requests are short, answers come in turns. */
static struct control *
open_one(const struct talk *f)
{
	struct control *c = control_open(f->control_path);

	if (c != NULL)
		fcntl(control_fd(c), F_SETFL, O_NONBLOCK);
	return c;
}

static void
connect_all(struct talk *f, int64_t now)
{
	for (int i = 0; i < TALK_CHANNELS; i++) {
		errno = 0;
		f->channel[i].talk = open_one(f);
		if (f->channel[i].talk == NULL) {
			disconnect(f, errno ? errno : EPIPE, now);
			return;
		}
	}
	f->is_up = true;
	open_stats(f);
	model_connected(f->model, NULL);
}

/* An answer that nobody waits for any more: the daemon stops making it. */
static void
stop_answers(struct talk *f, int64_t now)
{
	unsigned stop = f->asks->stop;

	f->asks->stop = 0;
	for (int i = 0; i < TALK_CHANNELS && f->is_up; i++) {
		struct channel *c = &f->channel[i];

		if (c->kind == ASKS || (stop & 1u << c->kind) == 0)
			continue;
		control_close(c->talk);
		c->kind = ASKS;
		c->talk = open_one(f);
		if (c->talk == NULL)
			disconnect(f, errno, now);
	}
}

static void
start_request(struct talk *f, struct channel *c, int64_t now)
{
	for (int k = 0; k < ASKS && f->is_up && c->kind == ASKS; k++) {
		json_t *request = f->asks->request[k];
		int rc;

		if (request == NULL || (c->kinds & 1u << k) == 0)
			continue;
		f->asks->request[k] = NULL;
		c->kind = (enum ask)k;
		c->asked = now;
		model_begin(f->model, c->kind);
		rc = control_send(c->talk, request);
		json_decref(request);
		if (rc < 0)
			disconnect(f, EPIPE, now);
	}
}

static bool
is_again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* True when the slice ended before the answer did. */
static bool
read_channel(struct talk *f, struct channel *c, int64_t now)
{
	for (int i = 0; i < ROWS_A_TURN && c->talk != NULL; i++) {
		json_t *row = control_next(c->talk);

		if (row == NULL) {
			if (!is_again())
				disconnect(f, errno, now);
			return false;
		}
		if (json_is_true(json_object_get(row, "done"))) {
			end_answer(f, c, row, now);
		} else if (c->kind != ASKS) {
			model_row(f->model, c->kind, row);
			if (c->kind == ASK_STATUS)
				sample_row(f, row, now);
		}
		json_decref(row);
		if (c->kind == ASKS)
			return false;
	}
	return c->talk != NULL;
}

int
talk_poll(const struct talk *f, struct pollfd ret[TALK_CHANNELS])
{
	int n = 0;

	for (int i = 0; i < TALK_CHANNELS; i++)
		if (f->channel[i].talk != NULL)
			ret[n++] =
			    (struct pollfd){ control_fd(f->channel[i].talk),
				    POLLIN, 0 };
	return n;
}

void
talk_send(struct talk *f, int64_t now)
{
	if (!f->is_up)
		return;
	stop_answers(f, now);
	for (int i = 0; i < TALK_CHANNELS; i++)
		start_request(f, &f->channel[i], now);
}

bool
talk_turn(struct talk *f, int64_t now)
{
	bool has_more = false;
	uint64_t v[ST_COUNT];

	if (!f->is_up && now >= f->retry)
		connect_all(f, now);
	if (!f->is_up)
		return false;
	talk_send(f, now);
	for (int i = 0; i < TALK_CHANNELS; i++)
		has_more |= read_channel(f, &f->channel[i], now);
	for (int i = 0; i < TALK_CHANNELS; i++)
		start_request(f, &f->channel[i], now);
	if (f->stats != NULL && now - f->model->sampled >= US_SEC) {
		read_stats(f, v);
		model_sample(f->model, v, now);
	}
	return has_more;
}
