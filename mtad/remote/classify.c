#include "classify.h"

#include <string.h>

static const struct {
	const char *tail; /* of the enhanced code, RFC 3463 and its registry */
	enum reason reason;
} by_code[] = {
	{ ".1.1", RC_MAILBOX_UNKNOWN },
	{ ".1.2", RC_DNS_NONE },
	{ ".1.6", RC_MAILBOX_UNKNOWN },
	{ ".1.10", RC_DNS_NULLMX },
	{ ".2.0", RC_MAILBOX_DISABLED },
	{ ".2.1", RC_MAILBOX_DISABLED },
	{ ".2.2", RC_MAILBOX_FULL },
	{ ".2.3", RC_SIZE },
	{ ".3.1", RC_LOCAL_RESOURCE },
	{ ".3.4", RC_SIZE },
	{ ".4.6", RC_LOOP },
	{ ".4.7", RC_EXPIRED },
	{ ".5.1", RC_PROTOCOL },
	{ ".5.2", RC_PROTOCOL },
	{ ".5.4", RC_PROTOCOL },
	{ ".6.0", RC_CONTENT },
	{ ".6.1", RC_CONTENT },
	{ ".6.7", RC_CONTENT },
	{ ".7.8", RC_AUTH },
	{ ".7.9", RC_AUTH },
	{ ".7.10", RC_TLS_REQUIRED },
	{ ".7.11", RC_TLS_REQUIRED },
};

/* Words that servers use, most telling first. */
static const struct {
	const char *word;
	enum reason reason;
} by_word[] = {
	{ "greylist", RC_GREYLIST },
	{ "graylist", RC_GREYLIST },
	{ "rate", RC_RATE_LIMIT },
	{ "too many", RC_RATE_LIMIT },
	{ "throttl", RC_RATE_LIMIT },
	{ "spam", RC_SPAM },
	{ "blocklist", RC_REPUTATION },
	{ "blacklist", RC_REPUTATION },
	{ "reputation", RC_REPUTATION },
	{ "relay", RC_RELAY_DENIED },
	{ "quota", RC_MAILBOX_FULL },
	{ "mailbox full", RC_MAILBOX_FULL },
	{ "user unknown", RC_MAILBOX_UNKNOWN },
	{ "unknown user", RC_MAILBOX_UNKNOWN },
	{ "no such user", RC_MAILBOX_UNKNOWN },
	{ "does not exist", RC_MAILBOX_UNKNOWN },
	{ "too large", RC_SIZE },
	{ "starttls", RC_TLS_REQUIRED },
	{ "authenticat", RC_AUTH },
	{ "policy", RC_POLICY },
	{ "disk", RC_LOCAL_RESOURCE },
	{ "storage", RC_LOCAL_RESOURCE },
};

static bool
has_word(struct slice text, const char *word)
{
	struct slice w = slice_of(word);

	for (size_t i = 0; i + w.n <= text.n; i++)
		if (slice_ieq(slice_sub(text, i, i + w.n), w))
			return true;
	return false;
}

enum reason
classify(int code, struct slice enhanced, struct slice text)
{
	if (code / 100 == 2)
		return RC_NONE;
	if (enhanced.n > 1)
		for (size_t i = 0; i < sizeof(by_code) / sizeof(by_code[0]);
		     i++)
			if (slice_eq(slice_sub(enhanced, 1, enhanced.n),
				slice_of(by_code[i].tail)))
				return by_code[i].reason;
	for (size_t i = 0; i < sizeof(by_word) / sizeof(by_word[0]); i++)
		if (has_word(text, by_word[i].word))
			return by_word[i].reason;
	if (enhanced.n > 3 && enhanced.p[2] == '7')
		return RC_POLICY;
	switch (code) {
	case 421:
		return RC_LOCAL_RESOURCE;
	case 452:
	case 552:
		return RC_MAILBOX_FULL;
	case 550:
	case 551:
	case 553:
		return RC_MAILBOX_UNKNOWN;
	case 500:
	case 501:
	case 502:
	case 503:
		return RC_PROTOCOL;
	default:
		return RC_UNKNOWN;
	}
}
