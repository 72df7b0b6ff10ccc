/*
 * mtad-lookup: aliases, users, lists. Opens what the configuration names, and
 * what NSS needs; has never seen a byte of the network.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "aliases.h"
#include "clock.h"
#include "file.h"
#include "log.h"
#include "members.h"
#include "priv.h"
#include "route.h"
#include "userlist.h"
#include "users.h"
#include "verdict.h"

#define INCLUDE_DEPTH 10
#define INCLUDE_MAX ((size_t)64 << 20)
#define FRAME_TARGETS ((size_t)1 << 20)

struct lookup {
	struct proc *proc;
	struct users *users;
	struct aliases *aliases; /* NULL: they cannot be read */
	char why[300];
	struct userlist *lists; /* one for each row of conf->virtual_ */
	size_t lists_n;
	int64_t checked; /* mono: when files were last looked at */
};

/* One question, of smtpd or of the queue. */
struct ask {
	struct lookup *l; /* borrowed */
	struct peer *peer;
	uint64_t key;
	bool is_expand;
	uint8_t what;
	char local[ADDR_LOCAL_MAX + 1], domain[ADDR_DOMAIN_MAX + 1];
	bool is_stripped; /* +detail was cut off */
};

static void
ask_free(struct ask *a)
{
	free(a);
}

static void
read_aliases(struct lookup *l)
{
	char why[300];
	struct aliases *fresh = aliases_read(&l->proc->conf->AliasFile, why);

	if (fresh == NULL) {
		if (strcmp(why, l->why) != 0)
			log_warn("aliases: %s%s", why,
			    l->aliases ? "; the old table stays" : "");
		snprintf(l->why, sizeof(l->why), "%s", why);
		return;
	}
	aliases_free(l->aliases);
	l->aliases = fresh;
	l->why[0] = '\0';
}

/* At most once a second. */
static void
refresh(struct lookup *l)
{
	int64_t now = clock_mono();

	if (now - l->checked < US_SEC)
		return;
	l->checked = now;
	if (l->aliases == NULL || aliases_are_old(l->aliases))
		read_aliases(l);
	for (size_t i = 0; i < l->lists_n; i++)
		userlist_refresh(&l->lists[i]);
}

static void
answer_verdict(struct ask *a, struct verdict v)
{
	struct buf b;

	buf_init(&b, 4096);
	put_verdict(&b, &v);
	if (a->is_expand)
		PROC_SEND(a->peer, expand_answer, EXPAND_ANSWER, .key = a->key,
		    .kind = EXPAND_VERDICT, .verdict = buf_slice(&b));
	else
		PROC_SEND(a->peer, rcpt_answer, RCPT_ANSWER, .key = a->key,
		    .verdict = buf_slice(&b));
	buf_release(&b);
	ask_free(a);
}

static const struct verdict good = {
	.code = 250, .enhanced = { "2.1.5", 5 }, .text = { "Recipient ok", 12 }
};

static void
answer_user(
    struct ask *a, enum proto_expand kind, const char *user, const char *path)
{
	if (!a->is_expand) {
		answer_verdict(a, good);
		return;
	}
	PROC_SEND(a->peer, expand_answer, EXPAND_ANSWER, .key = a->key,
	    .kind = (uint8_t)kind, .user = slice_of(user),
	    .path = slice_of(path));
	ask_free(a);
}

/* A list in frames of a size that channels like. */
static void
send_targets(struct ask *a, struct slice targets)
{
	struct rd r = rd_of(targets);
	struct p_target t;
	const char *from = targets.p;

	while (!rd_end(&r) && get_p_target(&r, &t)) {
		size_t n = (size_t)((const char *)r.p - from);

		if (n < FRAME_TARGETS || rd_end(&r))
			continue;
		PROC_SEND(a->peer, expand_answer, EXPAND_ANSWER, .key = a->key,
		    .kind = EXPAND_LIST, .has_more = 1, .targets = { from, n });
		from = (const char *)r.p;
	}
	PROC_SEND(a->peer, expand_answer, EXPAND_ANSWER, .key = a->key,
	    .kind = EXPAND_LIST,
	    .user = slice_of(a->l->proc->conf->DefaultUser),
	    .targets = { from, (size_t)(targets.p + targets.n - from) });
	ask_free(a);
}

