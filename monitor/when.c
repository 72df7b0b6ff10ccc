#include "when.h"

#include <string.h>
#include <time.h>

#include "clock.h"

static int64_t
midnight(int64_t wall, int days)
{
	time_t t = (time_t)(wall / US_SEC);
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return wall;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday += days;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm) * US_SEC;
}

static bool
read_word(const char *text, int64_t *ret)
{
	int64_t now = clock_wall();

	if (strcmp(text, "now") == 0)
		*ret = now;
	else if (strcmp(text, "today") == 0)
		*ret = midnight(now, 0);
	else if (strcmp(text, "yesterday") == 0)
		*ret = midnight(now, -1);
	else
		return false;
	return true;
}

static bool
read_local(const char *text, int64_t *ret)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M",
		"%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, forms[i], &tm);
		time_t t;

		if (end == NULL || *end != '\0')
			continue;
		t = mktime(&tm);
		if (t == (time_t)-1)
			return false;
		*ret = (int64_t)t * US_SEC;
		return true;
	}
	return false;
}

/* "1d12h": that long ago. */
static bool
read_span(const char *text, int64_t *ret)
{
	static const char units[] = "wdhms";
	static const int64_t size[] = { 7 * US_DAY, US_DAY, US_HOUR, US_MIN,
		US_SEC };
	int64_t sum = 0;

	while (*text != '\0') {
		const char *unit;
		int64_t v = 0;
		int digits = 0;

		for (; *text >= '0' && *text <= '9' && digits < 9; digits++)
			v = v * 10 + (*text++ - '0');
		unit = *text ? strchr(units, *text) : NULL;
		if (digits == 0 || unit == NULL)
			return false;
		sum += v * size[unit - units];
		text++;
	}
	*ret = clock_wall() - sum;
	return sum != 0;
}

bool
when_read(const char *text, int64_t *ret)
{
	return clock_read_rfc3339(slice_of(text), ret) ||
	    read_word(text, ret) || read_local(text, ret) ||
	    read_span(text, ret);
}
