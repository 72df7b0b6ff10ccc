#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/event.h>

struct task {
	STAILQ_ENTRY(task) link;
	int (*run)(void *);
	void (*done)(void *, int);
	void *arg; /* borrowed */
	int result;
};
STAILQ_HEAD(tasks, task);

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct tasks todo, finished; /* under lock */
	bool up, stop; /* under lock */
	int efd;
	struct event *ev;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct task *t;

	pthread_mutex_lock(&w->lock);
	w->up = true;
	pthread_cond_signal(&w->wake);
	for (;;) {
		while ((t = STAILQ_FIRST(&w->todo)) == NULL && !w->stop)
			pthread_cond_wait(&w->wake, &w->lock);
		if (t == NULL)
			break;
		STAILQ_REMOVE_HEAD(&w->todo, link);
		pthread_mutex_unlock(&w->lock);
		t->result = t->run(t->arg);
		pthread_mutex_lock(&w->lock);
		bool was_empty = STAILQ_EMPTY(&w->finished);
		STAILQ_INSERT_TAIL(&w->finished, t, link);
		if (was_empty) {
			uint64_t one = 1;

			/* Can only fail when it would block: then it is set. */
			if (write(w->efd, &one, sizeof(one)) < 0)
				continue;
		}
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void
on_finished(int fd, short what, void *arg)
{
	struct worker *w = arg;
	struct tasks batch = STAILQ_HEAD_INITIALIZER(batch);
	struct task *t;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) < 0)
		return;
	pthread_mutex_lock(&w->lock);
	STAILQ_CONCAT(&batch, &w->finished);
	pthread_mutex_unlock(&w->lock);
	while ((t = STAILQ_FIRST(&batch)) != NULL) {
		STAILQ_REMOVE_HEAD(&batch, link);
		if (t->done != NULL)
			t->done(t->arg, t->result);
		free(t);
	}
}

static int
start_thread(struct worker *w)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all); /* signals are the loop's */
	sigdelset(&all, SIGSYS); /* of the sandbox: blocked, it would kill */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return -rc;
	pthread_mutex_lock(&w->lock);
	while (!w->up)
		pthread_cond_wait(&w->wake, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

struct worker *
worker_new(struct event_base *base)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	STAILQ_INIT(&w->todo);
	STAILQ_INIT(&w->finished);
	w->efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->ev = w->efd < 0
	    ? NULL
	    : event_new(base, w->efd, EV_READ | EV_PERSIST, on_finished, w);
	if (w->ev == NULL || event_add(w->ev, NULL) < 0 ||
	    start_thread(w) < 0) {
		if (w->ev != NULL)
			event_free(w->ev);
		if (w->efd >= 0)
			close(w->efd);
		free(w);
		return NULL;
	}
	return w;
}

void
worker_free(struct worker *w)
{
	struct task *t;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	while ((t = STAILQ_FIRST(&w->finished)) != NULL) {
		STAILQ_REMOVE_HEAD(&w->finished, link);
		free(t);
	}
	event_free(w->ev);
	close(w->efd);
	free(w);
}

int
worker_submit(
    struct worker *w, int (*run)(void *), void (*done)(void *, int), void *arg)
{
	struct task *t = malloc(sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	*t = (struct task){ .run = run, .done = done, .arg = arg };
	pthread_mutex_lock(&w->lock);
	STAILQ_INSERT_TAIL(&w->todo, t, link);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return 0;
}
