#include <stddef.h>

#include <event2/event.h>

#include "clock.h"
#include "remote.h"

static const struct {
	const char *option;
	size_t field; /* of struct conf */
} waits[W_COUNT] = {
	[W_CONNECT] = { "Timeout.connect",
	    offsetof(struct conf, TimeoutConnect) },
	[W_GREETING] = { "Timeout.initial",
	    offsetof(struct conf, TimeoutGreeting) },
	[W_HELO] = { "Timeout.helo", offsetof(struct conf, TimeoutHelo) },
	[W_MAIL] = { "Timeout.mail", offsetof(struct conf, TimeoutMail) },
	[W_RCPT] = { "Timeout.rcpt", offsetof(struct conf, TimeoutRcpt) },
	[W_DATAINIT] = { "Timeout.datainit",
	    offsetof(struct conf, TimeoutDatainit) },
	[W_BLOCK] = { "Timeout.datablock",
	    offsetof(struct conf, TimeoutDatablock) },
	[W_FINAL] = { "Timeout.datafinal",
	    offsetof(struct conf, TimeoutDatafinal) },
	[W_QUIT] = { "Timeout.quit", offsetof(struct conf, TimeoutQuit) },
};

int64_t
wait_us(const struct conf *c, enum wait w)
{
	return *(const int64_t *)((const char *)c + waits[w].field);
}

const char *
wait_option(enum wait w)
{
	return waits[w].option;
}

/* Common timeouts: thousands of sessions with one time each cost a list. */
void
wait_load(struct remote *r)
{
	for (int w = 0; w < W_COUNT; w++) {
		int64_t us = wait_us(r->proc->conf, (enum wait)w);
		struct timeval tv = { us / US_SEC, us % US_SEC };

		r->wait[w] = event_base_init_common_timeout(r->proc->base, &tv);
	}
}
