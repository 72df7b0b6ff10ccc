/* postfix: what the readers of Postfix's programs share. */
#ifndef POSTFIX_H
#define POSTFIX_H

#include "mailer.h"

extern const struct rows postfix_smtpd, postfix_postscreen, postfix_delivery;

/*
 * "RCPT from NAME[IP]: 550 5.1.1 words; from=<> to=<> proto=ESMTP helo=<>",
 * and cleanup's "header X: y from NAME[IP]; from=<> ...: 5.7.1 words".
 */
struct refusal {
	struct slice command; /* as event.def has it */
	struct host peer;
	struct slice said;
	struct slice mail_from, rcpt_to, protocol, helo; /* p NULL: not said */
};
bool postfix_refusal(struct slice, struct refusal *);

/* What follows "reject: " and "discard: ", of any program. */
take_fn postfix_reject, postfix_discard;
void postfix_tell_held(struct foreign *, struct mail *, struct slice id);

#endif
