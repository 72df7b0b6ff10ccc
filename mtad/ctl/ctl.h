/*
 * ctl: what mtactl's commands share.
 */
#ifndef CTL_H
#define CTL_H

#include <jansson.h>
#include <stdbool.h>

#include "control.h"

/* Exit codes: 0 done, 1 failed or refused, 2 no daemon, 64 wrong words. */
enum { CTL_FAILED = 1, CTL_NO_DAEMON = 2, CTL_USAGE = 64 };

struct ctl {
	const char *conf_path, *socket; /* socket NULL: as the configuration */
	const char *command; /* the words of the row */
	const char *user, *why;
	bool is_json, is_sure, is_dry;
	int patience; /* seconds for an answer; 0: as long as it takes */
	struct control *control;
	void *arg; /* borrowed: for a command's each() */
};

/* Ends the connection, if there is one. */
void ctl_release(struct ctl *);
/* Connects (says so and returns CTL_NO_DAEMON when there is none), sends the
 * request (reference taken), and calls each with every row. The last row
 * (with "done") is for the caller when ret_last is not NULL. Returns an exit
 * code. */
int ctl_ask(struct ctl *, json_t *request,
    void (*each)(struct ctl *, json_t *row), json_t **ret_last);
/* The two halves of it, for a request that bytes follow. */
int ctl_send(struct ctl *, json_t *request);
int ctl_answer(
    struct ctl *, void (*each)(struct ctl *, json_t *row), json_t **ret_last);
/* The bytes that follow a row with "bytes": all are taken, and written to fd
 * while rc is 0. Returns rc, or the negative errno of a write. */
int ctl_body(struct ctl *, const json_t *row, int fd, int rc);
json_t *ctl_request(const struct ctl *, const char *op);
const char *ctl_str(const json_t *row, const char *name); /* "" if absent */
long long ctl_num(const json_t *row, const char *name); /* 0 if absent */
/* Print with everything that could steer a terminal as \xNN. */
void ctl_puts(const char *);
void ctl_age(char ret[32], const char *rfc3339); /* "2d03h", "14m" */
void ctl_print_json(const json_t *row);
char *ctl_join(int argc, char **argv); /* the caller's */

int ctl_status(struct ctl *, int, char **);
int ctl_list(struct ctl *, int, char **);
int ctl_show(struct ctl *, int, char **);
int ctl_cat(struct ctl *, int, char **);
int ctl_why(struct ctl *, int, char **);
int ctl_export(struct ctl *, int, char **);
int ctl_import(struct ctl *, int, char **);
int ctl_check(struct ctl *, int, char **);
int ctl_act(struct ctl *, int, char **);
int ctl_undo(struct ctl *, int, char **);
int ctl_hosts(struct ctl *, int, char **);
int ctl_host_act(struct ctl *, int, char **);
int ctl_delivery(struct ctl *, int, char **);
int ctl_route(struct ctl *, int, char **);
int ctl_config_check(struct ctl *, int, char **);
int ctl_config_show(struct ctl *, int, char **);
int ctl_simple(struct ctl *, int, char **);
int ctl_watch(struct ctl *, int, char **);

#endif
