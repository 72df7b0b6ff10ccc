#include "classify.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

/* Codes that say all there is to say. */
static const struct {
	const char *tail; /* subject and detail of the enhanced code */
	enum reason reason;
} by_enhanced[] = {
	{ ".1.1", RC_MAILBOX_UNKNOWN },
	{ ".1.2", RC_DNS_NONE },
	{ ".1.3", RC_MAILBOX_UNKNOWN },
	{ ".1.6", RC_MAILBOX_UNKNOWN },
	{ ".1.10", RC_DNS_NULLMX },
	{ ".2.1", RC_MAILBOX_DISABLED },
	{ ".2.2", RC_MAILBOX_FULL },
	{ ".2.3", RC_SIZE },
	{ ".3.1", RC_LOCAL_RESOURCE },
	{ ".3.2", RC_LOCAL_RESOURCE },
	{ ".3.4", RC_SIZE },
	{ ".4.6", RC_LOOP },
	{ ".4.7", RC_EXPIRED },
	{ ".5.1", RC_PROTOCOL },
	{ ".5.2", RC_PROTOCOL },
	{ ".5.4", RC_PROTOCOL },
	{ ".6.0", RC_CONTENT },
	{ ".6.1", RC_CONTENT },
	{ ".6.3", RC_CONTENT },
	{ ".6.7", RC_CONTENT },
	{ ".7.8", RC_AUTH },
	{ ".7.9", RC_AUTH },
	{ ".7.10", RC_TLS_REQUIRED },
	{ ".7.11", RC_TLS_REQUIRED },
	{ ".7.20", RC_POLICY },
	{ ".7.21", RC_POLICY },
	{ ".7.22", RC_POLICY },
	{ ".7.23", RC_POLICY },
	{ ".7.24", RC_POLICY },
	{ ".7.25", RC_REPUTATION },
	{ ".7.26", RC_POLICY },
	{ ".7.28", RC_RATE_LIMIT },
};

/* Words that servers use, most telling first. */
static const struct phrase by_word[] = {
	{ "greylist", RC_GREYLIST },
	{ "graylist", RC_GREYLIST },
	{ "grey-list", RC_GREYLIST },
	{ "rate limit", RC_RATE_LIMIT },
	{ "too many", RC_RATE_LIMIT },
	{ "throttl", RC_RATE_LIMIT },
	{ "too fast", RC_RATE_LIMIT },
	{ "blocklist", RC_REPUTATION },
	{ "blacklist", RC_REPUTATION },
	{ "blocked using", RC_REPUTATION },
	{ "reputation", RC_REPUTATION },
	{ "spam", RC_SPAM },
	{ "relay", RC_RELAY_DENIED },
	{ "over quota", RC_MAILBOX_FULL },
	{ "quota exceeded", RC_MAILBOX_FULL },
	{ "mailbox full", RC_MAILBOX_FULL },
	{ "mailbox is full", RC_MAILBOX_FULL },
	{ "user unknown", RC_MAILBOX_UNKNOWN },
	{ "unknown user", RC_MAILBOX_UNKNOWN },
	{ "unknown recipient", RC_MAILBOX_UNKNOWN },
	{ "no such user", RC_MAILBOX_UNKNOWN },
	{ "no such recipient", RC_MAILBOX_UNKNOWN },
	{ "does not exist", RC_MAILBOX_UNKNOWN },
	{ "mailbox unavailable", RC_MAILBOX_UNKNOWN },
	{ "disabled", RC_MAILBOX_DISABLED },
	{ "inactive", RC_MAILBOX_DISABLED },
	{ "too large", RC_SIZE },
	{ "too big", RC_SIZE },
	{ "exceeds size", RC_SIZE },
	{ "exceeds maximum", RC_SIZE },
	{ "starttls", RC_TLS_REQUIRED },
	{ "authenticat", RC_AUTH },
	{ "policy", RC_POLICY },
	{ "disk", RC_LOCAL_RESOURCE },
	{ "storage", RC_LOCAL_RESOURCE },
};

/* What is left: the bare code of RFC 5321 section 4.2.3. */
static const struct {
	int code;
	enum reason reason;
} by_code[] = {
	{ 421, RC_LOCAL_RESOURCE },
	{ 452, RC_LOCAL_RESOURCE },
	{ 500, RC_PROTOCOL },
	{ 501, RC_PROTOCOL },
	{ 502, RC_PROTOCOL },
	{ 503, RC_PROTOCOL },
	{ 504, RC_PROTOCOL },
	{ 530, RC_AUTH },
	{ 535, RC_AUTH },
	{ 550, RC_MAILBOX_UNKNOWN },
	{ 551, RC_MAILBOX_UNKNOWN },
	{ 552, RC_MAILBOX_FULL },
	{ 553, RC_MAILBOX_UNKNOWN },
	{ 555, RC_PROTOCOL },
	{ 556, RC_DNS_NULLMX },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Which rows begin with this letter, a bit each. */
static void
index_rows(const struct phrase *rows, size_t n, uint64_t starts[UCHAR_MAX + 1])
{
	memset(starts, 0, sizeof(*starts) * (UCHAR_MAX + 1));
	for (size_t i = 0; i < n; i++)
		starts[(unsigned char)rows[i].words[0]] |= UINT64_C(1) << i;
}

enum reason
phrase_reason(const struct phrase *rows, size_t n, struct slice text)
{
	uint64_t starts[UCHAR_MAX + 1];
	size_t best = n;

	assert(n <= PHRASES_MAX);
	index_rows(rows, n, starts);
	for (size_t at = 0; at < text.n; at++) {
		uint64_t left = starts[(unsigned char)ascii_lower(text.p[at])];

		for (; left != 0; left &= left - 1) {
			size_t row = (size_t)__builtin_ctzll(left);

			if (row >= best)
				break;
			if (slice_istarts(slice_sub(text, at, text.n),
				slice_of(rows[row].words)))
				best = row;
		}
	}
	return best < n ? rows[best].reason : RC_NONE;
}

enum reason
classify(int code, struct slice enhanced, struct slice text)
{
	struct slice tail = slice_sub(enhanced, 1, enhanced.n);
	enum reason reason;

	if (code / 100 == 2)
		return RC_NONE;
	for (size_t i = 0; i < COUNT(by_enhanced); i++)
		if (slice_eq(tail, slice_of(by_enhanced[i].tail)))
			return by_enhanced[i].reason;
	reason = phrase_reason(by_word, COUNT(by_word), text);
	if (reason != RC_NONE)
		return reason;
	if (tail.n > 2 && tail.p[1] == '7')
		return RC_POLICY;
	for (size_t i = 0; i < COUNT(by_code); i++)
		if (by_code[i].code == code)
			return by_code[i].reason;
	return RC_UNKNOWN;
}
