#include "drops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define DEATHS_MAX 2 /* of a smtpd over one file */

/*
 * One at a time: who drops files waits for no answer. A name that begins
 * with a dot or ends with .bad is not, or no more, for us.
 */
static bool
is_candidate(const char *name)
{
	struct slice s = slice_of(name);

	return s.n != 0 && s.p[0] != '.' && !slice_iends(s, SLICE(".tmp")) &&
	    !slice_iends(s, SLICE(".bad"));
}

static struct peer *
some_smtpd(struct queue *q)
{
	for (int i = 0; i < PROC_MAX; i++)
		if (q->proc->smtpd[i].chan != NULL)
			return &q->proc->smtpd[i];
	return NULL;
}

static bool
hand(struct queue *q, const char *name)
{
	struct peer *peer = some_smtpd(q);
	struct stat st;
	int fd;

	if (peer == NULL)
		return true;
	fd = openat(
	    q->drop_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
		close(fd);
		return false;
	}
	q->drop_peer = peer;
	q->drop_number++;
	PROC_SEND_FD(peer, drop, DROP, fd, .number = q->drop_number,
	    .uid = (uint32_t)st.st_uid);
	return true;
}

/* The name behind the last one, in order: one that cannot be taken has its
 * turn, and holds up nobody. False: that was the last of this round. */
static bool
next_name(struct queue *q)
{
	int fd = openat(q->drop_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char best[sizeof(q->drop_name)] = "";
	struct dirent *e;

	if (d == NULL)
		return false;
	while ((e = readdir(d)) != NULL)
		if (is_candidate(e->d_name) &&
		    strcmp(e->d_name, q->drop_name) > 0 &&
		    (best[0] == '\0' || strcmp(e->d_name, best) < 0))
			snprintf(best, sizeof(best), "%s", e->d_name);
	closedir(d);
	memcpy(q->drop_name, best, sizeof(best));
	return best[0] != '\0';
}

static void
go_on(struct queue *q)
{
	while (q->drop_fd >= 0 && q->drop_peer == NULL && q->refuse_code == 0 &&
	    next_name(q))
		if (!hand(q, q->drop_name))
			log_warn(
			    "drop/%s cannot be read and stays", q->drop_name);
}

void
drop_look(struct queue *q)
{
	struct stat st;

	if (q->drop_fd < 0 || q->drop_peer != NULL || q->refuse_code != 0 ||
	    fstat(q->drop_fd, &st) < 0)
		return;
	if (st.st_mtim.tv_sec == q->drop_seen.tv_sec &&
	    st.st_mtim.tv_nsec == q->drop_seen.tv_nsec &&
	    ++q->drop_quiet % 30 != 0)
		return; /* nothing came or went */
	q->drop_seen = st.st_mtim;
	q->drop_name[0] = '\0';
	go_on(q);
}

/* One that stays would be taken again and again: nothing more is taken from
 * a folder that cannot be written, until the next start. */
static void
give_up(struct queue *q, int error)
{
	char what[300];

	snprintf(what, sizeof(what), "drop/%s", q->drop_name);
	queue_spool_error(q, what, error);
	close(q->drop_fd);
	q->drop_fd = -1;
}

/* Kept under another name, and looked at no more. */
static void
put_aside(struct queue *q, struct slice why)
{
	char aside[300];

	snprintf(aside, sizeof(aside), "%s.bad", q->drop_name);
	log_warn("drop/%s is no message: %.*s", aside, SLICE_ARG(why));
	if (renameat(q->drop_fd, q->drop_name, q->drop_fd, aside) < 0)
		give_up(q, -errno);
}

bool
drop_done(struct queue *q, struct peer *peer, struct slice payload)
{
	struct p_drop_done m;

	if (!get_p_drop_done(payload, &m))
		return false;
	if (q->drop_peer != peer || m.number != q->drop_number)
		return false;
	q->drop_peer = NULL;
	q->drop_deaths = 0;
	if (m.code / 100 == 2) {
		if (unlinkat(q->drop_fd, q->drop_name, 0) < 0 &&
		    errno != ENOENT)
			give_up(q, -errno);
		q->drop_seen.tv_sec = 0; /* others may have come */
	} else if (m.code / 100 == 5) {
		put_aside(q, m.text);
	}
	go_on(q);
	return true;
}

void
drop_peer_down(struct queue *q, struct peer *peer)
{
	if (q->drop_peer != peer)
		return;
	q->drop_peer = NULL;
	if (++q->drop_deaths < DEATHS_MAX)
		return;
	q->drop_deaths = 0;
	put_aside(q, SLICE("mtad-smtpd ended twice while it read it"));
}
