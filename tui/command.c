/*
 * command: what is typed behind ':'; the verbs are those of mtactl(8).
 */
#include <string.h>

#include "console.h"
#include "when.h"

/* The rest behind the word and its blanks; NULL: it is another word. */
static const char *
behind(const char *text, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(text, word, n) != 0 || (text[n] != '\0' && text[n] != ' '))
		return NULL;
	return text + n + strspn(text + n, " ");
}

static const struct {
	const char *words, *op;
	bool is_host;
} acts[] = {
	{ "queue hold", "queue.hold", false },
	{ "queue release", "queue.release", false },
	{ "queue retry", "queue.retry", false },
	{ "queue delete", "queue.delete", false },
	{ "queue bounce", "queue.bounce", false },
	{ "queue undo", "queue.undo", false },
	{ "hosts retry", "hosts.retry", true },
	{ "hosts forget", "hosts.forget", true },
	{ "hosts pause", "hosts.pause", true },
	{ "hosts resume", "hosts.resume", true },
	{ "delivery hold", "delivery.hold", true },
	{ "delivery release", "delivery.release", true },
};

static bool
run_act(struct console *c, const char *text)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		const char *what = behind(text, acts[i].words);

		if (what == NULL)
			continue;
		if (console_may_act(c))
			acts_command(
			    &c->acts, acts[i].is_host, acts[i].op, what);
		return true;
	}
	return false;
}

static void
run_at(struct console *c, const char *when)
{
	int64_t t;

	if (strcmp(when, "now") == 0)
		console_at(c, INT64_MAX);
	else if (when_read(when, &t))
		console_at(c, t);
	else
		console_note(c,
		    "'%s' is no time: 2026-11-24 12:00, yesterday, 2h, now",
		    when);
}

static void
run_order(struct console *c, const char *name)
{
	const char *const *names = console_orders(c);

	for (int i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], name) == 0) {
			console_order(c, i);
			return;
		}
	console_note(c, "this screen has no order '%s'", name);
}

static void
list(struct console *c, enum tab screen, const char *filter)
{
	console_show(c, screen);
	console_filter(c, filter);
}

bool
console_command(struct console *c, const char *text)
{
	const char *what;

	text += strspn(text, " ");
	if (strcmp(text, "q") == 0 || strcmp(text, "quit") == 0)
		return false;
	if (text[0] == '\0' || run_act(c, text))
		return true;
	if ((what = behind(text, "queue list")) != NULL)
		list(c, SCREEN_MESSAGES, what);
	else if ((what = behind(text, "hosts list")) != NULL)
		list(c, SCREEN_HOSTS, what);
	else if ((what = behind(text, "log")) != NULL)
		list(c, SCREEN_LOG, what);
	else if ((what = behind(text, "trace")) != NULL)
		console_trace(c, what);
	else if ((what = behind(text, "at")) != NULL)
		run_at(c, what);
	else if ((what = behind(text, "sort")) != NULL)
		run_order(c, what);
	else
		console_note(c,
		    "'%s': queue, hosts and delivery as in mtactl(8), "
		    "trace ID, log WORDS, at TIME, sort ORDER, quit",
		    text);
	return true;
}
