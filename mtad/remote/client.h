/*
 * client: the dialogue of SMTP (RFC 5321, 2920, 3030) and LMTP (RFC 2033)
 * over a link, one perform_ and one got_ for each stage.
 */
#ifndef REMOTE_CLIENT_H
#define REMOTE_CLIENT_H

#include "link.h"

/* A whole reply is in l->reply. */
void client_got_reply(struct link *);
/* The output ran empty after it had been stuck. */
void client_drained(struct link *);
/* l->delivery is there, the server is ready: the transaction begins. */
void client_perform(struct link *);
/* The command whose reply is due: "ehlo", "mail" … */
const char *client_command(const struct link *);

#endif
