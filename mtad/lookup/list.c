#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lookup.h"
#include "worker.h"

#define READING_MAX 1000

struct list {
	struct ask *ask;
	list_told *told;
	struct aliases *aliases; /* held: who may own the files */
	char *text; /* owned */
	struct members all;
	char why[300];
};

static struct list *
list_new(struct ask *a, struct slice text, list_told *told)
{
	struct list *li = calloc(1, sizeof(*li));

	if (li == NULL || (li->text = slice_dup(text)) == NULL) {
		free(li);
		return NULL;
	}
	li->ask = a;
	li->told = told;
	li->aliases = aliases_hold(a->l->aliases);
	members_init(&li->all);
	return li;
}

static void
list_free(struct list *li)
{
	aliases_free(li->aliases);
	members_release(&li->all);
	free(li->text);
	free(li);
}

static int
run(void *arg)
{
	struct list *li = arg;

	return include_collect(
	    li->aliases, &li->all, slice_of(li->text), li->why);
}

static void
collected(void *arg, int rc)
{
	struct list *li = arg;

	li->ask->l->reading--;
	li->told(li->ask, rc < 0 ? NULL : &li->all, li->why);
	list_free(li);
}

static void
collect_later(struct ask *a, struct slice text, list_told *told)
{
	char why[300] = "too many lists wait for their files";
	struct lookup *l = a->l;
	struct list *li =
	    l->reading < READING_MAX ? list_new(a, text, told) : NULL;

	if (li != NULL && worker_submit(l->reader, run, collected, li) == 0) {
		l->reading++;
		return;
	}
	if (li != NULL)
		list_free(li);
	told(a, NULL, why);
}

static bool
includes_files(struct slice text)
{
	for (size_t at; (at = slice_find(text, ':')) < text.n;
	     text = slice_sub(text, at + 1, text.n))
		if (slice_istarts(
			slice_sub(text, at, text.n), SLICE(":include:")))
			return true;
	return false;
}

void
list_collect(struct ask *a, struct slice text, list_told *told)
{
	struct members all;
	char why[300];
	int rc;

	if (includes_files(text)) {
		collect_later(a, text, told);
		return;
	}
	members_init(&all);
	rc = include_collect(a->l->aliases, &all, text, why);
	told(a, rc < 0 ? NULL : &all, why);
	members_release(&all);
}
