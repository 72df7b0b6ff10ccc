/*
 * How a session begins: who the client is, whether it may come in, the
 * greeting in its time.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "access.h"
#include "clock.h"
#include "session.h"

static void
greet(struct session *s)
{
	struct buf *b = conn_out(s->conn);

	buf_adds(b, "220 ");
	buf_adds(b, session_conf(s)->HostName);
	buf_addc(b, ' ');
	buf_adds(b, session_conf(s)->Banner);
	buf_adds(b, "\r\n");
	conn_flush(s->conn);
}

static enum listener_kind
kind_of(const char *word)
{
	static const char *const words[] = { "smtp", "lmtp", "submission",
		"local" };

	for (int k = 0; k < 4; k++)
		if (strcmp(word, words[k]) == 0)
			return (enum listener_kind)k;
	return KIND_SMTP;
}

/* Who it is: address and port, or the user behind a Unix socket. */
static void
identify(struct session *s, int fd, const union sockaddr_any *from)
{
	struct ucred cr;
	socklen_t n = sizeof(cr);

	if (from->sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &from->in.sin_addr, s->ip, sizeof(s->ip));
		s->port = ntohs(from->in.sin_port);
	} else if (from->sa.sa_family == AF_INET6) {
		const struct in6_addr *a = &from->in6.sin6_addr;

		if (IN6_IS_ADDR_V4MAPPED(a))
			inet_ntop(
			    AF_INET, a->s6_addr + 12, s->ip, sizeof(s->ip));
		else
			inet_ntop(AF_INET6, a, s->ip, sizeof(s->ip));
		s->port = ntohs(from->in6.sin6_port);
	} else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cr, &n) == 0) {
		s->uid = cr.uid;
	} else {
		s->uid = (uint32_t)-1; /* nobody */
	}
}

bool
session_is_ours(const struct session *s, const char *ip)
{
	union sockaddr_any u = { .sa.sa_family = AF_UNSPEC };
	socklen_t n = sizeof(u);
	char own[46] = "";

	if (getsockname(conn_fd(s->conn), &u.sa, &n) < 0)
		return false;
	if (u.sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &u.in.sin_addr, own, sizeof(own));
	else if (u.sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &u.in6.sin6_addr, own, sizeof(own));
	return own[0] != '\0' && strcmp(own, ip) == 0;
}

/* Open now in all processes: each sees the others' gauges. */
static uint64_t
open_in_all(const struct smtpd *d)
{
	return d->proc->stats ? stat_sum(d->proc->stats, ST_CONN_IN_OPEN)
			      : d->sessions_n;
}

/* Root's mail always gets in, or that of who started us without root. */
static bool
is_postmaster(const struct session *s)
{
	return s->class == CLASS_LOCAL &&
	    (s->uid == 0 ||
		(!s->smtpd->proc->is_root && s->uid == (uint32_t)geteuid()));
}

/* Too many in all, or of this client. */
static const char *
too_many(const struct session *s)
{
	const struct conf *c = session_conf(s);
	const struct smtpd *d = s->smtpd;
	int processes = d->proc->smtpds ? d->proc->smtpds : 1;

	if (is_postmaster(s))
		return NULL;
	if (s->client != NULL &&
	    s->client->n > access_limit(c, s->class, processes))
		return s->class == CLASS_LOCAL
		    ? "4.7.0 Too many connections of your user"
		    : "4.7.0 Too many connections from your address";
	if (open_in_all(d) >= (uint64_t)c->MaxSessions &&
	    d->class_n[s->class] >= access_reserve(c, processes))
		return "4.7.0 Too many connections, try again later";
	return NULL;
}

/* 421 and the end, before it costs more than that; events of a second in
 * which many are sent away are one. */
