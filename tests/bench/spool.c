/*
 * spool: messages a second through the store alone (records, checksums, group
 * commit, announcements), beside what the disk gives to a plain append and
 * fdatasync of as many at once.
 *
 *	spool DIR [MESSAGES [IN FLIGHT [BYTES]]]
 *
 * Five rounds of each in turn; prints the medians and their ratio.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "file.h"
#include "record.h"
#include "store.h"

#define ROUNDS 5
#define SEGMENT_SIZE ((uint64_t)16 << 20)

static struct {
	const char *dir;
	int messages, in_flight, bytes;
	char *body;
	struct proc proc;
	struct stat_slot slot;
	struct store *store;
	struct chan *queue;
	uint32_t segments;
	int started, done;
} b;

static int
open_file(const char *name)
{
	char path[4200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", b.dir, name);
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		err(1, "%s", path);
	unlink(path); /* gone with its last descriptor */
	return fd;
}

/* As mtad-queue makes them: space, head, sync. */
static void
give_segment(void)
{
	struct p_seg_give m = { .tag = 1,
		.seg = ++b.segments,
		.salt = 7,
		.offset = SEGMENT_HEAD,
		.limit = SEGMENT_SIZE };
	char head[SEGMENT_HEAD] = { 0 };
	int fd = open_file("segment");

	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)SEGMENT_SIZE) < 0 ||
	    file_write_all(fd, head, sizeof(head)) < 0 || fsync(fd) < 0)
		err(1, "segment");
	put_p_seg_give(chan_begin(b.queue, P_SEG_GIVE), &m);
	chan_end(b.queue, fd);
}

static int
queue_frame(void *arg, struct chan *c, uint16_t type, struct slice s, int fd)
{
	(void)arg;
	(void)c;
	(void)s;
	(void)fd;
	if (type == P_SEG_WANT)
		give_segment();
	return 0;
}

static int
store_side(void *arg, struct chan *c, uint16_t type, struct slice s, int fd)
{
	(void)arg;
	(void)c;
	return store_frame(b.store, (enum proto_type)type, s, fd) ? 0 : -1;
}

static void
gone(void *arg, struct chan *c)
{
	(void)arg;
	(void)c;
	errx(1, "the channel broke");
}

static void submit(void);

static void
on_done(struct submission *s, struct msgid id, int code, const char *text)
{
	(void)s;
	(void)id;
	if (code != 250)
		errx(1, "%d %s", code, text);
	b.done++;
	submit();
}

static void
submit(void)
{
	struct p_env_rcpt r = { .addr = SLICE("someone@example.org") };
	struct submission *s;

	if (b.started == b.messages)
		return;
	b.started++;
	s = submission_new();
	if (s == NULL)
		err(1, "submission");
	s->env.sender = SLICE("sender@example.org");
	s->env.protocol = SLICE("esmtp");
	put_p_env_rcpt(&s->rcpts, &r);
	s->env.rcpt_n = 1;
	buf_add(&s->body, b.body, (size_t)b.bytes);
	s->env.size = s->body.len;
	s->done = on_done;
	store_submit(b.store, s);
}

static void
turn(void)
{
	event_base_loop(b.proc.base, EVLOOP_ONCE);
	store_turn(b.store, false);
	chan_flush(b.proc.queue.chan);
	chan_flush(b.queue);
}

static double
through_the_store(void)
{
	static const struct chan_ops queue_ops = { queue_frame, gone, NULL };
	static const struct chan_ops store_ops = { store_side, gone, NULL };
	int fd[2];
	int64_t from;

	memset(&b.proc, 0, sizeof(b.proc));
	b.started = b.done = 0;
	b.proc.base = event_base_new();
	b.proc.slot = &b.slot;
	b.proc.queue.role = R_QUEUE;
	b.store = store_new(&b.proc);
	if (b.store == NULL ||
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) < 0)
		err(1, "store");
	b.proc.queue.chan = chan_new(b.proc.base, fd[0], &store_ops, NULL);
	b.queue = chan_new(b.proc.base, fd[1], &queue_ops, NULL);
	store_queue_up(b.store);
	chan_flush(b.proc.queue.chan);
	while (!store_has_segment(b.store))
		turn();
	from = clock_mono();
	for (int i = 0; i < b.in_flight; i++)
		submit();
	store_turn(b.store, false);
	while (b.done < b.messages)
		turn();
	from = clock_mono() - from;
	store_free(b.store);
	chan_free(b.proc.queue.chan);
	chan_free(b.queue);
	event_base_free(b.proc.base);
	return (double)b.messages * (double)US_SEC / (double)from;
}

static double
plain(void)
{
	size_t n = (size_t)b.bytes * (size_t)b.in_flight;
	char *block = malloc(n);
	int64_t from;
	int fd = open_file("plain");

	if (block == NULL)
		err(1, "memory");
	memset(block, 'x', n);
	from = clock_mono();
	for (int i = 0; i < b.messages; i += b.in_flight)
		if (file_write_all(fd, block, n) < 0 || fdatasync(fd) < 0)
			err(1, "plain");
	from = clock_mono() - from;
	close(fd);
	free(block);
	return (double)b.messages * (double)US_SEC / (double)from;
}

static int
by_size(const void *x, const void *y)
{
	double a = *(const double *)x, c = *(const double *)y;

	return a < c ? -1 : a > c;
}

static double
median(double v[ROUNDS])
{
	qsort(v, ROUNDS, sizeof(v[0]), by_size);
	return v[ROUNDS / 2];
}

int
main(int argc, char **argv)
{
	double raw[ROUNDS], store[ROUNDS];

	if (argc < 2)
		errx(64, "usage: spool DIR [MESSAGES [IN FLIGHT [BYTES]]]");
	b.dir = argv[1];
	b.messages = argc > 2 ? atoi(argv[2]) : 20000;
	b.in_flight = argc > 3 ? atoi(argv[3]) : 32;
	b.bytes = argc > 4 ? atoi(argv[4]) : 4096;
	if (b.messages < 1 || b.in_flight < 1 || b.bytes < 1)
		errx(64, "numbers of 1 and more");
	b.body = malloc((size_t)b.bytes);
	if (b.body == NULL)
		err(1, "memory");
	memset(b.body, 'y', (size_t)b.bytes);
	for (int i = 0; i < ROUNDS; i++) {
		raw[i] = plain();
		store[i] = through_the_store();
	}
	printf("%d messages of %d bytes, %d in flight: append and fdatasync "
	       "%.0f/s, the store %.0f/s, %.0f%%\n",
	    b.messages, b.bytes, b.in_flight, median(raw), median(store),
	    100 * median(store) / median(raw));
	free(b.body);
	return 0;
}
