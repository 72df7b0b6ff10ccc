/*
 * fuse_store MOUNTPOINT SOCKET: a file system that loses what was not synced.
 *
 * What it holds is in memory (unsynced.h). It is told what to do by lines on
 * a Unix socket, one answer line each:
 *
 *	cut LUCK SEED		the power goes: none, prefix, torn
 *	arm KIND PART PROG AT TIMES ACTION
 *				the call number AT from now on of these fails:
 *				KIND open write append sync rename unlink read any,
 *				PART segment body journal checkpoint or -,
 *				PROG the beginning of a program's name or -;
 *				ACTION an errno, or cut:LUCK:SEED
 *	disarm
 *	bad PART OFFSET		what lies there, 4 KiB of each file, does not read
 *	full 0|1		no room: ENOSPC for what needs new room
 *	hang 0|1		every call waits, as below a dead server
 *	state			"alive 17 3": calls that matched, that failed
 *	mount			after an umount: there again, power and all
 *
 * After a cut each call fails with EIO until the next mount.
 */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse_store.h"

static struct store *
store_of(void)
{
	return fuse_get_context()->private_data;
}

static bool
is_program(const struct arm *a)
{
	char path[40], name[32] = "";
	FILE *f;

	if (a->program[0] == '-')
		return true;
	snprintf(
	    path, sizeof(path), "/proc/%d/comm", (int)fuse_get_context()->pid);
	f = fopen(path, "r");
	if (f != NULL) {
		if (fgets(name, sizeof(name), f) == NULL)
			name[0] = '\0';
		fclose(f);
	}
	return strncmp(name, a->program, strlen(a->program)) == 0;
}

/* Under the lock: 0, or what this call is to fail with. */
static int
armed(struct store *s, const struct node *n, unsigned kind)
{
	struct arm *a = &s->arm;

	if (!(a->kind & kind) ||
	    (a->part[0] != '-' && strcmp(a->part, n->part) != 0) ||
	    !is_program(a))
		return 0;
	a->matched++;
	if (a->matched < a->at || a->matched - a->at >= a->times)
		return 0;
	a->failed++;
	if (a->error != 0)
		return -a->error;
	disk_cut(s->disk, a->luck, a->seed);
	s->is_dead = true;
	return -EIO;
}

static int
leave(struct store *s, int rc)
{
	mtx_unlock(&s->lock);
	return rc;
}

/* Takes the lock. A negative errno: the call fails, the lock is held still. */
static int
enter(struct store *s, const struct node *n, unsigned kind)
{
	mtx_lock(&s->lock);
	while (s->is_hanging)
		cnd_wait(&s->wake, &s->lock);
	if (s->is_dead)
		return -EIO;
	return n ? armed(s, n, kind) : 0;
}

static struct node *
open_node(const struct fuse_file_info *fi)
{
	return (struct node *)(uintptr_t)fi->fh;
}

/* The folder of a path, and the name in it. */
static struct node *
parent_of(struct store *s, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char dir[4096];

	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	*ret_name = slash + 1;
	return disk_find(s->disk, dir);
}

static int
op_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	struct store *s = store_of();
	int rc = enter(s, NULL, K_OTHER);
	struct node *n;

	if (rc < 0)
		return leave(s, rc);
	n = fi ? open_node(fi) : disk_find(s->disk, path);
	if (n == NULL)
		return leave(s, -ENOENT);
	*st = (struct stat){ .st_ino = n->ino,
		.st_mode = n->mode,
		.st_nlink = 1,
		.st_uid = n->uid,
		.st_gid = n->gid,
		.st_size = (off_t)n->now.n,
		.st_blocks = (blkcnt_t)(n->now.n / 512 + 1),
		.st_mtim = n->mtime,
		.st_ctim = n->mtime };
	return leave(s, 0);
}

static int
make(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	struct store *s = store_of();
	const char *name = NULL;
	struct node *dir, *n;
	int rc;

	mtx_lock(&s->lock);
	dir = parent_of(s, path, &name);
	mtx_unlock(&s->lock);
	rc = enter(s, dir, K_OPEN);
	if (rc == 0 && (dir == NULL || s->is_full))
		rc = dir ? -ENOSPC : -ENOENT;
	if (rc < 0)
		return leave(s, rc);
	n = disk_make(s->disk, dir, name, mode);
	n->uid = fuse_get_context()->uid;
	n->gid = fuse_get_context()->gid;
	if (fi != NULL) {
		node_ref(n);
		fi->fh = (uintptr_t)n;
	}
	return leave(s, 0);
}

static int
op_mkdir(const char *path, mode_t mode)
{
	return make(path, S_IFDIR | mode, NULL);
}

