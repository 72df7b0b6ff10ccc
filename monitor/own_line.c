#include "own_line.h"

#include <errno.h>

/* Of a line that a killed writer left without its end only what another
 * wrote behind it counts. */
static int
read_json(const struct event_names *names, char *line, size_t n,
    struct event_origin *origin, struct event *e)
{
	int rc = event_read_json(names, line, n, origin, e);
	size_t start;

	if (rc != -EBADMSG)
		return rc;
	start = event_json_start((struct slice){ line, n });
	return start == 0 || start == n
	    ? rc
	    : event_read_json(names, line + start, n - start, origin, e);
}

static void
set_origin(struct heard *h, const struct event_origin *o)
{
	h->time_us = o->time_us;
	h->is_year_inferred = false;
	h->mono_us = o->mono_us;
	h->node = o->node;
	h->via = (struct slice){ NULL, 0 };
	h->may = NULL;
	h->instance = o->instance;
	h->prog = o->prog;
	h->pid = o->pid;
	h->boot = o->boot;
	h->seq = o->boot.n != 0 ? o->seq : 0;
}

int
own_line_read(
    const struct event_names *names, char *line, size_t n, struct heard *h)
{
	struct event_origin origin;
	int rc = -EBADMSG;

	if (n != 0 && line[0] == '{')
		rc = read_json(names, line, n, &origin, &h->event);
	else if (n != 0 && line[0] == '<')
		rc = event_read_sd(names, line, n, &origin, &h->event);
	if (rc == 0 || rc == -ENOENT)
		set_origin(h, &origin);
	return rc;
}

bool
own_line_is_of_a_log(struct slice s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	if (s.n < 5)
		return false;
	return s.p[0] == '<' ||
	    (s.p[3] == ' ' && memmem(months, 36, s.p, 3) != NULL) ||
	    (s.p[4] == '-' && s.p[0] >= '0' && s.p[0] <= '9');
}
