#include "bodies.h"

#include "sizes.h"

void
bodies_ask(struct bodies *b, struct peer *queue)
{
	if (b->is_asked || b->n == BODIES_SPARE || b->out >= BODY_FILES_MAX)
		return;
	PROC_SEND(queue, body_want, BODY_WANT, .unused = 0);
	b->is_asked = true;
}

bool
bodies_take(struct bodies *b, struct submission *s)
{
	if (b->n == 0)
		return false;
	s->body_fd = b->spare[--b->n].fd;
	s->body_file = b->spare[b->n].number;
	s->generation = b->generation;
	return true;
}

bool
bodies_is_orphan(const struct bodies *b, const struct submission *s)
{
	return s->body_fd >= 0 && s->generation != b->generation;
}

static void
let_go(struct bodies *b, struct submission *s)
{
	if (!bodies_is_orphan(b, s))
		b->out--;
	close(s->body_fd);
	s->body_fd = -1;
}

void
bodies_named(struct bodies *b, struct submission *s)
{
	if (s->body_fd >= 0)
		let_go(b, s);
}

void
bodies_drop(struct bodies *b, struct peer *queue, struct submission *s)
{
	if (s->body_fd < 0)
		return;
	if (!bodies_is_orphan(b, s)) /* else the present queue's to sweep */
		PROC_SEND(queue, body_drop, BODY_DROP, .number = s->body_file);
	let_go(b, s);
}

bool
bodies_got(struct bodies *b, struct slice payload, int fd)
{
	struct p_body_give m;

	if (!get_p_body_give(payload, &m) || b->n == BODIES_SPARE) {
		close(fd);
		return false;
	}
	b->is_asked = false;
	b->spare[b->n].fd = fd;
	b->spare[b->n++].number = m.number;
	b->out++;
	return true;
}

void
bodies_queue_down(struct bodies *b)
{
	bodies_release(b);
	b->generation++;
	b->out = 0;
	b->is_asked = false;
}

void
bodies_release(struct bodies *b)
{
	while (b->n != 0)
		close(b->spare[--b->n].fd);
}
