#include "nameserver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"

#define NSD "/usr/sbin/nsd"

void
nameserver_init(struct nameserver *ns)
{
	memset(ns, 0, sizeof(*ns));
	buf_init(&ns->records, 1 << 20);
	buf_adds(&ns->records,
	    "$TTL 5\n. SOA ns.test. root.test. 1 60 60 60 5\n. NS ns.test.\n");
}

void
nameserver_add(struct nameserver *ns, const char *record)
{
	buf_adds(&ns->records, record);
	buf_addc(&ns->records, '\n');
}

static int
udp_socket(int port, struct sockaddr_in *sa)
{
	*sa = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int
free_port(void)
{
	struct sockaddr_in sa;
	socklen_t n = sizeof(sa);
	int fd = udp_socket(0, &sa);

	if (bind(fd, (struct sockaddr *)&sa, n) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		story_fail("no port for a name server");
	close(fd);
	return ntohs(sa.sin_port);
}

static void
write_file(
    const struct nameserver *ns, const char *name, const char *text, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", ns->folder, name);
	f = fopen(path, "w");
	if (f == NULL || fwrite(text, 1, n, f) != n || fclose(f) != 0)
		story_fail("cannot write %s", path);
}

static void
write_files(struct nameserver *ns)
{
	struct buf b;

	buf_init(&b, 65536);
	buf_addf(&b,
	    "server:\n ip-address: 127.0.0.1@%d\n username: \"\"\n chroot: "
	    "\"\"\n"
	    " zonesdir: \"%s\"\n pidfile: \"\"\n database: \"\"\n logfile: "
	    "\"%s/log\"\n"
	    " zonelistfile: \"%s/zones\"\n xfrdfile: \"\"\n server-count: 1\n"
	    "remote-control:\n control-enable: no\n"
	    "zone:\n name: \".\"\n zonefile: \"root.zone\"\n",
	    ns->port, ns->folder, ns->folder, ns->folder);
	write_file(ns, "nsd.conf", b.data, b.len);
	write_file(ns, "root.zone", ns->records.data, ns->records.len);
	buf_release(&b);
}

/* Asks for the root's SOA until there is an answer. */
static void
wait_ready(const struct nameserver *ns)
{
	static const unsigned char question[] = { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0,
		0, 0, 0, 0, 6, 0, 1 };
	struct sockaddr_in sa;
	int fd = udp_socket(ns->port, &sa);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t until = story_ms() + STORY_WAIT_MS;
	char answer[512];

	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		story_fail("no socket to the name server");
	while (story_ms() < until) {
		if (send(fd, question, sizeof(question), 0) > 0 &&
		    poll(&p, 1, 50) > 0 &&
		    recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0) {
			close(fd);
			return;
		}
	}
	story_fail("nsd does not answer (%s/log)", ns->folder);
}

bool
nameserver_start(struct nameserver *ns)
{
	char path[128];

	if (access(NSD, X_OK) < 0)
		return false;
	if (ns->port == 0) {
		ns->port = free_port();
		snprintf(
		    ns->folder, sizeof(ns->folder), "/tmp/story-ns.XXXXXX");
		if (mkdtemp(ns->folder) == NULL)
			story_fail("no folder for a name server");
	}
	write_files(ns);
	snprintf(path, sizeof(path), "%s/nsd.conf", ns->folder);
	ns->pid = fork();
	if (ns->pid == 0) {
		int null = open("/dev/null", O_RDWR);

		setpgid(0, 0); /* it has children of its own */
		dup2(null, 1);
		dup2(null, 2);
		execl(NSD, "nsd", "-d", "-c", path, (char *)NULL);
		_exit(127);
	}
	wait_ready(ns);
	return true;
}

void
nameserver_stop(struct nameserver *ns)
{
	if (ns->pid <= 0)
		return;
	kill(-ns->pid, SIGKILL);
	waitpid(ns->pid, NULL, 0);
	ns->pid = 0;
}

void
nameserver_release(struct nameserver *ns)
{
	static const char *const files[] = { "nsd.conf", "root.zone", "log",
		"zones" };
	char path[128];

	nameserver_stop(ns);
	buf_release(&ns->records);
	if (ns->folder[0] == '\0')
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", ns->folder, files[i]);
		unlink(path);
	}
	rmdir(ns->folder);
}
