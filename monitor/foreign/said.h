/*
 * said: what a server or the mailer itself said, taken apart.
 */
#ifndef SAID_H
#define SAID_H

#include <stdbool.h>

#include "event.h"
#include "slice.h"

struct said {
	unsigned code; /* 0: nobody replied */
	struct slice enhanced; /* empty: none */
	struct slice text; /* without both */
};

/* "550 5.1.1 text", "550-5.1.1 text", "5.1.1 text" or just words. */
struct said said_reply(struct slice);

/* "NAME[IP]:PORT", "NAME[IP]", "NAME [IP]", "[IP]:PORT", "NAME". */
struct host {
	struct slice name, ip, port; /* p NULL: not said */
};
struct host said_host(struct slice);

/* Code, enhanced code, text, class and (of a 2yz) the other side's id. */
void said_put(struct event *, const struct said *, struct slice dsn);
/* The fields host.name, host.ip and host.port. */
void said_put_host(struct event *, const struct host *);

/* event_str() for what has a p, event_num() for what is a number. */
void put_known(struct event *, enum event_field, struct slice);
void put_number(struct event *, enum event_field, struct slice);

/* "RCPT TO", "END-OF-MESSAGE" as the word that event.def has for it; the
 * slice itself when it has none. */
struct slice said_command(struct slice);

#endif
