#include "queue_world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "evfiles.h"
#include "file.h"
#include "log.h"
#include "writer.h"

#define TAG 7

static const char *const names[W_PARTS] = { "segment", "body", "journal",
	"checkpoint", "log" };
static struct world w;

static void
on_ready(void *arg)
{
	(void)arg;
}

static void
on_error(void *arg, const char *what, int error)
{
	queue_spool_error(arg, what, error);
}

static const struct segments_ops segment_ops = { on_ready, on_error };

static void
on_timer(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static int
make_part(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", w.dir, name);
	if (mkdir(path, 0700) < 0)
		fatal("%s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fatal("%s: %s", path, strerror(errno));
	return fd;
}

static void
each_file(int dirfd, void (*fn)(int dirfd, const char *name))
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			fn(dirfd, e->d_name);
	closedir(d);
}

static void
remove_file(int dirfd, const char *name)
{
	unlinkat(dirfd, name, 0);
}

static void
remove_all(void)
{
	char path[128];

	for (int i = 0; i < W_PARTS; i++) {
		each_file(w.part[i], remove_file);
		snprintf(path, sizeof(path), "%s/%s", w.dir, names[i]);
		rmdir(path);
	}
	rmdir(w.dir);
}

struct world *
world_new(void)
{
	snprintf(w.dir, sizeof(w.dir), "/dev/shm/mtad-queue.XXXXXX");
	if (mkdtemp(w.dir) == NULL)
		fatal("%s: %s", w.dir, strerror(errno));
	for (int i = 0; i < W_PARTS; i++)
		w.part[i] = make_part(names[i]);
	atexit(remove_all);
	w.proc.base = event_base_new();
	w.proc.conf = conf_new();
	w.proc.log = evlog_new("world.test", "mtad-queue");
	w.proc.stats = &w.stats;
	w.proc.slot = &w.stats.slot[1];
	w.stats.slots = STAT_SLOTS;
	w.proc.ctx = &w.q;
	return &w;
}

void
world_put(
    struct world *world, enum world_part p, const char *name, struct slice s)
{
	int fd = openat(world->part[p], name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || file_write_all(fd, s.p, s.n) < 0)
		fatal("%s: %s", name, strerror(errno));
	close(fd);
}

int
world_start(struct world *world)
{
	struct queue *q = &world->q;

	*q = (struct queue){ .proc = &world->proc,
		.spool_fd = -1,
		.log_fd = world->part[W_LOG],
		.drop_fd = -1,
		.lock_fd = -1,
		.segment_fd = world->part[W_SEGMENT],
		.body_fd = world->part[W_BODY],
		.journal_fd = world->part[W_JOURNAL],
		.checkpoint_fd = world->part[W_CHECKPOINT] };
	sched_init(&q->sched, q->proc->conf);
	index_init(&q->index);
	attempt_init(q);
	handover_init(&q->handover);
	suspects_init(&q->suspects);
	segments_init(&q->segments);
	TAILQ_INIT(&q->notify);
	TAILQ_INIT(&q->notify_later);
	q->disk = worker_new(q->proc->base);
	q->reader = worker_new(q->proc->base);
	q->timer = evtimer_new(q->proc->base, on_timer, q);
	q->commit_timer = evtimer_new(q->proc->base, on_timer, q);
	q->writer = writer_new(q, SEGMENT_QUEUE);
	q->copier = writer_new(q, SEGMENT_COPY);
	q->files = evfiles_new(q);
	q->segments.dirfd = q->segment_fd;
	q->segments.body_dirfd = q->body_fd;
	q->segments.size = 1 << 20;
	q->segments.tag = TAG;
	q->segments.worker = q->disk;
	q->segments.ops = &segment_ops;
	q->segments.arg = q;
	return recover(q);
}

void
world_turn(struct world *world)
{
	event_base_loop(world->proc.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	evlog_flush(world->proc.log);
}

static bool
is_working(const struct queue *q)
{
	return q->journal != NULL && journal_error(q->journal) == 0 &&
	    (journal_has_pending(q->journal) || journal_is_busy(q->journal));
}

void
world_settle(struct world *world)
{
	struct queue *q = &world->q;

	while (is_working(q)) {
		journal_kick(q->journal);
		event_base_loop(world->proc.base, EVLOOP_ONCE);
	}
	world_turn(world);
}

void
world_end(struct world *world)
{
	struct queue *q = &world->q;
	struct msg *m;

	world_settle(world);
	worker_free(q->reader);
	worker_free(q->disk);
	writer_free(q->writer);
	writer_free(q->copier);
	evfiles_free(q->files);
	TAILQ_FOREACH (m, &q->index.all, all)
		sched_remove(&q->sched, m);
	sched_release(&q->sched);
	index_release(&q->index);
	map_release(&q->attempts);
	handover_release(&q->handover);
	suspects_release(&q->suspects);
	segments_release(&q->segments);
	journal_free(q->journal);
	event_free(q->timer);
	event_free(q->commit_timer);
	for (int i = 0; i < W_PARTS; i++)
		each_file(world->part[i], remove_file);
}
