#include "reason_date.h"

#include <string.h>
#include <strings.h>

/*
 * Longest first. w day of the week, m month, d one or two digits, y four,
 * h hours:minutes with seconds and their fraction or without, z zone; a blank
 * is one or more; anything else is itself.
 */
static const char *const shapes[] = {
	"w, d m y h z",
	"w, d m y h",
	"w m d h z y",
	"w m d h y",
	"w m d h",
	"w, d m y",
	"d m y h z",
	"d m y h",
	"d m y",
	"d m",
	"m d h",
	"m d, y",
	"m d y",
	"m d",
	"d-m-y h",
	"d-m-y",
	"y-d-dthz",
	"y-d-dth",
	"y-d-d h",
	"y-d-d",
	"y/d/d h",
	"y/d/d",
	"d/d/y",
	"h",
};

static const char *const months[] = { "january", "february", "march", "april",
	"may", "june", "july", "august", "september", "october", "november",
	"december" };
static const char *const days[] = { "monday", "tuesday", "wednesday",
	"thursday", "friday", "saturday", "sunday" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static size_t
digits(struct slice s)
{
	size_t n = 0;

	while (n < s.n && is_digit(s.p[n]))
		n++;
	return n;
}

/* A name, whole or its first three letters. */
static size_t
name(struct slice s, const char *const *names, size_t count)
{
	size_t n = 3;

	for (size_t i = 0; i < count; i++) {
		if ((s.p[0] | 0x20) != names[i][0] ||
		    (s.p[1] | 0x20) != names[i][1] ||
		    (s.p[2] | 0x20) != names[i][2])
			continue;
		if (s.n == n || !is_alpha(s.p[n]))
			return n;
		n = strlen(names[i]);
		return s.n >= n && strncasecmp(s.p, names[i], n) == 0 ? n : 0;
	}
	return 0;
}

static size_t
one_or_two(struct slice s)
{
	size_t n = digits(s);

	return n <= 2 ? n : 0;
}

static size_t
month(struct slice s)
{
	return s.n < 3 ? 0 : name(s, months, COUNT(months));
}

static size_t
week_day(struct slice s)
{
	return s.n < 3 ? 0 : name(s, days, COUNT(days));
}

static size_t
year(struct slice s)
{
	return digits(s) == 4 ? 4 : 0;
}

/* ":dd", and its length. */
static size_t
colon_two(struct slice s)
{
	return s.n >= 3 && s.p[0] == ':' && digits(slice_sub(s, 1, s.n)) == 2
	    ? 3
	    : 0;
}

static size_t
hours(struct slice s)
{
	size_t n = one_or_two(s), more;

	if (n == 0 || colon_two(slice_sub(s, n, s.n)) == 0)
		return 0;
	n += 3;
	more = colon_two(slice_sub(s, n, s.n));
	n += more;
	if (more != 0 && n + 1 < s.n && s.p[n] == '.' && is_digit(s.p[n + 1]))
		n += 1 + digits(slice_sub(s, n + 1, s.n));
	return n;
}

/* +0900, -09:00, Z, and names such as UTC. */
static size_t
zone(struct slice s)
{
	size_t n = 1;

	if (s.n > 2 && (s.p[0] == '+' || s.p[0] == '-')) {
		n += digits(slice_sub(s, 1, s.n));
		n += colon_two(slice_sub(s, n, s.n));
		return n == 5 || n == 6 ? n : 0;
	}
	for (n = 0; n < s.n && s.p[n] >= 'A' && s.p[n] <= 'Z';)
		n++;
	return n <= 4 ? n : 0;
}

static size_t
blanks(struct slice s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] == ' ')
		n++;
	return n;
}

static size_t
part(char kind, struct slice s)
{
	switch (kind) {
	case 'w':
		return week_day(s);
	case 'm':
		return month(s);
	case 'd':
		return one_or_two(s);
	case 'y':
		return year(s);
	case 'h':
		return hours(s);
	case 'z':
		return zone(s);
	case ' ':
		return blanks(s);
	default:
		return s.n != 0 && ascii_lower(s.p[0]) == kind;
	}
}

static size_t
match(const char *shape, struct slice s)
{
	size_t at = 0;

	for (; *shape != '\0'; shape++) {
		size_t n = part(*shape, slice_sub(s, at, s.n));

		if (n == 0)
			return 0;
		at += n;
	}
	/* not the beginning of a longer number or word */
	return at < s.n && (is_digit(s.p[at]) || is_alpha(s.p[at])) ? 0 : at;
}

/* Most words end here: nothing that a shape begins with. */
static bool
may_begin(struct slice s)
{
	size_t n;

	if (s.n < 4)
		return false;
	if (!is_digit(s.p[0]))
		return strchr("jfmasondtw", s.p[0] | 0x20) != NULL &&
		    (week_day(s) != 0 || month(s) != 0);
	n = digits(s);
	return (n <= 2 || n == 4) && n < s.n &&
	    (s.p[n] == ' ' || s.p[n] == '-' || s.p[n] == '/' || s.p[n] == ':');
}

size_t
reason_date(struct slice s)
{
	if (!may_begin(s))
		return 0;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		size_t n = match(shapes[i], s);

		if (n != 0)
			return n;
	}
	return 0;
}
