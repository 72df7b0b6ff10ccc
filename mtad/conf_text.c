#include "conf_text.h"

#include <stdbool.h>
#include <string.h>

struct scan {
	char *p;
	int line;
	int depth, open_line; /* of braces */
	void (*wrong)(int, const char *);
};

static void
next(struct scan *s)
{
	s->line += *s->p == '\n';
	s->p++;
}

static void
blank(struct scan *s)
{
	if (*s->p != '\n')
		*s->p = ' ';
	next(s);
}

/* To the end of the line, or to the end of it. */
static void
comment(struct scan *s)
{
	bool is_block = s->p[1] == '*' && s->p[0] == '/';

	while (*s->p != '\0' && (is_block || *s->p != '\n')) {
		bool is_end = s->p[0] == '*' && s->p[1] == '/';

		blank(s);
		if (is_block && is_end) {
			blank(s);
			return;
		}
	}
}

static void
dollar(struct scan *s)
{
	if (s->p[0] == '$' && s->p[1] == '{')
		s->wrong(s->line,
		    "${...} would take its value from the environment; write "
		    "the value, or $ alone");
}

static void
quoted(struct scan *s)
{
	char quote = *s->p;

	next(s);
	while (*s->p != '\0' && *s->p != quote) {
		if (quote == '"')
			dollar(s);
		if (*s->p == '\\' && s->p[1] != '\0')
			next(s);
		next(s);
	}
	if (*s->p != '\0')
		next(s);
}

static void
plain(struct scan *s)
{
	dollar(s);
	if (*s->p == '\r')
		*s->p = ' ';
	if (*s->p == '{' && s->depth++ == 0)
		s->open_line = s->line;
	if (*s->p == '}')
		s->depth--;
	next(s);
}

/* A sign of comment within a word is a part of it. */
static bool
is_comment(const struct scan *s, bool in_word)
{
	return !in_word &&
	    (s->p[0] == '#' ||
		(s->p[0] == '/' && (s->p[1] == '/' || s->p[1] == '*')));
}

void
conf_text_prepare(char *text, void (*wrong)(int line, const char *what))
{
	struct scan s = { .p = text, .line = 1, .wrong = wrong };
	bool in_word = false;

	while (*s.p != '\0') {
		if (is_comment(&s, in_word)) {
			comment(&s);
		} else if (*s.p == '"' || *s.p == '\'') {
			quoted(&s);
			in_word = false;
		} else {
			in_word = strchr(" \t\r\n={}()+,", *s.p) == NULL;
			plain(&s);
		}
	}
	if (s.depth > 0)
		wrong(s.open_line, "the { of this line is not closed");
}
