#include "dicts.h"

#include <errno.h>
#include <string.h>

#define NAME_MAX_BYTES 1024
#define WORD_BYTES ((size_t)128 << 10)

static const struct dict_table word = { .name = "word", .first = "s" };
static const struct dict_table domain = { .name = "domain", .first = "s" };
static const struct dict_table host = {
	.name = "host",
	.first = "name",
	.second = "ip",
};
static const struct dict_table addr = {
	.name = "addr",
	.first = "s",
	.number = "domain",
};

int
dicts_open(struct dicts *d, struct db *db, size_t bytes)
{
	d->word = dict_new(db, &word, WORD_BYTES);
	d->domain = dict_new(db, &domain, bytes / 8);
	d->host = dict_new(db, &host, bytes / 8);
	d->addr = dict_new(db, &addr, bytes / 4 * 3);
	if (d->word && d->domain && d->host && d->addr)
		return 0;
	dicts_close(d);
	return -ENOMEM;
}

void
dicts_close(struct dicts *d)
{
	dict_free(d->word);
	dict_free(d->domain);
	dict_free(d->host);
	dict_free(d->addr);
	*d = (struct dicts){ 0 };
}

void
dicts_forget(struct dicts *d)
{
	memset(d->type, 0, sizeof(d->type));
	dict_forget(d->word);
	dict_forget(d->domain);
	dict_forget(d->host);
	dict_forget(d->addr);
}

int
dicts_flush(struct dicts *d)
{
	int rc = dict_flush(d->word);

	if (rc == 0)
		rc = dict_flush(d->domain);
	if (rc == 0)
		rc = dict_flush(d->host);
	return rc < 0 ? rc : dict_flush(d->addr);
}

void
dicts_set_asker(struct dicts *d, struct allowance *a)
{
	dict_set_asker(d->word, a, AL_WORD);
	dict_set_asker(d->domain, a, AL_DOMAIN);
	dict_set_asker(d->host, a, AL_HOST);
	dict_set_asker(d->addr, a, AL_ADDR);
}

static struct slice
cut(struct slice s)
{
	return slice_sub(s, 0, s.n < NAME_MAX_BYTES ? s.n : NAME_MAX_BYTES);
}

static const struct slice none = { NULL, 0 };

int64_t
dicts_word(struct dicts *d, struct slice s)
{
	return dict_key(d->word, cut(s), none, 0);
}

int64_t
dicts_known_word(struct dicts *d, struct slice s)
{
	return dict_find(d->word, cut(s), none);
}

int64_t
dicts_type(struct dicts *d, enum event_type t)
{
	if (d->type[t] <= 0)
		d->type[t] = dicts_word(d, slice_of(event_info(t)->name));
	return d->type[t];
}

int64_t
dicts_host(struct dicts *d, struct slice name, struct slice ip)
{
	return dict_key(d->host, cut(name), cut(ip), 0);
}

struct slice
addr_text(struct slice s, char to[ADDR_TEXT_MAX])
{
	size_t at = slice_rfind(s, '@');

	s = slice_sub(s, 0, s.n < ADDR_TEXT_MAX ? s.n : ADDR_TEXT_MAX);
	for (size_t i = 0; i < s.n; i++)
		to[i] = i > at ? ascii_lower(s.p[i]) : s.p[i];
	return (struct slice){ to, s.n };
}

int64_t
dicts_addr(struct dicts *d, struct slice s, int64_t *ret_domain)
{
	char text[ADDR_TEXT_MAX];
	size_t at;

	s = addr_text(s, text);
	at = slice_rfind(s, '@');
	*ret_domain = 0;
	if (at + 1 < s.n)
		*ret_domain =
		    dict_key(d->domain, slice_sub(s, at + 1, s.n), none, 0);
	if (*ret_domain < 0)
		return *ret_domain;
	return dict_key(d->addr, s, none, *ret_domain);
}
