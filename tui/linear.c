#include "linear.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys.h"

void
linear_open(struct linear *l, FILE *to)
{
	struct termios now;

	*l = (struct linear){ .to = to };
	l->is_terminal =
	    isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &l->before) == 0;
	if (!l->is_terminal)
		return;
	now = l->before;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

void
linear_close(struct linear *l)
{
	if (l->is_terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &l->before);
	for (int i = 0; i < l->n; i++)
		free(l->line[i]);
	free(l->line);
	l->line = NULL;
	l->n = 0;
}

/* Columns become facts: what many blanks parted, a comma parts. */
static char *
one_line(const struct grid *g, int y)
{
	struct buf text, b;
	const char *p;
	char *s;

	buf_init(&text, 65536);
	buf_init(&b, 65536);
	grid_text(g, y, &text);
	for (p = text.data; *p == ' '; p++)
		;
	while (*p != '\0') {
		size_t blanks = strspn(p, " ");

		if (blanks > 1)
			buf_adds(&b, ", ");
		else
			buf_add(&b, p, 1);
		p += blanks > 1 ? blanks : 1;
	}
	buf_release(&text);
	s = buf_take(&b);
	buf_release(&b);
	return s ? s : strdup("");
}

static void
forget(struct linear *l, int rows)
{
	char **p;

	if (l->n == rows)
		return;
	for (int i = 0; i < l->n; i++)
		free(l->line[i]);
	p = realloc(l->line, (size_t)rows * sizeof(*p));
	if (p == NULL)
		abort();
	l->line = p;
	l->n = rows;
	memset(p, 0, (size_t)rows * sizeof(*p));
}

void
linear_show(struct linear *l, const struct grid *g)
{
	forget(l, g->rows);
	for (int y = 0; y < g->rows; y++) {
		char *s = one_line(g, y);

		if (s == NULL)
			return;
		if (s[0] != '\0' &&
		    (l->line[y] == NULL || strcmp(l->line[y], s) != 0))
			fprintf(l->to, "%s\n", s);
		free(l->line[y]);
		l->line[y] = s;
	}
	fflush(l->to);
}

static bool
is_more(int ms)
{
	struct pollfd p = { STDIN_FILENO, POLLIN, 0 };

	return poll(&p, 1, ms) > 0;
}

/* Arrow keys as terminals send them; what else begins with Esc is Esc. */
static int
escape_key(void)
{
	static const char letters[] = "ABHF";
	static const int codes[] = { K_UP, K_DOWN, K_HOME, K_END };
	char c[2] = "";
	const char *at;

	for (int i = 0; i < 2; i++)
		if (!is_more(25) || read(STDIN_FILENO, &c[i], 1) != 1)
			return K_ESC;
	at = strchr(letters, c[1]);
	return at != NULL && *at != '\0' ? codes[at - letters] : K_ESC;
}

int
linear_key(struct linear *l)
{
	unsigned char c;
	ssize_t n;

	if (!l->is_terminal || !is_more(0))
		return -1;
	n = read(STDIN_FILENO, &c, 1);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? -1 : -2;
	if (n == 0)
		return -2;
	if (c == K_ESC)
		return escape_key();
	return c == '\n' ? K_ENTER : c == 8 ? K_BACKSPACE : c;
}

void
grid_print(const struct grid *g, FILE *to)
{
	struct buf b;
	int end = g->rows;

	buf_init(&b, 65536);
	for (; end > 0; end--) {
		buf_clear(&b);
		grid_text(g, end - 1, &b);
		if (b.len != 0)
			break;
	}
	for (int y = 0; y < end; y++) {
		buf_clear(&b);
		grid_text(g, y, &b);
		fprintf(to, "%s\n", b.data);
	}
	buf_release(&b);
}
