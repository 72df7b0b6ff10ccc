#include "when.h"

#include <string.h>
#include <time.h>

#include "clock.h"

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void
when_init(struct when *w, int64_t now_us)
{
	*w = (struct when){ .now_us = now_us };
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* n digits at the place; -1: they are none. */
static int
digits(struct slice s, size_t at, size_t n)
{
	int v = 0;

	if (at + n > s.n)
		return -1;
	for (; n > 0; n--, at++) {
		if (!is_digit(s.p[at]))
			return -1;
		v = v * 10 + (s.p[at] - '0');
	}
	return v;
}

/* ":MM:SS" at the place as seconds; -1: it is none. */
static int
minutes(struct slice s, size_t at)
{
	int m = digits(s, at + 1, 2), sec = digits(s, at + 4, 2);

	if (m < 0 || m > 59 || sec < 0 || sec > 60 || s.p[at] != ':' ||
	    s.p[at + 3] != ':')
		return -1;
	return m * 60 + sec;
}

static void
cut(struct slice *line, size_t n)
{
	*line = slice_sub(*line, n, line->n);
	if (line->n != 0 && line->p[0] == ' ')
		*line = slice_sub(*line, 1, line->n);
}

static int
month(struct slice s, size_t at)
{
	if (at + 4 > s.n || s.p[at + 3] != ' ')
		return -1;
	for (int m = 0; m < 12; m++)
		if (memcmp(months + m * 3, s.p + at, 3) == 0)
			return m;
	return -1;
}

static int64_t
local_hour(int year, int mon, int day, int hour)
{
	struct tm tm = { .tm_year = year - 1900,
		.tm_mon = mon,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_isdst = -1 };

	return (int64_t)mktime(&tm) * US_SEC;
}

static int64_t
guess_year(const struct when *w, int mon, int day, int hour)
{
	time_t now = (time_t)(w->now_us / US_SEC);
	struct tm tm;
	int64_t t;

	localtime_r(&now, &tm);
	t = local_hour(tm.tm_year + 1900, mon, day, hour);
	if (t > w->now_us + US_DAY)
		t = local_hour(tm.tm_year + 1899, mon, day, hour);
	return t;
}

static bool
is_kept(const struct when *w, struct slice line)
{
	return w->stem_n != 0 && line.n > w->stem_n &&
	    memcmp(line.p, w->stem, w->stem_n) == 0;
}

static void
keep(struct when *w, struct slice line, size_t n, int64_t us, bool has_year)
{
	if (n > sizeof(w->stem))
		return;
	memcpy(w->stem, line.p, n);
	w->stem_n = n;
	w->stem_us = us;
	w->has_year = has_year;
}

/* [ YYYY SP ] Mmm SP ( SP D / DD ) SP [ YYYY SP ] HH; its length, 0: none */
static size_t
read_stem(struct when *w, struct slice s)
{
	int year = -1, mon, day, hour;
	size_t at = 0;

	if (digits(s, 0, 4) >= 0 && s.n > 4 && s.p[4] == ' ') {
		year = digits(s, 0, 4);
		at = 5;
	}
	mon = month(s, at);
	at += 4;
	if (mon < 0 || at + 2 > s.n)
		return 0;
	day = s.p[at] == ' ' ? digits(s, at + 1, 1) : digits(s, at, 2);
	at += day < 0 && digits(s, at, 1) > 0 ? 2 : 3;
	if (day < 0)
		day = digits(s, at - 2, 1);
	if (digits(s, at, 4) >= 0) {
		year = digits(s, at, 4);
		at += 5;
	}
	hour = digits(s, at, 2);
	at += 2;
	if (day < 1 || day > 31 || hour < 0 || hour > 23)
		return 0;
	keep(w, s, at,
	    year < 0 ? guess_year(w, mon, day, hour)
		     : local_hour(year, mon, day, hour),
	    year >= 0);
	return at;
}

/* ".123456" at the place is added; its length, 0: none */
static size_t
read_fraction(struct slice s, size_t at, int64_t *us)
{
	size_t from = at;
	int unit = 100000;

	if (at >= s.n || (s.p[at] != '.' && s.p[at] != ','))
		return 0;
	for (at++; at < s.n && is_digit(s.p[at]); at++, unit /= 10)
		*us += (s.p[at] - '0') * unit;
	return at - from;
}

bool
when_rfc3164(
    struct when *w, struct slice *line, int64_t *ret, bool *ret_is_inferred)
{
	size_t at = w->stem_n;
	int sec;

	if (!is_kept(w, *line))
		at = read_stem(w, *line);
	if (at == 0 || at > sizeof(w->stem))
		return false;
	sec = minutes(*line, at);
	if (sec < 0)
		return false;
	*ret = w->stem_us + sec * US_SEC;
	*ret_is_inferred = !w->has_year;
	cut(line, at + 6 + read_fraction(*line, at + 6, ret));
	return true;
}

/* Days since 1970 of a date of the Gregorian calendar: years begin in March,
 * so that the day that leap years have is the last one. */
static int64_t
days(int y, int m, int d)
{
	int era, yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * INT64_C(146097) + yoe * 365 + yoe / 4 - yoe / 100 + doy -
	    719468;
}

/* "YYYY-MM-DD?HH:MM:SS[.ffffff]" as if it were UTC; its length, 0: none */
static size_t
read_iso(struct slice s, char between, int64_t *ret)
{
	int y = digits(s, 0, 4), m = digits(s, 5, 2), d = digits(s, 8, 2);
	int h = digits(s, 11, 2), sec;

	if (y < 1970 || m < 1 || m > 12 || d < 1 || d > 31 || h < 0 || h > 23 ||
	    s.p[4] != '-' || s.p[7] != '-' || s.p[10] != between)
		return 0;
	sec = minutes(s, 13);
	if (sec < 0)
		return 0;
	*ret = ((days(y, m, d) * 24 + h) * 3600 + sec) * US_SEC;
	return 19 + read_fraction(s, 19, ret);
}

/* "Z", "+0900", "-09:00" at the place; its length, 0: none */
static size_t
read_zone(struct slice s, size_t at, int64_t *ret_us)
{
	size_t colon = at + 3 < s.n && s.p[at + 3] == ':';
	int h, m;

	if (at < s.n && (s.p[at] == 'Z' || s.p[at] == 'z')) {
		*ret_us = 0;
		return 1;
	}
	h = digits(s, at + 1, 2);
	m = digits(s, at + 3 + colon, 2);
	if (h < 0 || m < 0 || (s.p[at] != '+' && s.p[at] != '-'))
		return 0;
	*ret_us = (h * 60 + m) * US_MIN * (s.p[at] == '-' ? -1 : 1);
	return 5 + colon;
}

bool
when_rfc3339(struct when *w, struct slice *line, int64_t *ret)
{
	int64_t t, zone;
	size_t at, n;

	(void)w;
	at = read_iso(*line, 'T', &t);
	if (at == 0)
		return false;
	n = read_zone(*line, at, &zone);
	if (n == 0)
		return false;
	*ret = t - zone;
	cut(line, at + n);
	return true;
}

/* Exim's times have this machine's zone when they have none. */
static int64_t
from_local(struct when *w, struct slice line, int64_t utc)
{
	int64_t hour = utc - utc % US_HOUR;
	time_t t = (time_t)(utc / US_SEC);
	struct tm tm;

	if (!is_kept(w, line)) {
		gmtime_r(&t, &tm);
		keep(w, line, 13,
		    local_hour(
			tm.tm_year + 1900, tm.tm_mon, tm.tm_mday, tm.tm_hour),
		    true);
	}
	return w->stem_us + (utc - hour);
}

bool
when_exim(struct when *w, struct slice *line, int64_t *ret)
{
	int64_t t, zone;
	size_t at, n = 0;

	at = read_iso(*line, ' ', &t);
	if (at == 0)
		return false;
	if (at < line->n && line->p[at] == ' ')
		n = read_zone(*line, at + 1, &zone);
	*ret = n != 0 ? t - zone : from_local(w, *line, t);
	cut(line, n != 0 ? at + 1 + n : at);
	return true;
}

bool
when_seconds(struct slice s, uint64_t *ret_us)
{
	size_t dot = slice_find(s, '.');
	uint64_t us, unit = US_SEC / 10;

	if (!slice_u64(slice_sub(s, 0, dot), UINT32_MAX, &us))
		return false;
	us *= US_SEC;
	for (size_t i = dot + 1; i < s.n; i++, unit /= 10) {
		if (!is_digit(s.p[i]))
			return false;
		us += (uint64_t)(s.p[i] - '0') * unit;
	}
	*ret_us = us;
	return true;
}

bool
when_days(struct slice s, uint64_t *ret_us)
{
	size_t plus = slice_find(s, '+');
	uint64_t day = 0;
	int h, sec;

	if (plus < s.n) {
		if (!slice_u64(slice_sub(s, 0, plus), 100000, &day))
			return false;
		s = slice_sub(s, plus + 1, s.n);
	}
	h = digits(s, 0, 2);
	if (h < 0 || s.n != 8)
		return false;
	sec = minutes(s, 2);
	if (sec < 0)
		return false;
	*ret_us = day * US_DAY + (uint64_t)h * US_HOUR + (uint64_t)sec * US_SEC;
	return true;
}

bool
when_span(struct slice s, uint64_t *ret_us)
{
	static const struct {
		char unit;
		int64_t us;
	} units[] = { { 'w', 7 * US_DAY }, { 'd', US_DAY }, { 'h', US_HOUR },
		{ 'm', US_MIN }, { 's', US_SEC } };
	uint64_t sum = 0, part;

	if (s.n == 0)
		return false;
	while (s.n != 0) {
		size_t n = 0, u = 0;

		while (n < s.n && (is_digit(s.p[n]) || s.p[n] == '.'))
			n++;
		while (u < 5 && n < s.n && units[u].unit != s.p[n])
			u++;
		if (n == s.n || u == 5 || n > 15 ||
		    !when_seconds(slice_sub(s, 0, n), &part))
			return false;
		sum += part / US_SEC * (uint64_t)units[u].us +
		    (u == 4 ? part % US_SEC : 0);
		s = slice_sub(s, n + 1, s.n);
	}
	*ret_us = sum;
	return true;
}
