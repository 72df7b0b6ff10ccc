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
#define SYSLOG_LINE 8192
#define SYSLOG_BATCH 64
#define FACILITY_MAIL 2

struct evlog {
	pid_t pid; /* made after the last fork, so it stays */
	int fd, syslog_fd;
	char *prog;
	char boot[33];
	/* What each line says of its writer, as text. */
	char *json_origin, *json_prog, *syslog_origin, *syslog_boot;
	uint64_t seq;
	uint64_t lost_from; /* first event that no disk took; 0: none */
	struct buf lines;
	struct buf sentences; /* syslog lines, one after the other */
	size_t sentence_end[SYSLOG_BATCH];
	int sentences_n;
	bool wants_syslog;
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

static char *
text(const char *fmt, ...)
{
	struct buf b;
	va_list ap;
	char *p;

	buf_init(&b, 4096);
	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	p = buf_take(&b);
	buf_release(&b);
	return p;
}

static bool
set_origin(struct evlog *l, const char *node)
{
	int pid = (int)l->pid;

	l->json_origin = text(
	    ",\"node\":\"%s\",\"instance\":\"mtad\",\"boot\":\"%s\",\"seq\":",
	    node, l->boot);
	l->json_prog =
	    text(",\"prog\":\"%s\",\"pid\":%d,\"severity\":", l->prog, pid);
	l->syslog_origin = text(" %s %s %d ", node, l->prog, pid);
	l->syslog_boot =
	    text(" [mtaev@32473 v=\"1\" boot=\"%s\" seq=\"", l->boot);
	return l->json_origin && l->json_prog && l->syslog_origin &&
	    l->syslog_boot;
}

struct evlog *
evlog_new(const char *node, const char *prog)
{
	struct evlog *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->pid = getpid();
	l->fd = l->syslog_fd = -1;
	l->prog = strdup(prog);
	buf_init(&l->lines, LINES_MAX);
	buf_init(&l->sentences, (size_t)SYSLOG_LINE * SYSLOG_BATCH * 2);
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
	if (l->syslog_fd >= 0)
		close(l->syslog_fd);
	buf_release(&l->lines);
	buf_release(&l->sentences);
	free(l->prog);
	free(l->json_origin);
	free(l->json_prog);
	free(l->syslog_origin);
	free(l->syslog_boot);
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
evlog_syslog(struct evlog *l, int fd)
{
	if (l->syslog_fd >= 0)
		close(l->syslog_fd);
	l->syslog_fd = fd;
	l->wants_syslog = false;
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
	bool w = l->wants_syslog;

	l->wants_syslog = false;
	return w;
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

/* RFC 5424: <PRI>1 TIME HOST APP PROCID MSGID [SD] text */
static void
put_sentence(struct evlog *l, const struct event *e, uint64_t seq, int64_t wall)
{
	struct buf *b = &l->sentences;
	const struct event_info *info = event_info(e->type);
	size_t from = b->len;

	buf_addc(b, '<');
	buf_add_u64(b, FACILITY_MAIL * 8 + (unsigned)info->severity);
	buf_adds(b, ">1 ");
	clock_rfc3339(b, wall);
	buf_adds(b, l->syslog_origin);
	buf_adds(b, info->name);
	buf_adds(b, l->syslog_boot);
	buf_add_u64(b, seq);
	buf_addc(b, '"');
	event_sd(b, e);
	buf_adds(b, "] ");
	for (int i = 0; i < e->n; i++)
		if (e->value[i].field == F_MSG_ID) {
			buf_add_slice(b, e->value[i].v.str);
			buf_adds(b, ": ");
		}
	event_sentence(b, e);
	if (b->bad || b->len - from > SYSLOG_LINE)
		b->len = b->bad ? 0 : from + SYSLOG_LINE;
	l->sentence_end[l->sentences_n++] = b->len;
}

static void
send_sentences(struct evlog *l)
{
	struct mmsghdr mm[SYSLOG_BATCH];
	struct iovec iov[SYSLOG_BATCH];
	size_t at = 0;
	int n = l->sentences_n, done = 0;

	memset(mm, 0, sizeof(mm));
	for (int i = 0; i < n; i++) {
		iov[i].iov_base = l->sentences.data + at;
		iov[i].iov_len = l->sentence_end[i] - at;
		at = l->sentence_end[i];
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	while (done < n) {
		int r = sendmmsg(l->syslog_fd, mm + done, (unsigned)(n - done),
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (r > 0) {
			done += r;
			continue;
		}
		/* A full receiver loses sentences: the file has them all. */
		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			l->wants_syslog = true;
		break;
	}
	l->sentences_n = 0;
	buf_clear(&l->sentences);
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
	if (l->syslog_fd < 0 || event_info(e->type)->severity > 6)
		return;
	put_sentence(l, e, l->seq, wall);
	if (l->sentences_n == SYSLOG_BATCH)
		send_sentences(l);
}

void
evlog_flush(struct evlog *l)
{
	ssize_t n;

	if (l->sentences_n != 0)
		send_sentences(l);
	if (l->lines.len == 0 || l->fd < 0)
		return;
	n = write(l->fd, l->lines.data, l->lines.len);
	if (n < 0)
		return; /* ENOSPC and the like: kept up to LINES_MAX */
	buf_drop(&l->lines, (size_t)n);
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
