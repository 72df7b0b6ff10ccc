#include "said.h"

#include <string.h>

#include "reason.h"
#include "reply_id.h"
#include "verdict.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct said
said_reply(struct slice s)
{
	struct said r = { .code = 0, .enhanced = { "", 0 }, .text = s };

	if (s.n >= 3 && s.p[0] >= '2' && s.p[0] <= '5' && is_digit(s.p[1]) &&
	    is_digit(s.p[2]) && (s.n == 3 || s.p[3] == ' ' || s.p[3] == '-')) {
		r.code = (unsigned)((s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 +
		    (s.p[2] - '0'));
		r.text = slice_sub(s, 4, s.n);
	}
	if (r.text.n > 4 && r.text.p[1] == '.')
		verdict_cut_enhanced(
		    (r.text.p[0] - '0') * 100, &r.text, &r.enhanced);
	return r;
}

/* "NAME" before, "IP" between and "]:PORT" behind the brackets */
struct host
said_host(struct slice s)
{
	struct host h = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
	size_t close = slice_rfind(s, ']'), open = slice_find(s, '[');
	struct slice name = s;

	if (open < close && close < s.n) {
		name = slice_trim(slice_sub(s, 0, open));
		h.ip = slice_sub(s, open + 1, close);
		if (slice_istarts(h.ip, SLICE("IPv6:")))
			h.ip = slice_sub(h.ip, 5, h.ip.n);
		if (close + 2 < s.n && s.p[close + 1] == ':')
			h.port = slice_sub(s, close + 2, s.n);
	}
	if (name.n != 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n != 0)
		h.name = name;
	return h;
}

void
put_known(struct event *e, enum event_field f, struct slice s)
{
	if (s.p != NULL)
		event_str(e, f, s);
}

void
put_number(struct event *e, enum event_field f, struct slice s)
{
	uint64_t v;

	if (s.p != NULL && slice_u64(s, UINT64_MAX, &v))
		event_num(e, f, v);
}

/* Class 2 needs no reason. */
static bool
is_good(const struct said *r, struct slice dsn)
{
	return r->code / 100 == 2 || (r->code == 0 && dsn.n && dsn.p[0] == '2');
}

void
said_put(struct event *e, const struct said *r, struct slice dsn)
{
	struct slice enhanced = r->enhanced.n != 0 ? r->enhanced : dsn;
	struct slice id;

	if (r->code != 0)
		event_num(e, F_CODE, r->code);
	if (enhanced.n != 0)
		event_str(e, F_ENHANCED, enhanced);
	if (r->text.n != 0)
		event_str(e, F_TEXT, r->text);
	if (!is_good(r, enhanced)) {
		event_cstr(e, F_REASON_CLASS,
		    reason_name(reason_classify(r->code, enhanced, r->text)));
	} else if (r->code != 0) {
		id = reply_remote_id(r->text);
		if (id.n != 0)
			event_str(e, F_REMOTE_ID, id);
	}
}

void
said_put_host(struct event *e, const struct host *h)
{
	put_known(e, F_HOST_NAME, h->name);
	put_known(e, F_HOST_IP, h->ip);
	put_number(e, F_HOST_PORT, h->port);
}

struct slice
said_command(struct slice s)
{
	static const struct {
		struct slice said, word;
	} words[] = {
#define WORD(a, b)                                                             \
	{                                                                      \
		{ a, sizeof(a) - 1 },                                          \
		{                                                              \
			b, sizeof(b) - 1                                       \
		}                                                              \
	}
		WORD("RCPT", "rcpt"),
		WORD("RCPT TO", "rcpt"),
		WORD("MAIL", "mail"),
		WORD("MAIL FROM", "mail"),
		WORD("DATA", "data"),
		WORD("end of DATA", "dot"),
		WORD("END-OF-MESSAGE", "dot"),
		WORD("EHLO", "ehlo"),
		WORD("HELO", "ehlo"),
		WORD("LHLO", "ehlo"),
		WORD("CONNECT", "conn"),
		WORD("initial server greeting", "conn"),
		WORD("initial connection", "conn"),
		WORD("end of data", "dot"),
		WORD("pipelined end of data", "dot"),
		WORD("STARTTLS", "tls"),
		WORD("AUTH", "auth"),
#undef WORD
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_eq(s, words[i].said))
			return words[i].word;
	return s;
}
