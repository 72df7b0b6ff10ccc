/*
 * sendmail: what the classic command line asks for, and the message that it
 * gives.
 */
#ifndef SENDMAIL_H
#define SENDMAIL_H

#include <stdbool.h>

#include "buf.h"
#include "conf.h"
#include "slice.h"

enum sendmail_mode {
	MODE_DELIVER, /* -bm */
	MODE_SMTP, /* -bs */
	MODE_QUEUE_LIST, /* -bp, mailq */
	MODE_ALIASES, /* -bi, newaliases */
	MODE_VERIFY, /* -bv */
	MODE_DAEMON, /* -bd */
	MODE_QUEUE_RUN, /* -q… */
	MODE_HOSTS /* -bh, -bH: comes with host status */
};

struct sendmail_options {
	enum sendmail_mode mode;
	bool reads_header; /* -t */
	bool ignores_dots; /* -i */
	bool is_verbose;
	const char *sender, *full_name; /* -f, -F; NULL: not given */
	const char *notify, *ret, *envid, *conf_path;
	char run_kind; /* 'I', 'R', 'S' of -q, or 0 */
	const char *run_text;
	int first_rcpt; /* in argv */
};

/* Pure but for argv. 0, or the sysexits code with a sentence in why. */
int sendmail_options(
    int argc, char **argv, struct sendmail_options *ret, char why[200]);

/* A message as it will be submitted: LF line ends, no Bcc. */
struct outgoing {
	struct buf message;
	struct buf rcpts; /* one a line */
	uint32_t n;
	char *sender; /* owned; "" for <> */
};

/* From what stdin gave. names of rcpts already in o->rcpts stay. */
int outgoing_make(struct outgoing *, const struct sendmail_options *,
    struct slice input, const char *user, const char *full_name,
    const char *host);
void outgoing_add(struct outgoing *, struct slice rcpt);

/* Over the Unix socket. sysexits; EX_OSERR when no daemon answers, so that
 * the caller writes a drop file. */
int submit_smtp(
    const char *path, const struct outgoing *, const struct sendmail_options *);
int submit_drop(const char *spool, const struct outgoing *,
    const struct sendmail_options *);
int submit_proxy(const char *path); /* -bs: stdin and stdout are the client */

#endif
