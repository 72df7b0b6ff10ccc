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

int
drop_parse_tail(struct slice last, uint64_t *ret_message, size_t *ret_trailer)
{
	struct slice line, key = SLICE(LAST);
	size_t nl;

	if (last.n == 0 || last.p[last.n - 1] != '\n')
		return -EBADMSG;
	last = slice_sub(
	    last, last.n > DROP_TAIL_MAX ? last.n - DROP_TAIL_MAX : 0, last.n);
	/* the trailer follows the message at once, which may end anywhere */
	for (nl = last.n; nl >= key.n; nl--) {
		line = slice_sub(last, nl - key.n, last.n - 1);
		if (slice_istarts(line, key) &&
		    slice_u64(slice_sub(line, key.n, line.n), INT64_MAX,
			ret_message)) {
			*ret_trailer = line.n + 1;
			return 0;
		}
	}
	return -EBADMSG;
}

int
drop_parse_head(struct slice start, struct drop *ret)
{
	struct drop d = { .sender = { "", 0 } };
	struct slice line, rest;

	if (start.n < strlen(FIRST))
		return -EAGAIN;
	if (!slice_istarts(start, SLICE(FIRST)))
		return -EBADMSG;
	rest = d.head = slice_sub(start, strlen(FIRST), start.n);
	for (;;) {
		if (slice_find(rest, '\n') == rest.n)
			return -EAGAIN;
		slice_next(&rest, '\n', &line);
		if (line.n == 0)
			break;
		if (!take_line(&d, line))
			return -EBADMSG;
	}
	if (d.rcpts == 0)
		return -EBADMSG;
	d.head.n = (size_t)(rest.p - d.head.p);
	d.message = rest;
	*ret = d;
	return 0;
}

int
drop_parse(struct slice file, struct drop *ret)
{
	uint64_t n;
	size_t trailer;

	if (drop_parse_head(file, ret) < 0 ||
	    drop_parse_tail(ret->message, &n, &trailer) < 0 ||
	    ret->message.n != n + trailer)
		return -EBADMSG;
	ret->message.n = (size_t)n;
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
