#include "copier.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db.h"
#include "schema.h"

/* What fails here the writer does, or finds, itself. */
static void
copy(const char *path)
{
	struct db db;

	if (db_open(&db, path, &schema_segment, DB_CHANGE, NULL) == 0)
		sqlite3_wal_checkpoint_v2(
		    db.h, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	db_close(&db);
}

/* Its whole life: to the end of the other side. */
static void
serve(int fd)
{
	char path[4096];
	ssize_t n;

	while ((n = recv(fd, path, sizeof(path) - 1, 0)) > 0) {
		path[n] = '\0';
		copy(path);
		send(fd, "", 1, MSG_NOSIGNAL);
	}
}

int
copier_start(struct copier *c)
{
	int fd[2];

	*c = COPIER_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		return -errno;
	c->pid = fork();
	if (c->pid == 0) {
		close(fd[0]);
		serve(fd[1]);
		_exit(0);
	}
	close(fd[1]);
	if (c->pid < 0) {
		close(fd[0]);
		return -errno;
	}
	c->fd = fd[0];
	return 0;
}

/* Has it said that it is done, or died? */
static void
hear(struct copier *c, int flags)
{
	char done;
	ssize_t n;

	if (!c->is_busy)
		return;
	do
		n = recv(c->fd, &done, 1, flags);
	while (n < 0 && errno == EINTR);
	c->is_busy = n < 0 && errno == EAGAIN;
}

void
copier_ask(struct copier *c, const char *path)
{
	hear(c, MSG_DONTWAIT);
	if (c->fd >= 0 && !c->is_busy)
		c->is_busy = send(c->fd, path, strlen(path), MSG_NOSIGNAL) > 0;
}

void
copier_wait(struct copier *c)
{
	hear(c, 0);
}

void
copier_stop(struct copier *c)
{
	if (c->fd < 0)
		return;
	close(c->fd);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*c = COPIER_NONE;
}
