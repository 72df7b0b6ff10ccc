#include "link.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "client.h"
#include "clock.h"

static void
say(struct link *l, enum event_type type, struct event *e, char id[17],
    char ip[64])
{
	snprintf(id, 17, "%016llx", (unsigned long long)l->id);
	target_ip(l->target, ip);
	event_init(e, type);
	event_cstr(e, F_SESSION_ID, id);
	event_cstr(e, F_DIRECTION, "out");
	event_cstr(e, F_PEER_IP, ip[0] ? ip : "local");
	if (target_port(l->target) != 0)
		event_num(e, F_PEER_PORT, target_port(l->target));
	event_cstr(e, F_PEER_NAME, l->target->name);
}

static void
say_open(struct link *l)
{
	char id[17], ip[64];
	struct event e;

	l->is_open = true;
	say(l, EV_CONN_OPEN, &e, id, ip);
	evlog_emit(l->remote->proc->log, &e);
	stat_add(l->remote->proc->slot, ST_CONN_OUT, 1);
	stat_add(l->remote->proc->slot, ST_CONN_OUT_OPEN, 1);
}

static void
say_close(struct link *l, const char *cause)
{
	char id[17], ip[64];
	struct event e;

	if (!l->is_open)
		return;
	say(l, EV_CONN_CLOSE, &e, id, ip);
	event_num(&e, F_DURATION_US, (uint64_t)(clock_mono() - l->opened));
	event_num(&e, F_IN_BYTES, conn_bytes_in(l->conn));
	event_num(&e, F_OUT_BYTES, conn_bytes_out(l->conn));
	event_num(&e, F_MESSAGES_COUNT, l->messages);
	event_num(&e, F_COMMANDS_COUNT, l->commands);
	event_cstr(&e, F_CAUSE, cause);
	evlog_emit(l->remote->proc->log, &e);
	stat_add(l->remote->proc->slot, ST_CONN_OUT_OPEN, -1);
}

void
links_bury(struct remote *r)
{
	struct link *l;

	while ((l = TAILQ_FIRST(&r->dead)) != NULL) {
		TAILQ_REMOVE(&r->dead, l, list);
		targets_unref(l->targets);
		free(l->domain);
		free(l);
	}
}

/* Closed now; the memory goes after this turn, as callers look at state. */
void
link_close(struct link *l, const char *cause)
{
	struct remote *r = l->remote;

	if (l->state == L_DEAD)
		return;
	if (l->state == L_IDLE)
		cache_del(&r->cache, l);
	if (l->state == L_QUIT)
		TAILQ_REMOVE(&r->quitting, l, list);
	if (l->state == L_WAIT)
		TAILQ_REMOVE(&r->waiting, l, list);
	l->state = L_DEAD;
	say_close(l, cause);
	if (l->connected != NULL)
		event_free(l->connected);
	conn_free(l->conn);
	l->conn = NULL;
	if (l->delivery != NULL)
		l->delivery->link = NULL;
	l->delivery = NULL;
	TAILQ_INSERT_TAIL(&r->dead, l, list);
}

void
link_wait(struct link *l, enum wait w)
{
	l->wait = w;
	l->since = clock_mono();
	conn_timeout(l->conn, l->remote->wait[w]);
}

void
link_quit(struct link *l)
{
	if (l->state != L_IDLE)
		return;
	cache_del(&l->remote->cache, l);
	l->state = L_QUIT;
	TAILQ_INSERT_TAIL(&l->remote->quitting, l, list);
	l->commands++;
	link_wait(l, W_QUIT);
	buf_adds(conn_out(l->conn), "QUIT\r\n");
	conn_flush(l->conn);
}

void
link_idle(struct link *l)
{
	const struct conf *c = l->remote->proc->conf;
	struct cache *cache = &l->remote->cache;

	l->state = L_IDLE;
	cache_add(cache, l);
	if (l->remote->stop_at != 0 || c->ConnectionCacheTimeout == 0 ||
	    l->messages >= (uint32_t)c->MaxMessagesPerConnection) {
		link_quit(l);
		return;
	}
	l->since = clock_mono();
	idle_arm(l->remote);
	if (cache->n > c->ConnectionCacheSize)
		link_quit(cache_oldest(cache));
}

bool
link_is_past_dot(const struct link *l)
{
	return l->state == L_DOT && !conn_is_stuck(l->conn);
}

