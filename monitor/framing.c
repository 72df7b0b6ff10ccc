#include "framing.h"

#include <string.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum framing
counted(struct slice s, size_t max, struct slice *ret_msg, size_t *ret_used)
{
	size_t n = 0, i = 0;

	for (; i < s.n && is_digit(s.p[i]); i++) {
		if (i == FRAMING_LENGTH_DIGITS)
			return FRAMING_BAD;
		n = n * 10 + (size_t)(s.p[i] - '0');
	}
	if (i == s.n)
		return FRAMING_MORE;
	if (s.p[i] != ' ' || s.p[0] == '0' || n > max)
		return FRAMING_BAD;
	if (s.n - i - 1 < n)
		return FRAMING_MORE;
	*ret_msg = slice_sub(s, i + 1, i + 1 + n);
	*ret_used = i + 1 + n;
	return FRAMING_ONE;
}

static enum framing
line(struct slice s, size_t max, struct slice *ret_msg, size_t *ret_used)
{
	size_t n = slice_find(s, '\n');

	if (n == s.n && n <= max)
		return FRAMING_MORE;
	if (n > max) {
		*ret_msg = slice_sub(s, 0, max);
		*ret_used = max;
		return FRAMING_ONE;
	}
	*ret_msg = slice_sub(s, 0, n);
	*ret_used = n + 1;
	if (n != 0 && s.p[n - 1] == '\r')
		ret_msg->n--;
	return FRAMING_ONE;
}

enum framing
framing_next(
    struct slice s, size_t max, struct slice *ret_msg, size_t *ret_used)
{
	if (s.n == 0)
		return FRAMING_MORE;
	return (is_digit(s.p[0]) ? counted : line)(s, max, ret_msg, ret_used);
}
