/*
 * worker: one thread beside the event loop, for calls that wait on a disk.
 *
 * Tasks run in the order in which they were given. run() happens in the
 * thread and touches only what its argument owns; done() happens in the
 * loop, in the same order. While a task runs, the loop may gather more into
 * what the next task will do: this is where group commit comes from.
 */
#ifndef WORKER_H
#define WORKER_H

struct worker;
struct event_base;

/*
 * Starts the thread and waits until it runs, so that a sandbox that is put
 * on afterwards (TSYNC) meets no thread in the midst of starting.
 * NULL when the system has no thread or descriptor left.
 */
struct worker *worker_new(struct event_base *);
/* Finishes what was given, calls no done() any more, ends the thread. */
void worker_free(struct worker *);
/* done may be NULL. 0, or -ENOMEM and nothing will be called. */
int worker_submit(struct worker *, int (*run)(void *arg),
    void (*done)(void *arg, int result), void *arg);

#endif
