#include "msgid.h"

#include <string.h>

static const char digit[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void
put62(char *p, int n, uint32_t v)
{
	while (n-- > 0) {
		p[n] = digit[v % 62];
		v /= 62;
	}
}

static bool
get62(const char *p, int n, uint32_t *ret)
{
	uint32_t v = 0;

	for (int i = 0; i < n; i++) {
		const char *d = p[i] ? strchr(digit, p[i]) : NULL;

		if (d == NULL)
			return false;
		v = v * 62 + (uint32_t)(d - digit);
	}
	*ret = v;
	return true;
}

void
msgid_text(struct msgid id, char ret[MSGID_TEXT + 1])
{
	put62(ret, 5, id.tag);
	put62(ret + 5, 5, id.seg);
	put62(ret + 10, 4, id.rec);
	ret[MSGID_TEXT] = '\0';
}

bool
msgid_parse(struct slice s, struct msgid *ret)
{
	struct msgid id;

	if (s.n != MSGID_TEXT || !get62(s.p, 5, &id.tag) ||
	    !get62(s.p + 5, 5, &id.seg) || !get62(s.p + 10, 4, &id.rec))
		return false;
	*ret = id;
	return true;
}

bool
msgid_eq(struct msgid a, struct msgid b)
{
	return a.tag == b.tag && a.seg == b.seg && a.rec == b.rec;
}

uint64_t
msgid_hash(struct msgid id)
{
	uint64_t h = (uint64_t)id.seg << 32 | id.rec;

	h = (h ^ (uint64_t)id.tag << 20) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

void
put_msgid(struct buf *b, struct msgid id)
{
	put_u32(b, id.tag);
	put_u32(b, id.seg);
	put_u32(b, id.rec);
}

struct msgid
get_msgid(struct rd *r)
{
	struct msgid id;

	id.tag = get_u32(r);
	id.seg = get_u32(r);
	id.rec = get_u32(r);
	return id;
}
