/*
 * deliver: a message into a mailbox, a file, a program; a .forward read.
 *
 * All of it runs in an agent, as the recipient, in one of several threads:
 * calls wait for disks and locks and answer with a verdict. Whatever is not
 * surely the recipient's fault is 4yz. What fails leaves no half message.
 */
#ifndef LOCAL_DELIVER_H
#define LOCAL_DELIVER_H

#include <sys/types.h>

#include "buf.h"
#include "conf.h"
#include "proto.h"
#include "slice.h"
#include "verdict.h"

/* The one whose process this is. */
struct owner {
	const char *name, *home, *shell;
	uid_t uid;
	gid_t gid;
};

/* One message for one recipient. Strings are borrowed. */
struct letter {
	const struct conf *conf;
	const struct owner *owner;
	struct slice sender, rcpt; /* envelope addresses */
	struct slice head; /* the message's beginning, or all of it */
	int fd; /* the rest, or -1; read with pread */
	uint64_t rest; /* bytes of fd */
	const char *path; /* mailbox, file, or command */
};

/* A verdict with room for its words. */
struct result {
	int code;
	enum reason reason;
	char enhanced[12];
	char text[300];
};
void result_set(struct result *, int code, const char *enhanced, enum reason,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* 4yz for an errno, with the path; a full disk names the filesystem. */
void
result_errno(struct result *, int error, const char *what, const char *path);

/* path ends with '/': a Maildir; else an mbox. */
void deliver_mailbox(const struct letter *, struct result *);
void deliver_maildir(const struct letter *, struct result *);
void deliver_mbox(const struct letter *, struct result *);
void deliver_program(const struct letter *, struct result *);
/* Is the message on its way round? Then 5.4.6 is in the result. */
bool deliver_is_loop(const struct letter *, struct result *);

/*
 * The owner's .forward by ForwardPath: 0 there is none; 1 targets and keeps
 * are set; -1 not now, result says why.
 */
int forward_read(const struct letter *, struct buf *targets, bool *ret_keeps,
    struct result *);

/* Return-Path and Delivered-To, then the message with LF line ends, to put()
 * in pieces; stops at its first negative return and returns that, or the
 * negative errno of a read. */
int letter_write(const struct letter *,
    int (*put)(void *arg, const char *, size_t), void *arg);
/* sysexits of a delivery program to a verdict (SEMANTICS: result codes). */
void program_status(int status, const char *last_line, struct result *);
/* $u, $z, $h, $w of ForwardPath and LocalMailbox. */
void expand_path(struct buf *, const char *tmpl, const struct letter *);

#endif
