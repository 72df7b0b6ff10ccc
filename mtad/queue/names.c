/*
 * names: root and postmaster. Their mail is never returned; while one of them
 * has no alias that delivers it waits, and the status says so. Lookup is
 * asked at the start and each minute.
 */
#include "clock.h"
#include "queue.h"

#define EVERY (60 * US_SEC)

static const char *const names[] = { "root", "postmaster" };
enum { NAMES = sizeof(names) / sizeof(names[0]) };

void
names_second(struct queue *q)
{
	int64_t now = clock_mono();

	if (q->proc->lookup.chan == NULL || now < q->names_next)
		return;
	q->names_next = now + EVERY;
	for (uint64_t i = 0; i < NAMES; i++)
		PROC_SEND(&q->proc->lookup, expand_ask, EXPAND_ASK, .key = i,
		    .local = slice_of(names[i]),
		    .domain = slice_of(q->proc->conf->HostName));
}

void
names_answer(struct queue *q, const struct p_expand_answer *m)
{
	uint8_t bit;

	if (m->key >= NAMES || m->has_more)
		return;
	bit = (uint8_t)(1u << m->key);
	if (m->kind == EXPAND_VERDICT)
		q->names_waiting |= bit;
	else
		q->names_waiting &= (uint8_t)~bit;
}

const char *
names_waiting(const struct queue *q)
{
	static const char *const words[1 << NAMES] = { NULL, "root",
		"postmaster", "root and postmaster" };

	return words[q->names_waiting];
}
