#include "past_gone.h"

#include <stdbool.h>
#include <string.h>

#include "book.h"

static const char gone[] = "the events of this day are gone";

/* How it ended, as the last of its events. */
static const char *
event_of(const char *state)
{
	static const char *const events[RCPT_STATES] = {
		[RCPT_DELIVERED] = "dlv.ok",
		[RCPT_DEFERRED] = "dlv.defer",
		[RCPT_BOUNCED] = "dlv.fail",
		[RCPT_EXPIRED] = "dlv.expire",
		[RCPT_DISCARDED] = "dlv.discard",
	};

	for (int s = 0; state != NULL && s < RCPT_STATES; s++)
		if (events[s] != NULL && strcmp(rcpt_state_name(s), state) == 0)
			return events[s];
	return NULL;
}

struct telling {
	const json_t *life; /* borrowed, as is the next */
	json_t *events;
	size_t kept; /* that were there before: they need not be told again */
};

/* What every event says, at a time of the summary; NULL: it has none. */
static json_t *
begin(const struct telling *t, const char *event, const json_t *time)
{
	return event == NULL || time == NULL
	    ? NULL
	    : json_pack("{s:i,s:s,s:O,s:O?,s:s,s:i,s:O?,s:s}", "v", 1, "event",
		  event, "time", time, "node", json_object_get(t->life, "node"),
		  "prog", "mtacollect", "severity", 6, "msg.id",
		  json_object_get(t->life, "msg.id"), "text", gone);
}

static void
copy(json_t *to, const json_t *from, const char *const *names)
{
	for (; *names != NULL; names++)
		if (json_object_get(from, *names) != NULL)
			json_object_set(
			    to, *names, json_object_get(from, *names));
}

static bool
is_same(const json_t *a, const json_t *b, const char *name)
{
	const json_t *x = json_object_get(a, name);
	const json_t *y = json_object_get(b, name);

	return (x == NULL && y == NULL) || json_equal(x, y);
}

/* NULL is fine. */
static void
add(struct telling *t, json_t *e)
{
	for (size_t i = 0; e != NULL && i < t->kept; i++) {
		const json_t *other = json_array_get(t->events, i);

		if (is_same(other, e, "event") && is_same(other, e, "time") &&
		    is_same(other, e, "rcpt.id")) {
			json_decref(e);
			return;
		}
	}
	if (e != NULL)
		json_array_append_new(t->events, e);
}

/* One that began on another day has no count of recipients. */
static void
add_message(struct telling *t, const json_t *summary)
{
	static const char *const names[] = { "mail_from", "size_bytes",
		"rcpt_count", "message_id", NULL };
	json_t *e = json_object_get(summary, "rcpt_count") == NULL
	    ? NULL
	    : begin(t, "msg.received", json_object_get(summary, "time"));

	if (e != NULL)
		copy(e, summary, names);
	add(t, e);
	add(t, begin(t, "msg.done", json_object_get(summary, "done")));
}

static void
add_recipient(struct telling *t, const json_t *rcpt)
{
	static const char *const names[] = { "rcpt.id", "rcpt_to", "code",
		"host.name", "host.ip", "remote_id", NULL };
	const char *state = json_string_value(json_object_get(rcpt, "state"));
	json_t *e = begin(t, event_of(state), json_object_get(rcpt, "last"));

	if (e == NULL)
		return;
	copy(e, rcpt, names);
	json_object_set(e, "attempt", json_object_get(rcpt, "tries"));
	add(t, e);
}

void
past_gone_add(const json_t *life, json_t *events)
{
	struct telling t = { life, events, json_array_size(events) };
	const json_t *summaries = json_object_get(life, "summaries");
	json_t *one, *rcpt;
	size_t i, k;

	json_array_foreach(summaries, i, one)
	{
		add_message(&t, one);
		json_array_foreach(json_object_get(one, "recipients"), k, rcpt)
		    add_recipient(&t, rcpt);
	}
}
