/*
 * fsm: the order of a session, in one table. Pure: no I/O, no memory.
 */
#ifndef SMTP_FSM_H
#define SMTP_FSM_H

#include "slice.h"

enum smtp_state {
	ST_NONE, /* a blank cell in the table, never a session's state */
	ST_HELO, /* connected */
	ST_READY, /* greeted */
	ST_MAIL, /* has a sender */
	ST_RCPT, /* has recipients */
	ST_BDAT, /* between chunks of a message (RFC 3030) */
	ST_STATES, /* from here on no commands are read */
	ST_DATA, /* after 354 */
	ST_CHUNK, /* inside a chunk */
	ST_SKIP, /* inside a chunk that was refused */
	ST_CLOSED
};

enum smtp_verb {
	V_HELO,
	V_EHLO,
	V_LHLO,
	V_MAIL,
	V_RCPT,
	V_DATA,
	V_BDAT,
	V_RSET,
	V_NOOP,
	V_QUIT,
	V_HELP,
	V_VRFY,
	V_EXPN,
	V_BAD,
	V_COUNT
};

struct smtp_step {
	enum smtp_state next; /* where a yes from the handler leads */
	int code; /* 0: allowed; else refuse with this */
	const char *text; /* enhanced code and words */
};

/* The verb of a line; *ret_args is what stands behind it, trimmed. */
enum smtp_verb smtp_verb(struct slice line, struct slice *ret_args);
const char *smtp_verb_name(enum smtp_verb);
/* Every (state, verb) pair has an answer. */
struct smtp_step smtp_step(enum smtp_state, enum smtp_verb);

#endif
