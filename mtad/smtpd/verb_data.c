/*
 * DATA and BDAT: RFC 5321 section 4.1.1.4, RFC 3030; what becomes of the
 * bytes, and the end of a message.
 */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "session.h"

static void
begin(struct session *s, bool is_dotted)
{
	const struct conf *c = session_conf(s);
	struct body *b = &s->txn->body;

	body_init(b, is_dotted);
	b->is_normal = strcmp(c->BareNewlines, "normalize") == 0;
	b->max_line = (size_t)c->MaxTextLine;
	b->max_header = (size_t)c->MaxHeadersLength;
	b->max_hops = (unsigned)c->MaxHopCount;
	conn_timeout(s->conn, s->smtpd->t_block);
}

struct reply
verb_data(struct session *s, struct slice args)
{
	if (args.n != 0)
		return REPLY(501, "5.5.4 DATA takes nothing");
	if (s->txn->sub->env.rcpt_n == 0)
		return REPLY(503, "5.5.1 No valid recipients");
	begin(s, true);
	return REPLY(354, "End the message with a dot on a line of its own");
}

/* "n" or "n LAST". */
static bool
parse_chunk(struct slice args, uint64_t *ret_n, bool *ret_is_last)
{
	struct slice number;

	if (!slice_next(&args, ' ', &number) ||
	    !slice_u64(number, UINT64_MAX / 2, ret_n))
		return false;
	args = slice_trim(args);
	*ret_is_last = args.n != 0;
	return args.n == 0 || slice_ieq(args, SLICE("LAST"));
}

/* Where the chunk ends is not known: nothing behind it can be trusted. */
static struct reply
lost_count(struct session *s)
{
	session_reply(s, REPLY(501, "5.5.4 BDAT size [LAST]; closing"));
	s->state = s->after = ST_CLOSED;
	return REPLY_LATER;
}

/* Whatever becomes of it, the bytes that follow are no commands (RFC 3030
 * section 4.2). */
struct reply
bdat_refused(struct session *s, struct slice args, struct reply r)
{
	bool is_last;

	if (!parse_chunk(args, &s->chunk_left, &is_last))
		return lost_count(s);
	if (s->chunk_left != 0) {
		s->skip_to = s->state;
		s->state = ST_SKIP;
	}
	return r;
}

struct reply
verb_bdat(struct session *s, struct slice args)
{
	if (!parse_chunk(args, &s->chunk_left, &s->txn->is_last_chunk))
		return lost_count(s);
	if (s->state == ST_RCPT)
		begin(s, false);
	conn_timeout(s->conn, s->smtpd->t_block);
	s->state = ST_CHUNK;
	if (s->chunk_left == 0)
		data_chunk_over(s);
	return REPLY_LATER;
}

void
data_chunk_over(struct session *s)
{
	struct txn *t = s->txn;

	if (t->is_last_chunk) {
		if (!t->is_refused) {
			body_finish(&t->body, &t->sub->body);
			message_look(s);
		}
		message_end(s);
		return;
	}
	s->state = ST_BDAT;
	conn_timeout(s->conn, s->smtpd->t_command);
	session_reply(s,
	    t->is_refused ? REPLY(atoi(t->refusal), t->refusal + 4)
			  : REPLY(250, "2.0.0 Chunk ok"));
}

/* A refused message is read to its true end, into nothing. */
static size_t
feed(struct session *s, struct slice in, bool *ret_end)
{
	struct txn *t = s->txn;
	struct buf drop, *to = &t->sub->body;
	size_t n;

	if (!t->is_refused) {
		buf_room(to, in.n);
		n = body_feed(&t->body, in, to, ret_end);
		message_look(s);
		return n;
	}
	buf_init(&drop, (size_t)1 << 30);
	n = body_feed(&t->body, in, &drop, ret_end);
	buf_release(&drop);
	return n;
}

/* The bytes of a chunk that was refused before it came. */
static size_t
skip(struct session *s, size_t n)
{
	if (n > s->chunk_left)
		n = (size_t)s->chunk_left;
	s->chunk_left -= n;
	if (s->chunk_left == 0)
		s->state = s->skip_to;
	return n;
}

size_t
data_input(struct session *s, struct slice in)
{
	bool is_end;
	size_t n;

	if (s->state == ST_SKIP)
		return skip(s, in.n);
	if (s->state == ST_CHUNK && in.n > s->chunk_left)
		in.n = (size_t)s->chunk_left;
	n = feed(s, in, &is_end);
	if (s->state == ST_CHUNK) {
		s->chunk_left -= n;
		if (s->chunk_left == 0)
			data_chunk_over(s);
	} else if (is_end) {
		message_end(s);
	}
	return n;
}
