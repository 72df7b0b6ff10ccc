#include "expose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "page.h"

struct expose {
	const struct metrics *metrics; /* borrowed */
	bool (*is_ready)(void *, struct buf *);
	void *arg;
	const char *path; /* of the file; borrowed */
	struct event *write;
	struct page *page;
};

static int
write_metrics(void *arg, struct buf *body)
{
	metrics_text(((struct expose *)arg)->metrics, body);
	return 200;
}

static int
write_live(void *arg, struct buf *body)
{
	(void)arg;
	(void)body;
	return 200;
}

static int
write_ready(void *arg, struct buf *body)
{
	const struct expose *x = arg;

	return x->is_ready(x->arg, body) ? 200 : 503;
}

static const struct page_path paths[] = {
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8",
	    write_metrics },
	{ "/live", "text/plain", write_live },
	{ "/ready", "text/plain", write_ready },
	{ NULL, NULL, NULL },
};

static int
replace_file(const char *path, const struct buf *b)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash != NULL
	    ? buf_text("%.*s", (int)(slash - path) + 1, path)
	    : strdup(".");
	int fd =
	    dir == NULL ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -errno
			: file_replace(fd, slash != NULL ? slash + 1 : path,
			      b->data, b->len, 0644);

	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval next = { 15, 0 };
	struct expose *x = arg;
	struct buf b;
	int rc;

	(void)fd;
	(void)what;
	buf_init(&b, 1 << 20);
	metrics_text(x->metrics, &b);
	rc = replace_file(x->path, &b);
	if (rc < 0)
		log_warn("%s: %s", x->path, strerror(-rc));
	buf_release(&b);
	evtimer_add(x->write, &next);
}

static bool
open_all(struct expose *x, struct event_base *base, const struct settings *s,
    char why[256])
{
	if (*x->path != '\0') {
		x->write = evtimer_new(base, on_write, x);
		if (x->write == NULL)
			return false;
		event_active(x->write, EV_TIMEOUT, 0);
	}
	if (s->MetricsPort == 0)
		return true;
	x->page = page_new(
	    base, s->MetricsAddress, (int)s->MetricsPort, paths, x, why);
	return x->page != NULL;
}

struct expose *
expose_new(struct event_base *base, const struct settings *s,
    const struct metrics *metrics, bool (*is_ready)(void *, struct buf *),
    void *arg, char why[256])
{
	struct expose *x = calloc(1, sizeof(*x));

	snprintf(why, 256, "no memory");
	if (x == NULL)
		return NULL;
	x->metrics = metrics;
	x->is_ready = is_ready;
	x->arg = arg;
	x->path = s->MetricsFile;
	if (open_all(x, base, s, why))
		return x;
	expose_free(x);
	return NULL;
}

void
expose_free(struct expose *x)
{
	if (x == NULL)
		return;
	page_free(x->page);
	if (x->write != NULL)
		event_free(x->write);
	free(x);
}
