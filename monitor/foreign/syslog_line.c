#include "syslog_line.h"

#include <string.h>

/* Ceiling for repeats that a line may claim. */
#define REPEATS_MAX 10000

static bool
cut_word(struct slice *s, struct slice *ret)
{
	size_t at = slice_find(*s, ' ');

	if (at == 0 || at == s->n)
		return false;
	*ret = slice_sub(*s, 0, at);
	*s = slice_sub(*s, at + 1, s->n);
	return true;
}

static void
cut_priority(struct slice *s, int *ret)
{
	size_t end = slice_find(slice_sub(*s, 0, 5), '>');
	uint64_t pri;

	*ret = -1;
	if (s->n < 3 || s->p[0] != '<' || end > 4 || end >= s->n ||
	    !slice_u64(slice_sub(*s, 1, end), 191, &pri))
		return;
	*ret = (int)pri;
	*s = slice_sub(*s, end + 1, s->n);
}

/* "[id name=\"value\"][...]" or "-"; a bracket in a value has a backslash. */
static bool
cut_data(struct slice *s, struct slice *ret)
{
	size_t at = 0;
	bool is_quoted = false;

	if (s->n != 0 && s->p[0] == '-') {
		*ret = slice_sub(*s, 0, 0);
		*s = slice_sub(*s, s->n > 1 && s->p[1] == ' ' ? 2 : 1, s->n);
		return true;
	}
	while (at < s->n && s->p[at] == '[') {
		for (; at < s->n && (is_quoted || s->p[at] != ']'); at++) {
			if (s->p[at] == '\\' && is_quoted)
				at++;
			else if (s->p[at] == '"')
				is_quoted = !is_quoted;
		}
		at++;
	}
	if (at == 0 || at > s->n)
		return false;
	*ret = slice_sub(*s, 0, at);
	if (at < s->n && s->p[at] == ' ')
		at++;
	*s = slice_sub(*s, at, s->n);
	return true;
}

/* "-" is RFC 5424's nothing. */
static struct slice
or_nothing(struct slice s)
{
	return s.n == 1 && s.p[0] == '-' ? slice_sub(s, 0, 0) : s;
}

static bool
parse_5424(struct when *w, struct slice s, struct syslog_line *l)
{
	struct slice pid;

	s = slice_sub(s, 2, s.n);
	if (!when_rfc3339(w, &s, &l->time_us) || !cut_word(&s, &l->node) ||
	    !cut_word(&s, &l->prog) || !cut_word(&s, &pid) ||
	    !cut_word(&s, &l->msgid) || !cut_data(&s, &l->data))
		return false;
	l->node = or_nothing(l->node);
	l->prog = or_nothing(l->prog);
	l->msgid = or_nothing(l->msgid);
	slice_u64(pid, UINT32_MAX, &l->pid);
	if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
		s = slice_sub(s, 3, s.n);
	l->text = s;
	return true;
}

/* TAG [ "[" PID "]" ] ":" at the end of a word */
static bool
read_tag(struct slice word, struct syslog_line *l)
{
	size_t open;

	if (word.n < 2 || word.p[word.n - 1] != ':')
		return false;
	word.n--;
	open = slice_find(word, '[');
	l->prog = slice_sub(word, 0, open);
	if (open < word.n && word.p[word.n - 1] == ']')
		slice_u64(
		    slice_sub(word, open + 1, word.n - 1), UINT32_MAX, &l->pid);
	return l->prog.n != 0;
}

static bool
has_tag(struct slice *s, struct syslog_line *l)
{
	size_t end = slice_find(*s, ' ');

	if (!read_tag(slice_sub(*s, 0, end), l))
		return false;
	*s = slice_sub(*s, end + 1, s->n);
	return true;
}

/* "last message repeated" has no tag. */
static bool
parse_3164(struct slice s, struct syslog_line *l)
{
	if (!has_tag(&s, l)) {
		if (!cut_word(&s, &l->node))
			return false;
		if (!has_tag(&s, l) &&
		    !slice_istarts(s, SLICE("last message repeated ")))
			return false;
	}
	/* Solaris: "[ID 197553 mail.info] " */
	if (s.n > 4 && memcmp(s.p, "[ID ", 4) == 0) {
		size_t end = slice_find(s, ']');

		if (end + 1 < s.n)
			s = slice_sub(s, end + 2, s.n);
	}
	l->text = s;
	return true;
}

bool
syslog_line_parse(struct when *w, struct slice s, struct syslog_line *l)
{
	*l = (struct syslog_line){ .time_us = 0 };
	while (s.n != 0 &&
	    (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' ||
		s.p[s.n - 1] == '\0'))
		s.n--;
	cut_priority(&s, &l->priority);
	if (l->priority >= 0 && s.n > 2 && s.p[0] == '1' && s.p[1] == ' ')
		return parse_5424(w, s, l);
	if (when_rfc3164(w, &s, &l->time_us, &l->is_year_inferred) ||
	    when_rfc3339(w, &s, &l->time_us))
		return parse_3164(s, l);
	return false;
}

unsigned
syslog_line_repeats(struct slice text, struct slice *ret)
{
	static const struct slice before = { "message repeated ", 17 };
	static const struct slice after = { " times", 6 };
	struct slice number;
	uint64_t n;

	if (slice_istarts(text, SLICE("last ")))
		text = slice_sub(text, 5, text.n);
	if (!slice_istarts(text, before))
		return 0;
	text = slice_sub(text, before.n, text.n);
	if (!cut_word(&text, &number) || !slice_u64(number, REPEATS_MAX, &n) ||
	    !slice_istarts(text, slice_sub(after, 1, after.n)))
		return 0;
	text = slice_sub(text, after.n - 1, text.n);
	*ret = slice_sub(text, 0, 0);
	if (text.n > 4 && memcmp(text.p, ": [", 3) == 0 &&
	    text.p[text.n - 1] == ']')
		*ret = slice_trim(slice_sub(text, 3, text.n - 1));
	return (unsigned)n;
}
