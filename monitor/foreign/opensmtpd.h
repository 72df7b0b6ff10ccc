/* opensmtpd: what the readers of OpenSMTPD's lines share. */
#ifndef OPENSMTPD_H
#define OPENSMTPD_H

#include "mailer.h"

#define OPENSMTPD_SESSION 16 /* hex digits of a session's id, in w->id */

/* The connection whose id the line has. NULL without memory. */
struct session *opensmtpd_session(struct foreign *, const struct work *);

/* "smtp connected", "smtp disconnected", "smtp failed-command", and "mta
 * connecting". */
take_fn opensmtpd_connected, opensmtpd_disconnected, opensmtpd_failed;
take_fn opensmtpd_connecting;

#endif
