#include "answered.h"

#include "addr.h"
#include "route.h"

#define TEXT_MAX 4096 /* a command, a path */

/* Without quotes and backslashes; false when it does not fit. */
static bool
unquote(struct slice s, char ret[ADDR_LOCAL_MAX + 1], struct slice *ret_local)
{
	bool is_quoted = s.n > 1 && s.p[0] == '"' && s.p[s.n - 1] == '"';
	size_t n = 0;

	if (is_quoted)
		s = slice_sub(s, 1, s.n - 1);
	for (size_t i = 0; i < s.n; i++) {
		if (is_quoted && s.p[i] == '\\' && i + 1 < s.n)
			i++;
		if (n == ADDR_LOCAL_MAX)
			return false;
		ret[n++] = s.p[i];
	}
	*ret_local = (struct slice){ ret, n };
	return true;
}

/* user+detail: the user. */
static struct slice
without_detail(const struct conf *c, struct slice local)
{
	const char *d = c->RecipientDelimiter;
	size_t at = d[0] ? slice_find(local, d[0]) : local.n;

	return at == 0 ? local : slice_sub(local, 0, at);
}

static bool
is_same(struct slice local, struct slice user)
{
	size_t at = slice_find(user, '@');
	size_t domain = slice_rfind(user, '\\');

	return slice_ieq(local, user) ||
	    (at < user.n && slice_ieq(local, slice_sub(user, 0, at))) ||
	    (domain < user.n &&
		slice_ieq(local, slice_sub(user, domain + 1, user.n)));
}

bool
answered_is_account(const struct conf *c, struct slice local, struct slice user)
{
	char text[ADDR_LOCAL_MAX + 1];

	return unquote(local, text, &local) && answered_is_text(user) &&
	    user.n != 0 &&
	    (is_same(local, user) || is_same(without_detail(c, local), user));
}

static bool
is_path(const struct conf_virtual *v, struct slice local, struct slice domain,
    struct slice path)
{
	struct buf b;
	bool is_it;

	buf_init(&b, TEXT_MAX * 2);
	is_it = route_virtual_path(v, local, domain, &b) &&
	    slice_eq(buf_slice(&b), path);
	buf_release(&b);
	return is_it;
}

bool
answered_is_virtual(const struct conf *c, struct slice local,
    struct slice domain, struct slice user, struct slice path)
{
	char text[ADDR_LOCAL_MAX + 1];
	struct route r;

	route_find(c, domain, &r);
	return r.virtual_ != NULL && unquote(local, text, &local) &&
	    slice_eq(user, slice_of(r.virtual_->User)) &&
	    (is_path(r.virtual_, local, domain, path) ||
		is_path(r.virtual_, without_detail(c, local), domain, path));
}

bool
answered_is_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n <= TEXT_MAX;
}

bool
answered_are_targets(struct slice targets)
{
	struct rd r = rd_of(targets);
	struct p_target t;

	while (!rd_end(&r)) {
		if (!get_p_target(&r, &t) || t.text.n == 0 ||
		    !answered_is_text(t.text))
			return false;
		if (t.kind != TARGET_ADDRESS && t.kind != TARGET_MAILBOX &&
		    t.kind != TARGET_PROGRAM && t.kind != TARGET_FILE)
			return false;
	}
	return targets.n != 0;
}