void
link_drop_delivery(struct link *l)
{
	l->delivery->link = NULL;
	l->delivery = NULL;
	link_close(l, "shutdown");
}

/*
 * What was answered counts. Before EHLO went well the host did not let us
 * in. An idle connection that breaks at the first word of a transaction had
 * been closed by the server: a fresh one, once, and nobody is told. Past the
 * dot nobody knows.
 */
void
link_broke(struct link *l, const struct verdict *v, const char *cause)
{
	bool is_stale = l->state == L_ENVELOPE && l->got <= 1, is_past_dot;
	const char *command = client_command(l);
	struct delivery *d = l->delivery;
	enum link_state st = l->state;

	is_past_dot = link_is_past_dot(l);
	if (d != NULL)
		d->link = NULL;
	l->delivery = NULL;
	link_close(l, cause);
	if (d == NULL)
		return;
	if (st <= L_HELO) {
		delivery_no_session(
		    d, v, v->reason == RC_LOCAL_RESOURCE && st <= L_CONNECT);
	} else if (is_stale && d->is_reused && !d->has_retried) {
		delivery_again(d);
	} else {
		if (is_past_dot)
			delivery_unknown(d, "dot", v);
		delivery_decide_all(d, command, v);
		delivery_over(d);
	}
}

static struct verdict
no_connection(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ENOENT:
		return VERDICT(
		    451, "4.4.1", RC_CONN_REFUSED, "Connection refused");
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return VERDICT(
		    451, "4.4.1", RC_NET_UNREACHABLE, "No route to the host");
	case ETIMEDOUT:
		return VERDICT(
		    451, "4.4.1", RC_CONN_TIMEOUT, "The host does not answer");
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		return VERDICT(451, "4.3.0", RC_LOCAL_RESOURCE,
		    "No resources here for another connection");
	default:
		return VERDICT(451, "4.4.1", RC_NET_UNREACHABLE,
		    "The host cannot be reached");
	}
}

/* It waited too long: text is the caller's storage for the words. */
static struct verdict
too_slow(const struct link *l, char text[160])
{
	struct verdict v = VERDICT(451, "4.4.2", RC_CONN_TIMEOUT, "");

	if (l->state == L_CONNECT)
		v.enhanced = SLICE("4.4.1");
	snprintf(text, 160, "No answer in time (%s)%s", wait_option(l->wait),
	    link_is_past_dot(l)
		? " after the whole message was sent: it may arrive twice"
		: "");
	v.text = slice_of(text);
	return v;
}

static struct verdict
closed(const struct link *l, char text[160])
{
	struct verdict v = VERDICT(451, "4.4.2", RC_PEER_CLOSED, "");

	if (link_is_past_dot(l))
		snprintf(text, 160,
		    "The connection broke after the whole message was sent: it "
		    "may arrive twice");
	else
		snprintf(text, 160,
		    "The connection broke, waiting for the answer to %s",
		    client_command(l));
	v.text = slice_of(text);
	return v;
}

static void
on_ended(void *arg, const char *cause)
{
	struct link *l = arg;
	bool is_timeout = strcmp(cause, "timeout") == 0;
	char text[160];
	struct verdict v;

	if (is_timeout)
		v = too_slow(l, text);
	else if (l->state == L_CONNECT)
		v = no_connection(conn_error(l->conn));
	else
		v = closed(l, text);
	link_broke(l, &v, l->state == L_QUIT ? "quit" : cause);
}

static void
protocol_error(struct link *l)
{
	const struct verdict v = VERDICT(
	    451, "4.5.0", RC_PROTOCOL, "The server's answer is none of SMTP");

	link_broke(l, &v, "error");
}

static void
connected(struct link *l)
{
	if (l->state != L_CONNECT)
		return;
	l->state = L_GREETING;
	link_wait(l, W_GREETING);
	say_open(l);
}

static void
got_extension(void *arg, struct slice text)
{
	ehlo_line(&((struct link *)arg)->ehlo, text);
}

/* A byte now and then is not an answer: a reply has its time as a whole. */
static void
check_drip(struct link *l)
{
	int64_t most = wait_us(l->remote->proc->conf, l->wait);
	char text[160];
	struct verdict v;

	if (l->state == L_IDLE || clock_mono() - l->since <= most)
		return;
	v = too_slow(l, text);
	link_broke(l, &v, "timeout");
}

