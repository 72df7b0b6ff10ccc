#include "suspect.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "queue.h"

#define ALONE (10 * US_SEC)
#define FALLEN_MAX 20000

struct suspect {
	struct msgid id;
};

struct fell {
	struct msgid id;
};

static uint64_t
hash_suspect(const void *entry)
{
	return msgid_hash(((const struct suspect *)entry)->id);
}

static bool
is_suspect(const void *entry, const void *key)
{
	return msgid_eq(
	    ((const struct suspect *)entry)->id, *(const struct msgid *)key);
}

void
suspects_init(struct suspects *s)
{
	map_init(&s->map, hash_suspect, is_suspect);
}

void
suspects_release(struct suspects *s)
{
	struct suspect *one;
	size_t pos = 0;

	while ((one = map_next(&s->map, &pos)) != NULL)
		free(one);
	map_release(&s->map);
	for (int i = 0; i < SUSPECT_PEERS; i++)
		free(s->fallen[i].v);
}

static struct suspect *
find(const struct queue *q, struct msgid id)
{
	if (q->suspects.map.n == 0)
		return NULL;
	return map_find(&q->suspects.map, msgid_hash(id), &id);
}

static void
add(struct queue *q, struct msgid id)
{
	struct suspect *s = malloc(sizeof(*s));

	if (s == NULL)
		return;
	s->id = id;
	if (map_add(&q->suspects.map, s) < 0)
		free(s);
}

static void
clear(struct queue *q, struct suspect *s)
{
	map_del(&q->suspects.map, s);
	free(s);
}

bool
suspect_may(const struct queue *q, const struct job *j)
{
	return find(q, j->msg->id) == NULL || q->suspects.running == 0 ||
	    clock_mono() - q->suspects.last_start > ALONE;
}

void
suspect_started(struct queue *q, struct attempt *a)
{
	a->is_suspect = find(q, a->msg->id) != NULL;
	if (!a->is_suspect)
		return;
	q->suspects.running++;
	q->suspects.last_start = clock_mono();
}

/* Answered: whatever it was, it was not this one. */
void
suspect_ended(struct queue *q, struct attempt *a, bool is_answered)
{
	struct suspect *s = find(q, a->msg->id);

	if (!a->is_suspect)
		return;
	q->suspects.running--;
	if (is_answered && s != NULL)
		clear(q, s);
}

static struct fallen *
fallen_of(struct queue *q, const struct peer *p)
{
	if (p->role == R_LOOKUP)
		return &q->suspects.fallen[SUSPECT_PEERS - 1];
	return &q->suspects.fallen[handover_slot(p)];
}

void
suspect_fell(struct queue *q, const struct attempt *a, const struct peer *p)
{
	struct fallen *f = fallen_of(q, p);
	struct fell *v;

	if (f->n == FALLEN_MAX)
		return;
	v = realloc(f->v, (f->n + 1) * sizeof(*v));
	if (v == NULL)
		return;
	f->v = v;
	v[f->n++] = (struct fell){ a->msg->id };
}

static void
set_aside(struct queue *q, struct msg *m, const struct peer *p)
{
	char why[100], id[MSGID_TEXT + 1];

	snprintf(why, sizeof(why), "%s ended twice while it had it",
	    proto_role_name(p->role));
	msgid_text(m->id, id);
	log_warn("message %s is set aside: %s", id, why);
	act_set_aside(q, m, why);
}

void
suspect_judge(struct queue *q, const struct peer *p)
{
	struct fallen *f = fallen_of(q, p);

	for (uint32_t i = 0; p->has_crashed && i < f->n; i++) {
		struct msg *m = index_find(&q->index, f->v[i].id);
		struct suspect *s = find(q, f->v[i].id);

		if (m == NULL || m->open == 0)
			continue;
		if (s == NULL) {
			add(q, m->id);
			continue;
		}
		clear(q, s);
		set_aside(q, m, p);
	}
	free(f->v);
	f->v = NULL;
	f->n = 0;
}
