#include "pairs.h"

#include <string.h>

/* Names are short words; what has a blank in it is no name. */
#define NAME_LONGEST 24

static bool
cut_name(struct slice *rest, struct slice *ret)
{
	size_t at = 0;

	while (at < rest->n && at < NAME_LONGEST && rest->p[at] != '=') {
		if (rest->p[at] == ' ' || rest->p[at] == ',')
			return false;
		at++;
	}
	if (at == 0 || at >= rest->n || rest->p[at] != '=')
		return false;
	*ret = slice_sub(*rest, 0, at);
	*rest = slice_sub(*rest, at + 1, rest->n);
	return true;
}

static bool
ends_here(struct slice s, size_t at, struct slice separator)
{
	return at == s.n ||
	    (s.n - at >= separator.n &&
		memcmp(s.p + at, separator.p, separator.n) == 0);
}

/* Where the next separator is, or the end. */
static size_t
find_end(struct slice s, size_t from, struct slice separator)
{
	for (; from < s.n; from++) {
		const char *p = memchr(s.p + from, separator.p[0], s.n - from);

		if (p == NULL)
			break;
		from = (size_t)(p - s.p);
		if (ends_here(s, from, separator))
			return from;
	}
	return s.n;
}

/* Behind the closing sign: one that a separator, a blank or nothing follows.
 * 0: there is none, and the value is not in such signs. */
static size_t
find_close(struct slice s, char close, struct slice separator)
{
	for (size_t at = 1; at < s.n; at++) {
		const char *p = memchr(s.p + at, close, s.n - at);

		if (p == NULL)
			break;
		at = (size_t)(p - s.p);
		if (ends_here(s, at + 1, separator) || s.p[at + 1] == ' ')
			return at + 1;
	}
	return 0;
}

/* "<a@b> (1/2)" stays as it is. */
static struct slice
cut_value(struct slice *rest, struct slice separator)
{
	size_t close = 0, end;
	struct slice value;

	if (rest->n != 0 && rest->p[0] == '<')
		close = find_close(*rest, '>', separator);
	else if (rest->n != 0 && rest->p[0] == '"')
		close = find_close(*rest, '"', separator);
	end = find_end(*rest, close, separator);
	value = slice_sub(*rest, 0, end);
	*rest = slice_sub(*rest, end + separator.n, rest->n);
	if (close != 0 && close == value.n)
		value = slice_sub(value, 1, close - 1);
	return value;
}

/* Lists come in the order of the table: look from the last one on. */
static size_t
which(const struct slice *names, size_t n, size_t from, struct slice name)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = from + i < n ? from + i : from + i - n;

		if (slice_eq(names[at], name))
			return at;
	}
	return n;
}

bool
pairs_read(struct slice *rest, struct slice separator,
    const struct slice *names, size_t n, bool is_last_rest, struct slice *ret)
{
	size_t next = 0, count = 0;
	struct slice name;

	memset(ret, 0, n * sizeof(*ret));
	while (rest->n != 0 && cut_name(rest, &name)) {
		size_t at = which(names, n, next, name);
		struct slice value;

		count++;
		if (is_last_rest && at == n - 1) {
			ret[at] = *rest;
			*rest = slice_sub(*rest, rest->n, rest->n);
			break;
		}
		value = cut_value(rest, separator);
		if (at == n)
			continue;
		if (ret[at].p == NULL)
			ret[at] = value;
		next = at + 1 < n ? at + 1 : 0;
	}
	return count != 0;
}
