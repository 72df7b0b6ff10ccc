/*
 * story: one dialogue while it runs. stories.c reads the lines; what they do
 * is in steps_mail.c (what is handed over, and what comes of it),
 * steps_server.c (the scripted server) and steps_ask.c (names and routes).
 * A step that does not hold ends the process with the line's number.
 */
#ifndef STORY_H
#define STORY_H

#include <stdio.h>

#include "daemon.h"
#include "nameserver.h"
#include "server.h"
#include "verdict.h"

#define OUTCOMES_MAX 4096
#define SKIPPED 77

struct outcome {
	char rcpt[256], text[1024], enhanced[16];
	int code;
	enum reason reason;
	bool is_there;
};

struct story {
	const char *file;
	int line;
	struct conf *conf;
	struct daemon daemon;
	struct server server;
	struct nameserver ns;
	bool is_started, has_zone, is_silent_ack, is_deaf, is_unix;
	/* of the next mail */
	struct buf text;
	size_t big;
	bool is_lmtp;
	uint32_t flags;
	uint8_t ret, notify;
	char envid[128], orcpt[128], host[256], domain[256];
	/* of the mails so far */
	char *rcpt[OUTCOMES_MAX];
	uint32_t rcpt_n;
	struct buf body;
	uint64_t jobs;
	int64_t mail_at;
	struct outcome *outcome; /* by recipient */
	char remote_id[256], host_name[256], host_ip[64];
	bool is_reused, has_failed;
	struct buf lines; /* of the last P_MX_ANSWER */
};

struct step {
	const char *word;
	void (*run)(struct story *, char *rest);
};
/* Each ends with a NULL word. */
extern const struct step mail_steps[], server_steps[], ask_steps[];

#define SEND(side_, id, ID, fd_, ...)                                          \
	do {                                                                   \
		struct buf b_;                                                 \
		buf_init(&b_, 16 << 20);                                       \
		put_p_##id(&b_, &(struct p_##id){ __VA_ARGS__ });              \
		side_send((side_), P_##ID, &b_, (fd_));                        \
		buf_release(&b_);                                              \
	} while (0)

/* The next word of *rest, or "" at its end. */
const char *story_word(char **rest);
void story_unescape(struct buf *, const char *); /* \r \n \0 \\ */
bool story_matches(const char *pattern, const char *text);
void story_be_started(struct story *); /* the daemon, if it is not yet */
void story_wait_holding_end(struct story *);
void story_take_zone(struct story *, FILE *); /* all its zone lines, ahead */

#endif
