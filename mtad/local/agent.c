#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chan.h"
#include "file.h"
#include "log.h"

#define HEAD 8 /* of a frame, lib/chan.c */
#define THREADS_MAX 64

void
put_agent_job(struct buf *b, const struct agent_job *j)
{
	put_u64(b, j->tag);
	put_u8(b, j->kind);
	put_str(b, j->sender);
	put_str(b, j->rcpt);
	put_str(b, j->path);
	put_u64(b, j->rest);
	put_str(b, j->head);
}

bool
get_agent_job(struct slice s, struct agent_job *j)
{
	struct rd r = rd_of(s);

	j->tag = get_u64(&r);
	j->kind = get_u8(&r);
	j->sender = get_str(&r);
	j->rcpt = get_str(&r);
	j->path = get_str(&r);
	j->rest = get_u64(&r);
	j->head = get_str(&r);
	return !r.bad && r.p == r.end;
}

void
put_agent_answer(struct buf *b, const struct agent_answer *a)
{
	put_u64(b, a->tag);
	put_u8(b, a->is_forward);
	put_u8(b, a->keeps);
	put_u16(b, (uint16_t)a->result.code);
	put_u8(b, (uint8_t)a->result.reason);
	put_str(b, slice_of(a->result.enhanced));
	put_str(b, slice_of(a->result.text));
	put_str(b, a->targets);
}

bool
get_agent_answer(struct slice s, struct agent_answer *a)
{
	struct rd r = rd_of(s);
	struct slice enhanced, text;

	a->tag = get_u64(&r);
	a->is_forward = get_u8(&r);
	a->keeps = get_u8(&r);
	a->result.code = get_u16(&r);
	a->result.reason = (enum reason)get_u8(&r);
	enhanced = get_str(&r);
	text = get_str(&r);
	a->targets = get_str(&r);
	snprintf(a->result.enhanced, sizeof(a->result.enhanced), "%.*s",
	    SLICE_ARG(enhanced));
	snprintf(
	    a->result.text, sizeof(a->result.text), "%.*s", SLICE_ARG(text));
	return !r.bad && r.p == r.end && a->result.reason < RC_COUNT;
}

struct work {
	STAILQ_ENTRY(work) link;
	char *frame; /* owned */
	struct agent_job job;
	int fd;
};

/* The one agent of its process. */
struct agent {
	int fd;
	const struct conf *conf;
	struct owner owner;
	pthread_mutex_t lock, write_lock;
	pthread_cond_t wake;
	STAILQ_HEAD(, work) todo; /* under lock, as the rest */
	int threads, idle;
};

static void
deliver(const struct agent *a, struct work *w, struct agent_answer *ans,
    struct buf *targets)
{
	struct letter l = { .conf = a->conf,
		.owner = &a->owner,
		.sender = w->job.sender,
		.rcpt = w->job.rcpt,
		.head = w->job.head,
		.fd = w->fd,
		.rest = w->job.rest };
	struct buf path;
	int rc = 0;

	buf_init(&path, 8192);
	buf_add_slice(&path, w->job.path);
	l.path = path.data;
	if (deliver_is_loop(&l, &ans->result)) {
		buf_release(&path);
		return;
	}
	if (w->job.kind == TARGET_USER)
		rc = forward_read(&l, targets, &ans->keeps, &ans->result);
	if (rc > 0) {
		ans->is_forward = true;
	} else if (rc == 0) {
		if (w->job.kind == TARGET_USER ||
		    w->job.kind == TARGET_MAILBOX) {
			buf_clear(&path);
			expand_path(&path, a->conf->LocalMailbox, &l);
			l.path = path.data;
		}
		if (w->job.kind == TARGET_PROGRAM)
			deliver_program(&l, &ans->result);
		else
			deliver_mailbox(&l, &ans->result);
	}
	buf_release(&path);
}

static void
answer(struct agent *a, const struct agent_answer *ans)
{
	struct buf b;
	unsigned char head[HEAD] = { 0 };

	buf_init(&b, CHAN_FRAME_MAX + HEAD);
	buf_add(&b, head, HEAD);
	put_agent_answer(&b, ans);
	set_le32(b.data, (uint32_t)(b.len - HEAD));
	set_le32(b.data + 4, AGENT_ANSWER);
	pthread_mutex_lock(&a->write_lock);
	if (file_write_all(a->fd, b.data, b.len) < 0)
		_exit(EXIT_FAILURE); /* the master is gone */
	pthread_mutex_unlock(&a->write_lock);
	buf_release(&b);
}

static void
do_work(struct agent *a, struct work *w)
{
	struct agent_answer ans = { .tag = w->job.tag };
	struct buf targets;

	result_set(
	    &ans.result, 451, "4.3.0", RC_LOCAL_RESOURCE, "Not delivered");
	buf_init(&targets, (size_t)1 << 20);
	deliver(a, w, &ans, &targets);
	ans.targets = buf_slice(&targets);
	answer(a, &ans);
	buf_release(&targets);
	if (w->fd >= 0)
		close(w->fd);
	free(w->frame);
	free(w);
}

