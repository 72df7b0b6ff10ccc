#include "relay.h"

#include <string.h>

#include "evlog.h"
#include "queue.h"

/* What processes of strangers, of names and of mailboxes have to tell. */
static const enum event_type theirs[] = { EV_CONN_OPEN, EV_CONN_REJECT,
	EV_CONN_CLOSE, EV_DNS_FAIL, EV_SYS_START, EV_SYS_STOP, EV_SYS_RELOAD,
	EV_SYS_RESOURCE, EV_SYS_DENIED, EV_SPOOL_ERROR, EV_LOG_GAP };

static struct relay_writer *
writer_of(struct queue *q, const struct peer *p)
{
	switch (p->role) {
	case R_LOCAL:
		return &q->relay.writer[0];
	case R_LOOKUP:
		return &q->relay.writer[1];
	case R_SMTPD:
		return &q->relay.writer[2 + p->index];
	default:
		return &q->relay.writer[2 + PROC_MAX + p->index];
	}
}

void
relay_greet(struct queue *q, const struct peer *p)
{
	if (p->role != R_PARENT)
		*writer_of(q, p) = (struct relay_writer){ .is_known = false };
}

/* Cuts text off *s when it begins with it. */
static bool
take(struct slice *s, const char *text)
{
	size_t n = strlen(text);

	if (s->n < n || memcmp(s->p, text, n) != 0)
		return false;
	*s = slice_sub(*s, n, s->n);
	return true;
}

/* Up to the next quotation mark, which goes too. */
static struct slice
take_text(struct slice *s)
{
	size_t n = slice_find(*s, '"');
	struct slice text = slice_sub(*s, 0, n);

	*s = slice_sub(*s, n + 1, s->n);
	return text;
}

static bool
take_number(struct slice *s, uint64_t *ret)
{
	size_t n = 0;
	struct slice digits;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	digits = slice_sub(*s, 0, n);
	*s = slice_sub(*s, n, s->n);
	return slice_u64(digits, UINT64_MAX - 1, ret);
}

static bool
is_theirs(struct slice name)
{
	for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
		if (slice_eq(name, slice_of(event_info(theirs[i])->name)))
			return true;
	return false;
}

/* The boot of a process that began to speak is its name for good, and nobody
 * else's. */
static bool
is_own_boot(struct queue *q, struct relay_writer *w, struct slice boot)
{
	if (boot.n != sizeof(w->boot))
		return false;
	if (w->is_known)
		return memcmp(w->boot, boot.p, boot.n) == 0;
	if (slice_eq(boot, slice_of(q->proc->slot->boot)))
		return false;
	for (int i = 0; i < RELAY_WRITERS; i++)
		if (q->relay.writer[i].is_known &&
		    memcmp(q->relay.writer[i].boot, boot.p, boot.n) == 0)
			return false;
	memcpy(w->boot, boot.p, boot.n);
	w->is_known = true;
	return true;
}

/* As evlog.c puts a line together, up to the writer's name. */
static bool
is_own_line(struct queue *q, const struct peer *p, struct relay_writer *w,
    struct slice line)
{
	uint64_t mono, seq;

	if (!take(&line, "{\"v\":1,\"event\":\"") ||
	    !is_theirs(take_text(&line)) || !take(&line, ",\"time\":\""))
		return false;
	take_text(&line);
	if (!take(&line, ",\"mono_us\":") || !take_number(&line, &mono) ||
	    !take(&line, ",\"node\":\"") ||
	    !slice_eq(take_text(&line), slice_of(q->proc->conf->HostName)) ||
	    !take(&line, ",\"instance\":\"mtad\",\"boot\":\"") ||
	    !is_own_boot(q, w, take_text(&line)) || !take(&line, ",\"seq\":") ||
	    !take_number(&line, &seq) || seq <= w->seq ||
	    !take(&line, ",\"prog\":\"") ||
	    !slice_eq(take_text(&line), slice_of(proto_role_name(p->role))) ||
	    line.n == 0 || line.p[line.n - 1] != '}')
		return false;
	w->seq = seq;
	return true;
}

static bool
are_own_lines(struct queue *q, const struct peer *p, struct relay_writer *w,
    struct slice lines)
{
	struct slice line;

	if (lines.n == 0 || lines.p[lines.n - 1] != '\n')
		return false;
	while (lines.n != 0 && slice_next(&lines, '\n', &line))
		if (!is_own_line(q, p, w, line))
			return false;
	return true;
}

/* No room, as the event disk is full: it keeps them, counts what it has no
 * room for, and hears when they may come again. */
bool
relay_take(struct queue *q, struct peer *p, struct slice payload)
{
	struct relay_writer *w = writer_of(q, p);
	uint64_t before = w->seq;
	struct p_events m;

	if (!get_p_events(payload, &m) || w->owed != 0 || w->is_refused ||
	    m.batch == 0 || !are_own_lines(q, p, w, m.lines))
		return false;
	q->relay_owes = true;
	if (evlog_relay(q->proc->log, m.lines)) {
		w->owed = m.batch;
	} else {
		w->is_refused = true;
		w->seq = before;
	}
	return true;
}

static void
settle(struct queue *q, struct peer *p)
{
	struct relay_writer *w = writer_of(q, p);

	if (w->owed == 0 && !w->is_refused)
		return;
	PROC_SEND(p, events_ok, EVENTS_OK, .batch = w->owed);
	w->owed = 0;
	w->is_refused = false;
}

void
relay_turn(struct queue *q)
{
	struct proc *p = q->proc;

	if (!q->relay_owes)
		return;
	evlog_flush(p->log);
	if (!evlog_is_flushed(p->log))
		return;
	q->relay_owes = false;
	settle(q, &p->local);
	settle(q, &p->lookup);
	for (int i = 0; i < PROC_MAX; i++) {
		settle(q, &p->smtpd[i]);
		settle(q, &p->remote[i]);
	}
}
