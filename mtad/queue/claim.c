#include "claim.h"

#include "addr.h"
#include "answered.h"
#include "record.h"
#include "segment.h"
#include "sizes.h"

#define RCPTS_MAX 20000 /* of MaxRecipientsPerMessage, at most */
#define ORCPT_MAX 1024

static bool
is_domain(struct slice s)
{
	char ip[64];

	return s.n == 0 || addr_domain_ok(s, true) || addr_literal(s, ip);
}

static bool
is_address(struct slice s)
{
	size_t at = slice_rfind(s, '@');

	return s.n <= ADDR_PATH_MAX && answered_is_text(s) &&
	    is_domain(slice_sub(s, at + 1, s.n));
}

static bool
are_rcpts(const struct p_envelope *e)
{
	struct rd r = rd_of(e->rcpts);
	struct p_env_rcpt one;
	uint32_t n = 0;

	for (; !rd_end(&r); n++)
		if (!get_p_env_rcpt(&r, &one) || one.addr.n == 0 ||
		    !is_address(one.addr) || one.orcpt.n > ORCPT_MAX ||
		    !answered_is_text(one.orcpt))
			return false;
	return n != 0 && n == e->rcpt_n && n <= RCPTS_MAX;
}

bool
claim_is_clients(const struct p_envelope *e)
{
	const uint32_t theirs = ENV_8BIT | ENV_UTF8;

	return e->about.n == 0 && e->state.n == 0 && !(e->flags & ~theirs) &&
	    e->ret <= RET_HDRS && is_address(e->sender) &&
	    answered_is_text(e->envid) && e->rcpts.n <= ENVELOPE_MAX &&
	    are_rcpts(e);
}

bool
claim_is_next(
    const struct segment *s, uint64_t segment_size, const struct p_msg_new *m)
{
	return s->bad_from == 0 && m->id.tag == s->tag &&
	    m->id.rec >= s->records && m->id.rec <= MSGID_REC_MAX &&
	    m->offset >= s->announced && m->offset % RECORD_ALIGN == 0 &&
	    m->offset <= segment_size && m->length <= RECORD_MAX &&
	    m->length >= record_size(m->envelope.n);
}
