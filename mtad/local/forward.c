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

#include "deliver.h"
#include "members.h"

#define FORWARD_MAX ((size_t)64 << 10)

static int
refuse(struct result *r, const char *path, const char *why)
{
	result_set(r, 451, "4.3.5", RC_LOCAL_RESOURCE, "%s %s", path, why);
	return -1;
}

static int
open_forward(const char *path, const struct owner *o, struct result *r)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0) {
		result_errno(r, errno, "forward file", path);
		return -EIO;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		refuse(r, path, "is no regular file");
	else if (st.st_uid != o->uid && st.st_uid != 0)
		refuse(r, path, "belongs to somebody else");
	else if ((st.st_mode & 022) != 0)
		refuse(r, path, "can be written by others");
	else if (st.st_size > (off_t)FORWARD_MAX)
		refuse(r, path, "is too long");
	else
		return fd;
	close(fd);
	return -EIO;
}

static int
read_targets(int fd, const char *path, const struct owner *o,
    struct buf *targets, bool *ret_keeps, struct result *r)
{
	struct members m;
	struct buf text;
	char *room;
	ssize_t n = 0;
	int rc = 1;

	buf_init(&text, FORWARD_MAX + 4096);
	while ((room = buf_room(&text, 4096)) != NULL &&
	    (n = read(fd, room, 4096)) > 0)
		text.len += (size_t)n;
	members_init(&m);
	if (n < 0 || room == NULL)
		rc = refuse(r, path, "cannot be read");
	else if (!members_parse(&m, buf_slice(&text)))
		rc = refuse(r, path, m.error ? m.error : "cannot be read");
	else if (m.includes.len != 0)
		rc = refuse(r, path, "has an :include:, which is for aliases");
	else if (m.n == 0)
		rc = 0; /* an empty one is none */
	if (rc == 1) {
		struct rd rd = rd_of(buf_slice(&m.targets));
		struct p_target t;

		/* \user, or the own name: this mailbox, too */
		while (!rd_end(&rd) && get_p_target(&rd, &t)) {
			bool is_self = (t.kind == TARGET_MAILBOX ||
					   t.kind == TARGET_ADDRESS) &&
			    slice_ieq(t.text, slice_of(o->name));

			if (is_self)
				*ret_keeps = true;
			else
				put_p_target(targets, &t);
		}
	}
	members_release(&m);
	buf_release(&text);
	return rc;
}

/* Not mounted, or not ours to enter: not now. */
static bool
home_is_there(const struct owner *o, struct result *r)
{
	struct stat st;

	if (stat(o->home, &st) == 0 && S_ISDIR(st.st_mode) &&
	    access(o->home, X_OK) == 0)
		return true;
	result_set(r, 451, "4.3.0", RC_LOCAL_IO,
	    "The home folder %s is not there", o->home);
	return false;
}

int
forward_read(const struct letter *l, struct buf *targets, bool *ret_keeps,
    struct result *r)
{
	const struct conf_list *paths = &l->conf->ForwardPath;
	struct buf path;
	int rc = 0;

	if (paths->n == 0)
		return 0;
	if (!home_is_there(l->owner, r))
		return -1;
	*ret_keeps = false;
	buf_init(&path, 4096);
	for (size_t i = 0; i < paths->n && rc == 0; i++) {
		int fd;

		buf_clear(&path);
		expand_path(&path, paths->v[i], l);
		fd = path.bad ? -EIO : open_forward(path.data, l->owner, r);
		if (fd == -ENOENT)
			continue;
		if (fd < 0) {
			rc = -1;
			break;
		}
		rc = read_targets(
		    fd, path.data, l->owner, targets, ret_keeps, r);
		close(fd);
	}
	buf_release(&path);
	return rc;
}
