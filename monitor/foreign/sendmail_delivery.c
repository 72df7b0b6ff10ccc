/*
 * sendmail's recipients: one line for those of one mailer and attempt.
 *
 *	to=<a@b>,<c@d>, delay=00:00:01, mailer=esmtp, relay=NAME [IP],
 *	dsn=5.1.1, reply=550 words, stat=words
 */
#include <string.h>

#include "sendmail.h"

enum {
	D_TO,
	D_CTLADDR,
	D_DELAY,
	D_XDELAY,
	D_MAILER,
	D_RELAY,
	D_DSN,
	D_REPLY,
	D_STAT
};
static const struct slice to_names[] = {
	[D_TO] = TEXT("to"),
	[D_CTLADDR] = TEXT("ctladdr"),
	[D_DELAY] = TEXT("delay"),
	[D_XDELAY] = TEXT("xdelay"),
	[D_MAILER] = TEXT("mailer"),
	[D_RELAY] = TEXT("relay"),
	[D_DSN] = TEXT("dsn"),
	[D_REPLY] = TEXT("reply"),
	[D_STAT] = TEXT("stat"),
};

/* EV_COUNT: not tried, only queued. */
static const struct {
	struct slice begins;
	enum event_type type;
} stats[] = {
	{ TEXT("Sent"), EV_DLV_OK },
	{ TEXT("Deferred"), EV_DLV_DEFER },
	{ TEXT("queued"), EV_COUNT },
	{ TEXT("quarantined"), EV_COUNT },
};

static enum event_type
stat_type(const struct slice *v)
{
	size_t i = 0;

	while (i < COUNT(stats) && !slice_istarts(v[D_STAT], stats[i].begins))
		i++;
	if (i < COUNT(stats) && stats[i].type == EV_COUNT)
		return EV_COUNT;
	/* dsn stands before what the other side said, stat behind it */
	switch (v[D_DSN].n != 0 ? v[D_DSN].p[0] : 0) {
	case '2':
		return EV_DLV_OK;
	case '4':
		return EV_DLV_DEFER;
	case '5':
		return EV_DLV_FAIL;
	default:
		return i < COUNT(stats) ? stats[i].type : EV_DLV_FAIL;
	}
}

/* "Sent (Ok: queued as 1)", "Deferred: words": the words. */
static struct slice
words_of(struct slice stat)
{
	size_t open = slice_find(stat, '('), colon = slice_find(stat, ':');

	if (slice_istarts(stat, SLICE("Sent (")) && stat.p[stat.n - 1] == ')')
		return slice_sub(stat, open + 1, stat.n - 1);
	if (slice_istarts(stat, SLICE("Deferred: ")))
		return slice_sub(stat, colon + 2, stat.n);
	return stat;
}

/* reply= is the server's own answer, where it was logged. */
static void
put_answer(struct event *e, const struct slice *v, enum event_type type)
{
	struct said said;

	if (v[D_REPLY].p != NULL) {
		said = said_reply(v[D_REPLY]);
	} else if (type == EV_DLV_OK && v[D_RELAY].p != NULL) {
		/* only the text of a 250 is kept */
		said = (struct said){ .code = 250,
			.enhanced = { "", 0 },
			.text = words_of(v[D_STAT]) };
	} else {
		said = said_reply(words_of(v[D_STAT]));
	}
	said_put(e, &said, v[D_DSN].p != NULL ? v[D_DSN] : SLICE(""));
}

static void
tell_rcpt(struct foreign *f, struct work *w, const struct slice *v,
    struct slice rcpt, enum event_type type)
{
	struct mail *m = work_mail(f, w);
	struct event *e = tell_begin(f, type, w->id);
	uint64_t us;
	struct host h;

	if (m != NULL)
		put_known(e, F_MAIL_FROM, texts_get(&m->join.texts, MT_FROM));
	event_str(e, F_RCPT_TO, rcpt);
	put_known(e, F_MAILER, v[D_MAILER]);
	if (v[D_RELAY].p != NULL) {
		h = said_host(v[D_RELAY]);
		said_put_host(e, &h);
	}
	if (m != NULL && m->size_bytes != 0)
		event_num(e, F_SIZE_BYTES, m->size_bytes);
	if (v[D_DELAY].p != NULL && when_days(v[D_DELAY], &us))
		event_num(e, F_TOTAL_US, us);
	if (v[D_XDELAY].p != NULL && when_days(v[D_XDELAY], &us))
		event_num(e, F_STAGE_DATA_US, us);
	put_answer(e, v, type);
	tell(f);
	if (m != NULL)
		mail_count(m, type, rcpt);
}

/* "<a@b>,<c@d>" or one without brackets, or one in quotes with any commas */
static bool
next_rcpt(struct slice *list, struct slice *ret)
{
	size_t end;

	if (list->n == 0)
		return false;
	if (list->p[0] == '"') {
		*ret = *list;
		list->n = 0;
		return true;
	}
	end = slice_find(*list, ',');
	if (list->p[0] == '<') {
		const char *p = memmem(list->p, list->n, ">,", 2);

		end = p != NULL ? (size_t)(p - list->p) + 1 : list->n;
	}
	*ret = slice_sub(*list, 0, end);
	*list = slice_sub(*list, end + 1, list->n);
	if (ret->n >= 2 && ret->p[0] == '<' && ret->p[ret->n - 1] == '>')
		*ret = slice_sub(*ret, 1, ret->n - 1);
	return true;
}

/* pairs_read() took the brackets of the list's ends; give them back. */
static struct slice
whole_list(struct slice list)
{
	if (list.n != 0 && memmem(list.p, list.n, ">,<", 3) != NULL)
		return (struct slice){ list.p - 1, list.n + 2 };
	return list;
}

/* reply= and stat= are anybody's words, with any commas. */
static void
cut_words(struct slice *s, struct slice name, struct slice *ret)
{
	const char *p = memmem(s->p, s->n, name.p, name.n);
	size_t at;

	if (p == NULL)
		return;
	at = (size_t)(p - s->p);
	*ret = slice_sub(*s, at + name.n, s->n);
	*s = slice_sub(*s, 0, at);
}

bool
sendmail_recipients(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(to_names)], list, rcpt;
	struct slice stat = { NULL, 0 }, reply = { NULL, 0 };
	struct mail *m = work_mail(f, w);
	enum event_type type;

	cut_words(&w->rest, SLICE(", stat="), &stat);
	cut_words(&w->rest, SLICE(", reply="), &reply);
	if (!pairs_read(&w->rest, SLICE(", "), to_names, COUNT(v), false, v) ||
	    v[D_TO].p == NULL || stat.n == 0)
		return false;
	v[D_STAT] = stat;
	v[D_REPLY] = reply;
	/* a refused message was never ours */
	if (m != NULL && m->is_refused)
		return true;
	sendmail_settle(f, m, w->id);
	type = stat_type(v);
	if (type == EV_COUNT)
		return true;
	list = whole_list(v[D_TO]);
	while (next_rcpt(&list, &rcpt))
		tell_rcpt(f, w, v, rcpt, type);
	return true;
}
