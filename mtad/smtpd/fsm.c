#include "fsm.h"

#include <stddef.h>

static const char *const verbs[V_COUNT] = {
	[V_HELO] = "HELO",
	[V_EHLO] = "EHLO",
	[V_LHLO] = "LHLO",
	[V_MAIL] = "MAIL",
	[V_RCPT] = "RCPT",
	[V_DATA] = "DATA",
	[V_BDAT] = "BDAT",
	[V_RSET] = "RSET",
	[V_NOOP] = "NOOP",
	[V_QUIT] = "QUIT",
	[V_HELP] = "HELP",
	[V_VRFY] = "VRFY",
	[V_EXPN] = "EXPN",
	[V_BAD] = "",
};

/* clang-format off */
#define GO(s)	{ s, 0, NULL }
#define NO(s, text) { s, 503, "5.5.1 " text }
#define HELLO_FIRST(s)	NO(s, "Say EHLO first")
#define MAIL_FIRST(s)	NO(s, "MAIL comes first")
#define EVERYWHERE(here, idle) \
	[V_HELO] = GO(ST_READY), [V_EHLO] = GO(ST_READY), \
	[V_LHLO] = GO(ST_READY), [V_RSET] = GO(idle), [V_NOOP] = GO(here), \
	[V_QUIT] = GO(ST_CLOSED), [V_HELP] = GO(here), \
	[V_VRFY] = GO(here), [V_EXPN] = GO(here), \
	[V_BAD] = { here, 500, "5.5.2 Command not recognized" }

/* The whole protocol order on one screen: rows are states, columns verbs. */
static const struct smtp_step table[ST_STATES][V_COUNT] = {
	[ST_HELO] = {
		[V_MAIL] = HELLO_FIRST(ST_HELO), [V_RCPT] = HELLO_FIRST(ST_HELO),
		[V_DATA] = HELLO_FIRST(ST_HELO), [V_BDAT] = HELLO_FIRST(ST_HELO),
		EVERYWHERE(ST_HELO, ST_HELO),
	},
	[ST_READY] = {
		[V_MAIL] = GO(ST_MAIL),		 [V_RCPT] = MAIL_FIRST(ST_READY),
		[V_DATA] = MAIL_FIRST(ST_READY), [V_BDAT] = MAIL_FIRST(ST_READY),
		EVERYWHERE(ST_READY, ST_READY),
	},
	[ST_MAIL] = {
		[V_MAIL] = NO(ST_MAIL, "There is a sender already"),
		[V_RCPT] = GO(ST_RCPT),
		[V_DATA] = NO(ST_MAIL, "No valid recipients"),
		[V_BDAT] = NO(ST_MAIL, "No valid recipients"),
		EVERYWHERE(ST_MAIL, ST_READY),
	},
	[ST_RCPT] = {
		[V_MAIL] = NO(ST_RCPT, "There is a sender already"),
		[V_RCPT] = GO(ST_RCPT),
		[V_DATA] = GO(ST_DATA), [V_BDAT] = GO(ST_CHUNK),
		EVERYWHERE(ST_RCPT, ST_READY),
	},
	[ST_BDAT] = {
		[V_MAIL] = NO(ST_BDAT, "BDAT LAST ends the message"),
		[V_RCPT] = NO(ST_BDAT, "BDAT LAST ends the message"),
		[V_DATA] = NO(ST_BDAT, "Either DATA or BDAT"),
		[V_BDAT] = GO(ST_CHUNK),
		EVERYWHERE(ST_BDAT, ST_READY),
	},
};
/* clang-format on */

enum smtp_verb
smtp_verb(struct slice line, struct slice *ret_args)
{
	size_t n = slice_find(line, ' ');

	*ret_args = slice_trim(slice_sub(line, n, line.n));
	line = slice_trim(slice_sub(line, 0, n));
	for (int v = 0; v < V_BAD; v++)
		if (slice_ieq(line, slice_of(verbs[v])))
			return (enum smtp_verb)v;
	return V_BAD;
}

const char *
smtp_verb_name(enum smtp_verb v)
{
	return verbs[v];
}

struct smtp_step
smtp_step(enum smtp_state st, enum smtp_verb v)
{
	static const struct smtp_step lost = { ST_CLOSED, 421,
		"4.3.0 Internal error" };

	if (st >= ST_STATES || v >= V_COUNT || table[st][v].next == ST_NONE)
		return lost;
	return table[st][v];
}
