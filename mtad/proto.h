/*
 * proto: the messages between the processes, made from proto.def.
 *
 * For each MSG there is a struct p_ID with its fields, put_p_ID() and
 * get_p_ID(); likewise for each PART. Decoded strings point into the frame.
 * proto_permits() is the one place that says who may say what, and when.
 */
#ifndef PROTO_H
#define PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "msgid.h"
#include "slice.h"
#include "wire.h"

/* One bit each, so that a row of proto.def can name several. */
enum proto_role {
	R_PARENT = 1,
	R_QUEUE = 2,
	R_SMTPD = 4,
	R_REMOTE = 8,
	R_LOCAL = 16,
	R_LOOKUP = 32,
	R_CHILDREN = R_QUEUE | R_SMTPD | R_REMOTE | R_LOCAL | R_LOOKUP
};
const char *proto_role_name(enum proto_role); /* "mtad-smtpd" */

enum proto_dir { DIR_SPOOL, DIR_LOG };
enum proto_order { ORDER_RELOAD, ORDER_UPGRADE, ORDER_STOP };
enum proto_ask { ASK_RCPT, ASK_VRFY, ASK_EXPN };
enum proto_fcrdns { FCRDNS_PASS, FCRDNS_FAIL, FCRDNS_NONE, FCRDNS_TEMP };
/* What lookup says of an address of ours. */
enum proto_expand {
	EXPAND_USER, /* an account: user */
	EXPAND_VIRTUAL, /* a virtual user: path, user is the one account */
	EXPAND_LIST, /* targets instead */
	EXPAND_VERDICT /* unknown, or not now: verdict */
};
enum proto_target {
	TARGET_ADDRESS, /* local@domain, or a bare local name */
	TARGET_USER, /* this account's own process decides (.forward, mailbox) */
	TARGET_MAILBOX, /* this account's mailbox, .forward was read */
	TARGET_VIRTUAL, /* a virtual mailbox: path */
	TARGET_PROGRAM, /* |command, run as user, or as DefaultUser */
	TARGET_FILE, /* /file, written likewise */
	TARGET_SELF, /* an alias names itself: the mailbox behind it */
	TARGET_COUNT
};
enum proto_mailer { MAILER_SMTP, MAILER_LMTP, MAILER_LOCAL, MAILER_VIRTUAL };

/* struct p_envelope.flags */
enum {
	ENV_8BIT = 1, /* BODY=8BITMIME */
	ENV_UTF8 = 2, /* SMTPUTF8 */
	ENV_NOTICE = 4, /* our own notice */
	ENV_DOUBLE = 8 /* our own, to the postmaster: is never returned */
};
/* .ret; .notify is a set, 0 when the client gave none (RFC 3461) */
enum { RET_NONE, RET_FULL, RET_HDRS };
enum {
	NOTIFY_NEVER = 1,
	NOTIFY_SUCCESS = 2,
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8
};

enum proto_type {
#define MSG(ID, id, from, to, phase, fd, most, ...) P_##ID,
#include "proto.def"
	P_COUNT
};

#define F_T_u8 uint8_t
#define F_T_u16 uint16_t
#define F_T_u32 uint32_t
#define F_T_u64 uint64_t
#define F_T_i64 int64_t
#define F_T_str struct slice
#define F_T_id struct msgid
#define F(kind, name) F_T_##kind name;
#define MSG(ID, id, from, to, phase, fd, most, ...)                            \
	struct p_##id {                                                        \
		__VA_ARGS__                                                    \
	};
#define PART(id, ...)                                                          \
	struct p_##id {                                                        \
		__VA_ARGS__                                                    \
	};
#include "proto.def"
#undef F
#undef F_T_u8
#undef F_T_u16
#undef F_T_u32
#undef F_T_u64
#undef F_T_i64
#undef F_T_str
#undef F_T_id

/* get_: false when the bytes do not fit; for a MSG also when any are left. */
#define MSG(ID, id, from, to, phase, fd, most, ...)                            \
	void put_p_##id(struct buf *, const struct p_##id *);                  \
	bool get_p_##id(struct slice, struct p_##id *ret);
#define PART(id, ...)                                                          \
	void put_p_##id(struct buf *, const struct p_##id *);                  \
	bool get_p_##id(struct rd *, struct p_##id *ret);
#include "proto.def"

const char *proto_name(uint16_t type); /* "?" for none of ours */
/* Who is trusted more has the higher number: parsers of strangers' bytes the
 * lowest, who reads none the highest. A broken channel costs the lower one of
 * its two ends its life (parent/child.c). */
int proto_trust(enum proto_role);
/* The most bytes of a frame of this type; 0 when that role never sends one. */
size_t proto_most(uint16_t type, enum proto_role from);
/* May a frame of this type, with or without a descriptor, come from that
 * role to this one now? */
bool proto_permits(uint16_t type, enum proto_role from, enum proto_role to,
    bool is_running, bool has_fd);

#endif
