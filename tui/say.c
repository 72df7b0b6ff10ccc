#include "say.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"

void
say_number(char ret[SAY_MAX], int64_t v)
{
	char digits[24];
	size_t n, at = 0;

	snprintf(digits, sizeof(digits), "%lld", (long long)v);
	n = strlen(digits);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0 && digits[i - 1] != '-')
			ret[at++] = ',';
		ret[at++] = digits[i];
	}
	ret[at] = '\0';
}

void
say_bytes(char ret[SAY_MAX], int64_t v)
{
	static const char units[] = "BKMGTP";
	double d = (double)v;
	int u = 0;

	while (d >= 1024 && u < 5) {
		d /= 1024;
		u++;
	}
	if (u == 0)
		snprintf(ret, SAY_MAX, "%lld", (long long)v);
	else
		snprintf(
		    ret, SAY_MAX, d < 9.95 ? "%.1f%c" : "%.0f%c", d, units[u]);
}

void
say_span(char ret[SAY_MAX], int64_t us)
{
	long s = us > 0 ? (long)(us / US_SEC) : 0;

	if (s < 120)
		snprintf(ret, SAY_MAX, "%lds", s);
	else if (s < 7200)
		snprintf(ret, SAY_MAX, "%ldm", s / 60);
	else if (s < 172800)
		snprintf(ret, SAY_MAX, "%ldh%02ldm", s / 3600, s / 60 % 60);
	else
		snprintf(ret, SAY_MAX, "%ldd%02ldh", s / 86400, s / 3600 % 24);
}

static void
broken_down(int64_t wall, bool is_utc, struct tm *ret)
{
	time_t t = (time_t)(wall / US_SEC);

	if (is_utc)
		gmtime_r(&t, ret);
	else
		localtime_r(&t, ret);
}

void
say_time(char ret[SAY_MAX], int64_t wall, int64_t now, bool is_utc)
{
	struct tm tm, today;

	if (wall == 0) {
		snprintf(ret, SAY_MAX, "-");
		return;
	}
	broken_down(wall, is_utc, &tm);
	broken_down(now, is_utc, &today);
	if (tm.tm_yday == today.tm_yday && tm.tm_year == today.tm_year)
		strftime(ret, SAY_MAX, "%H:%M:%S", &tm);
	else if (wall - now < 6 * US_DAY && now - wall < 6 * US_DAY)
		strftime(ret, SAY_MAX, "%a %H:%M", &tm);
	else
		strftime(ret, SAY_MAX, "%d %b %y", &tm);
}

void
say_stamp(char ret[SAY_MAX], int64_t wall, bool is_utc)
{
	struct tm tm;

	broken_down(wall, is_utc, &tm);
	strftime(ret, SAY_MAX, "%Y-%m-%d %H:%M:%S", &tm);
}

void
say_moment(char ret[SAY_MAX], int64_t wall, int64_t now, bool is_utc)
{
	struct tm tm, today;
	size_t n;

	broken_down(wall, is_utc, &tm);
	broken_down(now, is_utc, &today);
	if (tm.tm_yday != today.tm_yday || tm.tm_year != today.tm_year) {
		strftime(ret, SAY_MAX, "%d %b %H:%M", &tm);
		return;
	}
	n = strftime(ret, SAY_MAX, "%H:%M:%S", &tm);
	snprintf(ret + n, SAY_MAX - n, ".%03d", (int)(wall % US_SEC / 1000));
}

void
say_took(char ret[SAY_MAX], uint64_t us)
{
	if (us < 10000)
		snprintf(ret, SAY_MAX, "%.1fms", (double)us / 1e3);
	else if (us < (uint64_t)US_SEC)
		snprintf(ret, SAY_MAX, "%.0fms", (double)us / 1e3);
	else if (us < 100 * (uint64_t)US_SEC)
		snprintf(ret, SAY_MAX, "%.1fs", (double)us / 1e6);
	else
		say_span(ret, (int64_t)us);
}

void
say_short(char ret[SAY_MAX], int64_t v)
{
	if (v == 0)
		snprintf(ret, SAY_MAX, ".");
	else if (v < 10000)
		snprintf(ret, SAY_MAX, "%lld", (long long)v);
	else if (v < 1000000)
		snprintf(ret, SAY_MAX, "%lldk", (long long)(v / 1000));
	else if (v < 10000000)
		snprintf(ret, SAY_MAX, "%.1fM", (double)v / 1e6);
	else
		snprintf(ret, SAY_MAX, "%lldM", (long long)(v / 1000000));
}

void
say_rate(char ret[SAY_MAX], double a_second)
{
	if (a_second > 0 && a_second < 9.95)
		snprintf(ret, SAY_MAX, "%.1f", a_second);
	else
		say_number(ret, (int64_t)(a_second + 0.5));
}

void
say_chart(struct grid *g, int y, int x, int n, const double *values, int count)
{
	static const char *const bars[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆",
		"▇", "█" };
	static const char *const dots[] = { " ", ".", ".", ":", "-", "=", "+",
		"*", "#" };
	double top = 0;
	bool is_begun = false;

	if (g->is_plain)
		return;
	if (n > count)
		n = count;
	values += count - n;
	for (int i = 0; i < n; i++)
		if (values[i] > top)
			top = values[i];
	for (int i = 0; i < n; i++) {
		int h =
		    top > 0 && values[i] > 0 ? (int)(values[i] / top * 8) : 0;

		is_begun |= values[i] >= 0;
		if (values[i] < 0) {
			if (is_begun)
				grid_put(g, y, x + i, 1, LOOK_QUIET, "?");
			continue;
		}
		if (h == 0 && values[i] > 0)
			h = 1;
		grid_put(g, y, x + i, 1, LOOK_QUIET,
		    g->is_ascii ? dots[h] : bars[h]);
	}
}
