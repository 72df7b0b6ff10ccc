/*
 * header: fields of a message (RFC 5322), read tolerantly.
 */
#ifndef HEADER_H
#define HEADER_H

#include <stdbool.h>

#include "buf.h"
#include "slice.h"

struct header_field {
	struct slice raw; /* with folds and the last line end */
	struct slice name; /* before the colon */
	struct slice value; /* after it, trimmed; folds inside stay */
};

/*
 * Cut the next field off *rest; false at the end of the header: an empty
 * line (which stays in *rest) or a line that is no field. Lines end with LF
 * or CRLF.
 */
bool header_next(struct slice *rest, struct header_field *ret);
/* First field of that name; false when there is none. */
bool
header_find(struct slice message, struct slice name, struct header_field *ret);
/* Length of the header: up to, not including, the empty line. */
size_t header_size(struct slice message);

/*
 * Addresses of a list field (To, Cc, Bcc; RFC 5322 section 3.4): calls back
 * with each addr-spec, comments and display names cut off, groups opened.
 * The address may be a bare local part. False when the syntax broke off;
 * addresses before that were reported.
 */
bool header_addresses(
    struct slice value, void (*each)(void *arg, struct slice addr), void *arg);

#endif
