/*
 * Folders, sockets and counters: everything that needs the parent's powers
 * and a path. From here on only descriptors are handed on.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "parent.h"

#define BACKLOG 4096
#define LISTEN_FIRST 3 /* as systemd counts */

static void
ids_of(const struct parent *p, const char *user, const char *group, uid_t *uid,
    gid_t *gid)
{
	struct passwd *pw;
	struct group *gr;

	*uid = (uid_t)-1;
	*gid = (gid_t)-1;
	if (!p->is_root)
		return;
	pw = getpwnam(user);
	if (pw == NULL)
		fatal("there is no user %s: systemd-sysusers mtad.conf makes "
		      "it, or: useradd -r %s",
		    user, user);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	if (group == NULL)
		return;
	gr = getgrnam(group);
	if (gr == NULL)
		fatal("there is no group %s: systemd-sysusers mtad.conf makes "
		      "it, or: groupadd -r %s",
		    group, group);
	*gid = gr->gr_gid;
}

/* mkdir -p, then owner and mode, then open. */
static int
make_dir(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	char part[4096];
	int fd;

	snprintf(part, sizeof(part), "%s", path);
	for (char *p = part + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			fatal("cannot make %s: %s", part, strerror(errno));
		*p = '/';
	}
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		fatal("cannot make %s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fatal("cannot open %s: %s", path, strerror(errno));
	if (uid != (uid_t)-1 &&
	    (fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0))
		fatal("cannot give %s to its user: %s", path, strerror(errno));
	return fd;
}

static void
make_drop(struct parent *p, uid_t queue)
{
	uid_t uid;
	gid_t gid;
	int fd;

	if (mkdirat(p->spool_fd, "drop", 0730) < 0 && errno != EEXIST)
		fatal("cannot make %s/drop: %s", p->conf->QueueDirectory,
		    strerror(errno));
	if (!p->is_root)
		return;
	ids_of(p, p->conf->QueueUser, p->conf->DropGroup, &uid, &gid);
	fd = openat(p->spool_fd, "drop",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchown(fd, queue, gid) < 0 || fchmod(fd, 0730) < 0)
		fatal("cannot set up %s/drop: %s", p->conf->QueueDirectory,
		    strerror(errno));
	close(fd);
}

static void
make_stats(struct parent *p, int run_fd)
{
	int fd = openat(run_fd, "stats", O_RDONLY | O_CLOEXEC), rc;

	if (fd >= 0) {
		p->last_stats = stat_map(fd, 0);
		close(fd);
	}
	fd = openat(
	    run_fd, "stats.new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	rc = fd < 0 ? -errno : stat_create(fd);

	if (rc == 0 && renameat(run_fd, "stats.new", run_fd, "stats") < 0)
		rc = -errno;
	if (rc < 0)
		fatal("cannot make %s/stats: %s", p->conf->RunDirectory,
		    strerror(-rc));
	p->stats_fd = fd;
	p->stats = stat_map(fd, 1);
	if (p->stats == NULL)
		fatal("cannot map %s/stats", p->conf->RunDirectory);
}

/* Held for life, so that a second mtad ends before it has replaced counters
 * and sockets of the first. */
static void
take_pid_file(struct parent *p, int run_fd)
{
	char text[32] = "";
	int fd = openat(run_fd, "mtad.pid", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		fatal("cannot make %s/mtad.pid: %s", p->conf->RunDirectory,
		    strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (read(fd, text, sizeof(text) - 1) > 0)
			text[strcspn(text, "\n")] = '\0';
		fatal("a mtad runs in %s already, process %s",
		    p->conf->RunDirectory, text);
	}
	p->pid_fd = fd;
}

void
setup_pid(const struct parent *p)
{
	char text[32];

	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(p->pid_fd, 0) < 0 ||
	    pwrite(p->pid_fd, text, strlen(text), 0) < 0)
		log_warn("cannot write mtad.pid: %s", strerror(errno));
}

static void
read_machine(struct parent *p)
{
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, p->machine, sizeof(p->machine) - 1);

	if (fd >= 0)
		close(fd);
	p->machine[n > 0 ? n : 0] = '\0';
	p->machine[strcspn(p->machine, "\n")] = '\0';
}

void
setup_dirs(struct parent *p)
{
	uid_t queue;
	gid_t group;
	int run_fd;

	ids_of(p, p->conf->QueueUser, p->conf->AdminGroup, &queue, &group);
	run_fd = make_dir(p->conf->RunDirectory, p->is_root ? 0 : (uid_t)-1,
	    p->is_root ? 0 : (gid_t)-1, 0755);
	take_pid_file(p, run_fd);
	p->spool_fd = make_dir(p->conf->QueueDirectory, queue, group, 0711);
	/* files in it are the administrators' to read */
	p->log_fd = make_dir(p->conf->LogDirectory, queue, group, 02750);
	make_drop(p, queue);
	make_stats(p, run_fd);
	read_machine(p);
	close(run_fd);
}

/* A socket that systemd, or an older mtad that upgraded in place, left. */
static int
inherited(const struct sockaddr *want, socklen_t want_n)
{
	const char *n = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	int count = n && pid && atoi(pid) == (int)getpid() ? atoi(n) : 0;

	for (int fd = LISTEN_FIRST; fd < LISTEN_FIRST + count; fd++) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof(ss);

		if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
		    ss.ss_family != want->sa_family)
			continue;
		if (want->sa_family == AF_UNIX
			? strcmp(((struct sockaddr_un *)&ss)->sun_path,
			      ((const struct sockaddr_un *)want)->sun_path) != 0
			: len != want_n || memcmp(&ss, want, want_n) != 0)
			continue;
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return fd;
	}
	return -1;
}

