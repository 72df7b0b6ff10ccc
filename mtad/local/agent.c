#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chan.h"
#include "clock.h"
#include "file.h"
#include "tree.h"

#define HEAD 8 /* of a frame, lib/chan.c */
#define AGENT_FD 3
#define END_TIME (2 * US_SEC)

struct work {
	STAILQ_ENTRY(work) link;
	char *frame; /* owned */
	struct agent_job job;
	int fd;
};

/* The one agent of its process. */
struct agent {
	int fd;
	struct agent_role role;
	const char *refusal; /* why nothing is delivered, or NULL */
	struct owner owner;
	pthread_mutex_t lock, write_lock;
	pthread_cond_t wake, rest;
	STAILQ_HEAD(, work) todo; /* under lock, as the rest */
	int todo_n, threads, idle;
	bool is_alone; /* the master is gone */
};

/* How much of a path has to be there already: what its template does not
 * make for each user. */
static size_t
fixed_of(const struct agent *a, const struct agent_job *j, const char *path)
{
	const struct conf *c = a->role.conf;
	const char *slash;

	for (size_t i = 0; j->kind == TARGET_VIRTUAL && i < c->virtual_n; i++) {
		size_t n = path_fixed(c->virtual_[i].Mailbox, "");

		if (strncmp(path, c->virtual_[i].Mailbox, n) == 0)
			return n;
	}
	if (j->kind == TARGET_USER || j->kind == TARGET_MAILBOX)
		return path_fixed(c->LocalMailbox, a->owner.home);
	for (slash = path + strlen(path); slash > path && slash[-1] == '/';)
		slash--;
	while (slash > path && slash[-1] != '/')
		slash--;
	return (size_t)(slash - path);
}

static void
to_mailbox(const struct agent *a, const struct agent_job *j, struct letter *l,
    struct result *r)
{
	struct buf path;

	buf_init(&path, 4096);
	l->is_own = j->kind == TARGET_USER || j->kind == TARGET_MAILBOX;
	if (l->is_own)
		expand_path(&path, a->role.conf->LocalMailbox, l);
	else
		buf_add_slice(&path, j->path);
	l->path = path.data;
	l->fixed = fixed_of(a, j, path.data);
	if (path.bad || memchr(path.data, '\0', path.len) != NULL ||
	    path.data[0] != '/')
		result_set(r, 451, "4.3.5", RC_LOCAL_RESOURCE,
		    "The mailbox has no usable path");
	else
		deliver_mailbox(l, r);
	buf_release(&path);
}

static void
to_program(const struct agent_job *j, struct letter *l, struct result *r)
{
	char *command = slice_dup(j->path);

	l->path = command;
	if (command == NULL)
		result_errno(r, ENOMEM, "program", "");
	else
		deliver_program(l, r);
	free(command);
}

static bool
may_do(const struct agent *a, const struct work *w, struct result *r)
{
	const char *why = a->refusal;

	if (why == NULL && a->role.purpose == AGENT_VIRTUAL &&
	    w->job.kind != TARGET_VIRTUAL)
		why = "This process delivers to virtual mailboxes alone";
	if (why == NULL &&
	    (a->role.purpose == AGENT_PROGRAM) !=
		(w->job.kind == TARGET_PROGRAM))
		why = "This process is not the one for programs";
	if (why == NULL && w->job.rest != 0 && w->fd < 0)
		why = "The message did not come with its letter";
	if (why != NULL)
		result_set(r, 451, "4.3.0", RC_LOCAL_RESOURCE, "%s", why);
	return why == NULL;
}

static void
send_frame(struct agent *a, enum agent_frame type, struct buf *b)
{
	/* the master takes the end of this process for an answer */
	if (b->bad)
		_exit(EXIT_FAILURE);
	set_le32(b->data, (uint32_t)(b->len - HEAD));
	set_le32(b->data + 4, type);
	pthread_mutex_lock(&a->write_lock);
	if (!a->is_alone && file_write_all(a->fd, b->data, b->len) < 0)
		a->is_alone = true; /* finish, and tell nobody */
	pthread_mutex_unlock(&a->write_lock);
	buf_release(b);
}

static void
begin_frame(struct buf *b)
{
	unsigned char head[HEAD] = { 0 };

	buf_init(b, CHAN_FRAME_MAX + HEAD);
	buf_add(b, head, HEAD);
}

static void
answer(struct agent *a, const struct agent_answer *ans)
{
	struct buf b;

	begin_frame(&b);
	put_agent_answer(&b, ans);
	send_frame(a, AGENT_ANSWER, &b);
}

