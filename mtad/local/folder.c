/*
 * folder: one fsync of a folder for all who want one. Who comes while one
 * runs waits for the next, together with all others that came.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver.h"

#define FOLDERS 256 /* whose syncs are shared; beyond, each its own */

/* Syncs that are under way or waited for. The one table of the agent process,
 * under its lock. */
static struct folder {
	dev_t dev;
	ino_t ino;
	uint64_t wanted, done;
	int users, error;
	bool is_running;
} folders[FOLDERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct folder *
find_folder(const struct stat *st)
{
	struct folder *free_one = NULL;

	for (int i = 0; i < FOLDERS; i++) {
		struct folder *f = &folders[i];

		if (f->users != 0 && f->dev == st->st_dev &&
		    f->ino == st->st_ino)
			return f;
		if (f->users == 0 && free_one == NULL)
			free_one = f;
	}
	if (free_one != NULL)
		*free_one =
		    (struct folder){ .dev = st->st_dev, .ino = st->st_ino };
	return free_one;
}

static int
sync_shared(struct folder *f, int fd)
{
	uint64_t mine = ++f->wanted;

	while (f->done < mine) {
		uint64_t upto = f->wanted;
		int rc;

		if (f->is_running) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}
		f->is_running = true;
		pthread_mutex_unlock(&lock);
		rc = fsync(fd) < 0 ? -errno : 0;
		pthread_mutex_lock(&lock);
		f->is_running = false;
		f->done = upto;
		f->error = rc;
		pthread_cond_broadcast(&changed);
	}
	return f->error;
}

int
folder_sync(int fd)
{
	struct folder *f;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	pthread_mutex_lock(&lock);
	f = find_folder(&st);
	if (f == NULL) {
		pthread_mutex_unlock(&lock);
		return fsync(fd) < 0 ? -errno : 0;
	}
	f->users++;
	rc = sync_shared(f, fd);
	f->users--;
	pthread_mutex_unlock(&lock);
	return rc;
}
