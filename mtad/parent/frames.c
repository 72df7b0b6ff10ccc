/*
 * frames: what children say to the parent, who believes none of them: what a
 * frame asks for is theirs to ask for, or they end.
 */
#include <signal.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "join.h"
#include "parent.h"

void
child_renew_syslog(struct child *c)
{
	enum sysout_kind kind;
	int fd;

	if (c->syslog_at != 0 && clock_mono() - c->syslog_at < US_SEC)
		return; /* it asks again with its next sentence */
	c->syslog_at = clock_mono();
	fd = setup_syslog(c->parent, &kind);
	if (fd >= 0)
		CHILD_SEND(c, syslog, SYSLOG, fd, .kind = (uint8_t)kind);
}

/* Only what the configuration names as a mailer's Path. */
static bool
unix_want(struct child *c, struct slice payload)
{
	struct p_unix_want m;
	int fd;

	if (!get_p_unix_want(payload, &m))
		return false;
	fd = setup_mailer(c->parent, m.path);
	CHILD_SEND(c, unix_give, UNIX_GIVE, fd < 0 ? -1 : fd, .key = m.key,
	    .error = fd < 0 ? (uint32_t)-fd : 0);
	return true;
}

static bool
ready(struct child *c)
{
	if (c->is_running)
		return false;
	CHILD_SEND(c, go, GO, -1, .unused = 0);
	c->is_running = true;
	return true;
}

static bool
reloaded(struct child *c, struct slice payload)
{
	struct p_reloaded m;

	if (!get_p_reloaded(payload, &m) || c->reloads_due == 0)
		return false;
	c->reloads_due--;
	reload_answered(c->parent, c, m.ok);
	return true;
}

static bool
handle(struct child *c, uint16_t type, struct slice payload, int fd)
{
	struct parent *p = c->parent;
	struct p_order order;
	struct p_evlog evlog;

	switch (type) {
	case P_READY:
		return ready(c);
	case P_SYSLOG_WANT:
		child_renew_syslog(c);
		return true;
	case P_RELOADED:
		return reloaded(c, payload);
	case P_PEER_LOST:
		return join_lost(c, payload);
	case P_EVLOG:
		if (!get_p_evlog(payload, &evlog))
			return false;
		evlog_file(p->log, fd);
		CHILD_SEND(c, evlog_ok, EVLOG_OK, -1, .number = evlog.number);
		return true;
	case P_UNIX_WANT:
		return unix_want(c, payload);
	case P_ORDER:
		if (!get_p_order(payload, &order))
			return false;
		parent_order(p, order.key, (enum proto_order)order.what);
		return true;
	default:
		return false;
	}
}

static int
child_frame(
    void *arg, struct chan *ch, uint16_t type, struct slice payload, int fd)
{
	struct child *c = arg;

	(void)ch;
	if (!proto_permits(type, c->role, R_PARENT, c->is_running, fd >= 0) ||
	    !handle(c, type, payload, fd)) {
		child_outlaw(c, "sent a bad", proto_name(type));
		if (fd >= 0)
			close(fd);
		return -EPROTO;
	}
	if (c->chan != NULL)
		chan_flush(c->chan);
	return 0;
}

static void
end_now(int fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (c->chan == NULL && c->pid > 0)
		kill(c->pid, SIGKILL);
}

/* Its end comes with SIGCHLD, and a moment for it, so that what is told is
 * how it ended. One that broke the rules is made to end. */
static void
child_gone(void *arg, struct chan *ch)
{
	const struct timeval moment = { 1, 0 };
	struct child *c = arg;

	if (chan_is_breached(ch))
		child_outlaw(c, "sent", "what is no frame");
	chan_free(ch);
	c->chan = NULL;
	if (c->is_outlaw ||
	    event_base_once(
		c->parent->base, -1, EV_TIMEOUT, end_now, c, &moment) < 0)
		end_now(-1, 0, c);
}

static size_t
child_most(void *arg, uint16_t type)
{
	return proto_most(type, ((const struct child *)arg)->role);
}

const struct chan_ops child_chan_ops = { child_frame, child_gone, child_most };
