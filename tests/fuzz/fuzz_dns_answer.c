/* Any bytes as the answer of a name server. */
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_name(const char *name)
{
	if (strlen(name) >= NAME_MAX_DNS ||
	    (name[0] != '\0' && !addr_domain_ok(slice_of(name), false)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice packet = { (const char *)p, n };
	char names[3][NAME_MAX_DNS];
	unsigned char ip[8][16];
	struct mx mx[20];
	int all = 0, got;

	answer_rcode(packet);
	got = answer_mx(packet, mx, 20, &all);
	if (got > all)
		abort();
	for (int i = 0; i < got; i++)
		check_name(mx[i].name);
	if (got > 0)
		mx_sort(mx, got, n * UINT64_C(0x9e3779b97f4a7c15));
	answer_addresses(packet, AF_INET, ip[0], 8);
	answer_addresses(packet, AF_INET6, ip[0], 8);
	got = answer_names(packet, ns_t_ptr, names, 3);
	for (int i = 0; i < got; i++)
		check_name(names[i]);
	answer_names(packet, ns_t_cname, names, 3);
	return 0;
}