static void
answer_lines(struct ask *a, struct slice targets)
{
	struct rd r = rd_of(targets);
	struct p_target t;
	struct buf lines, verdict;

	buf_init(&lines, 65536);
	buf_init(&verdict, 4096);
	while (!rd_end(&r) && get_p_target(&r, &t) && lines.len < 60000)
		if (t.kind == TARGET_ADDRESS) {
			buf_add_slice(&lines, t.text);
			buf_addc(&lines, '\n');
		}
	put_verdict(&verdict, &good);
	PROC_SEND(a->peer, rcpt_answer, RCPT_ANSWER, .key = a->key,
	    .verdict = buf_slice(&verdict), .lines = buf_slice(&lines));
	buf_release(&lines);
	buf_release(&verdict);
	ask_free(a);
}

/*
 * A list's file: regular, root's or ours, not writable by group or others,
 * so that nobody adds himself to somebody's list.
 */
static int
open_include(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (st.st_mode & 022) != 0) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int
read_include(const char *path, struct buf *b)
{
	int fd = open_include(path);
	ssize_t n = 0;
	char *room;

	if (fd < 0)
		return fd;
	while ((room = buf_room(b, 65536)) != NULL &&
	    (n = read(fd, room, 65536)) > 0)
		b->len += (size_t)n;
	close(fd);
	return room == NULL ? -EFBIG : n < 0 ? -EIO : 0;
}

/* Members and, for :include:, what stands in the files. -E: not now. */
static int
collect(struct members *all, struct slice text, int depth)
{
	struct members m;
	struct slice rest, path;
	int rc = 0;

	members_init(&m);
	if (!members_parse(&m, text) || depth > INCLUDE_DEPTH)
		rc = -EINVAL;
	buf_add_slice(&all->targets, buf_slice(&m.targets));
	rest = buf_slice(&m.includes);
	while (rc == 0 && slice_next(&rest, '\n', &path)) {
		struct buf file;
		char *p = slice_dup(path);

		buf_init(&file, INCLUDE_MAX);
		rc = p ? read_include(p, &file) : -ENOMEM;
		if (rc == 0)
			rc = collect(all, buf_slice(&file), depth + 1);
		else
			log_warn("list %s: %s", p ? p : "?", strerror(-rc));
		buf_release(&file);
		free(p);
	}
	members_release(&m);
	return rc;
}

static void
answer_alias(struct ask *a, struct slice members)
{
	struct members all;

	if (!a->is_expand && a->what != ASK_EXPN) {
		answer_verdict(a, good);
		return;
	}
	members_init(&all);
	if (collect(&all, members, 0) < 0 || all.targets.bad)
		answer_verdict(a,
		    VERDICT(451, "4.3.5", RC_LOCAL_RESOURCE,
			"The list cannot be read now"));
	else if (a->is_expand)
		send_targets(a, buf_slice(&all.targets));
	else
		answer_lines(a, buf_slice(&all.targets));
	members_release(&all);
}

static bool
is_special(const struct ask *a)
{
	return strcasecmp(a->local, "postmaster") == 0 ||
	    strcasecmp(a->local, "root") == 0;
}

static bool strip_detail(struct ask *);
static void ask_local(struct ask *);

