/*
 * verdict: the answer to "what became of it", in SMTP's terms.
 *
 * 2yz done, 4yz not now, 5yz never (RFC 5321 section 4.2.1), with an
 * enhanced status code (RFC 3463), the words, and a reason class of
 * event.def. The texts are borrowed from whoever made the verdict.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>

#include "event.h"
#include "slice.h"
#include "wire.h"

struct verdict {
	int code; /* 0: none yet */
	enum reason reason;
	struct slice enhanced; /* "5.1.1"; empty: the server gave none */
	struct slice text;
};

#define VERDICT(code_, enh_, reason_, text_)                                   \
	((struct verdict){ .code = (code_),                                    \
	    .reason = (reason_),                                               \
	    .enhanced = SLICE(enh_),                                           \
	    .text = SLICE(text_) })

static inline bool
verdict_is_ok(const struct verdict *v)
{
	return v->code / 100 == 2;
}

static inline bool
verdict_is_temp(const struct verdict *v)
{
	return v->code / 100 == 4;
}

static inline bool
verdict_is_perm(const struct verdict *v)
{
	return v->code / 100 == 5;
}

void put_verdict(struct buf *, const struct verdict *);
struct verdict get_verdict(struct rd *);
/* "5.1.1 " at the start of a reply's text: class equals code/100.
 * Cuts it off *text. */
bool verdict_cut_enhanced(int code, struct slice *text, struct slice *ret);

#endif
