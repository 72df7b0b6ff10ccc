/*
 * control: the client's side of the control socket (mta-control(7)).
 *
 * Newline-delimited JSON: one request, then zero or more rows, then one
 * object with "done". Every tool of the suite speaks through this.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <jansson.h>
#include <sys/types.h>

#define CONTROL_VERSION 1

struct control;

/* Connects. NULL with errno: no daemon, or not permitted. */
struct control *control_open(const char *path);
void control_close(struct control *);
/* How long to wait for each piece of an answer; errno is then EAGAIN. */
void control_patience(struct control *, int seconds);
/* Send a request (reference borrowed). 0 or negative errno. */
int control_send(struct control *, const json_t *request);
/* The next object of the answer, the caller's; NULL with errno at the end of
 * the connection. Waits. */
json_t *control_next(struct control *);
/* Raw bytes that follow a row that announced them; as read(2). */
ssize_t control_read(struct control *, void *, size_t);
int control_write(struct control *, const void *, size_t); /* all of it */
int control_fd(const struct control *); /* for poll(), with subscribe */

#endif
