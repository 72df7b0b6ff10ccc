#include "sysout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define LINE_MAX_BYTES 8192
#define BATCH 64
#define STREAM_MAX ((size_t)1 << 20) /* what waits for a slow receiver */
#define FACILITY_MAIL 2
#define SEVERITY_MAX 6

struct sysout {
	int fd; /* -1: none */
	enum sysout_kind kind;
	/* what each line says of its writer */
	char *origin, *boot, *tag;
	struct buf lines; /* one after the other; of a stream, with counts */
	size_t end[BATCH];
	int n;
	bool wants_socket;
	time_t stamped; /* the second that stamp says */
	char stamp[32];
};

struct sysout *
sysout_new(const char *node, const char *prog, const char *boot, pid_t pid)
{
	struct sysout *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->fd = -1;
	s->origin = buf_text(" %s %s %d ", node, prog, (int)pid);
	s->boot = buf_text(" [mtaev@32473 v=\"1\" boot=\"%s\" seq=\"", boot);
	s->tag = buf_text(" %s[%d]: ", prog, (int)pid);
	buf_init(&s->lines, STREAM_MAX + 2 * (size_t)LINE_MAX_BYTES);
	if (s->origin == NULL || s->boot == NULL || s->tag == NULL) {
		sysout_free(s);
		return NULL;
	}
	return s;
}

void
sysout_free(struct sysout *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	buf_release(&s->lines);
	free(s->origin);
	free(s->boot);
	free(s->tag);
	free(s);
}

void
sysout_socket(struct sysout *s, int fd, enum sysout_kind kind)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = fd;
	s->kind = kind;
	s->wants_socket = false;
	s->n = 0;
	buf_clear(&s->lines);
}

bool
sysout_wants_socket(struct sysout *s)
{
	bool wants = s->wants_socket;

	s->wants_socket = false;
	return wants;
}

/* RFC 3164's time, as the system's log expects it: local, no year. */
static void
put_stamp(struct sysout *s, int64_t wall)
{
	time_t now = (time_t)(wall / US_SEC);
	struct tm tm;

	if (now != s->stamped && localtime_r(&now, &tm) != NULL) {
		strftime(s->stamp, sizeof(s->stamp), "%b %e %H:%M:%S", &tm);
		s->stamped = now;
	}
	buf_adds(&s->lines, s->stamp);
}

/* RFC 5424: 1 TIME HOST APP PROCID MSGID [SD] */
static void
put_structured(
    struct sysout *s, const struct event *e, uint64_t seq, int64_t wall)
{
	struct buf *b = &s->lines;

	buf_adds(b, "1 ");
	clock_rfc3339(b, wall);
	buf_adds(b, s->origin);
	buf_adds(b, event_info(e->type)->name);
	buf_adds(b, s->boot);
	buf_add_u64(b, seq);
	buf_addc(b, '"');
	event_sd(b, e);
	buf_adds(b, "] ");
}

static void
put_words(struct buf *b, const struct event *e)
{
	for (int i = 0; i < e->n; i++)
		if (e->value[i].field == F_MSG_ID) {
			buf_add_slice(b, e->value[i].v.str);
			buf_adds(b, ": ");
		}
	event_sentence(b, e);
}

/* Octet-counting: the length stands before the line. */
static void
count_line(struct buf *b, size_t from)
{
	char number[24];
	struct buf n;
	size_t len = b->len - from;

	buf_init(&n, sizeof(number));
	buf_add_u64(&n, len);
	buf_addc(&n, ' ');
	if (buf_room(b, n.len) != NULL && !n.bad) {
		memmove(b->data + from + n.len, b->data + from, len);
		memcpy(b->data + from, n.data, n.len);
		b->len += n.len;
		b->data[b->len] = '\0';
	}
	buf_release(&n);
}

void
sysout_add(struct sysout *s, const struct event *e, uint64_t seq, int64_t wall)
{
	struct buf *b = &s->lines;
	int severity = event_info(e->type)->severity;
	size_t from = b->len;

	if (s->fd < 0 || severity > SEVERITY_MAX)
		return;
	if (s->kind == SYSOUT_STREAM && b->len > STREAM_MAX)
		return; /* lost to a slow receiver */
	buf_addc(b, '<');
	buf_add_u64(b, FACILITY_MAIL * 8 + (unsigned)severity);
	buf_addc(b, '>');
	if (s->kind == SYSOUT_LOCAL) {
		put_stamp(s, wall);
		buf_adds(b, s->tag);
	} else {
		put_structured(s, e, seq, wall);
	}
	put_words(b, e);
	if (b->len - from > LINE_MAX_BYTES)
		b->len = from + LINE_MAX_BYTES;
	if (s->kind == SYSOUT_STREAM) {
		count_line(b, from);
		return;
	}
	s->end[s->n++] = b->len;
	if (s->n == BATCH)
		sysout_flush(s);
}

static bool
is_broken(void)
{
	return errno != EAGAIN && errno != ENOBUFS && errno != EINTR;
}

static void
send_datagrams(struct sysout *s)
{
	struct mmsghdr mm[BATCH];
	struct iovec iov[BATCH];
	size_t at = 0;
	int done = 0;

	memset(mm, 0, (size_t)s->n * sizeof(mm[0]));
	for (int i = 0; i < s->n; i++) {
		iov[i].iov_base = s->lines.data + at;
		iov[i].iov_len = s->end[i] - at;
		at = s->end[i];
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	while (done < s->n) {
		int r = sendmmsg(s->fd, mm + done, (unsigned)(s->n - done),
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (r <= 0) {
			s->wants_socket |= is_broken();
			break;
		}
		done += r;
	}
	s->n = 0;
	buf_clear(&s->lines);
}

static void
send_stream(struct sysout *s)
{
	ssize_t n = send(
	    s->fd, s->lines.data, s->lines.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		buf_drop(&s->lines, (size_t)n);
	else if (n < 0 && is_broken())
		s->wants_socket = true;
}

void
sysout_flush(struct sysout *s)
{
	if (s->fd < 0 || s->lines.len == 0)
		return;
	if (s->kind == SYSOUT_STREAM)
		send_stream(s);
	else
		send_datagrams(s);
}
