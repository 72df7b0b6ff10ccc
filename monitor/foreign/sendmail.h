/* sendmail: what the readers of sendmail's lines share. */
#ifndef SENDMAIL_H
#define SENDMAIL_H

#include "mailer.h"

/* "to=" and its recipients. */
take_fn sendmail_recipients;
/* "ruleset=", "<address>... words", "message size (...) exceeds", "Milter: ":
 * refused. */
take_fn sendmail_ruleset, sendmail_unknown, sendmail_too_large, sendmail_filter;
/* Discarded by a rule or a filter. */
take_fn sendmail_discarded;

/* The message is ours: its msg.received, at the time of its from=. */
void sendmail_settle(struct foreign *, struct mail *, struct slice id);

#endif
