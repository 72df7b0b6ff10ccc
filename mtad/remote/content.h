/*
 * content: the message itself on its way to the server, behind the 354 of
 * DATA, or as one BDAT. In blocks, as the socket takes them; at its end the
 * link is in L_DOT and waits for the last reply.
 */
#ifndef REMOTE_CONTENT_H
#define REMOTE_CONTENT_H

#include "link.h"

void content_begin(struct link *);
/* The output ran empty. A body that cannot be read ends the link. */
void content_go_on(struct link *);

#endif
