#include "control_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "control.h"

#define CLIENTS_MAX 200
#define LINE_MAX_IN ((size_t)1 << 20)
#define LINE_MAX_ADMIN ((size_t)64 << 20) /* imports: all recipients */
#define OUT_MAX ((size_t)64 << 20)
#define OUT_FULL ((size_t)256 << 10)

struct control_server {
	struct queue *q; /* borrowed */
	int fd;
	struct event *ev, *second;
	LIST_HEAD(, client) clients;
	int n;
	uint32_t next_key;
	bool has_steps;
};

static void client_free(struct client *);

bool
control_is_full(const struct client *c)
{
	return c->out.len - c->sent >= OUT_FULL;
}

uint32_t
control_new_key(struct client *c)
{
	if (++c->server->next_key == 0)
		c->server->next_key = 1;
	return c->order_key = c->server->next_key;
}

void
control_audit(struct client *c, const char *verb, const char *selector,
    uint64_t matched, uint64_t changed, bool is_dry)
{
	struct event e;
	char undo[16], who[100];

	if (c->claim[0] == '\0' || strcmp(c->claim, c->user) == 0)
		snprintf(who, sizeof(who), "%s", c->user);
	else
		snprintf(who, sizeof(who), "%s (%s)", c->claim, c->user);
	event_init(&e, EV_OP_ACTION);
	event_cstr(&e, F_OP_USER, who);
	event_cstr(&e, F_OP_VIA, "cli");
	event_cstr(&e, F_OP_VERB, verb);
	event_cstr(&e, F_SELECTOR, selector);
	event_num(&e, F_MATCHED_COUNT, matched);
	event_num(&e, F_CHANGED_COUNT, changed);
	if (is_dry)
		event_num(&e, F_DRY, 1);
	event_cstr(&e, F_WHY, c->why);
	if (c->act_number != 0 && changed != 0) {
		snprintf(undo, sizeof(undo), "%u", c->act_number);
		event_cstr(&e, F_UNDO_ID, undo);
	}
	queue_emit(c->q, &e);
}

static const struct control_op *
find_op(const char *op)
{
	const struct control_op *tables[] = { control_queue_ops,
		control_act_ops, control_host_ops, control_daemon_ops,
		control_export_ops, control_import_ops };

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct control_op *o = tables[t]; o->name; o++)
			if (strcmp(o->name, op) == 0)
				return o;
	return NULL;
}

/* A name of its own wording: it stands beside the one that is known. */
static void
take_claim(struct client *c, json_t *j)
{
	const char *s = json_string_value(json_object_get(j, "user"));
	size_t n = 0;

	for (; s != NULL && s[n] != '\0' && n + 1 < sizeof(c->claim); n++)
		c->claim[n] = s[n] > ' ' && s[n] < 0x7f ? s[n] : '?';
	c->claim[n] = '\0';
}

static void
run_request(struct client *c, struct slice line)
{
	json_error_t error;
	json_t *j = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, &error);
	const char *op = json_string_value(json_object_get(j, "op"));
	const struct control_op *o = op ? find_op(op) : NULL;

	take_claim(c, j);
	if (json_integer_value(json_object_get(j, "v")) > CONTROL_VERSION)
		control_error(c, "this mtad speaks version %d of the protocol",
		    CONTROL_VERSION);
	else if (o == NULL)
		control_error(c, "%s",
		    op ? "there is no such operation"
		       : "a request is one JSON object with \"op\"");
	else if (o->is_admin_only && !c->is_admin)
		control_error(c,
		    "only root and members of group %s may do this",
		    c->q->proc->conf->AdminGroup);
	else
		o->run(c, j);
	json_decref(j);
}

static bool
is_busy(const struct client *c)
{
	return c->step != NULL || c->order_key != 0 || c->is_waiting;
}

