#include "submission.h"

#include <stdlib.h>
#include <unistd.h>

#include "crc32c.h"
#include "file.h"
#include "record.h"
#include "sizes.h"

struct submission *
submission_new(void)
{
	struct submission *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->body_fd = -1;
	buf_init(&s->rcpts, ENVELOPE_MAX - SUBMISSION_REST);
	buf_init(&s->body, CONTENT_MAX - SUBMISSION_REST);
	buf_init(&s->env_bytes, ENVELOPE_MAX);
	buf_init(&s->env_message_id, 1024);
	buf_init(&s->kept, 16384);
	buf_init(&s->trace, 4096);
	return s;
}

void
submission_free(struct submission *s)
{
	if (s == NULL)
		return;
	if (s->body_fd >= 0)
		close(s->body_fd);
	buf_release(&s->rcpts);
	buf_release(&s->body);
	buf_release(&s->env_bytes);
	submission_count(s);
	buf_release(&s->env_message_id);
	buf_release(&s->kept);
	buf_release(&s->trace);
	free(s);
}

void
submission_count(struct submission *s)
{
	size_t rcpts = s->rcpts.len + s->env_bytes.len;

	if (s->body_bytes == NULL)
		return;
	*s->body_bytes += s->body.len - s->body_counted;
	*s->rcpt_bytes += rcpts - s->rcpt_counted;
	s->body_counted = s->body.len;
	s->rcpt_counted = rcpts;
}

int
submission_spill(struct submission *s)
{
	int rc = file_write_all(s->body_fd, s->body.data, s->body.len);

	if (rc < 0)
		return rc;
	s->env.body_crc = crc32c(s->env.body_crc, s->body.data, s->body.len);
	buf_clear(&s->body);
	submission_count(s);
	return 0;
}

/* The head first: its bytes are known only with the id, and the envelope
 * names their number. What does not fit leaves no trace in b: it harms none
 * of those that are written with it. */
bool
submission_put(struct submission *s, uint64_t salt, struct buf *b)
{
	static const unsigned char zero[RECORD_HEAD];
	size_t from = b->len;
	struct record_head h = {
		.id = s->id, .body_file = s->body_file, .is_first = from == 0
	};
	struct buf head;
	bool is_whole;

	buf_init(&head, SUBMISSION_REST);
	if (s->head != NULL)
		s->head(s, s->id, &head);
	s->env.rcpts = buf_slice(&s->rcpts);
	put_p_envelope(&s->env_bytes, &s->env);
	buf_add(b, zero, RECORD_HEAD);
	buf_add_slice(b, buf_slice(&s->env_bytes));
	buf_add_slice(b, buf_slice(&head));
	buf_add_slice(b, buf_slice(&s->body));
	h.envelope = (uint32_t)s->env_bytes.len;
	h.payload = (uint32_t)(b->len - from - RECORD_HEAD);
	while ((b->len - from) % RECORD_ALIGN != 0 && !b->bad)
		buf_addc(b, '\0');
	is_whole = !head.bad && !s->rcpts.bad && !s->env_bytes.bad &&
	    !s->body.bad && !b->bad;
	if (is_whole) {
		h.payload_crc =
		    crc32c(0, b->data + from + RECORD_HEAD, h.payload);
		record_head_put((unsigned char *)b->data + from, salt, &h);
	} else {
		b->len = from;
		b->bad = false;
	}
	buf_release(&head);
	buf_release(&s->body);
	buf_release(&s->rcpts);
	submission_count(s);
	return is_whole;
}
