#include "page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "listen.h"
#include "peer.h"

#define REQUEST_MAX 4096
#define BODY_MAX ((size_t)1 << 20)
#define VISITORS_MAX 32
#define PATIENCE (5 * US_SEC) /* with all of one, however slowly it drips */

struct visitor {
	struct page *page; /* borrowed */
	struct visitor *next, **at;
	int fd;
	struct peer peer;
	struct event *event;
	struct buf in, out; /* out: empty while the request is read */
	size_t sent;
	int64_t until; /* mono: then it must have asked and read */
};

struct page {
	struct event_base *base; /* borrowed */
	const struct page_path *paths; /* borrowed */
	void *arg;
	int fd;
	struct event *incoming;
	struct visitor *visitors;
	int n;
};

static void
leave(struct visitor *v)
{
	*v->at = v->next;
	if (v->next != NULL)
		v->next->at = v->at;
	v->page->n--;
	if (v->event != NULL)
		event_free(v->event);
	close(v->fd);
	buf_release(&v->in);
	buf_release(&v->out);
	free(v);
}

static const char *
phrase(int status)
{
	return status == 200 ? "OK"
	    : status == 404  ? "Not Found"
	    : status == 405  ? "Method Not Allowed"
			     : "Service Unavailable";
}

static void
put_answer(struct visitor *v, int status, const char *type,
    const struct buf *body, bool has_body)
{
	buf_addf(&v->out,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n",
	    status, phrase(status), type, body->len);
	if (has_body)
		buf_add_slice(&v->out, buf_slice(body));
}

/* "GET /metrics?x HTTP/1.1" */
static void
answer(struct visitor *v)
{
	struct slice rest = buf_slice(&v->in), method, path = { 0 };
	const struct page_path *p = v->page->paths;
	struct buf body;
	int status = 404;
	bool is_get, is_head;

	slice_next(&rest, ' ', &method);
	slice_next(&rest, ' ', &path);
	path = slice_sub(path, 0, slice_find(path, '?'));
	is_get = slice_eq(method, SLICE("GET"));
	is_head = slice_eq(method, SLICE("HEAD"));
	while (p->path != NULL && !slice_eq(path, slice_of(p->path)))
		p++;
	buf_init(&body, BODY_MAX);
	if (!is_get && !is_head)
		status = 405;
	else if (p->path != NULL)
		status = p->write(v->page->arg, &body);
	if (body.len == 0)
		buf_addf(&body, "%s\n", phrase(status));
	put_answer(v, status, status == 200 && p->path ? p->type : "text/plain",
	    &body, !is_head);
	buf_release(&body);
}

static void on_ready(evutil_socket_t, short, void *);

static void
wait_for(struct visitor *v, short what)
{
	int64_t left = v->until - clock_mono();
	struct timeval tv = { left / US_SEC, left % US_SEC };

	if (v->event != NULL)
		event_free(v->event);
	v->event = left > 0 ? event_new(v->page->base, v->fd, what, on_ready, v)
			    : NULL;
	if (v->event == NULL)
		leave(v);
	else
		event_add(v->event, &tv);
}

static void
write_more(struct visitor *v)
{
	ssize_t n = send(v->fd, v->out.data + v->sent, v->out.len - v->sent,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0)
		v->sent += (size_t)n;
	if (v->sent == v->out.len || (n < 0 && errno != EAGAIN)) {
		shutdown(v->fd, SHUT_WR);
		leave(v);
	} else {
		wait_for(v, EV_WRITE);
	}
}

static void
read_more(struct visitor *v)
{
	char *room = buf_room(&v->in, 1024);
	ssize_t n = room == NULL ? 0 : read(v->fd, room, 1024);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		wait_for(v, EV_READ);
		return;
	}
	if (n <= 0) {
		leave(v); /* too long, or gone */
		return;
	}
	v->in.len += (size_t)n;
	if (memmem(v->in.data, v->in.len, "\r\n\r\n", 4) == NULL) {
		wait_for(v, EV_READ);
		return;
	}
	answer(v);
	write_more(v);
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct visitor *v = arg;

	(void)fd;
	if (what & EV_TIMEOUT)
		leave(v);
	else if (v->out.len != 0)
		write_more(v);
	else
		read_more(v);
}

static int
places_of(const struct page *p, const struct peer *peer)
{
	int n = 0;

	for (const struct visitor *v = p->visitors; v != NULL; v = v->next)
		n += peer_is(&v->peer, peer);
	return n;
}

/* The one who came first (the last of the list) of those who have most. */
static void
make_room(struct page *p)
{
	struct visitor *goes = NULL;
	int most = 0;

	for (struct visitor *v = p->visitors; v != NULL; v = v->next) {
		int n = places_of(p, &v->peer);

		if (n >= most) {
			most = n;
			goes = v;
		}
	}
	if (goes != NULL)
		leave(goes);
}

static void
enter(struct page *p, int fd, const struct sockaddr *from)
{
	struct visitor *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		close(fd);
		return;
	}
	v->page = p;
	v->fd = fd;
	peer_of_address(&v->peer, from);
	v->until = clock_mono() + PATIENCE;
	buf_init(&v->in, REQUEST_MAX);
	buf_init(&v->out, BODY_MAX + 1024);
	v->at = &p->visitors;
	v->next = p->visitors;
	if (v->next != NULL)
		v->next->at = &v->next;
	p->visitors = v;
	p->n++;
	wait_for(v, EV_READ);
}

static void
on_incoming(evutil_socket_t fd, short what, void *arg)
{
	struct page *p = arg;
	struct sockaddr_storage from = { 0 };
	socklen_t n = sizeof(from);
	int one = accept4(
	    fd, (struct sockaddr *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (one < 0)
		return;
	if (p->n >= VISITORS_MAX)
		make_room(p);
	enter(p, one, (struct sockaddr *)&from);
}

void
page_free(struct page *p)
{
	if (p == NULL)
		return;
	while (p->visitors != NULL)
		leave(p->visitors);
	if (p->incoming != NULL)
		event_free(p->incoming);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

struct page *
page_new(struct event_base *base, const char *address, int port,
    const struct page_path *paths, void *arg, char why[256])
{
	struct page *p = calloc(1, sizeof(*p));

	snprintf(why, 256, "no memory");
	if (p == NULL)
		return NULL;
	p->base = base;
	p->paths = paths;
	p->arg = arg;
	p->fd = listen_inet("metrics", address, port, SOCK_STREAM, why);
	if (p->fd >= 0)
		p->incoming = event_new(
		    base, p->fd, EV_READ | EV_PERSIST, on_incoming, p);
	if (p->incoming == NULL) {
		page_free(p);
		return NULL;
	}
	event_add(p->incoming, NULL);
	return p;
}
