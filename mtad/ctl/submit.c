/*
 * submit: to a smtpd over its Unix socket, or, with no daemon, into the drop
 * folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "drop.h"
#include "file.h"
#include "log.h"
#include "sendmail.h"

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

static int
status_of(const struct dialogue *d, int code)
{
	if (code / 100 == 2 || code / 100 == 3)
		return EX_OK;
	if (code == 0)
		return EX_OSERR; /* gone in the midst: the drop folder */
	fprintf(stderr, "sendmail: %s", d->reply);
	if (code / 100 == 4)
		return EX_TEMPFAIL;
	return code == 550 ? EX_NOUSER
	    : code == 552  ? EX_UNAVAILABLE
			   : EX_DATAERR;
}

static int
converse(struct dialogue *d, const struct outgoing *o,
    const struct sendmail_options *opt)
{
	struct slice rest = buf_slice(&o->rcpts), rcpt;
	struct buf b;
	int code = read_reply(d), rc;

	buf_init(&b, 256);
	if (code / 100 == 2) {
		buf_adds(&b, "EHLO localhost\r\n");
		code = say(d, &b);
	}
	if (code / 100 == 2)
		code = say_mail(d, o, opt);
	while (code / 100 == 2 && slice_next(&rest, '\n', &rcpt))
		code = say_rcpt(d, rcpt, opt);
	if (code / 100 == 2) {
		buf_clear(&b);
		buf_adds(&b, "DATA\r\n");
		code = say(d, &b);
	}
	if (code == 354)
		code = say_message(d, o);
	rc = status_of(d, code);
	buf_clear(&b);
	buf_adds(&b, "QUIT\r\n");
	if (rc == EX_OK)
		say(d, &b);
	buf_release(&b);
	return rc;
}

int
submit_smtp(const char *path, const struct outgoing *o,
    const struct sendmail_options *opt)
{
	struct dialogue d = { .fd = connect_to(path),
		.is_verbose = opt->is_verbose };
	int rc;

	if (d.fd < 0)
		return EX_OSERR;
	d.in = fdopen(d.fd, "r");
	if (d.in == NULL) {
		close(d.fd);
		return EX_OSERR;
	}
	rc = converse(&d, o, opt);
	fclose(d.in);
	return rc;
}

static int
write_drop(int dirfd, const struct buf *b)
{
	char tmp[64], name[32];
	uint64_t random = 0;
	int fd, rc;

	while (getrandom(&random, sizeof(random), 0) < 0 && errno == EINTR)
		continue;
	snprintf(name, sizeof(name), "%016llx", (unsigned long long)random);
	snprintf(tmp, sizeof(tmp), ".%s.tmp", name);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	/* readable for the queue's user; nobody else can enter the folder */
	rc = fchmod(fd, 0644) < 0 ? -errno : 0;
	if (rc == 0)
		rc = file_write_all(fd, b->data, b->len);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	close(fd);
	if (rc == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		rc = -errno;
	if (rc < 0)
		unlinkat(dirfd, tmp, 0);
	return rc;
}

/* The folder can be entered and written by the set-group-id, not listed. */
int
submit_drop(const char *spool, const struct outgoing *o,
    const struct sendmail_options *opt)
{
	struct drop d = { .sender = slice_of(o->sender),
		.envid = slice_of(opt->envid),
		.ret = slice_of(opt->ret),
		.notify = slice_of(opt->notify),
		.message = buf_slice(&o->message) };
	struct slice *rcpts = calloc(o->n + 1, sizeof(*rcpts));
	struct slice rest = buf_slice(&o->rcpts);
	struct buf b;
	char path[4200];
	uint32_t n = 0;
	int dirfd, rc;

	if (rcpts == NULL)
		return EX_OSERR;
	while (n < o->n && slice_next(&rest, '\n', &rcpts[n]))
		n++;
	buf_init(&b, (size_t)2 << 30);
	drop_put(&b, &d, rcpts, n);
	free(rcpts);
	snprintf(path, sizeof(path), "%s/drop", spool);
	dirfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = dirfd < 0 ? -errno : b.bad ? -ENOMEM : write_drop(dirfd, &b);
	if (rc < 0)
		log_warn("no daemon answers, and %s takes nothing: %s", path,
		    strerror(-rc));
	if (dirfd >= 0)
		close(dirfd);
	buf_release(&b);
	return rc < 0 ? EX_TEMPFAIL : EX_OK;
}

/* Both directions until either side is done. */
int
submit_proxy(const char *path)
{
	int fd = connect_to(path);
	char block[16384];

	if (fd < 0) {
		printf("421 4.3.0 The mail system is not running\r\n");
		return EX_TEMPFAIL;
	}
	for (;;) {
		struct pollfd pf[2] = { { 0, POLLIN, 0 }, { fd, POLLIN, 0 } };
		ssize_t n;

		if (poll(pf, 2, -1) < 0 && errno != EINTR)
			break;
		if (pf[1].revents != 0) {
			n = read(fd, block, sizeof(block));
			if (n <= 0 || file_write_all(1, block, (size_t)n) < 0)
				break;
		}
		if (pf[0].revents != 0) {
			n = read(0, block, sizeof(block));
			if (n <= 0 || file_write_all(fd, block, (size_t)n) < 0)
				shutdown(fd, SHUT_WR);
			if (n <= 0)
				break;
		}
	}
	close(fd);
	return EX_OK;
}
