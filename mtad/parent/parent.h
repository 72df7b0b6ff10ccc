/*
 * parent: what mtad's first process knows. It holds the powers (root, ports,
 * configuration), parses nothing from the network, and has no mail.
 */
#ifndef PARENT_H
#define PARENT_H

#include <stdbool.h>

#include "child.h"
#include "conf.h"
#include "evlog.h"
#include "siphash.h"
#include "stat.h"

#define CHILDREN_MAX (3 + 2 * 16)

enum parent_end { END_NONE, END_STOP, END_UPGRADE };

struct parent {
	struct event_base *base;
	struct conf *conf;
	const char *conf_path; /* borrowed */
	char *libexec; /* where the other programs are */
	char *self; /* this program, for the upgrade in place */
	char **argv; /* borrowed */
	struct evlog *log;
	struct stat_file *stats;
	struct stat_file *last_stats; /* of the mtad before, until it is told */
	int stats_fd, spool_fd, log_fd, control_fd, pid_fd;
	int *listen_fd; /* one for each row of conf->listener */
	struct child child[CHILDREN_MAX];
	int child_n;
	struct siphash_key job_key; /* for the queue, over its deaths */
	uint32_t joins; /* channels made between children */
	uint32_t join[CHILDREN_MAX][CHILDREN_MAX]; /* the newest of each two */
	bool is_root;
	char machine[64]; /* machine-id; empty when there is none */
	enum parent_end ending;
	struct event *stop_timer;
	int64_t stop_began; /* mono */
	bool is_reloading;
	uint32_t reload_key; /* whom the control socket answers */
	bool has_reload_key;
};

/* setup.c: folders, sockets, counters; fatal with a reason. */
void setup_dirs(struct parent *);
void setup_sockets(struct parent *);
void setup_pid(const struct parent *); /* once this process is the one */
/* A connected socket or -1, and what is to be said there. */
int setup_syslog(const struct parent *, enum sysout_kind *ret);
/* A connected socket to a mailer's Path, or negative errno. */
int setup_mailer(const struct parent *, struct slice path);
void setup_pass_on(struct parent *); /* sockets into LISTEN_FDS, for exec */

/* reload.c */
void reload_begin(struct parent *, bool has_key, uint32_t key);
void reload_answered(struct parent *, struct child *, bool ok);

/* check.c: -t; an exit status */
int check_only(const char *path);

/* mtad.c */
void parent_order(struct parent *, uint32_t key, enum proto_order);
void parent_child_gone(struct parent *, struct child *);
void parent_stop(struct parent *, enum parent_end);

#endif
