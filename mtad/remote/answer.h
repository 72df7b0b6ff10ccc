/*
 * answer: DNS answers as they are used, read from the packet (RFC 1035).
 *
 * The bytes are a stranger's: what does not fit is skipped or -EBADMSG. Names
 * come out in text and only when they are names of hosts. Pure.
 */
#ifndef REMOTE_ANSWER_H
#define REMOTE_ANSWER_H

#include "slice.h"
#include "target.h"

/* The packet's rcode (ns_r_noerror and so on), or -EBADMSG. libunbound's own
 * says 0 for NXDOMAIN. */
int answer_rcode(struct slice packet);
/* MX records, up to max; a null MX (RFC 7505) is one with an empty name. The
 * number, and in *ret_all how many the answer holds; or -EBADMSG. */
int answer_mx(struct slice packet, struct mx *ret, int max, int *ret_all);
/* Addresses of 4 or 16 bytes, up to max, one after the other. */
int
answer_addresses(struct slice packet, int family, unsigned char *ret, int max);
/* Names of PTR or CNAME records, up to max. */
int
answer_names(struct slice packet, int type, char (*ret)[NAME_MAX_DNS], int max);

#endif
