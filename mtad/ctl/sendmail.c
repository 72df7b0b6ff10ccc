/*
 * sendmail, mailq, newaliases: the classic command line.
 *
 * May be set-group-id (for the drop folder): then the environment names no
 * configuration, descriptors 0 to 2 are open, and nothing else of the caller
 * counts. The kernel tells the daemon who it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "aliases.h"
#include "conf_parse.h"
#include "control.h"
#include "log.h"
#include "sendmail.h"

#define INPUT_MAX ((size_t)1 << 30)

static void
make_safe(void)
{
	static const int limits[] = { RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_DATA,
		RLIMIT_AS, RLIMIT_STACK };
	sigset_t none;
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 2);
	if (fd > 2)
		close(fd);
	close_range(3, ~0u, 0);
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit r;

		if (getrlimit((__rlimit_resource_t)limits[i], &r) == 0) {
			r.rlim_cur = r.rlim_max; /* as far as we may */
			setrlimit((__rlimit_resource_t)limits[i], &r);
		}
	}
	alarm(0);
	umask(077);
}

static const char *
socket_of(const struct conf *c, char path[4200])
{
	for (size_t i = 0; i < c->listener_n; i++)
		if (strcmp(c->listener[i].Kind, "local") == 0)
			return c->listener[i].Path;
	snprintf(path, 4200, "%s/submission", c->RunDirectory);
	return path;
}

