/*
 * resolve: questions to the name servers, through libunbound's event
 * interface. Every question has a deadline of our own (Timeout.resolver), and
 * one that fails at once is asked again for a few seconds.
 */
#ifndef REMOTE_RESOLVE_H
#define REMOTE_RESOLVE_H

#include <stdbool.h>

#include "proc.h"
#include "slice.h"

struct resolver;
struct question;

/* What came of a question. Only NXDOMAIN is a final no; SERVFAIL, silence and
 * an answer that DNSSEC proves false are temporary. */
struct answer {
	enum { ANSWER_OK, ANSWER_NXDOMAIN, ANSWER_TEMP } kind;
	const char *why; /* static, for ANSWER_TEMP: "servfail", "timeout" … */
	struct slice packet; /* for ANSWER_OK; the resolver's, until return */
};

/* Storage of the caller's. From question_ask() until the callback or
 * question_cancel() it must stay where it is. */
struct question {
	struct resolver *resolver; /* private from here on */
	void (*answered)(void *arg, const struct answer *);
	void *arg;
	struct event *deadline;
	char name[256];
	int type;
	int64_t asked;
	int async_id;
	bool is_open;
	bool is_resting; /* until it is asked again */
};

/* Opens and warms: files are read now. NULL with a warning. */
struct resolver *resolver_new(struct proc *);
/* Before the process's event base goes. */
void resolver_free(struct resolver *);
struct proc *resolver_proc(const struct resolver *);

/* type: ns_t_mx and so on. Calls back once, perhaps before it returns. */
void question_ask(struct question *, struct resolver *, const char *name,
    int type, void (*answered)(void *arg, const struct answer *), void *arg);
void question_cancel(struct question *); /* fine when it is not open */

#endif
