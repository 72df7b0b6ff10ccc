#include "buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An empty buffer owns nothing; all empty buffers share this NUL. */
static char nothing[1];

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .data = nothing, .max = max };
}

void
buf_release(struct buf *b)
{
	if (b->data != nothing)
		free(b->data);
	buf_init(b, b->max);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->bad = false;
	if (b->data != nothing)
		b->data[0] = '\0';
}

void
buf_shrink(struct buf *b)
{
	if (b->len == 0)
		buf_release(b);
}

static char *
grow(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	char *p;

	while (cap <= b->len + n)
		cap *= 2;
	p = realloc(b->data == nothing ? NULL : b->data, cap);
	if (p == NULL) {
		b->bad = true;
		return NULL;
	}
	p[b->len] = '\0';
	b->data = p;
	b->cap = cap;
	return p + b->len;
}

char *
buf_room(struct buf *b, size_t n)
{
	if (b->bad)
		return NULL;
	if (n > b->max || b->len > b->max - n) {
		b->bad = true;
		return NULL;
	}
	return b->len + n < b->cap ? b->data + b->len : grow(b, n);
}

void
buf_add(struct buf *b, const void *bytes, size_t n)
{
	char *p = buf_room(b, n);

	if (p == NULL)
		return;
	if (n != 0)
		memcpy(p, bytes, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_addc(struct buf *b, char c)
{
	char *p = buf_room(b, 1);

	if (p == NULL)
		return;
	p[0] = c;
	p[1] = '\0';
	b->len++;
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_add_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.p, s.n);
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	char tmp[20];
	size_t i = sizeof(tmp);

	do {
		tmp[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	buf_add(b, tmp + i, sizeof(tmp) - i);
}

/* Printed where it goes; once more when that was too little room. */
void
buf_addv(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->cap - b->len;
	va_list again;
	int n;

	if (b->bad)
		return;
	va_copy(again, ap);
	n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, ap);
	if (n < 0 || buf_room(b, (size_t)n) == NULL) {
		b->bad = true;
		b->data[b->len] = '\0';
	} else {
		if ((size_t)n >= room)
			vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_addv(b, fmt, ap);
	va_end(ap);
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
	b->data[b->len] = '\0';
}

struct slice
buf_slice(const struct buf *b)
{
	return (struct slice){ b->data, b->len };
}

char *
buf_take(struct buf *b)
{
	char *p;

	if (b->bad)
		return NULL;
	p = b->data == nothing ? calloc(1, 1) : b->data;
	buf_init(b, b->max);
	return p;
}

char *
buf_text(const char *fmt, ...)
{
	struct buf b;
	va_list ap;
	char *p;

	buf_init(&b, 65536);
	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	p = buf_take(&b);
	buf_release(&b);
	return p;
}
