/* sendmail: what the readers of sendmail's lines share. */
#ifndef SENDMAIL_H
#define SENDMAIL_H

#include "mailer.h"

/* "to=" and its recipients. */
take_fn sendmail_recipients;
/* "ruleset=", "<address>... words", "message size (...) exceeds": refused. */
take_fn sendmail_ruleset, sendmail_unknown, sendmail_too_large;

#endif
