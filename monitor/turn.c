#include "turn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"

#define SAID_AFTER (5 * US_SEC)

static int
open_in(const char *dir, const char *name)
{
	char *path = buf_text("%s/%s", dir, name);
	int fd =
	    path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	free(path);
	return fd;
}

int
turn_init(struct turn *t, const char *dir)
{
	int rc = 0;

	*t = (struct turn){ .lock = -1, .line = -1 };
	t->line_path = buf_text("%s/next", dir);
	t->lock = open_in(dir, "lock");
	if (t->lock >= 0)
		t->line = open_in(dir, "next");
	if (t->line < 0)
		rc = -errno;
	else if (t->line_path == NULL)
		rc = -ENOMEM;
	if (rc < 0)
		turn_release(t);
	return rc;
}

void
turn_release(struct turn *t)
{
	if (t->line >= 0)
		close(t->line);
	if (t->lock >= 0)
		close(t->lock);
	free(t->line_path);
	*t = (struct turn){ .lock = -1, .line = -1 };
}

static int
take(int fd, bool *is_taken)
{
	if (*is_taken)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	*is_taken = true;
	return 0;
}

static void
let_go(int fd, bool *is_taken)
{
	flock(fd, LOCK_UN);
	*is_taken = false;
}

int
turn_try(struct turn *t)
{
	bool was_in_line = t->is_in_line;
	int rc = take(t->line, &t->is_in_line);

	if (rc < 0)
		return rc;
	rc = take(t->lock, &t->is_ours);
	if (rc == 0)
		let_go(t->line, &t->is_in_line);
	else if (!was_in_line)
		futimens(t->line, NULL); /* wakes the one who writes */
	return rc;
}

int
turn_wait(struct turn *t)
{
	static const struct timespec pause = { 0, 5000000 };
	int64_t since = clock_mono();
	bool is_said = false;
	int rc;

	while ((rc = turn_try(t)) == -EBUSY) {
		if (!is_said && clock_mono() - since > SAID_AFTER) {
			log_warn("%s: another one writes, waiting for it",
			    t->line_path);
			is_said = true;
		}
		nanosleep(&pause, NULL);
	}
	return rc;
}

void
turn_end(struct turn *t)
{
	let_go(t->lock, &t->is_ours);
}

bool
turn_is_wanted(const struct turn *t)
{
	bool is_free = flock(t->line, LOCK_SH | LOCK_NB) == 0;

	if (is_free)
		flock(t->line, LOCK_UN);
	return !is_free;
}

const char *
turn_line(const struct turn *t)
{
	return t->line_path;
}
