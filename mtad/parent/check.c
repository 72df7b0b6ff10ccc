/*
 * check: mtad -t. Everything that can be known without starting: what is
 * wrong with the configuration, and, as warnings, what is wrong with the
 * tables. Those are read as mtad-lookup reads them, by its user, and have
 * mail wait while they are wrong; the daemon runs all the same.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "aliases.h"
#include "conf_parse.h"
#include "log.h"
#include "members.h"
#include "parent.h"
#include "route.h"
#include "userlist.h"

#define LOOKS_MAX 10000 /* aliases may refer to each other */

struct tables {
	const struct conf *conf; /* borrowed */
	struct aliases *aliases;
	int looks; /* of the search that runs */
};

static bool address_delivers(struct tables *, struct slice, int depth);

static bool
account_delivers(const struct tables *t, struct slice local)
{
	char name[ADDR_LOCAL_MAX + 1] = "";
	const char *d = t->conf->RecipientDelimiter;
	struct passwd *pw;

	for (size_t i = 0; i < local.n && i < ADDR_LOCAL_MAX; i++)
		name[i] = ascii_lower(local.p[i]);
	pw = getpwnam(name);
	if (pw == NULL && d[0] != '\0' && strchr(name, d[0]) > name) {
		*strchr(name, d[0]) = '\0';
		pw = getpwnam(name);
	}
	return pw != NULL && pw->pw_uid != 0;
}

static bool
target_delivers(struct tables *t, const struct p_target *target, int depth)
{
	if (target->kind == TARGET_MAILBOX)
		return account_delivers(t, target->text);
	return target->kind != TARGET_ADDRESS ||
	    address_delivers(t, target->text, depth);
}

static bool
members_deliver(struct tables *t, struct slice text, int depth)
{
	struct members m;
	struct p_target target;
	struct rd r;
	bool does = false;

	members_init(&m);
	if (members_parse(&m, text)) {
		does = m.includes.len != 0;
		r = rd_of(buf_slice(&m.targets));
		while (!does && !rd_end(&r) && get_p_target(&r, &target))
			does = target_delivers(t, &target, depth + 1);
	}
	members_release(&m);
	return does;
}

static bool
list_has(const struct tables *t, struct slice local, struct slice domain)
{
	struct userlist list;
	struct route r;
	bool has = false;

	route_find(t->conf, domain, &r);
	if (r.virtual_ == NULL)
		return true; /* a route of its own: not for us to know */
	userlist_init(&list, r.virtual_->Users);
	if (userlist_refresh(&list) == 0)
		has = userlist_has(&list, local);
	userlist_release(&list);
	return has;
}

/* Aliases first, the whole address before its local part (lookup/ask.c). */
static bool
address_delivers(struct tables *t, struct slice address, int depth)
{
	struct slice local = address, domain = SLICE(""), members;
	enum route_class class;
	char full[ADDR_LOCAL_MAX + ADDR_DOMAIN_MAX + 2];

	addr_split(address, &local, &domain);
	class = route_class(t->conf, domain);
	if (class > ROUTE_VIRTUAL)
		return true;
	if (++t->looks > LOOKS_MAX || depth > t->conf->MaxAliasRecursion)
		return false;
	if (domain.n == 0)
		domain = slice_of(t->conf->HostName);
	snprintf(full, sizeof(full), "%.*s@%.*s", SLICE_ARG(local),
	    SLICE_ARG(domain));
	if (aliases_find(t->aliases, slice_of(full), &members) ||
	    (class == ROUTE_LOCAL && aliases_find(t->aliases, local, &members)))
		return members_deliver(t, members, depth);
	return class == ROUTE_LOCAL ? account_delivers(t, local)
				    : list_has(t, local, domain);
}

static void
check_special(struct tables *t, const char *name)
{
	const struct conf_list *files = &t->conf->AliasFile;

	t->looks = 0;
	if (!address_delivers(t, slice_of(name), 0))
		log_warn("warning: %s has no alias that delivers, so its mail "
			 "waits; a line '%s: somebody' in %s ends that",
		    name, name, files->n ? files->v[0] : "an AliasFile");
}

static void
check_lists(const struct conf *c)
{
	for (size_t i = 0; i < c->virtual_n; i++) {
		struct userlist list;
		int rc;

		userlist_init(&list, c->virtual_[i].Users);
		rc = userlist_refresh(&list);
		userlist_release(&list);
		if (rc < 0)
			log_warn("warning: virtual \"%s\": mtad-lookup cannot "
				 "read %s (%s), so mail for it waits",
			    c->virtual_[i].title, c->virtual_[i].Users,
			    strerror(-rc));
	}
}

/* For the rest of this program's short life. */
static void
be_lookup(const struct conf *c)
{
	struct passwd *pw = getpwnam(c->LookupUser);

	if (geteuid() == 0 &&
	    (pw == NULL || setgroups(0, NULL) < 0 || setgid(pw->pw_gid) < 0 ||
		setuid(pw->pw_uid) < 0))
		log_warn("warning: cannot become %s", c->LookupUser);
}

/* Without one of them a start as root ends at once. */
static bool
has_accounts(const struct conf *c)
{
	const char *users[] = { c->SmtpdUser, c->QueueUser, c->RemoteUser,
		c->LookupUser };
	const char *groups[] = { c->AdminGroup, c->DropGroup };
	bool has_all = true;

	if (geteuid() != 0)
		return true;
	for (int i = 0; i < 4; i++)
		if (getpwnam(users[i]) == NULL) {
			log_warn("there is no user %s", users[i]);
			has_all = false;
		}
	for (int i = 0; i < 2; i++)
		if (getgrnam(groups[i]) == NULL) {
			log_warn("there is no group %s", groups[i]);
			has_all = false;
		}
	if (!has_all)
		log_warn("systemd-sysusers mtad.conf makes them; mtad(8) says "
			 "how else");
	return has_all;
}

static void
check_tables(const struct conf *c)
{
	struct tables t = { .conf = c };
	char why[300];

	if (strchr(c->HostName, '.') == NULL)
		log_warn("warning: this host calls itself %s, which is no full "
			 "name: set HostName",
		    c->HostName);
	be_lookup(c);
	check_lists(c);
	t.aliases = aliases_read(&c->AliasFile, why);
	if (why[0] != '\0')
		log_warn("warning: %s%s", why,
		    t.aliases ? "" : "; mail for this host waits");
	if (t.aliases == NULL)
		return;
	check_special(&t, "root");
	check_special(&t, "postmaster");
	aliases_free(t.aliases);
}

int
check_only(const char *path)
{
	struct buf errors;
	struct conf *c;
	bool is_right;

	buf_init(&errors, 65536);
	c = conf_parse(path, NULL, &errors);
	fputs(errors.data, stderr);
	buf_release(&errors);
	if (c == NULL)
		return EXIT_FAILURE;
	printf("%s: right\n", path);
	fflush(stdout);
	is_right = has_accounts(c);
	if (is_right)
		check_tables(c);
	conf_free(c);
	return is_right ? EXIT_SUCCESS : EXIT_FAILURE;
}
