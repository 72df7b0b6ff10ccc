#include "reply_id.h"

#include <string.h>

static bool
has_digit(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= '0' && s.p[i] <= '9')
			return true;
	return false;
}

/* Brackets and stops around an id are none of it. */
static struct slice
bare_word(struct slice s)
{
	while (s.n != 0 && strchr("<[(\"", s.p[0]) != NULL)
		s = slice_sub(s, 1, s.n);
	while (s.n != 0 && strchr(">])\",.;:", s.p[s.n - 1]) != NULL)
		s.n--;
	return s;
}

/*
 * "2.0.0 Ok: queued as 4XYZ", "ok 1234 qp 99", "2.0.0 49abc123 Message
 * accepted", "OK id=1abcDE-0001-2F". The word behind one of the usual words,
 * else the first word that has a digit and at least six characters.
 */
struct slice
reply_remote_id(struct slice text)
{
	static const char *const before[] = { "as", "id", "ok" };
	struct slice one, id = { "", 0 };
	bool is_next = false;

	while (slice_next(&text, ' ', &one)) {
		one = bare_word(one);
		if (slice_istarts(one, SLICE("id=")))
			return slice_sub(one, 3, one.n);
		if (is_next && has_digit(one) && one.n >= 4)
			return one;
		is_next = false;
		for (size_t i = 0; i < 3; i++)
			is_next |= slice_ieq(one, slice_of(before[i]));
		if (id.n == 0 && has_digit(one) && one.n >= 6 &&
		    slice_find(one, '.') == one.n)
			id = one;
	}
	return id;
}