/* Requests one after the other: a further one waits for the answer. */
static void
run_requests(struct client *c)
{
	while (!is_busy(c) && c->in.len != 0) {
		struct slice rest = buf_slice(&c->in);
		size_t nl = slice_find(rest, '\n');

		if (nl == rest.n)
			break;
		run_request(c, slice_sub(rest, 0, nl));
		buf_drop(&c->in, nl + 1);
	}
}

static void
flush(struct client *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->sent,
		    c->out.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			event_add(c->wr, NULL);
			return;
		}
		if (n < 0) {
			c->is_closed = true;
			return;
		}
		c->sent += (size_t)n;
	}
	c->sent = 0;
	buf_clear(&c->out);
	if (c->out.cap > OUT_FULL)
		buf_shrink(&c->out);
}

static void
on_read(int fd, short what, void *arg)
{
	struct client *c = arg;
	char *room;
	ssize_t n;

	(void)what;
	if (is_busy(c) && c->in.len > LINE_MAX_IN - 16384) {
		c->is_full = true;
		event_del(c->rd);
		return;
	}
	room = buf_room(&c->in, 16384);
	if (room == NULL) {
		c->is_closed = true;
		return;
	}
	n = recv(fd, room, 16384, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		c->is_closed = true;
		return;
	}
	if (n > 0)
		c->in.len += (size_t)n;
	run_requests(c);
}

static void
on_write(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

static void
identify(struct client *c)
{
	struct ucred cr = { .uid = (uid_t)-1 };
	socklen_t n = sizeof(cr);
	gid_t groups[256];

	getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cr, &n);
	c->uid = cr.uid;
	c->is_admin = cr.uid == 0 || cr.uid == c->q->admin_uid ||
	    (cr.gid == c->q->admin_gid && cr.gid != (gid_t)-1);
	n = sizeof(groups);
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) == 0)
		for (size_t i = 0; i < n / sizeof(groups[0]); i++)
			c->is_admin |= groups[i] == c->q->admin_gid;
	if (c->is_admin)
		c->in.max = LINE_MAX_ADMIN;
	if (cr.uid == 0)
		snprintf(c->user, sizeof(c->user), "root");
	else
		snprintf(c->user, sizeof(c->user), "uid %u", (unsigned)cr.uid);
}

static void
client_new(struct control_server *s, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL || s->n >= CLIENTS_MAX) {
		free(c);
		close(fd);
		return;
	}
	*c = (struct client){ .q = s->q, .server = s, .fd = fd };
	buf_init(&c->in, LINE_MAX_IN);
	buf_init(&c->out, OUT_MAX);
	c->rd =
	    event_new(s->q->proc->base, fd, EV_READ | EV_PERSIST, on_read, c);
	c->wr = event_new(s->q->proc->base, fd, EV_WRITE, on_write, c);
	LIST_INSERT_HEAD(&s->clients, c, link);
	s->n++;
	if (c->rd == NULL || c->wr == NULL || event_add(c->rd, NULL) < 0) {
		client_free(c);
		return;
	}
	identify(c);
}

static void
client_free(struct client *c)
{
	LIST_REMOVE(c, link);
	c->server->n--;
	if (c->is_walking)
		walk_stop(&c->walk);
	filter_free(c->filter);
	transfer_free(c->transfer);
	best_release(&c->best);
	if (c->rd != NULL)
		event_free(c->rd);
	if (c->wr != NULL)
		event_free(c->wr);
	close(c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c->selector);
	free(c->why);
	free(c);
}

static void
on_accept(int fd, short what, void *arg)
{
	struct control_server *s = arg;
	int one;

	(void)what;
	one = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (one >= 0)
		client_new(s, one);
	else if (errno == EMFILE || errno == ENFILE)
		event_del(s->ev); /* until the next second */
}

/* To subscribers, each as fast as it reads: counters, and what changed. */
static void
tell(struct client *c)
{
	struct queue *q = c->q;

	if (c->out.len != 0)
		return;
	buf_adds(&c->out, "{\"counters\":");
	row_begin(c);
	for (int i = 0; i < ST_COUNT; i++)
		row_num(c, stat_name((enum stat_id)i),
		    (int64_t)stat_sum(q->proc->stats, (enum stat_id)i));
	buf_adds(&c->out, "}}\n");
	control_changed_hosts(c);
}

