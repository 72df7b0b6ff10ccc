/*
 * submit: to a smtpd over its Unix socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "sendmail.h"

#define LAST_WORDS 30000 /* ms */

static int
connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -1;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

struct dialogue {
	int fd;
	FILE *in;
	bool is_verbose;
	char reply[1024]; /* the last line */
};

/* Code of the reply, 0 when the daemon is gone. */
static int
read_reply(struct dialogue *d)
{
	do {
		if (fgets(d->reply, sizeof(d->reply), d->in) == NULL)
			return 0;
		if (d->is_verbose)
			printf("%s", d->reply);
	} while (strlen(d->reply) > 3 && d->reply[3] == '-');
	return atoi(d->reply);
}

static int
say(struct dialogue *d, const struct buf *b)
{
	if (d->is_verbose)
		printf(">>> %.*s", (int)b->len, b->data);
	if (b->bad || file_write_all(d->fd, b->data, b->len) < 0)
		return 0;
	return read_reply(d);
}

static void
put_xtext(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < '!' || c > '~' || c == '+' || c == '=')
			buf_addf(b, "+%02X", c);
		else
			buf_addc(b, (char)c);
	}
}

static int
say_mail(struct dialogue *d, const struct outgoing *o,
    const struct sendmail_options *opt)
{
	struct buf b;
	int code;

	buf_init(&b, 8192);
	buf_addf(&b, "MAIL FROM:<%s>", o->sender);
	if (opt->ret != NULL)
		buf_addf(&b, " RET=%s", opt->ret);
	if (opt->envid != NULL) {
		buf_adds(&b, " ENVID=");
		put_xtext(&b, opt->envid);
	}
	for (size_t i = 0; i < o->message.len; i++)
		if (o->message.data[i] & 0x80) {
			buf_adds(&b, " BODY=8BITMIME");
			break;
		}
	if (o->is_utf8)
		buf_adds(&b, " SMTPUTF8");
	buf_adds(&b, "\r\n");
	code = say(d, &b);
	buf_release(&b);
	return code;
}

static int
say_rcpt(
    struct dialogue *d, struct slice rcpt, const struct sendmail_options *opt)
{
	struct buf b;
	int code;

	buf_init(&b, 8192);
	buf_addf(&b, "RCPT TO:<%.*s>", SLICE_ARG(rcpt));
	if (opt->notify != NULL)
		buf_addf(&b, " NOTIFY=%s", opt->notify);
	buf_adds(&b, "\r\n");
	code = say(d, &b);
	buf_release(&b);
	return code;
}

static int
say_word(struct dialogue *d, const char *line)
{
	struct buf b;
	int code;

	buf_init(&b, 256);
	buf_adds(&b, line);
	code = say(d, &b);
	buf_release(&b);
	return code;
}

static int
say_message(struct dialogue *d, const struct outgoing *o)
{
	struct slice rest = buf_slice(&o->message), line;
	bool was_verbose = d->is_verbose;
	struct buf b;
	int code;

	buf_init(&b, (size_t)2 << 30);
	while (slice_next(&rest, '\n', &line)) {
		if (line.n != 0 && line.p[0] == '.')
			buf_addc(&b, '.');
		for (size_t i = 0; i < line.n; i++)
			if (line.p[i] != '\r' && line.p[i] != '\0')
				buf_addc(&b, line.p[i]);
		buf_add(&b, "\r\n", 2);
	}
	buf_adds(&b, ".\r\n");
	d->is_verbose = false;
	code = say(d, &b);
	if (was_verbose)
		printf("%s", d->reply);
	d->is_verbose = was_verbose;
	buf_release(&b);
	return code;
}

/* A refusal for good. */
static int
refused(const struct dialogue *d, int code)
{
	fprintf(stderr, "sendmail: %s", d->reply);
	return code == 550 || code == 553 ? EX_NOUSER
	    : code == 552		  ? EX_UNAVAILABLE
					  : EX_DATAERR;
}

/* Recipients up to the end, or to what one message may have. Those that were
 * asked for leave o->rcpts only when all is well; *ret_used is their size. */
static int
say_rcpts(struct dialogue *d, const struct outgoing *o,
    const struct sendmail_options *opt, uint32_t *ret_n, size_t *ret_used,
    int *worst)
{
	struct slice rest = buf_slice(&o->rcpts), rcpt;

	*ret_n = 0;
	*ret_used = 0;
	while (slice_next(&rest, '\n', &rcpt)) {
		int code = say_rcpt(d, rcpt, opt);

		if (code == 452 && *ret_n != 0)
			return EX_OK; /* with the next transaction */
		if (code / 100 == 4 || code == 0)
			return EX_OSERR;
		if (code / 100 == 2)
			++*ret_n;
		else
			*worst = refused(d, code);
		*ret_used = (size_t)(rest.p - o->rcpts.data);
	}
	return EX_OK;
}

