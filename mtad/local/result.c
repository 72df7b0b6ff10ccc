#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "deliver.h"

void
result_set(struct result *r, int code, const char *enhanced, enum reason reason,
    const char *fmt, ...)
{
	va_list ap;

	*r = (struct result){ .code = code, .reason = reason };
	snprintf(r->enhanced, sizeof(r->enhanced), "%s", enhanced);
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
}

/* One name less; false at the root. */
static bool
go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || (slash == path && path[1] == '\0'))
		return false;
	if (slash == path)
		slash++;
	*slash = '\0';
	return true;
}

/* Where the filesystem of path is mounted: the highest folder on it. */
static void
name_filesystem(const char *path, char ret[200])
{
	char at[4200], up[4200];
	struct stat st, above;

	snprintf(at, sizeof(at), "%s", path);
	while (stat(at, &st) < 0)
		if (!go_up(at))
			return;
	snprintf(up, sizeof(up), "%s", at);
	while (go_up(up) && stat(up, &above) == 0 && above.st_dev == st.st_dev)
		snprintf(at, sizeof(at), "%s", up);
	snprintf(ret, 200, "%.199s", at);
}

/* Here and not where it is told: a filesystem of the user's own may never
 * answer. */
static void
measure(struct result *r)
{
	struct statvfs vfs;

	if (r->fs[0] == '\0' || statvfs(r->fs, &vfs) < 0)
		return;
	r->fs_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	r->fs_inodes = vfs.f_favail;
}

void
result_errno(struct result *r, int error, const char *what, const char *path)
{
	bool is_full = error == ENOSPC || error == -ENOSPC;
	bool is_quota = error == EDQUOT || error == -EDQUOT;
	bool is_readonly = error == EROFS || error == -EROFS;
	char fs[200] = "";

	if (error < 0)
		error = -error;
	if (is_full || is_quota || is_readonly)
		name_filesystem(path, fs);
	result_set(r, is_full || is_quota ? 452 : 451,
	    is_full	   ? "4.3.1"
		: is_quota ? "4.2.2"
			   : "4.3.0",
	    is_quota ? RC_MAILBOX_FULL : RC_LOCAL_IO, "%s %.150s: %s%s%.80s%s",
	    what, path, strerror(error), fs[0] ? " (filesystem " : "", fs,
	    fs[0] ? ")" : "");
	memcpy(r->fs, fs, sizeof(r->fs));
	measure(r);
}