static int
op_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return make(path, S_IFREG | mode, fi);
}

static int
op_open(const char *path, struct fuse_file_info *fi)
{
	struct store *s = store_of();
	struct node *n;
	int rc;

	mtx_lock(&s->lock);
	n = disk_find(s->disk, path);
	mtx_unlock(&s->lock);
	rc = enter(s, n, K_OPEN);
	if (rc == 0 && n == NULL)
		rc = -ENOENT;
	if (rc < 0)
		return leave(s, rc);
	node_ref(n);
	fi->fh = (uintptr_t)n;
	return leave(s, 0);
}

static int
op_release(const char *path, struct fuse_file_info *fi)
{
	struct store *s = store_of();

	(void)path;
	mtx_lock(&s->lock);
	node_unref(open_node(fi));
	return leave(s, 0);
}

static int
op_unlink(const char *path)
{
	struct store *s = store_of();
	const char *name;
	struct node *dir;
	int rc;

	mtx_lock(&s->lock);
	dir = parent_of(s, path, &name);
	mtx_unlock(&s->lock);
	rc = enter(s, dir, K_UNLINK);
	if (rc == 0 && names_find(dir, name) == NULL)
		rc = -ENOENT;
	if (rc == 0)
		disk_unlink(s->disk, dir, name);
	return leave(s, rc);
}

static int
op_rename(const char *old, const char *new, unsigned flags)
{
	struct store *s = store_of();
	const char *from_name, *to_name;
	struct node *from, *to;
	int rc;

	if (flags != 0)
		return -EINVAL;
	mtx_lock(&s->lock);
	from = parent_of(s, old, &from_name);
	to = parent_of(s, new, &to_name);
	mtx_unlock(&s->lock);
	rc = enter(s, to, K_RENAME);
	if (rc == 0 && (to == NULL || names_find(from, from_name) == NULL))
		rc = -ENOENT;
	if (rc == 0)
		disk_rename(s->disk, from, from_name, to, to_name);
	return leave(s, rc);
}

static int
op_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	struct store *s = store_of();
	int rc = enter(s, NULL, K_OTHER);
	struct node *n = fi ? open_node(fi) : disk_find(s->disk, path);

	if (rc == 0)
		n->mode = (n->mode & S_IFMT) | (mode & 07777);
	return leave(s, rc);
}

static int
op_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	struct store *s = store_of();
	int rc = enter(s, NULL, K_OTHER);
	struct node *n = fi ? open_node(fi) : disk_find(s->disk, path);

	if (rc == 0 && uid != (uid_t)-1)
		n->uid = uid;
	if (rc == 0 && gid != (gid_t)-1)
		n->gid = gid;
	return leave(s, rc);
}

static int
op_utimens(
    const char *path, const struct timespec tv[2], struct fuse_file_info *fi)
{
	(void)path;
	(void)tv;
	(void)fi;
	return 0;
}

static int
op_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	struct store *s = store_of();
	struct node *n;
	int rc;

	mtx_lock(&s->lock);
	n = fi ? open_node(fi) : disk_find(s->disk, path);
	mtx_unlock(&s->lock);
	rc = enter(s, n, K_WRITE);
	if (rc == 0)
		disk_resize(s->disk, n, (size_t)size);
	return leave(s, rc);
}

static int
op_read(
    const char *path, char *p, size_t n, off_t at, struct fuse_file_info *fi)
{
	struct store *s = store_of();
	struct node *node = open_node(fi);
	int rc = enter(s, node, K_READ);

	(void)path;
	if (rc == 0 && strcmp(node->part, s->bad_part) == 0 &&
	    (size_t)at < s->bad_at + SECTORS && (size_t)at + n > s->bad_at)
		rc = -EIO;
	if (rc < 0)
		return leave(s, rc);
	if ((size_t)at >= node->now.n)
		return leave(s, 0);
	if (n > node->now.n - (size_t)at)
		n = node->now.n - (size_t)at;
	memcpy(p, node->now.bytes + at, n);
	return leave(s, (int)n);
}

static bool
has_room(const struct store *s, const struct node *n, size_t end)
{
	return !s->is_full || end <= n->now.n || end <= n->reserved;
}

static int
op_write(const char *path, const char *p, size_t n, off_t at,
    struct fuse_file_info *fi)
{
	struct store *s = store_of();
	struct node *node = open_node(fi);
	int rc = enter(s, node, K_WRITE | (at ? K_APPEND : 0));

	(void)path;
	if (rc == 0 && !has_room(s, node, (size_t)at + n))
		rc = -ENOSPC;
	if (rc < 0)
		return leave(s, rc);
	disk_write(s->disk, node, p, n, (size_t)at);
	return leave(s, (int)n);
}

