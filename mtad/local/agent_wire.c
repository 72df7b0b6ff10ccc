#include <stdio.h>

#include "agent.h"

void
put_agent_job(struct buf *b, const struct agent_job *j)
{
	put_u64(b, j->tag);
	put_u8(b, j->kind);
	put_str(b, j->sender);
	put_str(b, j->rcpt);
	put_str(b, j->path);
	put_u64(b, j->rest);
	put_str(b, j->head);
}

bool
get_agent_job(struct slice s, struct agent_job *j)
{
	struct rd r = rd_of(s);

	j->tag = get_u64(&r);
	j->kind = get_u8(&r);
	j->sender = get_str(&r);
	j->rcpt = get_str(&r);
	j->path = get_str(&r);
	j->rest = get_u64(&r);
	j->head = get_str(&r);
	return !r.bad && r.p == r.end;
}

void
put_agent_answer(struct buf *b, const struct agent_answer *a)
{
	put_u64(b, a->tag);
	put_u8(b, a->is_forward);
	put_u8(b, a->keeps);
	put_u16(b, (uint16_t)a->result.code);
	put_u8(b, (uint8_t)a->result.reason);
	put_str(b, slice_of(a->result.enhanced));
	put_str(b, slice_of(a->result.text));
	put_str(b, slice_of(a->result.fs));
	put_u64(b, a->result.fs_bytes);
	put_u64(b, a->result.fs_inodes);
	put_str(b, a->targets);
}

bool
get_agent_answer(struct slice s, struct agent_answer *a)
{
	struct rd r = rd_of(s);
	struct slice enhanced, text, fs;

	a->tag = get_u64(&r);
	a->is_forward = get_u8(&r);
	a->keeps = get_u8(&r);
	a->result.code = get_u16(&r);
	a->result.reason = (enum reason)get_u8(&r);
	enhanced = get_str(&r);
	text = get_str(&r);
	fs = get_str(&r);
	a->result.fs_bytes = get_u64(&r);
	a->result.fs_inodes = get_u64(&r);
	a->targets = get_str(&r);
	snprintf(a->result.enhanced, sizeof(a->result.enhanced), "%.*s",
	    SLICE_ARG(enhanced));
	snprintf(
	    a->result.text, sizeof(a->result.text), "%.*s", SLICE_ARG(text));
	snprintf(a->result.fs, sizeof(a->result.fs), "%.*s", SLICE_ARG(fs));
	return !r.bad && r.p == r.end && a->result.reason < RC_COUNT;
}
