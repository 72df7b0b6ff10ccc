/*
 * Exim's recipients.
 *
 *	"=> " address [ " <" original ">" ] " R=router T=transport H=host [ip]
 *	C=\"250 ok\" QT=1s"
 *	"** " ... ": " words
 *	"== " ... " defer (-44) ...: " words
 */
#include <string.h>

#include "exim.h"

struct recipient {
	struct slice address, original; /* p NULL: the same */
	struct slice details; /* from " R=" on, or what there is */
	struct slice words; /* behind ": "; empty: none */
};

static size_t
find(struct slice s, const char *what)
{
	const char *p = memmem(s.p, s.n, what, strlen(what));

	return p != NULL ? (size_t)(p - s.p) : s.n;
}

static void
cut_address(struct slice *s, struct recipient *r)
{
	static const char *const ends[] = { " <", " R=", " F=<", " (", ": " };
	size_t end = s->n;

	for (size_t i = 0; i < COUNT(ends); i++) {
		size_t at = find(*s, ends[i]);

		/* ":blackhole: <x@y>" */
		if (at < end && at > 0 && s->p[0] != ':')
			end = at;
		else if (at < end && i < 2)
			end = at;
	}
	r->address = slice_sub(*s, 0, end);
	*s = slice_sub(*s, end, s->n);
	if (slice_istarts(*s, SLICE(" <"))) {
		size_t close = slice_find(*s, '>');

		r->original = slice_sub(*s, 2, close);
		*s = slice_sub(*s, close + 1, s->n);
	}
}

/* A local user's own address is the whole one. */
static void
settle_address(struct recipient *r)
{
	size_t at = slice_rfind(r->original, '@');

	if (r->original.p == NULL)
		return;
	if (slice_find(r->address, '@') == r->address.n &&
	    slice_ieq(r->address, slice_sub(r->original, 0, at)))
		r->address = r->original;
	if (slice_eq(r->address, r->original))
		r->original = (struct slice){ NULL, 0 };
}

/* log_selector puts times behind the words. */
static struct slice
cut_times(struct slice words)
{
	size_t blank;

	while ((blank = slice_rfind(words, ' ')) < words.n) {
		struct slice last = slice_sub(words, blank + 1, words.n);

		if (!slice_istarts(last, SLICE("DT=")) &&
		    !slice_istarts(last, SLICE("QT=")))
			break;
		words.n = blank;
	}
	return words;
}

static void
read_recipient(struct slice s, bool has_words, struct recipient *r)
{
	size_t colon;

	*r = (struct recipient){ .words = { "", 0 } };
	cut_address(&s, r);
	settle_address(r);
	colon = has_words ? find(s, ": ") : s.n;
	r->details = slice_sub(s, 0, colon);
	r->words = cut_times(slice_sub(s, colon + 2, s.n));
}

/* "SMTP error from remote mail server after RCPT TO:<x>: 550 words" */
static struct said
put_remote_words(struct event *e, struct slice words)
{
	static const struct slice before = TEXT("SMTP error from remote ");
	struct said said = { .code = 0, .enhanced = { "", 0 }, .text = words };
	struct slice rest = words, command;
	size_t at = find(words, " after ");

	if (!slice_istarts(words, before) || at == words.n)
		return said;
	command = slice_sub(words, at + 7, words.n);
	command = slice_sub(command, 0, slice_find(command, ':'));
	event_str(e, F_COMMAND, said_command(command));
	while ((at = find(rest, ": ")) < rest.n) {
		struct said reply;

		rest = slice_sub(rest, at + 2, rest.n);
		reply = said_reply(rest);
		if (reply.code != 0)
			return reply;
	}
	return said;
}

static void
put_details(struct event *e, const struct recipient *r, const struct mail *m)
{
	struct slice helo, size = exim_field(r->details, SLICE(" S="));
	struct host h = exim_host(r->details, &helo);
	struct slice span = exim_field(r->details, SLICE(" QT="));
	uint64_t us;

	if (m != NULL)
		put_known(e, F_MAIL_FROM, texts_get(&m->join.texts, MT_FROM));
	event_str(e, F_RCPT_TO, r->address);
	put_known(e, F_ORCPT, r->original);
	put_known(e, F_MAILER, exim_field(r->details, SLICE(" T=")));
	put_known(e, F_ROUTE, exim_field(r->details, SLICE(" R=")));
	said_put_host(e, &h);
	if (size.p != NULL)
		put_number(e, F_SIZE_BYTES, size);
	else if (m != NULL && m->size_bytes != 0)
		event_num(e, F_SIZE_BYTES, m->size_bytes);
	if (span.p != NULL && when_span(span, &us))
		event_num(e, F_TOTAL_US, us);
}

static bool
tell_recipient(struct foreign *f, struct work *w, enum event_type type)
{
	struct mail *m = work_mail(f, w);
	struct recipient r;
	struct slice good = { "", 0 };
	struct said said;
	struct event *e;

	read_recipient(w->rest, type != EV_DLV_OK, &r);
	if (r.address.n == 0)
		return false;
	if (type == EV_DLV_FAIL &&
	    slice_istarts(r.words, SLICE("retry timeout exceeded")))
		type = EV_DLV_EXPIRE;
	e = tell_begin(f, type, w->id);
	put_details(e, &r, m);
	if (type == EV_DLV_OK) {
		good = SLICE("2.0.0");
		said = said_reply(exim_field(r.details, SLICE(" C=")));
	} else {
		said = put_remote_words(e, r.words);
	}
	said_put(e, &said, good);
	tell(f);
	if (m != NULL)
		mail_count(m, type, r.address);
	return true;
}

static bool
tell_discarded(struct foreign *f, struct work *w)
{
	struct mail *m = work_mail(f, w);
	struct recipient r;
	struct event *e;

	read_recipient(w->rest, false, &r);
	e = tell_begin(f, EV_DLV_DISCARD, w->id);
	if (m != NULL)
		put_known(e, F_MAIL_FROM, texts_get(&m->join.texts, MT_FROM));
	put_known(e, F_RCPT_TO, r.original);
	event_cstr(e, F_WHY, "blackhole");
	event_cstr(e, F_REASON_CLASS, reason_name(RC_POLICY));
	tell(f);
	if (m != NULL)
		m->discarded++;
	return true;
}

bool
exim_delivered(struct foreign *f, struct work *w)
{
	if (slice_istarts(w->rest, SLICE(":blackhole:")) ||
	    slice_istarts(w->rest, SLICE("blackhole (")))
		return tell_discarded(f, w);
	return tell_recipient(f, w, EV_DLV_OK);
}

bool
exim_failed(struct foreign *f, struct work *w)
{
	return tell_recipient(f, w, EV_DLV_FAIL);
}

bool
exim_deferred(struct foreign *f, struct work *w)
{
	return tell_recipient(f, w, EV_DLV_DEFER);
}
