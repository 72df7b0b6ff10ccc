#include "privacy.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <sys/random.h>

#define MARK '~'
#define DIGITS 20
#define NAME_MAX_ 1024

/* Fields that are names, with a domain or without. */
static const char *const names[] = { "mail_from", "rcpt_to", "orcpt", "from",
	"to", "auth.user", "user" };
/* Fields with an @ that is no address's. */
static const char *const others[] = { "message_id", "dsn.envid", "remote_id" };

bool
privacy_random(unsigned char key[PRIVACY_KEY])
{
	return getrandom(key, PRIVACY_KEY, 0) == PRIVACY_KEY;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool
is_hidden(struct slice local)
{
	if (local.n != DIGITS + 1 || local.p[0] != MARK)
		return false;
	for (size_t i = 1; i < local.n; i++)
		if (strchr("0123456789abcdef", local.p[i]) == NULL ||
		    local.p[i] == '\0')
			return false;
	return true;
}

static bool
is_meant(const struct privacy *p, struct slice address)
{
	if (p->n == 0)
		return !is_hidden(
		    slice_sub(address, 0, slice_rfind(address, '@')));
	for (size_t i = 0; i < p->n; i++)
		if (slice_ieq(address, p->only[i]))
			return true;
	return false;
}

static void
put_hidden(const struct privacy *p, struct slice address, struct buf *out)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	char text[NAME_MAX_];
	unsigned length = 0;

	address = slice_sub(address, 0, sizeof(text));
	for (size_t i = 0; i < address.n; i++)
		text[i] = lower(address.p[i]);
	if (HMAC(EVP_sha256(), p->key, PRIVACY_KEY, (unsigned char *)text,
		address.n, sum, &length) == NULL)
		memset(sum, 0, sizeof(sum));
	buf_addc(out, MARK);
	for (int i = 0; i < DIGITS / 2; i++)
		buf_addf(out, "%02x", sum[i]);
}

void
privacy_address(const struct privacy *p, struct slice address, struct buf *out)
{
	if (address.n == 0 || !is_meant(p, address)) {
		buf_add_slice(out, address);
		return;
	}
	put_hidden(p, address, out);
	buf_add_slice(
	    out, slice_sub(address, slice_rfind(address, '@'), address.n));
}

/* atext of RFC 5322, the point, and whatever is not ASCII */
static bool
is_local(char c)
{
	return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
	    (c & 0x80) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

static bool
is_domain(char c)
{
	return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
	    (c & 0x80) || c == '-' || c == '.' || c == '_';
}

/* Where the local part begins that ends before the @ at at. A quoted one may
 * have anything in it. */
static size_t
begin_of(struct slice s, size_t at)
{
	size_t i = at;

	if (at >= 2 && s.p[at - 1] == '"') {
		for (i = at - 1; i > 0 && s.p[i - 1] != '"'; i--)
			continue;
		return i > 0 ? i - 1 : at;
	}
	while (i > 0 && is_local(s.p[i - 1]))
		i--;
	return i;
}

static size_t
end_of(struct slice s, size_t at)
{
	size_t i = at + 1;

	if (i < s.n && s.p[i] == '[') {
		while (i < s.n && s.p[i] != ']')
			i++;
		return i < s.n ? i + 1 : s.n;
	}
	while (i < s.n && is_domain(s.p[i]))
		i++;
	while (i > at + 1 && s.p[i - 1] == '.')
		i--;
	return i;
}

static bool
is_word_at(struct slice s, size_t at, struct slice word)
{
	return at + word.n <= s.n &&
	    slice_ieq(slice_sub(s, at, at + word.n), word) &&
	    (at == 0 || !is_local(s.p[at - 1]) || strchr("/='", s.p[at - 1])) &&
	    (at + word.n == s.n || !is_local(s.p[at + word.n]) ||
		strchr("/.'", s.p[at + word.n]));
}

/* A text without addresses. */
static void
put_words(const struct privacy *p, struct slice s, const struct slice *about,
    size_t n, struct buf *out)
{
	for (size_t at = 0; at < s.n;) {
		size_t took = 0;

		for (size_t i = 0; i < n && took == 0; i++) {
			struct slice local =
			    slice_sub(about[i], 0, slice_rfind(about[i], '@'));

			if (local.n < 2 || !is_meant(p, about[i]) ||
			    !is_word_at(s, at, local))
				continue;
			put_hidden(p, about[i], out);
			took = local.n;
		}
		if (took == 0)
			buf_addc(out, s.p[at]);
		at += took != 0 ? took : 1;
	}
}

void
privacy_text(const struct privacy *p, struct slice s, const struct slice *about,
    size_t n, struct buf *out)
{
	while (s.n != 0) {
		size_t at = slice_find(s, '@'), from, to;

		if (at == s.n)
			break;
		from = begin_of(s, at);
		to = end_of(s, at);
		if (from == at || to == at + 1)
			from = to = at + 1; /* no address */
		put_words(p, slice_sub(s, 0, from), about, n, out);
		privacy_address(p, slice_sub(s, from, to), out);
		s = slice_sub(s, to, s.n);
	}
	put_words(p, s, about, n, out);
}

static bool
is_in(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* "rfc822;a@b.test" is an address behind its type; a file or a program is
 * none, and words are looked for in it. */
static void
put_value(const struct privacy *p, const char *name, struct slice v,
    const struct slice *about, size_t n, struct buf *out)
{
	bool is_name = is_in(names, COUNT(names), name) && v.n != 0 &&
	    slice_find(v, '/') == v.n && slice_find(v, ' ') == v.n &&
	    slice_find(v, ';') == v.n;

	if (is_name)
		privacy_address(p, v, out);
	else if (is_in(others, COUNT(others), name))
		buf_add_slice(out, v);
	else
		privacy_text(p, v, about, n, out);
}

static void
change(const struct privacy *p, json_t *object, const struct slice *about,
    size_t n)
{
	const char *name;
	json_t *value;
	struct buf b;

	buf_init(&b, 1 << 20);
	json_object_foreach(object, name, value)
	{
		struct slice v = { json_string_value(value),
			json_string_length(value) };

		if (v.p == NULL)
			continue;
		buf_clear(&b);
		put_value(p, name, v, about, n, &b);
		json_string_setn_nocheck(value, b.data, b.bad ? 0 : b.len);
	}
	buf_release(&b);
}

void
privacy_json(const struct privacy *p, struct slice json,
    const struct slice *about, size_t n, struct buf *out)
{
	json_t *object = json_loadb(json.p, json.n, JSON_ALLOW_NUL, NULL);
	char *text = NULL;

	if (json_is_object(object)) {
		change(p, object, about, n);
		text = json_dumps(object, JSON_COMPACT);
	}
	if (text != NULL)
		buf_adds(out, text);
	else
		privacy_text(p, json, about, n, out);
	free(text);
	json_decref(object);
}