static int
status_of(const struct dialogue *d, int code)
{
	if (code / 100 == 2 || code == 354)
		return EX_OK;
	return code == 0 || code / 100 == 4 ? EX_OSERR : refused(d, code);
}

static int
transact(struct dialogue *d, struct outgoing *o,
    const struct sendmail_options *opt, int *worst)
{
	uint32_t n;
	size_t used;
	int rc = status_of(d, say_mail(d, o, opt));

	if (rc == EX_OK)
		rc = say_rcpts(d, o, opt, &n, &used, worst);
	if (rc != EX_OK)
		return rc;
	if (n == 0) { /* all were refused, and said so */
		say_word(d, "RSET\r\n");
		buf_clear(&o->rcpts);
		return EX_OK;
	}
	rc = status_of(d, say_word(d, "DATA\r\n"));
	if (rc == EX_OK)
		rc = status_of(d, say_message(d, o));
	if (rc == EX_OK)
		buf_drop(&o->rcpts, used);
	return rc;
}

static int
converse(
    struct dialogue *d, struct outgoing *o, const struct sendmail_options *opt)
{
	int worst = EX_OK, rc = status_of(d, read_reply(d));

	if (rc == EX_OK)
		rc = status_of(d, say_word(d, "EHLO localhost\r\n"));
	while (rc == EX_OK && o->rcpts.len != 0)
		rc = transact(d, o, opt, &worst);
	if (rc == EX_OK)
		say_word(d, "QUIT\r\n");
	return rc != EX_OK ? rc : worst;
}

static bool
open_dialogue(struct dialogue *d, const char *path)
{
	const struct timeval patience = { 300, 0 };

	d->fd = connect_to(path);
	if (d->fd < 0)
		return false;
	setsockopt(d->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(d->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	d->in = fdopen(d->fd, "r");
	if (d->in == NULL)
		close(d->fd);
	return d->in != NULL;
}

int
submit_smtp(
    const char *path, struct outgoing *o, const struct sendmail_options *opt)
{
	struct dialogue d = { .is_verbose = opt->is_verbose };
	int rc;

	if (!open_dialogue(&d, path))
		return EX_OSERR;
	rc = converse(&d, o, opt);
	fclose(d.in);
	return rc;
}

static int
verify_one(struct dialogue *d, const char *address)
{
	struct buf b;
	int code;

	for (const char *p = address; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20)
			return EX_USAGE;
	buf_init(&b, 2048);
	buf_addf(&b, "VRFY %s\r\n", address);
	code = say(d, &b);
	buf_release(&b);
	if (code / 100 == 2)
		printf("%s... deliverable\n", address);
	else
		printf("%s... %s", address, code ? d->reply : "no answer\n");
	return code / 100 == 2 ? EX_OK
	    : code / 100 == 5  ? EX_NOUSER
			       : EX_TEMPFAIL;
}

int
submit_verify(const char *path, int n, char **addresses)
{
	struct dialogue d = { .is_verbose = false };
	int rc, worst = EX_OK;

	if (!open_dialogue(&d, path)) {
		log_warn("no mtad answers at %s", path);
		return EX_UNAVAILABLE;
	}
	rc = status_of(&d, read_reply(&d));
	if (rc == EX_OK)
		rc = status_of(&d, say_word(&d, "EHLO localhost\r\n"));
	for (int i = 0; rc == EX_OK && i < n; i++) {
		int one = verify_one(&d, addresses[i]);

		worst = one != EX_OK ? one : worst;
	}
	fclose(d.in);
	if (rc == EX_OSERR) { /* 421, or it went away */
		log_warn("it cannot be said now");
		return EX_TEMPFAIL;
	}
	return rc != EX_OK ? rc : worst;
}

static bool
copy_some(int from, int to)
{
	char block[16384];
	ssize_t n = read(from, block, sizeof(block));

	return n > 0 && file_write_all(to, block, (size_t)n) == 0;
}

/* Both directions until the daemon is done. The end of our input is told to
 * it only when it has no more to say: a caller that wrote all its commands
 * and closed still gets every answer. */
int
submit_proxy(const char *path)
{
	struct pollfd pf[2] = { { 0, POLLIN, 0 },
		{ connect_to(path), POLLIN, 0 } };

	if (pf[1].fd < 0) {
		printf("421 4.3.0 The mail system is not running\r\n");
		return EX_TEMPFAIL;
	}
	for (;;) {
		int n = poll(pf, 2, pf[0].fd < 0 ? LAST_WORDS : -1);

		if (n < 0 && errno != EINTR)
			break;
		if (n == 0)
			shutdown(pf[1].fd, SHUT_WR);
		if (pf[1].revents != 0 && !copy_some(pf[1].fd, 1))
			break;
		if (pf[0].fd >= 0 && pf[0].revents != 0 &&
		    !copy_some(0, pf[1].fd))
			pf[0].fd = -1;
	}
	close(pf[1].fd);
	return EX_OK;
}
