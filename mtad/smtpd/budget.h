/*
 * budget: what all sessions of the process hold in memory together.
 *
 * All that a client can make grow, its ceiling, and that of all together:
 *
 *	recipients		ENVELOPE_MAX		RCPTS_MAX, and RCPTS_FREE each
 *	header and body		INLINE_MAX (message.c)	BODIES_MAX, and BODY_FREE each
 *	input that waits,	256 KiB (conn.c)	BUFFERS_MAX, by the second
 *	replies that wait	4 MiB (conn.c)		the same
 *	sender, ENVID, HELO,	4 KiB			by MaxSessions
 *	address that is asked for
 *
 * Memory is at most twice of these, as buffers grow by doubling.
 */
#ifndef SMTP_BUDGET_H
#define SMTP_BUDGET_H

#include "session.h"

#define RCPTS_MAX ((size_t)64 << 20)
#define RCPTS_FREE ((size_t)4 << 10) /* some sixty: never refused for others */
#define BODIES_MAX ((size_t)64 << 20)
#define BODY_FREE ((size_t)16 << 10) /* over it all, what is more has a file */
#define BUFFERS_MAX ((size_t)64 << 20)

/*
 * May a transaction that holds `own` bytes of recipients have more? Small ones
 * always; large ones while there is much room; in the last half only those of
 * clients that hold little of it. Pure.
 */
bool budget_allows(size_t all, size_t client, size_t own);
/* A transaction's recipients grew, or are no longer the client's (0). */
void budget_count(struct session *, size_t own);
/* Of buffers that wait for clients no more than max is kept: those who hold
 * more than their share of it are sent away. */
void budget_trim(struct smtpd *, size_t max);

#endif
