#include "clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t shift_wall, shift_mono;

static int64_t
now(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * US_SEC + ts.tv_nsec / 1000;
}

int64_t
clock_wall(void)
{
	return now(CLOCK_REALTIME) + shift_wall;
}

int64_t
clock_mono(void)
{
	return now(CLOCK_BOOTTIME) + shift_mono;
}

void
clock_shift(int64_t wall_us, int64_t mono_us)
{
	shift_wall += wall_us;
	shift_mono += mono_us;
}

static void
digits(char *p, int n, int64_t v)
{
	while (n-- > 0) {
		p[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

void
clock_rfc3339(struct buf *b, int64_t us)
{
	static _Thread_local struct {
		int64_t sec;
		char text[20];
	} last = { -1, "" };
	char s[] = "0000-00-00T00:00:00.000000Z";
	int64_t sec = us / US_SEC, frac = us % US_SEC;

	if (frac < 0) {
		sec--;
		frac += US_SEC;
	}
	if (sec != last.sec) { /* the calendar once a second */
		time_t t = (time_t)sec;
		struct tm tm;

		if (gmtime_r(&t, &tm) == NULL)
			memset(&tm, 0, sizeof(tm));
		digits(s, 4, tm.tm_year + 1900);
		digits(s + 5, 2, tm.tm_mon + 1);
		digits(s + 8, 2, tm.tm_mday);
		digits(s + 11, 2, tm.tm_hour);
		digits(s + 14, 2, tm.tm_min);
		digits(s + 17, 2, tm.tm_sec);
		memcpy(last.text, s, 19);
		last.sec = sec;
	}
	memcpy(s, last.text, 19);
	digits(s + 20, 6, frac);
	buf_add(b, s, sizeof(s) - 1);
}

/* n digits at p, or -1. */
static int
read_digits(const char *p, int n)
{
	int v = 0;

	for (; n > 0; n--, p++) {
		if (*p < '0' || *p > '9')
			return -1;
		v = v * 10 + (*p - '0');
	}
	return v;
}

/* Days since 1970-01-01 in the Gregorian calendar; years from March, so
 * that the leap day is the last. */
static int64_t
days_of(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400;
	int of_era = y % 400, m = (month + 9) % 12;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	    (153 * m + 2) / 5 + day - 1 - 719468;
}

/* "Z", "+09:00": seconds east, false when it is neither. */
static bool
read_zone(struct slice s, int *ret)
{
	int h, m;

	*ret = 0;
	if (s.n == 1 && (s.p[0] == 'Z' || s.p[0] == 'z'))
		return true;
	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':')
		return false;
	h = read_digits(s.p + 1, 2);
	m = read_digits(s.p + 4, 2);
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return false;
	*ret = (s.p[0] == '-' ? -1 : 1) * (h * 3600 + m * 60);
	return true;
}

/* ".123456" cut off s; microseconds. */
static int
read_fraction(struct slice *s)
{
	int us = 0, scale = 100000;
	size_t i = 1;

	if (s->n < 2 || s->p[0] != '.')
		return 0;
	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		us += (s->p[i] - '0') * scale;
		scale /= 10;
	}
	if (i > 1)
		*s = slice_sub(*s, i, s->n);
	return us;
}

bool
clock_read_rfc3339(struct slice s, int64_t *ret)
{
	static const char shape[] = "0000-00-00T00:00:00";
	int v[6], east, us;

	if (s.n < sizeof(shape))
		return false;
	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] != '0' && s.p[i] != shape[i] &&
		    !(shape[i] == 'T' && (s.p[i] == ' ' || s.p[i] == 't')))
			return false;
	v[0] = read_digits(s.p, 4);
	for (int i = 1; i < 6; i++)
		v[i] = read_digits(s.p + 2 + i * 3, 2);
	if (v[0] < 1970 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 ||
	    v[3] < 0 || v[3] > 23 || v[4] < 0 || v[4] > 59 || v[5] < 0 ||
	    v[5] > 60)
		return false;
	s = slice_sub(s, sizeof(shape) - 1, s.n);
	us = read_fraction(&s);
	if (!read_zone(s, &east))
		return false;
	*ret = days_of(v[0], v[1], v[2]) * US_DAY + us +
	    (v[3] * 3600 + v[4] * 60 + v[5] - east) * US_SEC;
	return true;
}

static void
put_rfc5322(struct buf *b, time_t t)
{
	static const char day[] = "SunMonTueWedThuFriSat";
	static const char mon[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;
	long off;

	if (localtime_r(&t, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	off = labs(tm.tm_gmtoff) / 60;
	buf_addf(b, "%.3s, %d %.3s %d %02d:%02d:%02d %c%02ld%02ld",
	    day + 3 * tm.tm_wday, tm.tm_mday, mon + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    tm.tm_gmtoff < 0 ? '-' : '+', off / 60, off % 60);
}

void
clock_rfc5322(struct buf *b, int64_t us)
{
	static _Thread_local struct {
		int64_t sec;
		char text[64];
	} last = { -1, "" };
	int64_t sec = us / US_SEC;
	size_t from = b->len;

	if (sec == last.sec) { /* the calendar once a second */
		buf_adds(b, last.text);
		return;
	}
	put_rfc5322(b, (time_t)sec);
	if (b->bad || b->len - from >= sizeof(last.text))
		return;
	memcpy(last.text, b->data + from, b->len - from + 1);
	last.sec = sec;
}

void
clock_span(struct buf *b, int64_t us)
{
	static const struct {
		int64_t us;
		char unit;
	} units[] = { { US_DAY, 'd' }, { US_HOUR, 'h' }, { US_MIN, 'm' },
		{ US_SEC, 's' } };
	size_t start = b->len;

	for (size_t i = 0; i < 4; i++) {
		if (us < units[i].us)
			continue;
		buf_addf(
		    b, "%lld%c", (long long)(us / units[i].us), units[i].unit);
		us %= units[i].us;
	}
	if (b->len == start)
		buf_adds(b, "0s");
}
