/*
 * drops: files that sendmail left while the daemon was down. The queue opens
 * and names them; a smtpd reads them, as they are bytes of strangers.
 */
#ifndef QUEUE_DROPS_H
#define QUEUE_DROPS_H

#include "queue.h"

void drop_look(struct queue *); /* once a second */
bool drop_done(struct queue *, struct peer *, struct slice);
void drop_peer_down(struct queue *, struct peer *);

#endif
