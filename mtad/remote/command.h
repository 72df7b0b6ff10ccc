/*
 * command: MAIL and RCPT with the parameters that a server offers to take.
 * Pure.
 */
#ifndef REMOTE_COMMAND_H
#define REMOTE_COMMAND_H

#include "buf.h"
#include "ehlo.h"
#include "proto.h"

void put_mail_command(
    struct buf *, const struct ehlo *, const struct p_job *, uint64_t size);
/* notify: set of RFC 3461, 0 none; orcpt: type;text, decoded, may be empty */
void put_rcpt_command(struct buf *, const struct ehlo *, struct slice addr,
    struct slice orcpt, uint8_t notify);

#endif
