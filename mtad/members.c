#include "members.h"

#include <stdlib.h>
#include <string.h>

#include "addr.h"

void
members_init(struct members *m)
{
	*m = (struct members){ .n = 0 };
	buf_init(&m->targets, MEMBERS_MAX);
	buf_init(&m->includes, 65536);
}

void
members_release(struct members *m)
{
	buf_release(&m->targets);
	buf_release(&m->includes);
}

static void
add(struct members *m, enum proto_target kind, struct slice text)
{
	struct p_target t = { .kind = (uint8_t)kind, .text = text };

	put_p_target(&m->targets, &t);
	m->n++;
}

static bool
add_address(struct members *m, struct slice s)
{
	struct addr a;
	struct buf b;
	bool ok;

	if (s.p[0] == '<' && s.n > 2 && s.p[s.n - 1] == '>')
		s = slice_sub(s, 1, s.n - 1);
	if (addr_parse(s, ADDR_BARE_OK | ADDR_UTF8_OK, &a) < 0) {
		m->error = "that is no address";
		return false;
	}
	buf_init(&b, 2048);
	addr_put(&b, slice_of(a.local), slice_of(a.domain));
	ok = !b.bad;
	if (ok)
		add(m, TARGET_ADDRESS, buf_slice(&b));
	buf_release(&b);
	return ok;
}

/* One member, blanks and the quotes around a whole one cut off. */
static bool
add_member(struct members *m, struct slice s)
{
	s = slice_trim(s);
	if (s.n == 0)
		return true;
	if (s.n > 2 && s.p[0] == '"' && s.p[s.n - 1] == '"' &&
	    strchr("|/:", s.p[1]) != NULL)
		s = slice_sub(s, 1, s.n - 1);
	if (s.p[0] == '|') {
		s = slice_trim(slice_sub(s, 1, s.n));
		if (s.n > 1 && s.p[0] == '"' && s.p[s.n - 1] == '"')
			s = slice_sub(s, 1, s.n - 1); /* |"command" */
		if (s.n == 0) {
			m->error = "a command is missing behind |";
			return false;
		}
		add(m, TARGET_PROGRAM, s);
	} else if (s.p[0] == '/') {
		add(m, TARGET_FILE, s);
	} else if (slice_istarts(s, SLICE(":include:"))) {
		buf_add_slice(&m->includes, slice_trim(slice_sub(s, 9, s.n)));
		buf_addc(&m->includes, '\n');
		m->n++;
	} else if (s.p[0] == '\\') {
		add(m, TARGET_MAILBOX, slice_sub(s, 1, s.n));
	} else {
		return add_address(m, s);
	}
	return true;
}

/* Up to the comma or newline that stands outside quotes. */
static size_t
member_end(struct slice s)
{
	bool in_quotes = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && in_quotes && i + 1 < s.n)
			i++;
		else if (s.p[i] == '"')
			in_quotes = !in_quotes;
		else if (s.p[i] == '\n' || (s.p[i] == ',' && !in_quotes))
			return i;
	}
	return s.n;
}

bool
members_parse(struct members *m, struct slice text)
{
	bool is_line_start = true;

	while (text.n != 0) {
		size_t n;

		while (is_line_start && text.n != 0 &&
		    (text.p[0] == ' ' || text.p[0] == '\t'))
			text = slice_sub(text, 1, text.n);
		if (is_line_start && text.n != 0 && text.p[0] == '#') {
			text =
			    slice_sub(text, slice_find(text, '\n') + 1, text.n);
			continue;
		}
		n = member_end(text);
		if (!add_member(m, slice_sub(text, 0, n)))
			return false;
		is_line_start = n < text.n && text.p[n] == '\n';
		text = slice_sub(text, n + 1, text.n);
	}
	return !m->targets.bad && !m->includes.bad;
}

int
command_words(struct slice s, char **argv, int max, char **store)
{
	char *out = malloc(s.n + 1), *p = out, quote = '\0';
	int n = 0;
	bool in_word = false;

	*store = out;
	if (out == NULL)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (quote == '\0' && (c == ' ' || c == '\t')) {
			if (in_word)
				*p++ = '\0';
			in_word = false;
			continue;
		}
		if (!in_word) {
			if (n == max)
				return -1;
			argv[n++] = p;
			in_word = true;
		}
		if (c == quote && quote != '\0')
			quote = '\0';
		else if (quote == '\0' && (c == '"' || c == '\''))
			quote = c;
		else if (c == '\\' && quote != '\'' && i + 1 < s.n)
			*p++ = s.p[++i];
		else
			*p++ = c;
	}
	*p = '\0';
	argv[n] = NULL;
	return quote ? -1 : n;
}