/* One delivery, for who is called back from it. */
struct errand {
	struct agent *agent;
	uint64_t tag;
};

static void
say_held(void *arg)
{
	const struct errand *e = arg;
	struct buf b;

	begin_frame(&b);
	put_u64(&b, e->tag);
	send_frame(e->agent, AGENT_HELD, &b);
}

static void
deliver(struct agent *a, const struct work *w, struct agent_answer *ans,
    struct buf *targets)
{
	const struct agent_job *j = &w->job;
	struct errand errand = { a, j->tag };
	struct letter l = { .conf = a->role.conf,
		.owner = &a->owner,
		.sender = j->sender,
		.rcpt = j->rcpt,
		.head = j->head,
		.fd = w->fd,
		.rest = j->rest,
		.waits = say_held,
		.waits_arg = &errand };
	int rc = 0;

	if (!may_do(a, w, &ans->result) || deliver_is_loop(&l, &ans->result))
		return;
	if (j->kind == TARGET_USER)
		rc = forward_read(&l, targets, &ans->keeps, &ans->result);
	if (rc > 0)
		ans->is_forward = true;
	else if (rc == 0 && j->kind == TARGET_PROGRAM)
		to_program(j, &l, &ans->result);
	else if (rc == 0)
		to_mailbox(a, j, &l, &ans->result);
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
			pthread_cond_signal(&a->rest);
			pthread_cond_wait(&a->wake, &a->lock);
			a->idle--;
		}
		STAILQ_REMOVE_HEAD(&a->todo, link);
		a->todo_n--;
		pthread_mutex_unlock(&a->lock);
		do_work(a, w);
		pthread_mutex_lock(&a->lock);
	}
	return NULL;
}

static void
give(struct agent *a, struct work *w)
{
	pthread_t t;

	pthread_mutex_lock(&a->lock);
	STAILQ_INSERT_TAIL(&a->todo, w, link);
	if (++a->todo_n > a->idle && a->threads < AGENT_BUSY_MAX &&
	    pthread_create(&t, NULL, thread, a) == 0) {
		pthread_detach(t);
		a->threads++;
	}
	if (a->threads == 0)
		_exit(EXIT_FAILURE); /* no thread at all: not now */
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

/* NULL: the socket is closed. Half a frame is of no use either. */
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
	if (w->frame != NULL && read_all(sock, w->frame, n, &w->fd) &&
	    get_agent_job((struct slice){ w->frame, n }, &w->job))
		return w;
	free(w->frame);
	free(w);
	return NULL;
}

static void
finish(struct agent *a)
{
	pthread_mutex_lock(&a->lock);
	while (!STAILQ_EMPTY(&a->todo) || a->idle != a->threads)
		pthread_cond_wait(&a->rest, &a->lock);
	_exit(EXIT_SUCCESS);
}

/* What the program left running has the rest of its time; what this user
 * cannot end the master can. */
static void
serve_program(struct agent *a)
{
	int64_t until = clock_mono() + a->role.conf->ProgramTimeout;
	struct work *w = next_work(a->fd);

	if (w == NULL)
		_exit(EXIT_SUCCESS);
	do_work(a, w);
	close(a->fd);
	if (!tree_wait(until) && !tree_end(clock_mono() + END_TIME))
		_exit(EXIT_FAILURE);
	_exit(EXIT_SUCCESS);
}

void
agent_run(int fd, const struct agent_role *role)
{
	static struct agent a;
	struct work *w;

	if (fd != AGENT_FD && dup2(fd, AGENT_FD) < 0)
		_exit(EXIT_FAILURE);
	close_range(AGENT_FD + 1, ~0u, 0);
	a = (struct agent){ .fd = AGENT_FD, .role = *role };
	fcntl(a.fd, F_SETFD, FD_CLOEXEC);
	fcntl(a.fd, F_SETFL, 0);
	pthread_mutex_init(&a.lock, NULL);
	pthread_mutex_init(&a.write_lock, NULL);
	pthread_cond_init(&a.wake, NULL);
	pthread_cond_init(&a.rest, NULL);
	STAILQ_INIT(&a.todo);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	a.refusal = owner_become(&a.owner, role);
	if (a.refusal != NULL || chdir(a.owner.home) < 0)
		(void)!chdir("/");
	if (role->purpose == AGENT_PROGRAM)
		serve_program(&a);
	while ((w = next_work(a.fd)) != NULL)
		give(&a, w);
	finish(&a);
	_exit(EXIT_SUCCESS);
}
