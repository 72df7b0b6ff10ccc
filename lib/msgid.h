/*
 * msgid: the identity of a message, for ever.
 *
 * (tag of the spool that took it, segment number, record number), in text
 * 14 characters of base 62: five, five, four. There is no clock in it, so a
 * clock that steps back repeats none; tags are drawn anew when a spool is
 * copied, so copies never mint equal ids.
 */
#ifndef MSGID_H
#define MSGID_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"
#include "wire.h"

#define MSGID_TEXT 14
#define MSGID_TAG_MAX 916132831u /* 62^5 - 1, of segments too */
#define MSGID_REC_MAX 14776335u /* 62^4 - 1 */

struct msgid {
	uint32_t tag, seg, rec;
};

void msgid_text(struct msgid, char ret[MSGID_TEXT + 1]);
bool msgid_parse(struct slice, struct msgid *ret); /* false: not an id */
bool msgid_eq(struct msgid, struct msgid);
uint64_t msgid_hash(struct msgid);
void put_msgid(struct buf *, struct msgid);
struct msgid get_msgid(struct rd *);

#endif