static void
on_second(int fd, short what, void *arg)
{
	struct control_server *s = arg;
	struct client *c;

	(void)fd;
	(void)what;
	event_add(s->ev, NULL);
	LIST_FOREACH (c, &s->clients, link)
		if (c->is_subscribed && !c->is_closed)
			tell(c);
}

struct control_server *
control_server_new(struct queue *q, int fd)
{
	struct control_server *s = calloc(1, sizeof(*s));
	struct timeval second = { 1, 0 };

	if (s == NULL)
		return NULL;
	s->q = q;
	s->fd = fd;
	LIST_INIT(&s->clients);
	s->ev =
	    event_new(q->proc->base, fd, EV_READ | EV_PERSIST, on_accept, s);
	s->second = event_new(q->proc->base, -1, EV_PERSIST, on_second, s);
	if (s->ev == NULL || s->second == NULL || event_add(s->ev, NULL) < 0 ||
	    event_add(s->second, &second) < 0) {
		free(s);
		return NULL;
	}
	return s;
}

/* Rows until the client has enough to read, or the slice is over. */
static void
go_on(struct client *c)
{
	if (c->step == NULL || control_is_full(c) || c->is_waiting)
		return;
	if (!c->step(c)) {
		c->step = NULL;
		if (c->is_walking)
			walk_stop(&c->walk);
		c->is_walking = false;
		filter_free(c->filter);
		c->filter = NULL;
	}
}

void
control_turn(struct control_server *s)
{
	struct client *c, *next;
	bool has_more = false;

	if (s == NULL)
		return;
	for (c = LIST_FIRST(&s->clients); c != NULL; c = next) {
		next = LIST_NEXT(c, link);
		if (!c->is_closed) {
			go_on(c);
			run_requests(c);
			if (c->out.len != 0) {
				/* nobody sees what no event tells yet */
				evlog_flush(s->q->proc->log);
				flush(c);
			}
			if (c->is_full && c->in.len < LINE_MAX_IN / 2) {
				c->is_full = false;
				event_add(c->rd, NULL);
			}
			has_more |= c->step != NULL && !c->is_waiting &&
			    !c->needs_input && !control_is_full(c);
		}
		if (c->is_closed && !c->is_waiting)
			client_free(c);
	}
	if (has_more) /* the loop comes round at once */
		event_active(s->ev, 0, 0);
}

struct client *
control_find_act(struct client *asking, uint32_t act)
{
	struct client *c;

	LIST_FOREACH (c, &asking->server->clients, link)
		if (c != asking && c->step != NULL && act != 0 &&
		    c->act_number == act && !c->is_dry)
			return c;
	return NULL;
}

static struct client *
find_key(struct control_server *s, uint32_t key)
{
	struct client *c;

	LIST_FOREACH (c, &s->clients, link)
		if (c->order_key == key)
			return c;
	return NULL;
}

void
control_order_done(
    struct control_server *s, uint32_t key, bool ok, struct slice text)
{
	struct client *c = s ? find_key(s, key) : NULL;

	if (c == NULL)
		return;
	c->order_key = 0;
	if (!ok)
		control_error(c, "%.*s", SLICE_ARG(text));
	else
		control_done(c);
}

bool
control_mx_answer(struct control_server *s, struct slice payload)
{
	struct p_mx_answer m;
	struct client *c;
	struct verdict v;
	struct rd r;

	if (!get_p_mx_answer(payload, &m))
		return false;
	c = s ? find_key(s, (uint32_t)m.key) : NULL;
	if (c == NULL)
		return true;
	c->order_key = 0;
	r = rd_of(m.verdict);
	v = get_verdict(&r);
	row_begin(c);
	row_num(c, "code", v.code);
	row_str(c, "text", v.text);
	row_str(c, "hosts", m.lines);
	row_end(c);
	control_done(c);
	return true;
}
