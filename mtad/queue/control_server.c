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
#include "log.h"

#define READ_AT_ONCE ((size_t)16 << 10)
#define ACCEPT_AT_ONCE 64
#define REQUESTS_A_TURN 32 /* of one client */
#define USERS_A_TURN 1000 /* us of a turn, for all that are no administrators */
#define LINE_MAX_USER ((size_t)64 << 10)
#define LINE_MAX_ADMIN ((size_t)64 << 20) /* imports: all recipients */
#define READ_AHEAD ((size_t)1 << 20) /* behind a request that is not answered */
#define OUT_MAX ((size_t)64 << 20)
#define IDLE_MAX                                                               \
	(10 * US_MIN) /* neither reads nor writes; administrators may */

/* Connections of one, and of all of a kind: whatever others hold, there are
 * some for administrators, and for root. */
static const struct {
	int of_one, of_all;
	size_t bytes; /* in the buffers of all of them */
} places[CONTROL_KINDS] = {
	[CONTROL_USER] = { 16, 150, (size_t)64 << 20 },
	[CONTROL_ADMIN] = { 32, 50, SIZE_MAX },
	[CONTROL_ROOT] = { 200, 200, SIZE_MAX },
};

TAILQ_HEAD(clients, client);

struct control_server {
	struct queue *q; /* borrowed */
	int fd;
	struct event *ev, *second;
	struct clients clients[CONTROL_KINDS];
	int n[CONTROL_KINDS];
	size_t bytes[CONTROL_KINDS]; /* of their buffers */
	uint32_t next_key;
	int64_t told_refused; /* mono: of who found no place */
};

static void client_free(struct client *);

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

/* Is a line there? What was looked at is not looked at again. */
static bool
find_line(struct client *c)
{
	struct slice rest = slice_sub(buf_slice(&c->in), c->scanned, c->in.len);

	if (c->line == 0) {
		size_t nl = slice_find(rest, '\n');

		c->scanned += nl;
		if (nl != rest.n)
			c->line = c->scanned + 1;
	}
	return c->line != 0;
}

static bool
may_run(struct client *c)
{
	return !c->is_closed && !is_busy(c) && !control_is_full(c) &&
	    find_line(c);
}

/* Requests one after the other: a further one waits for the answer, and for
 * the client to read those that it got. */
static void
run_requests(struct client *c)
{
	size_t used = 0;

	for (int n = 0; n < REQUESTS_A_TURN && may_run(c); n++) {
		size_t end = c->line;

		c->line = 0;
		c->scanned = end;
		run_request(c, slice_sub(buf_slice(&c->in), used, end - 1));
		used = end;
	}
	buf_drop(&c->in, used);
	c->scanned -= used;
	c->line -= c->line != 0 ? used : 0;
	if (c->in.len == 0)
		buf_shrink(&c->in);
}

static bool
wants_input(struct client *c)
{
	if (c->is_closed || control_is_full(c))
		return false;
	return is_busy(c) || find_line(c)
	    ? c->in.len < READ_AHEAD && c->in.len < c->in.max
	    : c->in.len < c->in.max;
}

static void
close_saying(struct client *c, const char *why)
{
	if (c->step == NULL) /* else it is in the midst of a row */
		control_error(c, "%s", why);
	control_flush(c);
	c->is_closed = true;
}

static void
on_read(int fd, short what, void *arg)
{
	struct client *c = arg;
	size_t want = c->in.max - c->in.len;
	char *room;
	ssize_t n;

	(void)what;
	want = want < READ_AT_ONCE ? want : READ_AT_ONCE;
	room = buf_room(&c->in, want);
	if (room == NULL) {
		c->is_closed = true;
		return;
	}
	n = recv(fd, room, want, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		c->is_closed = true;
		return;
	}
	if (n > 0) {
		c->in.len += (size_t)n;
		c->active = clock_mono();
	}
	if (c->in.len == c->in.max && !is_busy(c) && !find_line(c))
		close_saying(c, "the request is too long");
}

static void
on_write(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	control_flush(arg);
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
	c->kind = cr.uid == 0 || cr.uid == c->q->admin_uid ? CONTROL_ROOT
	    : c->is_admin				   ? CONTROL_ADMIN
							   : CONTROL_USER;
	if (c->is_admin)
		c->in.max = LINE_MAX_ADMIN;
	if (cr.uid == 0)
		snprintf(c->user, sizeof(c->user), "root");
	else
		snprintf(c->user, sizeof(c->user), "uid %u", (unsigned)cr.uid);
}

static bool
has_place(const struct control_server *s, const struct client *c)
{
	const struct client *other;
	int n = 0;

	TAILQ_FOREACH (other, &s->clients[c->kind], link)
		n += other->uid == c->uid;
	return n <= places[c->kind].of_one &&
	    s->n[c->kind] <= places[c->kind].of_all;
}

static void
send_away(struct client *c)
{
	struct control_server *s = c->server;
	int64_t now = clock_mono();

	if (now >= s->told_refused) {
		s->told_refused = now + US_MIN;
		log_warn("%s has too many control connections", c->user);
	}
	close_saying(c, "there are too many connections, try again later");
	client_free(c);
}