static void
got_user(void *arg, enum user_answer u, const char *name, bool is_root)
{
	struct ask *a = arg;

	if (u == USER_YES && is_root) {
		answer_verdict(a,
		    VERDICT(451, "4.2.1", RC_LOCAL_RESOURCE,
			"root has no alias yet: add one, mail waits for it"));
	} else if (u == USER_YES) {
		answer_user(a, EXPAND_USER, name, "");
	} else if (u == USER_NOT_NOW) {
		answer_verdict(a,
		    VERDICT(451, "4.3.0", RC_LOCAL_RESOURCE,
			"The user database does not answer, try again later"));
	} else if (is_special(a)) {
		answer_verdict(a,
		    VERDICT(451, "4.2.1", RC_LOCAL_RESOURCE,
			"postmaster has no alias yet: add one, mail waits for "
			"it"));
	} else if (strip_detail(a)) {
		ask_local(a);
	} else {
		answer_verdict(a,
		    VERDICT(550, "5.1.1", RC_MAILBOX_UNKNOWN,
			"There is no such user here"));
	}
}

/* user+detail: once, behind the full form. */
static bool
strip_detail(struct ask *a)
{
	const char *d = a->l->proc->conf->RecipientDelimiter;
	char *at = d[0] ? strchr(a->local, d[0]) : NULL;

	if (at == NULL || at == a->local || a->is_stripped)
		return false;
	*at = '\0';
	a->is_stripped = true;
	return true;
}

static void
ask_local(struct ask *a)
{
	struct lookup *l = a->l;
	struct slice members;

	if (l->aliases == NULL) {
		answer_verdict(a,
		    VERDICT(451, "4.3.5", RC_LOCAL_RESOURCE,
			"The alias file cannot be read now"));
		return;
	}
	if (aliases_find(l->aliases, slice_of(a->local), &members)) {
		answer_alias(a, members);
		return;
	}
	users_ask(l->users, slice_of(a->local), got_user, a);
}

/* $u and $d in a template; what could leave the folder is no user. */
static bool
virtual_path(const struct ask *a, const char *tmpl, struct buf *b)
{
	if (a->local[0] == '.' || strchr(a->local, '/') != NULL)
		return false;
	for (const char *p = tmpl; *p != '\0'; p++) {
		if (p[0] == '$' && p[1] == 'u')
			for (const char *u = a->local; *u != '\0'; u++)
				buf_addc(b, ascii_lower(*u));
		else if (p[0] == '$' && p[1] == 'd')
			for (const char *u = a->domain; *u != '\0'; u++)
				buf_addc(b, ascii_lower(*u));
		else {
			buf_addc(b, *p);
			continue;
		}
		p++;
	}
	return !b->bad;
}

static void
ask_virtual(struct ask *a, const struct conf_virtual *v)
{
	struct lookup *l = a->l;
	struct userlist *list = &l->lists[v - l->proc->conf->virtual_];
	struct slice members;
	struct buf path;
	char full[ADDR_LOCAL_MAX + ADDR_DOMAIN_MAX + 2];

	/* an alias file may hold whole addresses of virtual domains */
	snprintf(full, sizeof(full), "%s@%s", a->local, a->domain);
	if (l->aliases != NULL &&
	    aliases_find(l->aliases, slice_of(full), &members)) {
		answer_alias(a, members);
		return;
	}
	if (!userlist_is_readable(list)) {
		answer_verdict(a,
		    VERDICT(451, "4.3.5", RC_LOCAL_RESOURCE,
			"The list of users cannot be read now"));
		return;
	}
	buf_init(&path, 4096);
	if (userlist_has(list, slice_of(a->local)) &&
	    virtual_path(a, v->Mailbox, &path))
		answer_user(a, EXPAND_VIRTUAL, v->User, path.data);
	else if (strip_detail(a))
		ask_virtual(a, v);
	else if (strcasecmp(a->local, "postmaster") == 0)
		ask_local(a);
	else
		answer_verdict(a,
		    VERDICT(550, "5.1.1", RC_MAILBOX_UNKNOWN,
			"There is no such user here"));
	buf_release(&path);
}

