/*
 * syslog_line: the head of a line as syslog daemons write and send it.
 *
 *	[ "<" PRI ">" ] TIME SP [ HOST SP ] TAG [ "[" PID "]" ] ":" SP TEXT
 *	"<" PRI ">1 " TIME SP HOST SP APP SP PROCID SP MSGID SP SD [ SP TEXT ]
 *
 * RFC 3164 and what became of it (times as in when.h; journald's and
 * rsyslog's ISO times, no host on the local socket), and RFC 5424. Slices
 * point into the line. Pure; any bytes are fine.
 */
#ifndef SYSLOG_LINE_H
#define SYSLOG_LINE_H

#include "when.h"

struct syslog_line {
	int64_t time_us;
	bool is_year_inferred;
	int priority; /* facility * 8 + severity; -1: not said */
	struct slice node; /* empty: not said */
	struct slice prog;
	uint64_t pid; /* 0: not said */
	struct slice msgid, data; /* RFC 5424; data with its brackets */
	struct slice text;
};

/* False: it has no time, or no tag. */
bool syslog_line_parse(struct when *, struct slice line, struct syslog_line *);

/*
 * "last message repeated 3 times" and rsyslog's "message repeated 3 times:
 * [ TEXT]": how often; *ret is that text, or empty for the last one's. 0:
 * it says no such thing.
 */
unsigned syslog_line_repeats(struct slice text, struct slice *ret);

#endif
