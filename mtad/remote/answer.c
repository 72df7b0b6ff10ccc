#include "answer.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <string.h>

#include "addr.h"

static bool
open_packet(struct slice packet, ns_msg *ret)
{
	return packet.n <= NS_MAXMSG &&
	    ns_initparse((const unsigned char *)packet.p, (int)packet.n, ret) ==
	    0;
}

/* The i-th record of the answer when it is of that type. */
static bool
record(ns_msg *msg, int i, int type, ns_rr *ret)
{
	return ns_parserr(msg, ns_s_an, i, ret) == 0 &&
	    (int)ns_rr_type(*ret) == type && ns_rr_class(*ret) == ns_c_in;
}

int
answer_rcode(struct slice packet)
{
	ns_msg msg;

	if (!open_packet(packet, &msg))
		return -EBADMSG;
	return (int)ns_msg_getflag(msg, ns_f_rcode);
}

/* The name at a place of the record's data; "" for the root. */
static bool
name_at(const ns_msg *msg, const ns_rr *rr, size_t at, char ret[NAME_MAX_DNS])
{
	char text[NS_MAXDNAME];

	if (ns_rr_rdlen(*rr) <= at ||
	    ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg),
		ns_rr_rdata(*rr) + at, text, sizeof(text)) < 0)
		return false;
	if (strcmp(text, ".") == 0)
		text[0] = '\0';
	if (text[0] != '\0' && !addr_domain_ok(slice_of(text), false))
		return false;
	if (strlen(text) >= NAME_MAX_DNS)
		return false;
	memcpy(ret, text, strlen(text) + 1);
	return true;
}

int
answer_mx(struct slice packet, struct mx *ret, int max, int *ret_all)
{
	ns_msg msg;
	ns_rr rr;
	int n = 0, all = 0;

	if (!open_packet(packet, &msg))
		return -EBADMSG;
	for (int i = 0; i < ns_msg_count(msg, ns_s_an); i++) {
		if (!record(&msg, i, ns_t_mx, &rr))
			continue;
		all++;
		if (n == max || !name_at(&msg, &rr, 2, ret[n].name))
			continue;
		ret[n++].pref = (uint16_t)ns_get16(ns_rr_rdata(rr));
	}
	*ret_all = all;
	return n;
}

int
answer_addresses(struct slice packet, int family, unsigned char *ret, int max)
{
	int type = family == AF_INET ? ns_t_a : ns_t_aaaa;
	size_t len = family == AF_INET ? 4 : 16;
	ns_msg msg;
	ns_rr rr;
	int n = 0;

	if (!open_packet(packet, &msg))
		return -EBADMSG;
	for (int i = 0; i < ns_msg_count(msg, ns_s_an) && n < max; i++) {
		if (!record(&msg, i, type, &rr) || ns_rr_rdlen(rr) != len)
			continue;
		memcpy(ret + (size_t)n++ * len, ns_rr_rdata(rr), len);
	}
	return n;
}

int
answer_names(struct slice packet, int type, char (*ret)[NAME_MAX_DNS], int max)
{
	ns_msg msg;
	ns_rr rr;
	int n = 0;

	if (!open_packet(packet, &msg))
		return -EBADMSG;
	for (int i = 0; i < ns_msg_count(msg, ns_s_an) && n < max; i++)
		if (record(&msg, i, type, &rr) &&
		    name_at(&msg, &rr, 0, ret[n]) && ret[n][0] != '\0')
			n++;
	return n;
}