static void
turn_away(struct session *s, int fd, const char *text)
{
	int64_t now = clock_mono();
	char line[100];
	int n = snprintf(line, sizeof(line), "421 %s\r\n", text);

	send(fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	s->verb = V_BAD;
	if (now >= s->smtpd->told_refused) {
		s->smtpd->told_refused = now + US_SEC;
		session_say_reject(s, REPLY(421, text));
	} else {
		stat_add(s->smtpd->proc->slot, ST_CONN_REJECTED, 1);
	}
	access_close(s->smtpd->access, s->client);
	free(s);
}

static void
ask_name(struct session *s)
{
	if (s->ip[0] == '\0' || strncmp(s->ip, "127.", 4) == 0 ||
	    strcmp(s->ip, "::1") == 0)
		return;
	PROC_SEND(&s->smtpd->proc->remote[0], name_ask, NAME_ASK, .key = s->id,
	    .ip = slice_of(s->ip));
}

uint64_t
session_hash(const void *entry)
{
	return ((const struct session *)entry)->id *
	    UINT64_C(0x9e3779b97f4a7c15) >>
	    20;
}

bool
session_is(const void *entry, const void *id)
{
	return ((const struct session *)entry)->id == *(const uint64_t *)id;
}

struct session *
session_find(struct smtpd *d, uint64_t id)
{
	struct session probe = { .id = id };

	return map_find(&d->by_id, session_hash(&probe), &id);
}

/* Into the books of all sessions. */
static bool
enter(struct smtpd *d, struct session *s)
{
	if (map_add(&d->by_id, s) < 0)
		return false;
	LIST_INSERT_HEAD(&d->sessions, s, link);
	d->sessions_n++;
	d->class_n[s->class]++;
	stat_add(d->proc->slot, ST_CONN_IN_OPEN, 1);
	return true;
}

struct pause {
	struct smtpd *d; /* borrowed */
	uint64_t id; /* the session may be gone by then */
};

static void
on_pause_over(int fd, short what, void *arg)
{
	struct pause *p = arg;
	struct session *s = session_find(p->d, p->id);

	(void)fd;
	(void)what;
	free(p);
	if (s == NULL)
		return;
	if (conn_has_input(s->conn)) { /* who talks first is no mail server */
		s->verb = V_BAD;
		session_reply(
		    s, REPLY(554, "5.7.0 You talk before the greeting"));
		session_end(s, "limit");
		return;
	}
	greet(s);
	conn_resume(s->conn);
}

/* The greeting, at once or after GreetPause. */
static void
greet_in_time(struct session *s)
{
	int64_t us = session_conf(s)->GreetPause;
	struct timeval tv = { us / US_SEC, us % US_SEC };
	struct pause *p = NULL;

	if (us != 0 && !s->is_trusted)
		p = malloc(sizeof(*p));
	if (p != NULL) {
		*p = (struct pause){ s->smtpd, s->id };
		conn_pause(s->conn);
		if (event_base_once(s->smtpd->proc->base, -1, EV_TIMEOUT,
			on_pause_over, p, &tv) == 0)
			return;
		free(p);
		conn_resume(s->conn);
	}
	greet(s);
}

void
session_new(struct smtpd *d, int fd, const union sockaddr_any *from,
    const struct conf_listener *l)
{
	struct session *s = calloc(1, sizeof(*s));
	const char *refusal;
	char user[16];

	if (s == NULL) {
		close(fd);
		return;
	}
	*s = (struct session){ .smtpd = d,
		.listener = l,
		.kind = kind_of(l->Kind),
		.state = ST_HELO,
		.id = d->next_id++,
		.opened = clock_mono() };
	identify(s, fd, from);
	s->is_lmtp = s->kind == KIND_LMTP;
	s->is_trusted = s->kind == KIND_LOCAL ||
	    (s->ip[0] != '\0' && access_is_trusted(d->access, s->ip)) ||
	    (s->ip[0] == '\0' && s->is_lmtp);
	s->class = access_class_of(s->ip, s->is_trusted);
	snprintf(user, sizeof(user), "uid %u", s->uid);
	s->client = access_open(d->access, s->ip[0] ? s->ip : user);
	stat_add(d->proc->slot, ST_CONN_IN, 1);
	refusal = too_many(s);
	if (refusal != NULL) {
		turn_away(s, fd, refusal);
		return;
	}
	s->conn =
	    conn_new(d->proc->base, fd, &session_conn_ops, s, d->t_command);
	if (s->conn == NULL || !enter(d, s)) {
		conn_free(s->conn);
		access_close(d->access, s->client);
		free(s);
		return;
	}
	session_say_open(s);
	ask_name(s);
	greet_in_time(s);
}
