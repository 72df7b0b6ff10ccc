#include "drop.h"

#include <errno.h>
#include <string.h>

#define FIRST "mtad-drop 1\n"
#define LAST "mtad-end "

static void
put_line(struct buf *b, char key, struct slice text)
{
	if (text.n == 0 && key != 'F')
		return;
	buf_addc(b, key);
	buf_addc(b, ' ');
	/* a newline in an argument would be another line */
	for (size_t i = 0; i < text.n; i++)
		buf_addc(b, (unsigned char)text.p[i] < 0x20 ? ' ' : text.p[i]);
	buf_addc(b, '\n');
}

void
drop_put(
    struct buf *b, const struct drop *d, const struct slice *rcpts, uint32_t n)
{
	buf_adds(b, FIRST);
	put_line(b, 'F', d->sender);
	for (uint32_t i = 0; i < n; i++)
		put_line(b, 'R', rcpts[i]);
	put_line(b, 'E', d->envid);
	put_line(b, 'T', d->ret);
	put_line(b, 'N', d->notify);
	buf_addc(b, '\n');
	buf_add_slice(b, d->message);
	buf_addf(b, LAST "%zu\n", d->message.n);
}

static bool
take_line(struct drop *d, struct slice line)
{
	struct slice text = slice_sub(line, 2, line.n);

	if (line.n < 2 || line.p[1] != ' ')
		return false;
	switch (line.p[0]) {
	case 'F':
		d->sender = text;
		return true;
	case 'R':
		return ++d->rcpts <= DROP_RCPTS_MAX;
	case 'E':
		d->envid = text;
		return true;
	case 'T':
		d->ret = text;
		return true;
	case 'N':
		d->notify = text;
		return true;
	default:
		return false;
	}
}

/* The last line says how long the message is, and stands right behind it. */
static bool
take_message(struct drop *d, struct slice rest)
{
	struct slice tail;
	uint64_t n;
	size_t at;

	if (rest.n == 0 || rest.p[rest.n - 1] != '\n')
		return false;
	tail = slice_sub(rest, rest.n > 40 ? rest.n - 40 : 0, rest.n - 1);
	at = slice_rfind(tail, ' ');
	if (at == tail.n ||
	    !slice_u64(slice_sub(tail, at + 1, tail.n), rest.n, &n))
		return false;
	d->message = slice_sub(rest, 0, (size_t)n);
	rest = slice_sub(rest, (size_t)n, rest.n);
	return slice_istarts(rest, SLICE(LAST)) &&
	    rest.n == strlen(LAST) + (tail.n - at - 1) + 1;
}

int
drop_parse(struct slice file, struct drop *ret)
{
	struct drop d = { .sender = { "", 0 } };
	struct slice line, rest;

	if (!slice_istarts(file, SLICE(FIRST)))
		return -EBADMSG;
	rest = d.head = slice_sub(file, strlen(FIRST), file.n);
	for (;;) {
		if (!slice_next(&rest, '\n', &line))
			return -EBADMSG;
		if (line.n == 0)
			break;
		if (!take_line(&d, line))
			return -EBADMSG;
	}
	d.head.n = (size_t)(rest.p - d.head.p);
	if (!take_message(&d, rest) || d.rcpts == 0)
		return -EBADMSG;
	*ret = d;
	return 0;
}

bool
drop_next_rcpt(const struct drop *d, size_t *pos, struct slice *ret)
{
	while (*pos < d->head.n) {
		struct slice rest = slice_sub(d->head, *pos, d->head.n);
		size_t nl = slice_find(rest, '\n');
		struct slice line = slice_sub(rest, 0, nl);

		*pos += nl + 1;
		if (line.n > 2 && line.p[0] == 'R') {
			*ret = slice_sub(line, 2, line.n);
			return true;
		}
	}
	return false;
}
