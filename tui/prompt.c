#include "prompt.h"

#include <string.h>

#include "keys.h"

static void
erase(struct prompt *p)
{
	size_t n = strlen(p->text);

	while (n > 0 && (p->text[n - 1] & 0xc0) == 0x80)
		n--;
	p->text[n > 0 ? n - 1 : 0] = '\0';
}

static void
append(struct prompt *p, int code)
{
	size_t n = strlen(p->text);
	char *at = p->text + n;

	if (n + 5 > sizeof(p->text))
		return;
	if (code < 0x80) {
		*at++ = (char)code;
	} else {
		int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;

		*at++ = (char)((0xf00 >> more & 0xff) | code >> 6 * more);
		while (more-- > 0)
			*at++ = (char)(0x80 | (code >> 6 * more & 0x3f));
	}
	*at = '\0';
}

enum prompt_end
prompt_key(struct prompt *p, int code)
{
	if (code == K_ENTER)
		return PROMPT_TAKEN;
	if (code == K_ESC)
		return PROMPT_LEFT;
	if (code == K_BACKSPACE)
		erase(p);
	else if (code == 'U' - '@') /* ^U */
		p->text[0] = '\0';
	else if (code >= ' ' && code < K_UP)
		append(p, code);
	return PROMPT_GOES_ON;
}
