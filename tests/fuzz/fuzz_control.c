/*
 * The control socket, spoken to by anybody: any bytes as requests, one JSON
 * object a line, to a queue with mail in it. The first byte says whether an
 * operator speaks. Every answer is JSON, a line each.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control_server.h"
#include "crc32c.h"
#include "queue_world.h"
#include "record.h"

#define TAG 7
#define SALT 5

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int __wrap_file_pwrite_all(int fd, const void *, size_t, off_t);
int __real_file_pwrite_all(int fd, const void *, size_t, off_t);

/* A new journal file is 16 MiB of zeros: nothing else would be done. */
int
__wrap_file_pwrite_all(int fd, const void *p, size_t n, off_t at)
{
	return n == 1 << 16 ? 0 : __real_file_pwrite_all(fd, p, n, at);
}

static void
put_record(struct buf *b, uint32_t number, const char *sender, const char *to)
{
	static const char text[] = "Subject: x\r\n\r\nx\r\n";
	struct p_env_rcpt rcpt = { .addr = slice_of(to) };
	struct record_head h = { .id = { TAG, 1, number } };
	struct buf payload, rcpts;

	buf_init(&rcpts, 4096);
	buf_init(&payload, 4096);
	put_p_env_rcpt(&rcpts, &rcpt);
	put_p_envelope(&payload,
	    &(struct p_envelope){ .sender = slice_of(sender),
		.size = sizeof(text) - 1,
		.rcpt_n = 1,
		.rcpts = buf_slice(&rcpts) });
	h.envelope = (uint32_t)payload.len;
	buf_add(&payload, text, sizeof(text) - 1);
	h.payload = (uint32_t)payload.len;
	h.payload_crc = crc32c(0, payload.data, payload.len);
	record_head_put(
	    (unsigned char *)buf_room(b, RECORD_HEAD), SALT, &h);
	b->len += RECORD_HEAD;
	buf_add_slice(b, buf_slice(&payload));
	while (b->len % RECORD_ALIGN != 0)
		put_u8(b, 0);
	buf_release(&payload);
	buf_release(&rcpts);
}

static void
put_mail(struct world *w)
{
	struct segment_head h = { .tag = TAG,
		.seg = 1,
		.salt = SALT,
		.kind = SEGMENT_SMTPD };
	struct buf b;

	buf_init(&b, 65536);
	segment_head_put((unsigned char *)buf_room(&b, SEGMENT_HEAD), &h);
	b.len += SEGMENT_HEAD;
	put_record(&b, 0, "a@b.test", "x@c.test");
	put_record(&b, 1, "", "\"q\\\"\"@d.test");
	put_record(&b, 2, "root@b.test", "x@c.test");
	world_put(w, W_SEGMENT, "0000000001", buf_slice(&b));
	buf_release(&b);
}

static int
listen_anywhere(struct sockaddr_un *sa, socklen_t *n)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	sa->sun_family = AF_UNIX;
	if (fd < 0 || bind(fd, (struct sockaddr *)sa, sizeof(sa_family_t)) < 0 ||
	    listen(fd, 5) < 0 ||
	    getsockname(fd, (struct sockaddr *)sa, n) < 0)
		abort();
	return fd;
}

static void
check_answer(struct buf *all)
{
	struct slice rest = buf_slice(all), line;

	while (slice_next(&rest, '\n', &line)) {
		json_t *j;

		if (line.n == 0 || line.p[0] != '{')
			continue; /* of a message that was asked for */
		j = json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL);
		if (j == NULL)
			abort();
		json_decref(j);
	}
}

static void
hear(int fd, struct buf *all)
{
	char *room;
	ssize_t n;

	do {
		room = buf_room(all, 65536);
		n = room ? recv(fd, room, 65536, MSG_DONTWAIT) : 0;
		if (n > 0)
			all->len += (size_t)n;
	} while (n > 0);
}

static void
turns(struct world *w, struct control_server *s, int fd, struct buf *all)
{
	for (int i = 0; i < 4; i++) {
		world_settle(w);
		control_turn(s);
		hear(fd, all);
	}
}

static void
talk(struct world *w, struct control_server *s, int fd, struct slice say)
{
	struct buf all;

	buf_init(&all, 1 << 24);
	while (say.n != 0) {
		ssize_t n = send(fd, say.p, say.n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0)
			break;
		say = slice_sub(say, (size_t)n, say.n);
		turns(w, s, fd, &all);
	}
	turns(w, s, fd, &all);
	check_answer(&all);
	buf_release(&all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct control_server *s;
	static struct sockaddr_un sa;
	static socklen_t sa_n = sizeof(sa);
	static struct world *w;
	int fd;

	if (n == 0)
		return 0;
	if (w == NULL) {
		w = world_new();
		put_mail(w);
		if (world_start(w) < 0)
			abort();
		s = control_server_new(&w->q, listen_anywhere(&sa, &sa_n));
	}
	w->q.admin_uid = p[0] & 1 ? geteuid() : (uid_t)-1;
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sa_n) < 0)
		abort();
	talk(w, s, fd, (struct slice){ (const char *)p + 1, n - 1 });
	close(fd);
	world_settle(w);
	control_turn(s);
	return 0;
}
