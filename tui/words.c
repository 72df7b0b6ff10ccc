#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* "2h30m", "10k", "3": the unit says what it is. */
static bool
read_number(const char *s, int64_t *ret)
{
	static const struct {
		char unit;
		int64_t of;
	} units[] = { { 's', US_SEC }, { 'm', US_MIN }, { 'h', US_HOUR },
		{ 'd', US_DAY }, { 'k', 1024 }, { 'K', 1024 },
		{ 'M', 1024 * 1024 }, { 'G', 1024 * 1024 * 1024 } };
	int64_t sum = 0;

	if (*s == '\0')
		return false;
	while (*s != '\0') {
		char *end;
		double v = strtod(s, &end);
		int64_t of = 1;

		if (end == s || !(v >= 0 && v < 1e9))
			return false;
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (*end == units[i].unit)
				of = units[i].of;
		if (*end != '\0' && of == 1)
			return false;
		sum += (int64_t)(v * (double)of);
		s = *end != '\0' ? end + 1 : end;
	}
	*ret = sum;
	return true;
}

static bool
is_known(const char *name, const char *names)
{
	char padded[16];

	snprintf(padded, sizeof(padded), " %s ", name);
	return strstr(names, padded) != NULL;
}

static bool
read_word(struct word *w, struct slice s, const char *names, char why[200])
{
	size_t at = 0;

	*w = (struct word){ .op = ':' };
	while (at < s.n && s.p[at] >= 'a' && s.p[at] <= 'z')
		at++;
	if (at > 0 && at < s.n && at < sizeof(w->name) &&
	    strchr(":~><", s.p[at]) != NULL) {
		memcpy(w->name, s.p, at);
		w->op = s.p[at];
		s = slice_sub(s, at + 1, s.n);
		if (!is_known(w->name, names)) {
			snprintf(
			    why, 200, "'%s': words here are%s", w->name, names);
			return false;
		}
	}
	snprintf(w->text, sizeof(w->text), "%.*s", SLICE_ARG(s));
	if ((w->op == '>' || w->op == '<') &&
	    !read_number(w->text, &w->number)) {
		snprintf(why, 200, "%s%c takes a number, as 90s, 2h, 10k",
		    w->name, w->op);
		return false;
	}
	return true;
}

bool
words_read(struct words *w, const char *text, const char *names, char why[200])
{
	struct slice rest = slice_of(text), one;

	*w = (struct words){ 0 };
	why[0] = '\0';
	while (slice_next(&rest, ' ', &one)) {
		if (one.n == 0)
			continue;
		if (w->n == WORDS_MAX) {
			snprintf(why, 200, "too many words");
			return false;
		}
		if (!read_word(&w->word[w->n], one, names, why))
			return false;
		w->n++;
	}
	return true;
}

static bool
holds(const struct word *w, struct slice text)
{
	struct slice want = slice_of(w->text);

	if (text.p == NULL)
		return false;
	if (strcmp(w->text, "<>") == 0)
		return text.n == 0;
	if (w->text[0] == '@')
		return slice_iends(text, want);
	for (size_t i = 0; i + want.n <= text.n; i++)
		if (slice_istarts(slice_sub(text, i, text.n), want))
			return true;
	return false;
}

bool
words_match(const struct words *w, const void *row, word_text *text,
    word_number *number)
{
	for (int i = 0; i < w->n; i++) {
		const struct word *one = &w->word[i];
		bool is_it;

		if (one->op == '>')
			is_it = number(row, one->name) > one->number;
		else if (one->op == '<')
			is_it = number(row, one->name) < one->number;
		else
			is_it = holds(one, text(row, one->name));
		if (!is_it)
			return false;
	}
	return true;
}