static int
read_input(struct buf *b)
{
	for (;;) {
		char *room = buf_room(b, 65536);
		ssize_t n;

		if (room == NULL)
			return -EFBIG;
		n = read(0, room, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		b->len += (size_t)n;
	}
}

/* First part of the comment field; & is the name (passwd(5)). */
static void
full_name_of(const struct passwd *pw, char ret[256])
{
	size_t n = 0;

	for (const char *p = pw ? pw->pw_gecos : "";
	     *p != '\0' && *p != ',' && n < 200; p++) {
		if (*p == '&')
			n += (size_t)snprintf(
			    ret + n, 256 - n, "%.40s", pw->pw_name);
		else
			ret[n++] = *p;
	}
	ret[n] = '\0';
}

/* What one call sends; buffers are the caller's. */
static int
make(struct outgoing *out, const struct conf *c,
    const struct sendmail_options *o, int argc, char **argv)
{
	const struct passwd *pw = getpwuid(getuid());
	char name[256], user[32];
	struct buf input;
	int rc;

	for (int i = o->first_rcpt; i < argc; i++)
		outgoing_add(out, argv[i]);
	snprintf(user, sizeof(user), "%u", (unsigned)getuid());
	full_name_of(pw, name);
	if (!outgoing_sender(
		out, o->sender, pw ? pw->pw_name : user, c->HostName)) {
		log_warn("%s is no address of a sender",
		    o->sender ? o->sender : user);
		return EX_USAGE;
	}
	buf_init(&input, INPUT_MAX);
	rc = read_input(&input) < 0
	    ? EX_IOERR
	    : outgoing_make(out, o, buf_slice(&input), name, c->HostName);
	buf_release(&input);
	return rc;
}

/* For the daemon to find. What it would put aside is refused here, where
 * somebody hears it. */
static int
leave(const struct conf *c, const struct outgoing *out,
    const struct sendmail_options *o)
{
	const char *wrong = submit_refusal(
	    out, (uint64_t)c->MaxHeadersLength, (uint64_t)c->MaxMessageSize);

	if (wrong == NULL)
		return submit_drop(c->QueueDirectory, out, o);
	log_warn("%s", wrong);
	return EX_UNAVAILABLE;
}

static int
deliver(const struct conf *c, const struct sendmail_options *o, int argc,
    char **argv)
{
	struct outgoing out;
	char path[4200];
	int rc;

	outgoing_init(&out);
	rc = make(&out, c, o, argc, argv);
	if (rc == EX_IOERR)
		log_warn("the message cannot be read");
	else if (rc == EX_USAGE && out.sender != NULL)
		log_warn("there are no recipients");
	if (rc == 0) {
		rc = submit_smtp(socket_of(c, path), &out, o);
		if (rc == EX_OSERR)
			rc = leave(c, &out, o);
	}
	if (out.bad[0] != '\0') {
		log_warn("%s is no address", out.bad);
		rc = rc == 0 ? EX_NOUSER : rc;
	}
	outgoing_release(&out);
	return rc;
}

static int
ask(const struct conf *c, json_t *request, const char *empty)
{
	char path[4200];
	struct control *ctl;
	int sent;
	json_t *row;
	int rc = EX_OK;
	bool has_shown = false;
	long long n = 0;

	snprintf(path, sizeof(path), "%s/control", c->RunDirectory);
	ctl = control_open(path);
	sent = ctl ? control_send(ctl, request) : -errno;
	if (sent < 0 && (ctl == NULL || sent != -EPIPE)) { /* EPIPE: told why */
		log_warn("no mtad answers at %s: %s", path, strerror(errno));
		control_close(ctl);
		json_decref(request);
		return EX_UNAVAILABLE;
	}
	json_decref(request);
	while ((row = control_next(ctl)) != NULL) {
		const char *text =
		    json_string_value(json_object_get(row, "text"));
		const char *error =
		    json_string_value(json_object_get(row, "error"));
		bool is_last = json_is_true(json_object_get(row, "done"));

		if (text != NULL && fputs(text, stdout) >= 0 && !has_shown) {
			fflush(stdout); /* something to look at */
			has_shown = true;
		}
		if (error != NULL) {
			log_warn("%s", error);
			rc = EX_UNAVAILABLE;
		}
		if (is_last)
			n = json_integer_value(json_object_get(row, "matched"));
		json_decref(row);
		if (is_last)
			break;
	}
	control_close(ctl);
	if (rc == EX_OK && empty != NULL && n == 0)
		puts(empty);
	else if (rc == EX_OK && empty != NULL)
		printf("%24s%lld\n", "Total requests: ", n);
	return rc;
}

static int
list_queue(const struct conf *c)
{
	return ask(c,
	    json_pack("{s:i, s:s, s:s}", "v", CONTROL_VERSION, "op",
		"queue.list", "as", "mailq"),
	    "Mail queue is empty");
}

static int
run_queue(const struct conf *c, const struct sendmail_options *o)
{
	const char *term = o->run_kind == 'I' ? "id:"
	    : o->run_kind == 'R'	      ? "to:"
	    : o->run_kind == 'S'	      ? "from:"
					      : "";
	char filter[600];

	snprintf(filter, sizeof(filter), "%s%s", term,
	    o->run_kind ? o->run_text : "");
	return ask(c,
	    json_pack("{s:i, s:s, s:s}", "v", CONTROL_VERSION, "op",
		"queue.retry", "filter", filter),
	    NULL);
}

static int
check_aliases(const struct conf *c)
{
	char why[300];
	struct aliases *as = aliases_read(&c->AliasFile, why);

	if (as == NULL) {
		log_warn("%s", why);
		return EX_DATAERR;
	}
	printf("%zu aliases, all understood; the daemon sees them within a "
	       "second\n",
	    aliases_count(as));
	aliases_free(as);
	return EX_OK;
}

static int
run(const struct conf *c, const struct sendmail_options *o, int argc,
    char **argv)
{
	char path[4200];

	switch (o->mode) {
	case MODE_DELIVER:
		return deliver(c, o, argc, argv);
	case MODE_SMTP:
		return submit_proxy(socket_of(c, path));
	case MODE_QUEUE_LIST:
		return list_queue(c);
	case MODE_ALIASES:
		return check_aliases(c);
	case MODE_VERIFY:
		return submit_verify(socket_of(c, path), argc - o->first_rcpt,
		    argv + o->first_rcpt);
	case MODE_QUEUE_RUN:
		return run_queue(c, o);
	case MODE_DAEMON:
		log_warn("the daemon is mtad; start it with systemctl or mtad");
		return EX_USAGE;
	case MODE_HOSTS:
		log_warn("host states: mtactl hosts list, hosts forget");
		return EX_USAGE;
	}
	return EX_USAGE;
}

int
main(int argc, char **argv)
{
	bool is_setid = geteuid() != getuid() || getegid() != getgid();
	struct sendmail_options o;
	struct buf errors;
	struct conf *c;
	char why[200];
	int rc;

	make_safe();
	log_init(argc > 0 ? program_invocation_short_name : "sendmail");
	rc = sendmail_options(argc, argv, &o, why);
	if (rc != 0) {
		log_warn("%s", why);
		return rc;
	}
	buf_init(&errors, 65536);
	c = conf_parse(
	    o.conf_path && !is_setid && strstr(o.conf_path, "mtad") != NULL
		? o.conf_path
		: conf_default_path(is_setid),
	    NULL, &errors);
	if (c == NULL) {
		log_warn("%s", errors.data);
		buf_release(&errors);
		return EX_CONFIG;
	}
	buf_release(&errors);
	rc = run(c, &o, argc, argv);
	conf_free(c);
	return rc;
}