static int
op_fallocate(
    const char *path, int mode, off_t at, off_t n, struct fuse_file_info *fi)
{
	struct store *s = store_of();
	struct node *node = open_node(fi);
	size_t end = (size_t)(at + n);
	int rc = enter(s, node, K_WRITE);

	(void)path;
	if (rc == 0 && !has_room(s, node, end))
		rc = -ENOSPC;
	if (rc < 0)
		return leave(s, rc);
	if (end > node->reserved)
		node->reserved = end;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > node->now.n)
		disk_resize(s->disk, node, end);
	return leave(s, 0);
}

static int
op_fsync(const char *path, int is_data, struct fuse_file_info *fi)
{
	struct store *s = store_of();
	struct node *n = open_node(fi);
	int rc = enter(s, n, K_SYNC);

	(void)path;
	(void)is_data;
	if (rc == 0)
		disk_sync(s->disk, n);
	else if (!s->is_dead)
		disk_sync_failed(s->disk, n);
	return leave(s, rc);
}

static int
op_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t at,
    struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	struct store *s = store_of();
	struct node *n = open_node(fi);
	int rc = enter(s, n, K_READ);

	(void)path;
	(void)at;
	(void)flags;
	if (rc < 0)
		return leave(s, rc);
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	for (size_t k = 0; k < n->now.entries; k++)
		fill(buf, n->now.entry[k].name, NULL, 0, 0);
	return leave(s, 0);
}

static int
op_statfs(const char *path, struct statvfs *v)
{
	struct store *s = store_of();
	int rc = enter(s, NULL, K_OTHER);

	(void)path;
	*v = (struct statvfs){ .f_bsize = 4096,
		.f_frsize = 4096,
		.f_blocks = 1 << 20,
		.f_bfree = s->is_full ? 0 : 1 << 19,
		.f_bavail = s->is_full ? 0 : 1 << 19,
		.f_namemax = NAME_SIZE - 1 };
	return leave(s, rc);
}

static void *
op_init(struct fuse_conn_info *conn, struct fuse_config *conf)
{
	(void)conn;
	conf->use_ino = 1;
	conf->hard_remove = 1;
	conf->nullpath_ok = 1;
	return store_of();
}

static const struct fuse_operations operations = {
	.init = op_init,
	.getattr = op_getattr,
	.mkdir = op_mkdir,
	.create = op_create,
	.open = op_open,
	.opendir = op_open,
	.release = op_release,
	.releasedir = op_release,
	.unlink = op_unlink,
	.rename = op_rename,
	.chmod = op_chmod,
	.chown = op_chown,
	.utimens = op_utimens,
	.truncate = op_truncate,
	.read = op_read,
	.write = op_write,
	.fallocate = op_fallocate,
	.fsync = op_fsync,
	.fsyncdir = op_fsync,
	.readdir = op_readdir,
	.statfs = op_statfs,
};

/* Mounted, served until the umount. */
static void
serve(struct store *s)
{
	char options[] = "allow_other,default_permissions,fsname=fuse_store";
	char plain[] = "fsname=fuse_store", program[] = "fuse_store",
	     flag[] = "-o";
	char *argv[] = { program, flag, getuid() == 0 ? options : plain, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_loop_config *loop = fuse_loop_cfg_create();
	struct fuse *f = fuse_new(&args, &operations, sizeof(operations), s);

	if (f == NULL || fuse_mount(f, s->at) != 0) {
		fprintf(stderr, "fuse_store: cannot mount on %s\n", s->at);
		exit(71);
	}
	fuse_loop_cfg_set_clone_fd(loop, 0);
	fuse_loop_mt(f, loop);
	fuse_unmount(f);
	fuse_destroy(f);
	fuse_loop_cfg_destroy(loop);
	fuse_opt_free_args(&args);
}

int
main(int argc, char **argv)
{
	static struct store s;
	thrd_t thread;

	if (argc != 3)
		return 64;
	s.at = argv[1];
	s.path = argv[2];
	s.disk = disk_new();
	if (mtx_init(&s.lock, mtx_plain) != thrd_success ||
	    cnd_init(&s.wake) != thrd_success ||
	    thrd_create(&thread, control_run, &s) != thrd_success)
		return 71;
	for (;;) {
		serve(&s);
		mtx_lock(&s.lock);
		while (!s.may_mount)
			cnd_wait(&s.wake, &s.lock);
		s.may_mount = s.is_dead = s.is_hanging = s.is_full = false;
		s.arm = (struct arm){ 0 };
		mtx_unlock(&s.lock);
	}
}
