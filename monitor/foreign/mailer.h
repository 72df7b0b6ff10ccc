/*
 * mailer: what foreign.c and the readers of each mailer's lines share.
 */
#ifndef MAILER_H
#define MAILER_H

#include "foreign.h"
#include "joins.h"
#include "pairs.h"
#include "said.h"
#include "syslog_line.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* A row's text, where SLICE() is no constant. */
#define TEXT(lit)                                                              \
	{                                                                      \
		(lit), sizeof(lit) - 1                                         \
	}

struct foreign {
	heard_fn *heard;
	void *ctx;
	struct when when;
	struct slice node; /* of lines that do not say; borrowed */
	struct joins joins;
	struct foreign_stats stats;
	struct heard out; /* the event in hand */
	bool is_silent, is_peer;
	char session_hex[17];
	struct buf last; /* the last line, for "repeated" */
	uint64_t last_of; /* the peer that said it, as joins have it */
};

/* The line in hand. */
struct work {
	const struct syslog_line *line;
	struct slice prog; /* as the mailer's table has it */
	struct slice id; /* of the message; empty: none */
	struct slice rest; /* what is not read yet */
};

/* True: understood. */
typedef bool take_fn(struct foreign *, struct work *);

/* A line that begins so, and who reads what follows; take NULL: known, and
 * nothing to tell. */
struct row {
	struct slice begins;
	take_fn *take;
	bool is_kept; /* the reader gets these words as well */
};

/* The words, known and no more; read behind them; read with them. */
#define KNOWN(lit)                                                             \
	{                                                                      \
		TEXT(lit), NULL, false                                         \
	}
#define TAKE(lit, take)                                                        \
	{                                                                      \
		TEXT(lit), (take), false                                       \
	}
#define KEEP(lit, take)                                                        \
	{                                                                      \
		TEXT(lit), (take), true                                        \
	}

struct rows {
	const struct row *row;
	size_t n;
};

#define ROWS_OF(table)                                                         \
	{                                                                      \
		(table), COUNT(table)                                          \
	}

/* The first row that fits; false: none does, or its reader says no. */
bool rows_take(const struct rows *, struct foreign *, struct work *);

/* Begin an event with msg.id when there is one; fill it; tell it. */
struct event *tell_begin(struct foreign *, enum event_type, struct slice id);
void tell(struct foreign *);
void put_session(struct foreign *, struct event *, uint64_t id);
/* msg.received with what the message's entry knows, once. */
void tell_received(struct foreign *, struct mail *, struct slice id);
/* msg.done, counts and outcome (NULL: from the counts), and forget it. */
void tell_done(
    struct foreign *, struct mail *, struct slice id, const char *outcome);
/* dlv.expire for each recipient that waits; one without, if none is known. */
void tell_expired(
    struct foreign *, struct mail *, struct slice id, struct slice text);
/* Counts the outcome of a recipient for the message's end. */
void mail_count(struct mail *, enum event_type, struct slice rcpt);

static inline struct mail *
work_mail(struct foreign *f, const struct work *w)
{
	return joins_mail(&f->joins, w->line->node, w->id, w->line->time_us);
}

static inline struct session *
work_session(struct foreign *f, const struct work *w)
{
	return joins_session(&f->joins, w->line->node, w->line->prog,
	    w->line->pid, w->line->time_us);
}

bool postfix_has(struct slice prog); /* "postfix/x", "instance/smtpd" */
take_fn postfix_line, sendmail_line, exim_line, opensmtpd_line;

#endif
