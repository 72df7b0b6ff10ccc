/* What a program gives to sendmail: a message, and with -t its recipients. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sendmail.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Nothing of a stranger may end the line of SMTP that it goes into. */
static void
must_be_lines(const struct outgoing *o)
{
	size_t lines = 0;

	for (size_t i = 0; i < o->rcpts.len; i++) {
		unsigned char c = (unsigned char)o->rcpts.data[i];

		lines += c == '\n';
		if (c < ' ' && c != '\n')
			abort();
	}
	if (lines != o->n)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sendmail_options opt = { .reads_header = true };
	struct slice text = { (const char *)data, n };
	char *word = slice_dup(slice_sub(text, 0, slice_find(text, '\n')));
	struct outgoing o;

	outgoing_init(&o);
	outgoing_add(&o, word);
	if (outgoing_sender(&o, word, "me", "h.test") &&
	    strpbrk(o.sender, "\r\n") != NULL)
		abort();
	if (o.sender != NULL) {
		outgoing_make(&o, &opt, text, "Name", "h.test");
		must_be_lines(&o);
	}
	outgoing_release(&o);
	free(word);
	return 0;
}
