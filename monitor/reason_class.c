#include "reason.h"

#include "classify.h"

/* Mailers' own words where no server replied, most telling first. */
static const struct phrase own_words[] = {
	{ "retry timeout exceeded", RC_EXPIRED },
	{ "message expired", RC_EXPIRED },
	{ "envelope expired", RC_EXPIRED },
	{ "could not send message for past", RC_EXPIRED },
	{ "cannot send message for", RC_EXPIRED },
	{ "too old", RC_EXPIRED },
	{ "loops back", RC_LOOP },
	{ "mail loop", RC_LOOP },
	{ "loop detected", RC_LOOP },
	{ "forwarding loop", RC_LOOP },
	{ "too many hops", RC_LOOP },
	{ "too many \"received\"", RC_LOOP },
	{ "nullmx", RC_DNS_NULLMX },
	{ "null mx", RC_DNS_NULLMX },
	{ "does not accept mail", RC_DNS_NULLMX },
	{ "connection refused", RC_CONN_REFUSED },
	{ "connection timed out", RC_CONN_TIMEOUT },
	{ "operation timed out", RC_CONN_TIMEOUT },
	{ "timed out while", RC_CONN_TIMEOUT },
	{ "smtp timeout", RC_CONN_TIMEOUT },
	{ "timeout", RC_CONN_TIMEOUT },
	{ "no route to host", RC_NET_UNREACHABLE },
	{ "is unreachable", RC_NET_UNREACHABLE },
	{ "network error", RC_NET_UNREACHABLE },
	{ "lost connection", RC_PEER_CLOSED },
	{ "connection reset", RC_PEER_CLOSED },
	{ "connection closed", RC_PEER_CLOSED },
	{ "closed connection", RC_PEER_CLOSED },
	{ "broken pipe", RC_PEER_CLOSED },
	{ "try again", RC_DNS_TEMP },
	{ "lookup did not complete", RC_DNS_TEMP },
	{ "name server: host name lookup failure", RC_DNS_TEMP },
	{ "temporary failure in name", RC_DNS_TEMP },
	{ "temporary failure in mx lookup", RC_DNS_TEMP },
	{ "domain name not found", RC_DNS_NONE },
	{ "domain not found", RC_DNS_NONE },
	{ "domain does not exist", RC_DNS_NONE },
	{ "host not found", RC_DNS_NONE },
	{ "unable to look up host", RC_DNS_NONE },
	{ "host unknown", RC_DNS_NONE },
	{ "non-existent host", RC_DNS_NONE },
	{ "no mx found", RC_DNS_NONE },
	{ "unrouteable", RC_MAILBOX_UNKNOWN },
	{ "tls is required", RC_TLS_REQUIRED },
	{ "tls not available", RC_TLS_REQUIRED },
	{ "certificate", RC_TLS_REQUIRED },
	{ "no space left", RC_LOCAL_RESOURCE },
	{ "permission denied", RC_LOCAL_IO },
	{ "cannot open", RC_LOCAL_IO },
	{ "cannot create", RC_LOCAL_IO },
	{ "no such file", RC_LOCAL_IO },
	{ "administrative prohibition", RC_POLICY },
};

/* When neither words nor the registry say more: subject and detail. */
static const struct {
	struct slice tail;
	enum reason reason;
} by_subject[] = {
	{ { ".3.5", 4 }, RC_LOCAL_RESOURCE },
	{ { ".4.1", 4 }, RC_CONN_TIMEOUT },
	{ { ".4.2", 4 }, RC_PEER_CLOSED },
	{ { ".4.3", 4 }, RC_DNS_TEMP },
	{ { ".4.4", 4 }, RC_DNS_NONE },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum reason
reason_classify(unsigned code, struct slice enhanced, struct slice text)
{
	struct slice tail = slice_sub(enhanced, 1, enhanced.n);
	enum reason reason = RC_NONE;

	/* 421 is also what mailers make of a connection that broke */
	if (code == 0 || code == 421)
		reason = phrase_reason(own_words, COUNT(own_words), text);
	if (reason == RC_NONE)
		reason = classify((int)code, enhanced, text);
	for (size_t i = 0; reason == RC_UNKNOWN && i < COUNT(by_subject); i++)
		if (slice_eq(tail, by_subject[i].tail))
			reason = by_subject[i].reason;
	return reason;
}