static size_t
on_input(void *arg, struct slice in)
{
	struct link *l = arg;
	size_t used, all = 0;

	connected(l);
	while (all < in.n && l->state != L_DEAD) {
		enum reply_state st =
		    server_reply_feed(&l->reply, slice_sub(in, all, in.n),
			&used, l->state == L_EHLO ? got_extension : NULL, l);

		all += used;
		if (st == REPLY_BAD) {
			protocol_error(l);
		} else if (st == REPLY_MORE) {
			check_drip(l);
		} else {
			client_got_reply(l);
			server_reply_init(&l->reply);
		}
	}
	return in.n;
}

static void
on_drained(void *arg)
{
	client_drained(arg);
}

/* From here on it is the greeting that is waited for. */
static void
on_connected(int fd, short what, void *arg)
{
	struct link *l = arg;
	int error = 0;
	socklen_t n = sizeof(error);

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 &&
	    error != 0) {
		struct verdict v = no_connection(error);

		link_broke(l, &v, "error");
		return;
	}
	connected(l);
}

static const struct conn_ops link_ops = { on_input, on_ended, on_drained };

static int
connect_to(const struct target *t)
{
	int fd, one = 1;

	fd = socket(t->addr.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, &t->addr.sa, t->len) < 0 && errno != EINPROGRESS) {
		int e = errno;

		close(fd);
		return -e;
	}
	return fd;
}

/* The link gets its socket, which may still be connecting. Takes fd. */
static int
attach(struct link *l, int fd)
{
	struct remote *r = l->remote;

	l->connected = event_new(r->proc->base, fd, EV_WRITE, on_connected, l);
	l->conn = conn_new(r->proc->base, fd, &link_ops, l, r->wait[W_CONNECT]);
	l->state = L_CONNECT;
	if (l->conn == NULL || l->connected == NULL ||
	    event_add(l->connected, NULL) < 0)
		return -ENOMEM;
	return 0;
}

static void
ask_parent(struct link *l)
{
	PROC_SEND(&l->remote->proc->parent, unix_want, UNIX_WANT, .key = l->id,
	    .path = slice_of(l->target->addr.un.sun_path));
}

static struct link *
link_new(struct remote *r, struct delivery *d)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->remote = r;
	l->targets = targets_ref(d->targets);
	l->target = &d->targets->v[d->target];
	l->mailer = d->job.mailer;
	l->id = r->next_link++;
	l->opened = l->since = clock_mono();
	l->state = L_WAIT;
	TAILQ_INSERT_TAIL(&r->waiting, l, list);
	server_reply_init(&l->reply);
	l->domain = slice_dup(d->job.domain);
	l->delivery = d;
	d->link = l;
	d->is_reused = false;
	return l;
}

/* From WAIT to CONNECT, or to the end of it. fd may be a negative errno. */
static void
go_on(struct link *l, int fd)
{
	struct verdict v;

	if (fd >= 0) {
		TAILQ_REMOVE(&l->remote->waiting, l, list);
		fd = attach(l, fd);
		if (fd == 0)
			return;
	}
	v = no_connection(-fd);
	link_broke(l, &v, "error");
}

void
link_open(struct remote *r, struct delivery *d)
{
	struct link *l = link_new(r, d);

	if (l == NULL) {
		const struct verdict v = no_connection(ENOMEM);

		delivery_no_session(d, &v, true);
	} else if (l->target->addr.sa.sa_family == AF_UNIX) {
		ask_parent(l);
	} else {
		go_on(l, connect_to(l->target));
	}
}

bool
link_got_unix(struct remote *r, struct slice payload, int fd)
{
	struct p_unix_give m;
	struct link *l = NULL;

	if (get_p_unix_give(payload, &m))
		TAILQ_FOREACH (l, &r->waiting, list)
			if (l->id == m.key)
				break;
	if (l != NULL)
		go_on(l, fd >= 0 ? fd : -(int)m.error);
	else if (fd >= 0)
		close(fd);
	return true;
}

/* Whose mail it carries, for P_HOST_CLOSE. */
static void
set_domain(struct link *l, struct slice domain)
{
	if (l->domain != NULL && slice_ieq(slice_of(l->domain), domain))
		return;
	free(l->domain);
	l->domain = slice_dup(domain);
}

void
link_deliver(struct link *l, struct delivery *d)
{
	cache_del(&l->remote->cache, l);
	set_domain(l, d->job.domain);
	d->is_reused = true;
	d->conn_done = clock_mono();
	d->link = l;
	l->delivery = d;
	client_perform(l);
}