static void
client_new(struct control_server *s, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return;
	}
	*c = (struct client){ .q = s->q, .server = s, .fd = fd };
	buf_init(&c->in, LINE_MAX_USER);
	buf_init(&c->out, OUT_MAX);
	identify(c);
	c->active = clock_mono();
	c->rd =
	    event_new(s->q->proc->base, fd, EV_READ | EV_PERSIST, on_read, c);
	c->wr = event_new(s->q->proc->base, fd, EV_WRITE, on_write, c);
	TAILQ_INSERT_TAIL(&s->clients[c->kind], c, link);
	s->n[c->kind]++;
	if (c->rd == NULL || c->wr == NULL || event_add(c->rd, NULL) < 0)
		client_free(c);
	else if (!has_place(s, c))
		send_away(c);
}

static void
client_free(struct client *c)
{
	TAILQ_REMOVE(&c->server->clients[c->kind], c, link);
	c->server->n[c->kind]--;
	c->server->bytes[c->kind] -= c->bytes;
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

	if (!(what & EV_READ))
		return; /* control_turn() wants another one */
	for (int n = 0; n < ACCEPT_AT_ONCE; n++) {
		one = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (one < 0)
			break;
		client_new(s, one);
	}
	if (one < 0 && (errno == EMFILE || errno == ENFILE))
		event_del(s->ev); /* until the next second */
}

/* To subscribers, each as fast as it reads: counters, and what changed. Made
 * once, however many they are. */
static void
tell(struct client *c, const struct client *told)
{
	struct queue *q = c->q;

	if (told != NULL) {
		buf_add_slice(&c->out, buf_slice(&told->out));
		return;
	}
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
	struct client *c, *told = NULL;
	int64_t now = clock_mono();

	(void)fd;
	(void)what;
	event_add(s->ev, NULL);
	for (int k = 0; k < CONTROL_KINDS; k++)
		TAILQ_FOREACH (c, &s->clients[k], link)
			if (c->is_subscribed && !c->is_closed &&
			    c->out.len == 0) {
				tell(c, told);
				told = c;
			}
	TAILQ_FOREACH (c, &s->clients[CONTROL_USER], link)
		if (now - c->active > IDLE_MAX && !c->is_waiting)
			close_saying(c, "nothing was asked or read for long");
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
	for (int k = 0; k < CONTROL_KINDS; k++)
		TAILQ_INIT(&s->clients[k]);
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

/* All kinds' buffers have their ceiling; who has more than his share of it
 * when it is passed is closed. */
static void
count_bytes(struct client *c)
{
	struct control_server *s = c->server;
	size_t all = places[c->kind].bytes;

	s->bytes[c->kind] -= c->bytes;
	c->bytes = c->in.cap + c->out.cap;
	s->bytes[c->kind] += c->bytes;
	if (s->bytes[c->kind] > all &&
	    c->bytes > all / (size_t)places[c->kind].of_all)
		c->is_closed = true;
}

static void
read_or_not(struct client *c)
{
	bool is_full = !wants_input(c);

	if (is_full != c->is_full && is_full)
		event_del(c->rd);
	else if (is_full != c->is_full)
		event_add(c->rd, NULL);
	c->is_full = is_full;
}

/* True: it has more to do at once. May free it. */
static bool
serve(struct client *c)
{
	bool has_more = false;

	if (!c->is_closed) {
		go_on(c);
		run_requests(c);
		if (c->out.len != 0 && !c->is_blocked) {
			/* nobody sees what no event tells yet */
			evlog_flush(c->q->proc->log);
			control_flush(c);
		}
		count_bytes(c);
		read_or_not(c);
		has_more = may_run(c) ||
		    (c->step != NULL && !c->is_waiting && !c->needs_input &&
			!control_is_full(c));
	}
	if (c->is_closed && !c->is_waiting) {
		client_free(c);
		return false;
	}
	return has_more;
}

/* Administrators first. The others in turn, while there is time: no number of
 * them, and nothing that they ask, makes the turn of the queue long. */
void
control_turn(struct control_server *s)
{
	struct client *c, *next;
	bool has_more = false;
	int64_t end;
	int left;

	if (s == NULL)
		return;
	for (int k = CONTROL_ADMIN; k <= CONTROL_ROOT; k++)
		for (c = TAILQ_FIRST(&s->clients[k]); c != NULL; c = next) {
			next = TAILQ_NEXT(c, link);
			has_more |= serve(c);
		}
	left = s->n[CONTROL_USER];
	for (end = clock_mono() + USERS_A_TURN; left > 0; left--) {
		struct clients *all = &s->clients[CONTROL_USER];

		c = TAILQ_FIRST(all);
		TAILQ_REMOVE(all, c, link);
		TAILQ_INSERT_TAIL(all, c, link);
		has_more |= serve(c);
		if (clock_mono() >= end && left > 1) {
			has_more = true;
			break;
		}
	}
	if (has_more) /* the loop comes round at once */
		event_active(s->ev, 0, 0);
}

struct client *
control_find_act(struct client *asking, uint32_t act)
{
	struct client *c;

	for (int k = 0; k < CONTROL_KINDS; k++)
		TAILQ_FOREACH (c, &asking->server->clients[k], link)
			if (c != asking && c->step != NULL && act != 0 &&
			    c->act_number == act && !c->is_dry)
				return c;
	return NULL;
}

static struct client *
find_key(struct control_server *s, uint32_t key)
{
	struct client *c;

	for (int k = 0; k < CONTROL_KINDS; k++)
		TAILQ_FOREACH (c, &s->clients[k], link)
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
