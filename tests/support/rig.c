#include "rig.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stat.h"
#include "wire.h"

#define HEAD 8
#define DEADLINE 10000 /* ms */

int
rig_memory(const void *bytes, size_t n)
{
	int fd = memfd_create("rig", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, bytes, n), (int)n);
	return fd;
}

void
rig_send(int sock, enum proto_type type, const struct buf *payload, int fd)
{
	unsigned char head[HEAD];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = { 0 };
	struct iovec iov[2] = { { head, HEAD },
		{ payload->data, payload->len } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };

	set_le32(head, (uint32_t)payload->len);
	set_le32(head + 4, (uint32_t)type | (fd >= 0 ? 1u << 16 : 0));
	if (fd >= 0) {
		mh.msg_control = &ctl;
		mh.msg_controllen = sizeof(ctl);
		ctl.align.cmsg_level = SOL_SOCKET;
		ctl.align.cmsg_type = SCM_RIGHTS;
		ctl.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.align), &fd, sizeof(int));
	}
	ck_assert_int_eq(
	    (int)sendmsg(sock, &mh, MSG_NOSIGNAL), (int)(HEAD + payload->len));
	if (fd >= 0)
		close(fd);
}

static void
read_exactly(int sock, void *to, size_t n)
{
	char *p = to;

	while (n != 0) {
		struct pollfd pf = { sock, POLLIN, 0 };
		ssize_t got;

		ck_assert_msg(poll(&pf, 1, DEADLINE) == 1, "no answer");
		got = read(sock, p, n);
		ck_assert_msg(got > 0, "the process closed its channel");
		p += got;
		n -= (size_t)got;
	}
}

static enum proto_type
receive(int sock, struct buf *payload)
{
	unsigned char head[HEAD];
	size_t n;
	char *room;

	read_exactly(sock, head, HEAD);
	n = le32(head);
	buf_clear(payload);
	room = buf_room(payload, n);
	ck_assert_ptr_nonnull(room);
	read_exactly(sock, room, n);
	payload->len = n;
	return (enum proto_type)(le32(head + 4) & 0xffff);
}

/* What a queue does with events. */
static void
take_events(int sock, const struct buf *payload)
{
	struct p_events m;
	struct buf b;

	ck_assert(get_p_events(buf_slice(payload), &m));
	buf_init(&b, 100);
	put_p_events_ok(&b, &(struct p_events_ok){ .batch = m.batch });
	rig_send(sock, P_EVENTS_OK, &b, -1);
	buf_release(&b);
}

enum proto_type
rig_receive(int sock, struct buf *payload)
{
	enum proto_type type;

	while ((type = receive(sock, payload)) == P_EVENTS)
		take_events(sock, payload);
	return type;
}

static void
send_conf(const struct rig *r, const struct conf *c, struct buf *b)
{
	const struct p_conf m = { .is_first = 1 };
	struct buf text;

	buf_init(&text, 1 << 20);
	conf_encode(&text, c);
	buf_clear(b);
	put_p_conf(b, &m);
	rig_send(r->parent, P_CONF, b, rig_memory(text.data, text.len));
	buf_release(&text);
}

static void
send_stats(const struct rig *r, struct buf *b)
{
	const struct p_stats m = { .slot = 1 };
	int fd = rig_memory("", 0);

	ck_assert_int_eq(stat_create(fd), 0);
	buf_clear(b);
	put_p_stats(b, &m);
	rig_send(r->parent, P_STATS, b, fd);
}

void
rig_new_peer(struct rig *r, enum proto_role role)
{
	const struct p_peer m = { .role = (uint8_t)role };
	struct buf b;
	int sv[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	if (r->peer >= 0)
		close(r->peer);
	r->peer = sv[0];
	buf_init(&b, 1000);
	put_p_peer(&b, &m);
	rig_send(r->parent, P_PEER, &b, sv[1]);
	buf_release(&b);
}

static void
start_program(struct rig *r, const char *program)
{
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	r->pid = fork();
	ck_assert_int_ge(r->pid, 0);
	if (r->pid == 0) {
		if (sv[1] != 3)
			dup2(sv[1], 3);
		close_range(4, ~0u, 0);
		/* under a sandbox nothing can look for leaks */
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		execl(program, program, "0", NULL);
		_exit(127);
	}
	close(sv[1]);
	r->parent = sv[0];
	r->peer = -1;
}

void
rig_start(struct rig *r, const char *program, const struct conf *c,
    enum proto_role role)
{
	const struct p_world w = {
		.smtpds = 1, .remotes = 1, .is_root = 0, .machine = SLICE("m")
	};
	const struct p_go go = { .unused = 0 };
	struct buf b;

	buf_init(&b, 1 << 20);
	start_program(r, program);
	put_p_world(&b, &w);
	rig_send(r->parent, P_WORLD, &b, -1);
	send_conf(r, c, &b);
	send_stats(r, &b);
	ck_assert_int_eq(rig_receive(r->parent, &b), P_READY);
	rig_new_peer(r, role);
	buf_clear(&b);
	put_p_go(&b, &go);
	rig_send(r->parent, P_GO, &b, -1);
	buf_release(&b);
}

int
rig_stop(struct rig *r)
{
	const struct p_stop m = { .unused = 0 };
	struct buf b;
	int status = -1;

	buf_init(&b, 100);
	put_p_stop(&b, &m);
	rig_send(r->parent, P_STOP, &b, -1);
	buf_release(&b);
	close(r->peer); /* nobody takes its last events */
	ck_assert_int_eq(waitpid(r->pid, &status, 0), r->pid);
	close(r->parent);
	return status;
}
