#include "params.h"

#include <string.h>

#include "addr.h"
#include "proto.h"

#define BAD "501 5.5.4 "

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One character of xtext off *s: 0 to 255, or -1. */
static int
xtext_char(struct slice *s, bool is_utf8)
{
	unsigned char c = (unsigned char)s->p[0];
	int hi, lo;

	if (c != '+') {
		*s = slice_sub(*s, 1, s->n);
		if (c <= 0x20 || c == '=' || c == 0x7f)
			return -1;
		return c < 0x80 || is_utf8 ? c : -1;
	}
	hi = s->n > 2 ? hex(s->p[1]) : -1;
	lo = s->n > 2 ? hex(s->p[2]) : -1;
	*s = slice_sub(*s, 3, s->n);
	return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

/* U+0080 to U+009F: some take 0x85 for a new line. */
static bool
has_c1(struct slice s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if ((unsigned char)s.p[i] == 0xc2 &&
		    (unsigned char)s.p[i + 1] < 0xa0)
			return true;
	return false;
}

int
xtext_decode(struct slice s, bool is_utf8, char *ret, size_t max)
{
	struct slice all = { ret, 0 };

	while (s.n != 0) {
		int c = xtext_char(&s, is_utf8);

		if (c < 0x20 || c == 0x7f || all.n == max)
			return -1;
		ret[all.n++] = (char)c;
	}
	ret[all.n] = '\0';
	return utf8_ok(all) && !has_c1(all) ? 0 : -1;
}

/* KEYWORD or KEYWORD=value; false at the end. */
static bool
next_param(struct slice *rest, struct slice *key, struct slice *value)
{
	struct slice one;

	do {
		if (!slice_next(rest, ' ', &one))
			return false;
	} while (one.n == 0);
	*key = slice_sub(one, 0, slice_find(one, '='));
	*value = slice_sub(one, key->n + 1, one.n);
	return true;
}

static const char *
mail_size(struct slice v, struct mail_params *p)
{
	return slice_u64(v, UINT64_MAX, &p->size) ? NULL
						  : BAD "SIZE takes a number";
}

static const char *
mail_body(struct slice v, struct mail_params *p)
{
	if (slice_ieq(v, SLICE("8BITMIME"))) {
		p->flags |= ENV_8BIT;
		return NULL;
	}
	return slice_ieq(v, SLICE("7BIT")) ? NULL
					   : BAD "BODY is 7BIT or 8BITMIME";
}

static const char *
mail_utf8(struct slice v, struct mail_params *p)
{
	p->flags |= ENV_UTF8;
	return v.n == 0 ? NULL : BAD "SMTPUTF8 takes no value";
}

static const char *
mail_ret(struct slice v, struct mail_params *p)
{
	if (slice_ieq(v, SLICE("FULL")))
		p->ret = RET_FULL;
	else if (slice_ieq(v, SLICE("HDRS")))
		p->ret = RET_HDRS;
	return p->ret != RET_NONE ? NULL : BAD "RET is FULL or HDRS";
}

static const char *
mail_envid(struct slice v, struct mail_params *p)
{
	if (v.n == 0 || xtext_decode(v, false, p->envid, ENVID_MAX) < 0)
		return BAD "ENVID is not xtext, or too long";
	return NULL;
}

static const char *
rcpt_notify(struct slice v, bool is_utf8, struct rcpt_params *p)
{
	static const struct {
		const char *word;
		uint8_t bit;
	} words[] = { { "NEVER", NOTIFY_NEVER }, { "SUCCESS", NOTIFY_SUCCESS },
		{ "FAILURE", NOTIFY_FAILURE }, { "DELAY", NOTIFY_DELAY } };
	bool ends_with_comma = v.n != 0 && v.p[v.n - 1] == ',';
	struct slice one;
	uint8_t bit;

	(void)is_utf8;
	while (slice_next(&v, ',', &one)) {
		bit = 0;
		for (size_t i = 0; i < 4; i++)
			if (slice_ieq(one, slice_of(words[i].word)))
				bit = words[i].bit;
		if (bit == 0 || (p->notify & bit))
			return BAD "NOTIFY is NEVER or a list of SUCCESS, "
				   "FAILURE, DELAY";
		p->notify |= bit;
	}
	if (p->notify == 0 || ends_with_comma ||
	    ((p->notify & NOTIFY_NEVER) && p->notify != NOTIFY_NEVER))
		return BAD "NOTIFY=NEVER stands alone";
	return NULL;
}

static const char *
rcpt_orcpt(struct slice v, bool is_utf8, struct rcpt_params *p)
{
	size_t semi = slice_find(v, ';');

	if (semi == 0 || semi == v.n || semi > 50)
		return BAD "ORCPT is type;xtext";
	for (size_t i = 0; i < semi; i++)
		if (!(ascii_lower(v.p[i]) >= 'a' &&
			ascii_lower(v.p[i]) <= 'z') &&
		    !(v.p[i] >= '0' && v.p[i] <= '9') && v.p[i] != '-')
			return BAD "ORCPT is type;xtext";
	memcpy(p->orcpt, v.p, semi + 1);
	if (xtext_decode(slice_sub(v, semi + 1, v.n), is_utf8,
		p->orcpt + semi + 1, ORCPT_MAX - semi - 1) < 0)
		return BAD "ORCPT is not xtext, or too long";
	return NULL;
}

const char *
mail_params(struct slice s, struct mail_params *ret)
{
	static const struct {
		const char *key;
		const char *(*take)(struct slice, struct mail_params *);
	} rows[] = { { "SIZE", mail_size }, { "BODY", mail_body },
		{ "SMTPUTF8", mail_utf8 }, { "RET", mail_ret },
		{ "ENVID", mail_envid } };
	struct slice key, value;
	unsigned seen = 0;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	while (next_param(&s, &key, &value)) {
		const char *wrong;

		for (i = 0; i < 5 && !slice_ieq(key, slice_of(rows[i].key));
		     i++)
			continue;
		if (i == 5)
			return "555 5.5.4 Unsupported option of MAIL";
		if (seen & 1u << i)
			return "501 5.5.0 An option of MAIL is given twice";
		seen |= 1u << i;
		wrong = rows[i].take(value, ret);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

const char *
rcpt_params(struct slice s, bool is_utf8, struct rcpt_params *ret)
{
	static const struct {
		const char *key;
		const char *(*take)(struct slice, bool, struct rcpt_params *);
	} rows[] = { { "NOTIFY", rcpt_notify }, { "ORCPT", rcpt_orcpt } };
	struct slice key, value;
	unsigned seen = 0;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	while (next_param(&s, &key, &value)) {
		const char *wrong;

		for (i = 0; i < 2 && !slice_ieq(key, slice_of(rows[i].key));
		     i++)
			continue;
		if (i == 2)
			return "555 5.5.4 Unsupported option of RCPT";
		if (seen & 1u << i)
			return "501 5.5.0 An option of RCPT is given twice";
		seen |= 1u << i;
		wrong = rows[i].take(value, is_utf8, ret);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}
