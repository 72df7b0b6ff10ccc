#include "transfer.h"

#include <stdlib.h>
#include <unistd.h>

const char *const transfer_states[RS_STATES] = { "open", "open", "failed",
	"delivered", "bounced", "deleted", "expanded" };
const char *const transfer_kinds[TARGET_COUNT] = { "address", "user", "mailbox",
	"virtual", "program", "file", "self" };

void
transfer_free(struct transfer *t)
{
	if (t == NULL)
		return;
	if (t->fd >= 0)
		close(t->fd);
	if (t->body_file != 0) /* no record came to name it */
		segments_drop_body(&t->q->segments, t->body_file);
	json_decref(t->json);
	buf_release(&t->rcpts);
	buf_release(&t->state);
	buf_release(&t->content);
	free(t->piece);
	free(t);
}

struct transfer *
transfer_new(struct client *c)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->q = c->q;
	t->fd = -1;
	buf_init(&t->rcpts, (size_t)32 << 20);
	buf_init(&t->state, (size_t)64 << 20);
	buf_init(&t->content, TRANSFER_PIECE);
	t->piece = malloc(TRANSFER_PIECE);
	if (t->piece == NULL) {
		transfer_free(t);
		return NULL;
	}
	transfer_free(c->transfer);
	c->transfer = t;
	return t;
}

void
transfer_over(struct client *c)
{
	transfer_free(c->transfer);
	c->transfer = NULL;
}
