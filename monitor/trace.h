/*
 * trace: the whole life of a message, found by what people know of it.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

enum trace_by {
	TRACE_ANY, /* by time alone */
	TRACE_ID, /* queue id */
	TRACE_MSGID, /* Message-ID, with or without <> */
	TRACE_FROM,
	TRACE_TO,
	TRACE_REMOTE_ID, /* the other side's queue id */
	TRACE_HOST, /* name or address of the host it went to */
	TRACE_BY_COUNT
};

struct trace_query {
	enum trace_by by;
	const char *what; /* NULL for TRACE_ANY */
	int64_t since, until;
	bool is_json;
	int limit; /* messages of a list */
};

const char *trace_by_name(enum trace_by); /* "remote-id" */

/*
 * One message: its life, and that of its notices. Several: a line for each,
 * the newest first; as JSON an object a line, each with its events. The
 * number of messages and refusals found, or negative errno.
 */
int trace_find(const char *dir, const struct trace_query *, struct buf *out);

#endif
