#include "budget.h"

bool
budget_allows(size_t all, size_t client, size_t own)
{
	return own < RCPTS_FREE || all < RCPTS_MAX / 2 ||
	    (all < RCPTS_MAX && client < RCPTS_MAX / 16);
}

void
budget_count(struct session *s, size_t own)
{
	struct txn *t = s->txn;

	if (s->client != NULL)
		s->client->rcpt_bytes += own - t->rcpt_bytes;
	t->rcpt_bytes = own;
}

static size_t
buffered(const struct session *s)
{
	return (size_t)(conn_bytes_in(s->conn) - s->taken) +
	    conn_out(s->conn)->len;
}

void
budget_trim(struct smtpd *d, size_t max)
{
	struct session *s, *next;
	size_t all = 0, share;

	LIST_FOREACH (s, &d->sessions, link)
		all += buffered(s);
	if (all <= max)
		return;
	share = max / d->sessions_n;
	for (s = LIST_FIRST(&d->sessions); s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		if (buffered(s) <= share)
			continue;
		session_put(s, REPLY(421, "4.3.1 You hold too much memory"));
		session_end(s, "limit");
	}
}
