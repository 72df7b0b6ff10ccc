/*
 * fuse_control: orders to the store, one line each (fuse_store.c lists them).
 */
#include "fuse_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct {
	const char *name;
	enum kind kind;
} kinds[] = { { "open", K_OPEN }, { "write", K_WRITE }, { "append", K_APPEND },
	{ "sync", K_SYNC }, { "rename", K_RENAME }, { "unlink", K_UNLINK },
	{ "read", K_READ }, { "any", K_ANY } };
static const char *const lucks[] = { "none", "prefix", "torn" };

static enum luck
luck_of(const char *word)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(word, lucks[i]) == 0)
			return (enum luck)i;
	return LUCK_NONE;
}

static bool
arm(struct store *s, const char *line)
{
	struct arm a = { 0 };
	char kind[16], action[40], luck[16];

	if (sscanf(line, "arm %15s %31s %31s %u %u %39s", kind, a.part,
		a.program, &a.at, &a.times, action) != 6)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i].name) == 0)
			a.kind = kinds[i].kind;
	if (sscanf(action, "cut:%15[a-z]:%u", luck, &a.seed) == 2)
		a.luck = luck_of(luck);
	else
		a.error = atoi(action);
	s->arm = a;
	return a.kind != 0;
}

/* Under the lock. */
static void
obey(struct store *s, const char *line, char answer[200])
{
	char luck[16];
	unsigned seed;
	int on;

	snprintf(answer, 200, "ok\n");
	if (sscanf(line, "cut %15s %u", luck, &seed) == 2) {
		size_t n =
		    s->is_dead ? 0 : disk_cut(s->disk, luck_of(luck), seed);

		s->is_dead = true;
		snprintf(answer, 200, "ok %zu\n", n);
	} else if (sscanf(line, "bad %31s %zu", s->bad_part, &s->bad_at) == 2) {
		return;
	} else if (sscanf(line, "hang %d", &on) == 1) {
		s->is_hanging = on;
	} else if (sscanf(line, "full %d", &on) == 1) {
		s->is_full = on;
	} else if (strncmp(line, "disarm", 6) == 0) {
		s->arm.kind = K_OTHER;
	} else if (strncmp(line, "state", 5) == 0) {
		snprintf(answer, 200, "%s %u %u\n",
		    s->is_dead ? "dead" : "alive", s->arm.matched,
		    s->arm.failed);
	} else if (strncmp(line, "mount", 5) == 0) {
		s->may_mount = true;
	} else if (!arm(s, line)) {
		snprintf(answer, 200, "what?\n");
	}
	cnd_broadcast(&s->wake);
}

int
control_run(void *arg)
{
	struct store *s = arg;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", s->path);
	if (bind(listener, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(listener, 8) < 0)
		exit(72);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		char line[200] = "", answer[200];
		ssize_t n = read(fd, line, sizeof(line) - 1);

		mtx_lock(&s->lock);
		obey(s, n > 0 ? line : "", answer);
		mtx_unlock(&s->lock);
		if (write(fd, answer, strlen(answer)) < 0)
			perror("answer");
		close(fd);
	}
	return 0;
}
