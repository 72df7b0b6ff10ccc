/*
 * addr: addresses of the envelope (RFC 5321 sections 4.1.2 and 4.1.3, with
 * RFC 6531 for UTF-8).
 *
 * Strict about what stands inside <>, so that nothing that another parser
 * would read otherwise gets through. Local parts come out unquoted.
 */
#ifndef ADDR_H
#define ADDR_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "slice.h"

/* Octets. RFC 5321 section 4.5.3.1.1 asks for 64 at least; VERP senders of
 * mailing lists are longer. */
#define ADDR_LOCAL_MAX 256
#define ADDR_DOMAIN_MAX 255
#define ADDR_PATH_MAX 512 /* a little over 4.5.3.1.3's 256: UTF-8 */

struct addr {
	char local[ADDR_PATH_MAX + 1]; /* without quotes and backslashes */
	char domain[ADDR_DOMAIN_MAX + 1]; /* as given, without a final dot; ""
					     none; [literal] with brackets */
	bool is_null; /* <> */
	bool is_utf8; /* needs SMTPUTF8 */
	bool had_route; /* <@a,@b:c@d>: the route was dropped */
};

enum addr_flag {
	ADDR_NULL_OK = 1, /* <> */
	ADDR_BARE_OK = 2, /* without a domain (postmaster, local users) */
	ADDR_UTF8_OK = 4
};

/*
 * Path = "<" [ A-d-l ":" ] Mailbox ">". On success *line starts behind the
 * closing bracket. -EINVAL: not an address; -ENAMETOOLONG; -EILSEQ: bad
 * UTF-8, or UTF-8 without ADDR_UTF8_OK.
 */
int addr_parse_path(struct slice *line, unsigned flags, struct addr *ret);
/* local@domain without brackets, all of it; same errors. */
int addr_parse(struct slice, unsigned flags, struct addr *ret);
/* The mailbox as it goes between < and >, quoted where it must be. */
void addr_put(struct buf *, struct slice local, struct slice domain);
/* Split at the last @ outside quotes; false when there is none. The local
 * part stays as written. */
bool
addr_split(struct slice, struct slice *ret_local, struct slice *ret_domain);
/* RFC 5321 Domain, or UTF-8 labels when that is allowed. */
bool addr_domain_ok(struct slice, bool is_utf8_ok);
/* [1.2.3.4], [IPv6:...]: the address inside as text; false: no literal. */
bool addr_literal(struct slice domain, char ret_ip[64]);
bool utf8_ok(struct slice); /* RFC 3629, no NUL */

#endif
