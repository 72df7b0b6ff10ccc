#include "wire.h"

#include <endian.h>
#include <string.h>

void
set_le32(void *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

void
set_le64(void *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

uint32_t
le32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

uint64_t
le64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

void
put_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

void
put_u16(struct buf *b, uint16_t v)
{
	v = htole16(v);
	buf_add(b, &v, sizeof(v));
}

void
put_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_add(b, &v, sizeof(v));
}

void
put_u64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf_add(b, &v, sizeof(v));
}

void
put_str(struct buf *b, struct slice s)
{
	if (s.n > UINT32_MAX) {
		b->bad = true;
		return;
	}
	put_u32(b, (uint32_t)s.n);
	buf_add_slice(b, s);
}

struct rd
rd_of(struct slice s)
{
	static const unsigned char none;
	const unsigned char *p = s.p ? (const unsigned char *)s.p : &none;

	return (struct rd){ p, p + s.n, false };
}

bool
rd_end(const struct rd *r)
{
	return r->bad || r->p == r->end;
}

struct slice
get_raw(struct rd *r, size_t n)
{
	struct slice s = { (const char *)r->p, n };

	if (r->bad || (size_t)(r->end - r->p) < n) {
		r->bad = true;
		return (struct slice){ "", 0 };
	}
	r->p += n;
	return s;
}

uint8_t
get_u8(struct rd *r)
{
	struct slice s = get_raw(r, 1);

	return s.n ? (uint8_t)s.p[0] : 0;
}

uint16_t
get_u16(struct rd *r)
{
	struct slice s = get_raw(r, 2);
	uint16_t v = 0;

	if (s.n)
		memcpy(&v, s.p, sizeof(v));
	return le16toh(v);
}

uint32_t
get_u32(struct rd *r)
{
	struct slice s = get_raw(r, 4);

	return s.n ? le32(s.p) : 0;
}

uint64_t
get_u64(struct rd *r)
{
	struct slice s = get_raw(r, 8);

	return s.n ? le64(s.p) : 0;
}

struct slice
get_str(struct rd *r)
{
	return get_raw(r, get_u32(r));
}
