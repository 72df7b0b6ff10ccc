/*
 * forward: the recipient's .forward, read by the recipient's own process.
 *
 * Only "there is no such file" means that there is none. A home that is not
 * mounted, a file of somebody else, one that others may write: the mail
 * waits, as to ignore a .forward would put it where its owner does not look.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addr.h"
#include "deliver.h"
#include "members.h"
#include "route.h"

#define FORWARD_MAX ((size_t)64 << 10)

static int
refuse(struct result *r, const char *path, const char *why)
{
	result_set(r, 451, "4.3.5", RC_LOCAL_RESOURCE, "%.200s %s", path, why);
	return -EIO;
}

/* A symbolic link counts when the owner, or root, made it. */
static int
open_link(const char *path, const struct owner *o)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
	int fd = open(path, flags | O_NOFOLLOW);
	struct stat st;

	if (fd >= 0 || errno != ELOOP)
		return fd < 0 ? -errno : fd;
	if (lstat(path, &st) < 0)
		return -errno;
	if (st.st_uid != o->uid && st.st_uid != 0)
		return -ELOOP;
	fd = open(path, flags);
	/* a link that leads nowhere is not "no file" */
	return fd >= 0 ? fd : errno == ENOENT ? -ENOLINK : -errno;
}

static int
open_forward(const char *path, const struct owner *o, struct result *r)
{
	int fd = open_link(path, o);
	struct stat st;

	if (fd == -ENOENT)
		return fd;
	if (fd < 0) {
		result_errno(r, fd, "forward file", path);
		return -EIO;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		refuse(r, path, "is no regular file");
	else if (st.st_uid != o->uid && st.st_uid != 0)
		refuse(r, path, "belongs to somebody else");
	else if ((st.st_mode & 022) != 0)
		refuse(r, path, "can be written by others");
	else if (st.st_nlink != 1)
		refuse(r, path, "has another name");
	else if (st.st_size > (off_t)FORWARD_MAX)
		refuse(r, path, "is too long");
	else
		return fd;
	close(fd);
	return -EIO;
}

/* \user, the own name, or an own address: this mailbox. */
static bool
is_self(const struct letter *l, const struct p_target *t)
{
	const char *d = l->conf->RecipientDelimiter;
	struct slice local, domain;

	if (t->kind != TARGET_MAILBOX && t->kind != TARGET_ADDRESS)
		return false;
	if (!addr_split(t->text, &local, &domain)) {
		local = t->text;
		domain = SLICE("");
	}
	if (d[0] != '\0' && slice_find(local, d[0]) != 0)
		local = slice_sub(local, 0, slice_find(local, d[0]));
	return slice_ieq(local, slice_of(l->owner->name)) &&
	    route_class(l->conf, domain) == ROUTE_LOCAL;
}

static void
take_targets(const struct letter *l, struct slice all, struct buf *targets,
    bool *ret_keeps)
{
	struct rd rd = rd_of(all);
	struct p_target t;

	while (!rd_end(&rd) && get_p_target(&rd, &t))
		if (is_self(l, &t))
			*ret_keeps = true;
		else
			put_p_target(targets, &t);
}

static int
read_text(int fd, struct buf *text)
{
	char *room;
	ssize_t n = 0;

	while ((room = buf_room(text, 4096)) != NULL &&
	    (n = read(fd, room, 4096)) > 0)
		text->len += (size_t)n;
	return room == NULL ? -EFBIG : n < 0 ? -errno : 0;
}

static int
read_targets(int fd, const char *path, const struct letter *l,
    struct buf *targets, bool *ret_keeps, struct result *r)
{
	struct members m;
	struct buf text;
	int rc;

	buf_init(&text, FORWARD_MAX + 8192);
	members_init(&m);
	rc = read_text(fd, &text);
	if (rc < 0)
		result_errno(r, rc, "forward file", path);
	else if (!members_parse(&m, buf_slice(&text)))
		rc = refuse(r, path, m.error ? m.error : "cannot be read");
	else if (m.includes.len != 0)
		rc = refuse(r, path, "has an :include:, which is for aliases");
	else if (m.n != 0) { /* an empty one is none */
		take_targets(l, buf_slice(&m.targets), targets, ret_keeps);
		rc = targets->bad ? refuse(r, path, "is too long") : 1;
	}
	members_release(&m);
	buf_release(&text);
	return rc;
}

/* Not mounted, or not ours to enter: not now. Debian's /nonexistent is the
 * home of accounts that have none. */
static bool
home_is_there(const struct owner *o, struct result *r)
{
	struct stat st;

	if (strcmp(o->home, "/nonexistent") == 0)
		return true;
	if (stat(o->home, &st) == 0 && S_ISDIR(st.st_mode) &&
	    access(o->home, X_OK) == 0)
		return true;
	result_set(r, 451, "4.3.0", RC_LOCAL_IO,
	    "The home folder %.200s is not there", o->home);
	return false;
}

/* One place: 1 read, 0 nothing there, <0 not now. */
static int
read_one(const struct letter *l, const char *tmpl, struct buf *targets,
    bool *ret_keeps, struct result *r)
{
	struct buf path;
	int fd, rc;

	if (strstr(tmpl, "$z") != NULL && !home_is_there(l->owner, r))
		return -EIO;
	buf_init(&path, 4096);
	expand_path(&path, tmpl, l);
	fd = path.bad ? refuse(r, tmpl, "makes too long a name")
		      : open_forward(path.data, l->owner, r);
	rc = fd == -ENOENT ? 0 : fd;
	if (fd >= 0) {
		rc = read_targets(fd, path.data, l, targets, ret_keeps, r);
		close(fd);
	}
	buf_release(&path);
	return rc;
}

/* The first that can be read counts, also when one before it cannot be
 * looked at (SEMANTICS: ForwardPath). */
int
forward_read(const struct letter *l, struct buf *targets, bool *ret_keeps,
    struct result *r)
{
	const struct conf_list *paths = &l->conf->ForwardPath;
	bool has_failed = false;

	*ret_keeps = false;
	for (size_t i = 0; i < paths->n; i++) {
		int rc = read_one(l, paths->v[i], targets, ret_keeps, r);

		if (rc > 0)
			return 1;
		has_failed |= rc < 0;
	}
	return has_failed ? -1 : 0;
}
