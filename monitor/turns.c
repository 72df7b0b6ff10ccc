#include "turns.h"

#include <stdlib.h>

struct turns {
	struct event *next;
	TAILQ_HEAD(, guest) guests; /* who have seats taken */
};

static void
wake(struct turns *t)
{
	static const struct timeval at_once = { 0, 0 };

	/* a timer, as what is made active now runs before the sockets */
	evtimer_add(t->next, &at_once);
}

static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	struct turns *t = arg;
	struct guest *g = TAILQ_FIRST(&t->guests);
	struct turn_seat *s;

	(void)fd;
	(void)what;
	if (g == NULL)
		return;
	s = TAILQ_FIRST(&g->seats);
	/* its others wait behind everybody else's */
	turns_leave(t, s);
	if (!TAILQ_EMPTY(&g->seats)) {
		TAILQ_REMOVE(&t->guests, g, in_turn);
		TAILQ_INSERT_TAIL(&t->guests, g, in_turn);
	}
	s->take(s->arg);
	if (!TAILQ_EMPTY(&t->guests))
		wake(t);
}

struct turns *
turns_new(struct event_base *base)
{
	struct turns *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	TAILQ_INIT(&t->guests);
	t->next = evtimer_new(base, on_next, t);
	if (t->next != NULL)
		return t;
	free(t);
	return NULL;
}

void
turns_free(struct turns *t)
{
	if (t == NULL)
		return;
	event_free(t->next);
	free(t);
}

void
turns_wait(struct turns *t, struct turn_seat *s)
{
	if (s->is_taken)
		return;
	s->is_taken = true;
	if (TAILQ_EMPTY(&s->guest->seats))
		TAILQ_INSERT_TAIL(&t->guests, s->guest, in_turn);
	TAILQ_INSERT_TAIL(&s->guest->seats, s, next);
	wake(t);
}

void
turns_leave(struct turns *t, struct turn_seat *s)
{
	if (!s->is_taken)
		return;
	s->is_taken = false;
	TAILQ_REMOVE(&s->guest->seats, s, next);
	if (TAILQ_EMPTY(&s->guest->seats))
		TAILQ_REMOVE(&t->guests, s->guest, in_turn);
}
