#include "evlog.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"

#define LINES_MAX ((size_t)4 << 20) /* what waits for a write at most */

struct evlog {
	pid_t pid; /* made after the last fork, so it stays */
	int fd;
	char *prog;
	char boot[33];
	/* What each line says of its writer, as text. */
	char *json_origin, *json_prog;
	uint64_t seq;
	uint64_t lost_from; /* first event that no disk took; 0: none */
	struct buf lines;
	size_t out; /* bytes of lines that another process has; 0: none */
	uint64_t batch; /* their number */
	struct sysout *syslog; /* owned */
	struct stat_slot *slot; /* borrowed */
};

static void
draw_boot(char boot[33])
{
	unsigned char r[16];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		memcpy(r, &(int64_t[]){ clock_wall(), clock_mono() }, 16);
	for (int i = 0; i < 16; i++) {
		boot[i * 2] = "0123456789abcdef"[r[i] >> 4];
		boot[i * 2 + 1] = "0123456789abcdef"[r[i] & 15];
	}
	boot[32] = '\0';
}

static bool
set_origin(struct evlog *l, const char *node)
{
	int pid = (int)l->pid;

	l->json_origin = buf_text(
	    ",\"node\":\"%s\",\"instance\":\"mtad\",\"boot\":\"%s\",\"seq\":",
	    node, l->boot);
	l->json_prog =
	    buf_text(",\"prog\":\"%s\",\"pid\":%d,\"severity\":", l->prog, pid);
	l->syslog = sysout_new(node, l->prog, l->boot, l->pid);
	return l->json_origin && l->json_prog && l->syslog;
}

struct evlog *
evlog_new(const char *node, const char *prog)
{
	struct evlog *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->pid = getpid();
	l->fd = -1;
	l->prog = strdup(prog);
	buf_init(&l->lines, LINES_MAX);
	draw_boot(l->boot);
	if (l->prog == NULL || !set_origin(l, node)) {
		evlog_free(l);
		return NULL;
	}
	return l;
}

void
evlog_free(struct evlog *l)
{
	if (l == NULL)
		return;
	evlog_flush(l);
	if (l->fd >= 0)
		close(l->fd);
	sysout_free(l->syslog);
	buf_release(&l->lines);
	free(l->prog);
	free(l->json_origin);
	free(l->json_prog);
	free(l);
}

void
evlog_file(struct evlog *l, int fd)
{
	if (l->fd >= 0) {
		evlog_flush(l);
		close(l->fd);
	}
	l->fd = fd;
}

void
evlog_syslog(struct evlog *l, int fd, enum sysout_kind kind)
{
	sysout_socket(l->syslog, fd, kind);
}

void
evlog_slot(struct evlog *l, struct stat_slot *slot)
{
	l->slot = slot;
	memset(slot->boot, 0, sizeof(slot->boot));
	memcpy(slot->boot, l->boot, sizeof(l->boot));
	strncpy(slot->prog, l->prog, sizeof(slot->prog) - 1);
	slot->seq = l->seq;
	slot->pid = (uint64_t)l->pid;
}

bool
evlog_wants_syslog(struct evlog *l)
{
	return sysout_wants_socket(l->syslog);
}

/* Members that any event has. */
static void
put_line(struct evlog *l, const struct event *e, uint64_t seq, int64_t wall,
    int64_t mono)
{
	struct buf *b = &l->lines;
	const struct event_info *info = event_info(e->type);

	buf_adds(b, "{\"v\":1,\"event\":\"");
	buf_adds(b, info->name);
	buf_adds(b, "\",\"time\":\"");
	clock_rfc3339(b, wall);
	buf_adds(b, "\",\"mono_us\":");
	buf_add_u64(b, (uint64_t)mono);
	buf_adds(b, l->json_origin);
	buf_add_u64(b, seq);
	buf_adds(b, l->json_prog);
	buf_add_u64(b, (uint64_t)info->severity);
	event_json(b, e);
	buf_adds(b, "}\n");
}

static void
note_loss(struct evlog *l)
{
	struct event e;

	if (l->lost_from == 0)
		return;
	event_init(&e, EV_LOG_GAP);
	event_str(&e, F_SOURCE_BOOT, slice_of(l->boot));
	event_num(&e, F_FROM_SEQ, l->lost_from);
	event_num(&e, F_TO_SEQ, l->seq);
	event_num(&e, F_LOST_COUNT, l->seq - l->lost_from + 1);
	event_cstr(&e, F_CAUSE, "the event log could not be written");
	l->lost_from = 0;
	put_line(l, &e, ++l->seq, clock_wall(), clock_mono());
}

static void
publish_seq(struct evlog *l)
{
	if (l->slot != NULL)
		__atomic_store_n(&l->slot->seq, l->seq, __ATOMIC_RELAXED);
}

void
evlog_emit(struct evlog *l, const struct event *e)
{
	int64_t wall = clock_wall();
	size_t mark;

	if (l == NULL)
		return;
	mark = l->lines.len;
	l->seq++;
	put_line(l, e, l->seq, wall, clock_mono());
	if (l->lines.bad) { /* no file takes them: forget, and say so later */
		l->lines.bad = false;
		l->lines.len = mark;
		if (l->lost_from == 0)
			l->lost_from = l->seq;
		stat_add(l->slot, ST_EVENTS_LOST, 1);
	} else {
		stat_add(l->slot, ST_EVENTS, 1);
	}
	publish_seq(l);
	sysout_add(l->syslog, e, l->seq, wall);
}

bool
evlog_is_flushed(const struct evlog *l)
{
	return l->lines.len == 0 && l->lost_from == 0;
}

/* The first n bytes of the lines are written. */
static void
written(struct evlog *l, size_t n)
{
	buf_drop(&l->lines, n);
	if (l->lines.len != 0)
		return;
	if (l->slot != NULL)
		__atomic_store_n(
		    &l->slot->seq_written, l->seq, __ATOMIC_RELAXED);
	if (l->lost_from != 0) {
		note_loss(l);
		publish_seq(l);
	}
}

void
evlog_flush(struct evlog *l)
{
	ssize_t n;

	if (l->syslog != NULL)
		sysout_flush(l->syslog);
	if (l->lines.len == 0 || l->fd < 0)
		return;
	n = write(l->fd, l->lines.data, l->lines.len);
	if (n >= 0) /* else ENOSPC and the like: kept up to LINES_MAX */
		written(l, (size_t)n);
}

/* Up to the end of a line. */
static size_t
cut(struct slice s)
{
	return s.n <= EVLOG_BATCH_MAX
	    ? s.n
	    : slice_rfind(slice_sub(s, 0, EVLOG_BATCH_MAX), '\n') + 1;
}

size_t
evlog_waiting(const struct evlog *l)
{
	return l->out != 0 ? 0 : l->lines.len;
}

struct slice
evlog_batch(struct evlog *l, uint64_t *ret_batch)
{
	if (l->out != 0 || l->lines.len == 0)
		return SLICE("");
	l->out = cut(buf_slice(&l->lines));
	*ret_batch = ++l->batch;
	return slice_sub(buf_slice(&l->lines), 0, l->out);
}

void
evlog_written(struct evlog *l, uint64_t batch)
{
	size_t n = l->out;

	if (n == 0 || batch != l->batch)
		return;
	l->out = 0;
	written(l, n);
}

void
evlog_again(struct evlog *l)
{
	l->out = 0;
}

bool
evlog_relay(struct evlog *l, struct slice lines)
{
	if (l->lines.len + lines.n > LINES_MAX / 2)
		return false;
	buf_add_slice(&l->lines, lines);
	return true;
}
