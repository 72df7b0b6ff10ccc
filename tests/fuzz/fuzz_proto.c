/*
 * Any bytes as a message between the processes: the first says of what type.
 * What is taken is written as the same bytes again, and the strings lie
 * inside the frame. Likewise for the parts, a verdict, and the configuration
 * as the processes hand it on.
 */
#include <stdlib.h>

#include "conf.h"
#include "proto.h"
#include "verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must_be(struct buf *b, const void *p, size_t n)
{
	struct slice want = { p, n };

	if (!slice_eq(buf_slice(b), want))
		abort();
	buf_clear(b);
}

static void
must_be_inside(struct slice frame, struct slice s)
{
	if (s.n != 0 && (s.p < frame.p || s.p + s.n > frame.p + frame.n))
		abort();
}

#define F_u8(name)
#define F_u16(name)
#define F_u32(name)
#define F_u64(name)
#define F_i64(name)
#define F_id(name)
#define F_str(name) must_be_inside(s, m.name);
#define F(kind, name) F_##kind(name)

#define MSG(ID, id, from, to, phase, fd, most, ...)                            \
	static void take_##id(struct slice s, struct buf *b)                    \
	{                                                                      \
		struct p_##id m;                                               \
		if (!get_p_##id(s, &m))                                        \
			return;                                                \
		__VA_ARGS__                                                    \
		put_p_##id(b, &m);                                             \
		must_be(b, s.p, s.n);                                          \
	}
#define PART(id, ...)                                                          \
	static void take_##id(struct slice s, struct buf *b)                    \
	{                                                                      \
		struct rd r = rd_of(s);                                        \
		struct p_##id m;                                               \
		const unsigned char *from = r.p;                               \
		while (!rd_end(&r) && get_p_##id(&r, &m)) {                    \
			__VA_ARGS__                                            \
			put_p_##id(b, &m);                                     \
			must_be(b, from, (size_t)(r.p - from));                \
			from = r.p;                                            \
		}                                                              \
	}
#include "proto.def"

static void (*const takes[])(struct slice, struct buf *) = {
#define MSG(ID, id, from, to, phase, fd, most, ...) take_##id,
#define PART(id, ...) take_##id,
#include "proto.def"
};

static void
try_verdict(struct slice s, struct buf *b)
{
	struct rd r = rd_of(s);
	struct verdict v = get_verdict(&r), again;

	put_verdict(b, &v);
	r = rd_of(buf_slice(b));
	again = get_verdict(&r);
	if (r.bad || again.code != v.code || !slice_eq(again.text, v.text))
		abort();
	buf_clear(b);
}

/* What decodes is a fixed point: encoded, it decodes to the same. */
static void
try_conf(struct slice s, struct buf *b)
{
	struct conf *c = conf_decode(s), *again;
	struct buf second;

	if (c == NULL)
		return;
	conf_encode(b, c);
	again = conf_decode(buf_slice(b));
	if (again == NULL)
		abort();
	buf_init(&second, 1 << 24);
	conf_encode(&second, again);
	must_be(b, second.data, second.len);
	buf_release(&second);
	conf_free(again);
	conf_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice s = { (const char *)p + 1, n - 1 };
	struct buf b;

	if (n == 0)
		return 0;
	buf_init(&b, 1 << 24);
	if (p[0] < sizeof(takes) / sizeof(takes[0]))
		takes[p[0]](s, &b);
	else if (p[0] == 0xff)
		try_conf(s, &b);
	else
		try_verdict(s, &b);
	if (p[0] >= P_COUNT &&
	    proto_permits(p[0], R_PARENT, R_CHILDREN, true, false))
		abort();
	buf_release(&b);
	return 0;
}