static void *
thread(void *arg)
{
	struct agent *a = arg;

	pthread_mutex_lock(&a->lock);
	for (;;) {
		struct work *w;

		while ((w = STAILQ_FIRST(&a->todo)) == NULL) {
			a->idle++;
			pthread_cond_wait(&a->wake, &a->lock);
			a->idle--;
		}
		STAILQ_REMOVE_HEAD(&a->todo, link);
		pthread_mutex_unlock(&a->lock);
		do_work(a, w);
		pthread_mutex_lock(&a->lock);
	}
	return NULL;
}

static void
give(struct agent *a, struct work *w)
{
	int max = (int)a->conf->LocalConcurrency;
	pthread_t t;

	if (max > THREADS_MAX)
		max = THREADS_MAX;
	pthread_mutex_lock(&a->lock);
	STAILQ_INSERT_TAIL(&a->todo, w, link);
	if (a->idle == 0 && a->threads < max &&
	    pthread_create(&t, NULL, thread, a) == 0) {
		pthread_detach(t);
		a->threads++;
	}
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
}

/* Exactly n bytes; a descriptor that came with them in *fd. False: closed. */
static bool
read_all(int sock, char *to, size_t n, int *fd)
{
	while (n != 0) {
		union {
			struct cmsghdr align;
			char space[CMSG_SPACE(sizeof(int))];
		} ctl;
		struct iovec iov = { to, n };
		struct msghdr mh = { .msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &ctl,
			.msg_controllen = sizeof(ctl) };
		struct cmsghdr *cm;
		ssize_t got = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		cm = CMSG_FIRSTHDR(&mh);
		if (cm != NULL && cm->cmsg_type == SCM_RIGHTS)
			memcpy(fd, CMSG_DATA(cm), sizeof(*fd));
		to += got;
		n -= (size_t)got;
	}
	return true;
}

static struct work *
next_work(int sock)
{
	unsigned char head[HEAD];
	struct work *w;
	int fd = -1;
	size_t n;

	if (!read_all(sock, (char *)head, HEAD, &fd))
		return NULL;
	n = le32(head);
	w = n <= CHAN_FRAME_MAX ? calloc(1, sizeof(*w)) : NULL;
	if (w == NULL)
		return NULL;
	w->fd = fd;
	w->frame = malloc(n + 1);
	if (w->frame == NULL || !read_all(sock, w->frame, n, &w->fd) ||
	    !get_agent_job((struct slice){ w->frame, n }, &w->job))
		_exit(EXIT_FAILURE);
	return w;
}

/*
 * Users cannot make a file in /var/mail: while there is root, the missing
 * mailbox is made for its owner, never followed, never given away.
 */
static void
make_mailbox(const struct agent *a)
{
	struct letter l = { .conf = a->conf, .owner = &a->owner };
	struct buf path;
	int fd;

	buf_init(&path, 4096);
	expand_path(&path, a->conf->LocalMailbox, &l);
	if (!path.bad && path.len != 0 && path.data[path.len - 1] != '/') {
		fd = open(path.data,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0) {
			if (fchown(fd, a->owner.uid, (gid_t)-1) < 0)
				unlink(path.data);
			close(fd);
		}
	}
	buf_release(&path);
}

static void
become(struct agent *a, const char *user, bool is_root)
{
	struct passwd *pw = is_root ? getpwnam(user) : getpwuid(geteuid());

	if (pw == NULL)
		_exit(EXIT_FAILURE);
	a->owner = (struct owner){ .name = strdup(pw->pw_name),
		.home = strdup(pw->pw_dir),
		.shell = strdup(pw->pw_shell),
		.uid = pw->pw_uid,
		.gid = pw->pw_gid };
	if (!is_root)
		return;
	if (pw->pw_uid == 0) {
		log_warn("mtad-local does not deliver as root");
		_exit(EXIT_FAILURE);
	}
	make_mailbox(a);
	if (initgroups(pw->pw_name, pw->pw_gid) < 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0 || setuid(0) == 0)
		_exit(EXIT_FAILURE);
}

void
agent_run(int fd, const char *user, const struct conf *conf, bool is_root)
{
	static struct agent a;
	struct work *w;

	if (fd != 3 && dup2(fd, 3) < 0)
		_exit(EXIT_FAILURE);
	close_range(4, ~0u, 0);
	a = (struct agent){ .fd = 3, .conf = conf };
	fcntl(a.fd, F_SETFD, FD_CLOEXEC);
	fcntl(a.fd, F_SETFL, 0);
	pthread_mutex_init(&a.lock, NULL);
	pthread_mutex_init(&a.write_lock, NULL);
	pthread_cond_init(&a.wake, NULL);
	STAILQ_INIT(&a.todo);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	become(&a, user, is_root);
	if (chdir(a.owner.home) < 0 && chdir("/") < 0)
		_exit(EXIT_FAILURE);
	while ((w = next_work(a.fd)) != NULL)
		give(&a, w);
	_exit(EXIT_SUCCESS);
}