static bool
begin(struct lookup *l, struct peer *peer, uint64_t key, bool is_expand,
    uint8_t what, struct slice local, struct slice domain)
{
	struct ask *a;
	struct route r;

	if (local.n > ADDR_LOCAL_MAX || domain.n > ADDR_DOMAIN_MAX)
		return false;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return true; /* the asker has a deadline */
	*a = (struct ask){ .l = l,
		.peer = peer,
		.key = key,
		.is_expand = is_expand,
		.what = what };
	/* envelope addresses are quoted where they must be */
	if (local.n > 1 && local.p[0] == '"' && local.p[local.n - 1] == '"')
		local = slice_sub(local, 1, local.n - 1);
	memcpy(a->local, local.p, local.n);
	memcpy(a->domain, domain.p, domain.n);
	refresh(l);
	route_find(l->proc->conf, domain, &r);
	if (r.virtual_ != NULL)
		ask_virtual(a, r.virtual_);
	else
		ask_local(a);
	return true;
}

static bool
frame(struct proc *p, struct peer *peer, enum proto_type type,
    struct slice payload, int fd)
{
	struct lookup *l = p->ctx;
	struct p_rcpt_ask rcpt;
	struct p_expand_ask expand;

	(void)fd;
	switch (type) {
	case P_RCPT_ASK:
		return get_p_rcpt_ask(payload, &rcpt) &&
		    begin(l, peer, rcpt.key, false, rcpt.what, rcpt.local,
			rcpt.domain);
	case P_EXPAND_ASK:
		return get_p_expand_ask(payload, &expand) &&
		    begin(l, peer, expand.key, true, 0, expand.local,
			expand.domain);
	default:
		return false;
	}
}

static void
load_lists(struct lookup *l)
{
	const struct conf *c = l->proc->conf;

	for (size_t i = 0; i < l->lists_n; i++)
		userlist_release(&l->lists[i]);
	free(l->lists);
	l->lists = calloc(c->virtual_n + 1, sizeof(*l->lists));
	l->lists_n = l->lists ? c->virtual_n : 0;
	for (size_t i = 0; i < l->lists_n; i++) {
		userlist_init(&l->lists[i], c->virtual_[i].Users);
		userlist_refresh(&l->lists[i]);
	}
}

static int
warm(struct proc *p)
{
	tzset();
	((struct lookup *)p->ctx)->proc = p;
	return 0;
}

/* No root directory of its own: NSS opens what it wants. */
static int
sandbox(struct proc *p)
{
	static const int calls[] = { SCMP_SYS(openat), SCMP_SYS(open),
		SCMP_SYS(newfstatat), SCMP_SYS(fstat), SCMP_SYS(stat),
		SCMP_SYS(lseek), SCMP_SYS(socket), SCMP_SYS(connect),
		SCMP_SYS(fcntl), SCMP_SYS(readlink), SCMP_SYS(access),
		SCMP_SYS(geteuid), SCMP_SYS(getuid), SCMP_SYS(getegid),
		SCMP_SYS(getgid), SCMP_SYS(pread64), SCMP_SYS(getsockopt),
		SCMP_SYS(setsockopt), SCMP_SYS(getpeername),
		SCMP_SYS(getsockname), SCMP_SYS(statfs), SCMP_SYS(fstatfs),
		-1 };
	struct lookup *l = p->ctx;

	int rc = priv_drop(p->conf->LookupUser, NULL);

	if (rc < 0)
		return rc;
	l->users = users_new(p);
	if (l->users == NULL)
		return -ENOMEM;
	getpwnam("root"); /* NSS modules are loaded now, executable */
	return priv_filter(calls);
}

static void
start(struct proc *p)
{
	struct lookup *l = p->ctx;

	read_aliases(l);
	load_lists(l);
}

static void
reload(struct proc *p, const struct conf *old)
{
	struct lookup *l = p->ctx;

	(void)old;
	read_aliases(l);
	load_lists(l);
}

static void
stop(struct proc *p)
{
	proc_exit(p, "stop");
}

static const struct proc_ops ops = {
	.role = R_LOOKUP,
	.warm = warm,
	.sandbox = sandbox,
	.start = start,
	.frame = frame,
	.reload = reload,
	.stop = stop,
};

int
main(int argc, char **argv)
{
	static struct lookup l;

	return proc_main(&ops, argc, argv, &l);
}
