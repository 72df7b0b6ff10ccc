/*
 * page: a small HTTP server for what other programs look at:
 * /metrics (Prometheus), /live (it answers), /ready (it stores). GET and
 * HEAD only, one request a connection, a request of at most 4 KiB and its
 * answer within five seconds. When all places are taken, who has most of them
 * gives one to the next who comes.
 */
#ifndef PAGE_H
#define PAGE_H

#include <event2/event.h>

#include "buf.h"

struct page;

/* One path: writes the body, returns the status (200, 503). */
struct page_path {
	const char *path, *type;
	int (*write)(void *arg, struct buf *body);
};

/* Paths (until one is NULL) and arg are borrowed. NULL, and why. */
struct page *page_new(struct event_base *, const char *address, int port,
    const struct page_path *, void *arg, char ret_why[256]);
void page_free(struct page *); /* NULL is fine */

#endif
