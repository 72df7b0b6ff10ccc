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
	/* Group of the folder of all mailboxes, kept aside as saved group id
	 * to make mailbox and lock files there; (gid_t)-1: not needed. */
	gid_t mail_gid;
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
	size_t fixed; /* bytes of path that must exist: a disk that is not
			 mounted is not filled in */
	bool is_own; /* path is the owner's mailbox, not a file he names */
	void (*waits)(void *arg); /* or NULL: a lock keeps it waiting */
	void *waits_arg;
};

/* A verdict with room for its words. */
struct result {
	int code;
	enum reason reason;
	char enhanced[12];
	char text[300];
	char fs[200]; /* the filesystem that is full, or "" */
	uint64_t fs_bytes, fs_inodes; /* free there */
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
/* In a process that does nothing else. What the program left running when it
 * ended is this process's children then (tree.h). */
void deliver_program(const struct letter *, struct result *);
/* Is the message on its way round? Then 5.4.6 is in the result. */
bool deliver_is_loop(const struct letter *, struct result *);

/*
 * The owner's .forward by ForwardPath: 0 there is none; 1 targets and keeps
 * are set; -1 not now, result says why.
 */
int forward_read(const struct letter *, struct buf *targets, bool *ret_keeps,
    struct result *);

/* Return-Path and Delivered-To, then the message with LF line ends and
 * without an older Return-Path (RFC 5321 section 4.4), to put() in pieces;
 * stops at its first negative return and returns that, or the negative errno
 * of a read. */
int letter_write(const struct letter *,
    int (*put)(void *arg, const char *, size_t), void *arg);
/* $u, $z, $h, $w of ForwardPath and LocalMailbox. */
void expand_path(struct buf *, const char *tmpl, const struct letter *);
/* Bytes of an expanded path that stand before the first name that the
 * template makes: what must be there already. */
size_t path_fixed(const char *tmpl, const char *home);

/* fsync of a folder, shared by all that ask for it while one runs. 0 or
 * negative errno. */
int folder_sync(int fd);

/* Pure: wait(2)'s status of a delivery program to a verdict; the program's
 * last line becomes the text (SEMANTICS: result codes). */
void exit_verdict(int status, const char *last_line, struct result *);
/* Does a command mean something only to a shell? */
bool command_needs_shell(struct slice command);

#endif
