/*
 * owner: from root to the recipient. What only root can do for him is done
 * before: a mailbox file in a folder where users can make none.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"
#include "priv.h"

#define NOBODY 65534

/* The folder of all mailboxes, when the template names one that no user
 * chooses: only its last part is the user's. */
static int
open_mail_folder(const char *tmpl)
{
	const char *slash = strrchr(tmpl, '/');
	char dir[4200];
	struct stat st;
	int fd;

	if (slash == NULL || slash[1] == '\0' || slash == tmpl ||
	    memchr(tmpl, '$', (size_t)(slash - tmpl)) != NULL)
		return -1;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - tmpl), tmpl);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Never followed, never one that was there, never given away half. */
static void
make_mailbox(int dir, const struct owner *o, const struct conf *c)
{
	struct letter l = { .conf = c, .owner = o };
	struct buf name;
	int fd;

	buf_init(&name, 4096);
	expand_path(&name, strrchr(c->LocalMailbox, '/') + 1, &l);
	if (!name.bad && memchr(name.data, '/', name.len) == NULL) {
		fd = openat(dir, name.data,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0) {
			if (fchown(fd, o->uid, (gid_t)-1) < 0 || fsync(dir) < 0)
				unlinkat(dir, name.data, 0);
			close(fd);
		}
	}
	buf_release(&name);
}

static void
use_mail_folder(struct owner *o, const struct conf *c)
{
	int dir = open_mail_folder(c->LocalMailbox);
	struct stat st;

	if (dir < 0)
		return;
	make_mailbox(dir, o, c);
	if (fstat(dir, &st) == 0 && (st.st_mode & 0022) == 0020)
		o->mail_gid = st.st_gid;
	close(dir);
}

static bool
change(const struct owner *o)
{
	gid_t aside = o->mail_gid == (gid_t)-1 ? o->gid : o->mail_gid;

	return initgroups(o->name, o->gid) == 0 &&
	    setresgid(o->gid, o->gid, aside) == 0 &&
	    setresuid(o->uid, o->uid, o->uid) == 0 && setuid(0) != 0;
}

/* Whoever cannot become the recipient does not stay root. */
static void
be_nobody(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		_exit(EXIT_FAILURE);
}

/* Virtual mailboxes are files, no programs: an allow-list will do. */
static int
confine(void)
{
	static const int calls[] = { SCMP_SYS(openat), SCMP_SYS(newfstatat),
		SCMP_SYS(fstat), SCMP_SYS(pread64), SCMP_SYS(fsync),
		SCMP_SYS(ftruncate), SCMP_SYS(rename), SCMP_SYS(renameat),
		SCMP_SYS(renameat2), SCMP_SYS(linkat), SCMP_SYS(unlinkat),
		SCMP_SYS(unlink), SCMP_SYS(mkdirat), SCMP_SYS(fcntl),
		SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(clock_nanosleep),
		SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(open),
		SCMP_SYS(statfs), SCMP_SYS(prctl), -1 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return priv_filter(calls);
}

/* Whoever started us may be in no passwd at all: then he has no home. */
static void
be_starter(struct owner *o)
{
	struct passwd *pw = getpwuid(geteuid());
	char number[24];

	snprintf(number, sizeof(number), "%u", (unsigned)geteuid());
	*o = (struct owner){ .name = strdup(pw ? pw->pw_name : number),
		.home = strdup(pw ? pw->pw_dir : "/nonexistent"),
		.shell = strdup(pw ? pw->pw_shell : "/bin/sh"),
		.uid = geteuid(),
		.gid = getegid(),
		.mail_gid = (gid_t)-1 };
}

const char *
owner_become(struct owner *o, const struct agent_role *role)
{
	struct rlimit no_core = { 0, 0 };
	struct passwd *pw;

	setrlimit(RLIMIT_CORE, &no_core);
	if (!role->is_root) {
		be_starter(o);
		return NULL;
	}
	pw = getpwnam(role->user);
	if (pw == NULL || pw->pw_uid == 0) {
		be_nobody();
		return pw == NULL
		    ? "The recipient's account is not found now"
		    : "Nothing is delivered as root: root needs an alias";
	}
	*o = (struct owner){ .name = strdup(pw->pw_name),
		.home = strdup(pw->pw_dir),
		.shell = strdup(pw->pw_shell),
		.uid = pw->pw_uid,
		.gid = pw->pw_gid,
		.mail_gid = (gid_t)-1 };
	if (role->purpose == AGENT_MAIL)
		use_mail_folder(o, role->conf);
	if (!change(o))
		_exit(EXIT_FAILURE);
	if (role->purpose == AGENT_VIRTUAL && confine() < 0)
		return "The sandbox of virtual mailboxes cannot be put on";
	return NULL;
}