static int
listen_unix(const char *path, mode_t mode)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		fatal("socket path too long: %s", path);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = inherited((struct sockaddr *)&sa, sizeof(sa));
	if (fd >= 0)
		return fd;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		fatal("no socket: %s", strerror(errno));
	unlink(path);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    chmod(path, mode) < 0 || listen(fd, BACKLOG) < 0)
		fatal("cannot listen on %s: %s", path, strerror(errno));
	return fd;
}

/* The processes of a mtad that was killed a moment ago may still hold the
 * address: their end is waited for, a few seconds. */
static int
bind_patiently(int fd, const struct sockaddr *sa, socklen_t n)
{
	const struct timespec tenth = { 0, 100000000 };

	for (int i = 0; i < 50; i++) {
		if (bind(fd, sa, n) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return -1;
		nanosleep(&tenth, NULL);
	}
	return bind(fd, sa, n);
}

static int
listen_inet(const struct conf_listener *l)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM },
			*ai;
	char port[16];
	int fd, one = 1;

	snprintf(port, sizeof(port), "%lld", (long long)l->Port);
	if (getaddrinfo(l->Address, port, &hints, &ai) != 0)
		fatal("listener \"%s\": %s is not an IP address", l->title,
		    l->Address);
	fd = inherited(ai->ai_addr, ai->ai_addrlen);
	if (fd < 0) {
		fd = socket(ai->ai_family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			fatal("no socket: %s", strerror(errno));
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (ai->ai_family == AF_INET6)
			setsockopt(
			    fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		/* accepted sockets inherit it */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (bind_patiently(fd, ai->ai_addr, ai->ai_addrlen) < 0 ||
		    listen(fd, BACKLOG) < 0)
			fatal(
			    "listener \"%s\": cannot listen on %s port %s: %s",
			    l->title, l->Address, port, strerror(errno));
	}
	freeaddrinfo(ai);
	return fd;
}

void
setup_sockets(struct parent *p)
{
	const struct conf *c = p->conf;
	char path[4200];

	p->listen_fd = calloc(c->listener_n + 1, sizeof(int));
	if (p->listen_fd == NULL)
		fatal("no memory");
	for (size_t i = 0; i < c->listener_n; i++) {
		const struct conf_listener *l = &c->listener[i];

		p->listen_fd[i] =
		    l->Path[0] ? listen_unix(l->Path, 0666) : listen_inet(l);
	}
	/* Everybody may ask for their own mail; who it is, the kernel says. */
	snprintf(path, sizeof(path), "%s/control", c->RunDirectory);
	p->control_fd = listen_unix(path, 0666);
}

void
setup_pass_on(struct parent *p)
{
	size_t n = p->conf->listener_n;
	int fds[n + 1];
	char text[32];

	/* First out of the way of the numbers that they shall get. */
	for (size_t i = 0; i <= n; i++) {
		int fd = i < n ? p->listen_fd[i] : p->control_fd;

		fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 200);
		if (fds[i] < 0)
			return;
	}
	for (size_t i = 0; i <= n; i++)
		dup2(fds[i], LISTEN_FIRST + (int)i);
	snprintf(text, sizeof(text), "%zu", n + 1);
	setenv("LISTEN_FDS", text, 1);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
}

static int
connect_unix(const char *path, int type)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int e = errno;

		close(fd);
		return -e;
	}
	return fd < 0 ? -errno : fd;
}

int
setup_mailer(const struct parent *p, struct slice path)
{
	for (size_t i = 0; i < p->conf->mailer_n; i++) {
		const char *known = p->conf->mailer[i].Path;

		if (path.n != 0 && slice_eq(slice_of(known), path))
			return connect_unix(known, SOCK_STREAM);
	}
	return -EACCES;
}

int
setup_syslog(const struct parent *p, enum sysout_kind *ret)
{
	const char *to = p->conf->Syslog;
	bool is_tcp = strncmp(to, "tcp:", 4) == 0;
	struct addrinfo hints = { .ai_socktype =
				      is_tcp ? SOCK_STREAM : SOCK_DGRAM },
			*ai;
	char host[256], port[16];
	int fd;

	*ret = is_tcp ? SYSOUT_STREAM : SYSOUT_DATAGRAM;
	if (strcmp(to, "unix:/dev/log") == 0)
		*ret = SYSOUT_LOCAL;
	if (strncmp(to, "unix:", 5) == 0)
		return connect_unix(to + 5, SOCK_DGRAM);
	if ((!is_tcp && strncmp(to, "udp:", 4) != 0) ||
	    sscanf(to + 4, "%255[^:]:%15s", host, port) != 2 ||
	    getaddrinfo(host, port, &hints, &ai) != 0)
		return -1;
	fd = socket(
	    ai->ai_family, hints.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) < 0 &&
	    errno != EINPROGRESS) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	return fd;
}
