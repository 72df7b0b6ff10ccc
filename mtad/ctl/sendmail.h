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

/*
 * A message as it will be submitted: LF line ends, no Bcc, no bare names in
 * the header's addresses. Owned; outgoing_init() before, _release() after.
 */
struct outgoing {
	struct buf message;
	struct buf rcpts; /* one a line, as between < and > */
	uint32_t n;
	bool is_utf8; /* an address needs SMTPUTF8 (RFC 6531) */
	char *sender; /* "" for <> */
	char
	    bad[100]; /* the first thing that should be an address and is not */
};

void outgoing_init(struct outgoing *);
void outgoing_release(struct outgoing *);
/* Addresses of one word of the command line, which no newline makes two. */
void outgoing_add(struct outgoing *, const char *word);
/* Who sends: -f, or the user; completed with host. False: no address. */
bool outgoing_sender(
    struct outgoing *, const char *given, const char *user, const char *host);
/* From what stdin gave; the sender and the recipients of the command line
 * are in it already. full_name may be "". 0, or a sysexits code. */
int outgoing_make(struct outgoing *, const struct sendmail_options *,
    struct slice input, const char *full_name, const char *host);

/* A field's bare addresses get @host: raw is the whole field. */
void put_completed(
    struct buf *, struct slice raw, struct slice value, const char *host);

/* Over the Unix socket. sysexits; EX_OSERR when no daemon answers or it takes
 * nothing now: then the caller writes a drop file for who is still in
 * o->rcpts. */
int submit_smtp(
    const char *path, struct outgoing *o, const struct sendmail_options *);
/* As many files as the recipients need: all of them are left, or none. */
int submit_drop(const char *spool, const struct outgoing *,
    const struct sendmail_options *);
/* Why the daemon would never take it from a drop file, where nobody hears its
 * answer: words, or NULL. max_size 0: any. */
const char *
submit_refusal(const struct outgoing *, uint64_t max_header, uint64_t max_size);
/* -bv: what the daemon says of each. sysexits of the worst. */
int submit_verify(const char *path, int n, char **addresses);
int submit_proxy(const char *path); /* -bs: stdin and stdout are the client */

#endif
