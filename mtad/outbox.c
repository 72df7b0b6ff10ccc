#include "outbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "log.h"

struct kept {
	uint64_t serial;
	enum proto_type type;
	size_t n;
	char bytes[];
};

static uint64_t
hash_serial(uint64_t serial)
{
	serial *= UINT64_C(0x9e3779b97f4a7c15);
	return serial ^ serial >> 32;
}

static uint64_t
hash_kept(const void *entry)
{
	return hash_serial(((const struct kept *)entry)->serial);
}

static bool
is_kept(const void *entry, const void *key)
{
	return ((const struct kept *)entry)->serial == *(const uint64_t *)key;
}

/* The first serial is drawn: an answer that was meant for the process that
 * died before this one must fit none of ours. */
void
outbox_init(struct outbox *o)
{
	map_init(&o->kept, hash_kept, is_kept);
	if (getrandom(&o->next_serial, sizeof(o->next_serial), 0) < 0)
		o->next_serial = (uint64_t)clock_wall();
	o->next_serial >>= 1; /* room to rise in */
}

static void
send_one(struct peer *queue, const struct kept *k)
{
	if (queue->chan == NULL)
		return;
	buf_add(chan_begin(queue->chan, (uint16_t)k->type), k->bytes, k->n);
	chan_end(queue->chan, -1);
}

/* Takes the frame's bytes. */
static void
keep(struct outbox *o, struct peer *queue, enum proto_type type, struct buf *b)
{
	struct kept *k = b->bad ? NULL : malloc(sizeof(*k) + b->len);

	if (k == NULL)
		fatal("no memory for an outcome");
	k->serial = o->next_serial++;
	k->type = type;
	k->n = b->len;
	memcpy(k->bytes, b->data, b->len);
	buf_release(b);
	if (map_add(&o->kept, k) < 0)
		fatal("no memory for an outcome");
	send_one(queue, k);
}

void
outbox_put(struct outbox *o, struct peer *queue, struct p_result *m)
{
	struct buf b;

	buf_init(&b, CHAN_FRAME_MAX);
	m->serial = o->next_serial;
	put_p_result(&b, m);
	keep(o, queue, P_RESULT, &b);
}

void
outbox_put_forward(struct outbox *o, struct peer *queue, struct p_forward *m)
{
	struct buf b;

	buf_init(&b, CHAN_FRAME_MAX);
	m->serial = o->next_serial;
	put_p_forward(&b, m);
	keep(o, queue, P_FORWARD, &b);
}

void
outbox_ack(struct outbox *o, uint64_t serial)
{
	struct kept *k = map_find(&o->kept, hash_serial(serial), &serial);

	if (k == NULL)
		return;
	map_del(&o->kept, k);
	free(k);
}

void
outbox_resend(const struct outbox *o, struct peer *queue)
{
	struct kept *k;
	size_t pos = 0;

	while ((k = map_next(&o->kept, &pos)) != NULL)
		send_one(queue, k);
}

size_t
outbox_count(const struct outbox *o)
{
	return o->kept.n;
}
