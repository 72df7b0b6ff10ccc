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
