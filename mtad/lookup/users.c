#include "users.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "map.h"
#include "worker.h"

#define KNOWN_FOR (30 * US_SEC)
#define UNKNOWN_FOR US_SEC
#define KNOWN_MAX 20000
#define NAME_MAX_LEN 64
#define WORKERS 4 /* one slow answer does not stop the others */
#define PENDING_MAX 4000
#define SPACE_MAX ((size_t)1 << 20)

struct users {
	struct proc *proc; /* borrowed */
	struct worker *worker[WORKERS];
	unsigned next, pending;
	struct map known;
};

struct known {
	char name[NAME_MAX_LEN + 1]; /* as asked for, then as it is */
	enum user_answer answer;
	bool is_root;
	int64_t until; /* mono */
};

struct question {
	struct users *u; /* borrowed */
	struct known k;
	char **check; /* names of LocalUserCheck, copied */
	size_t checks;
	void (*done)(void *, enum user_answer, const char *, bool);
	void *arg;
};

static uint64_t
hash_known(const void *entry)
{
	return slice_ihash(slice_of(((const struct known *)entry)->name));
}

static bool
is_known(const void *entry, const void *key)
{
	return slice_ieq(slice_of(((const struct known *)entry)->name),
	    *(const struct slice *)key);
}

struct users *
users_new(struct proc *p)
{
	struct users *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->proc = p;
	map_init(&u->known, hash_known, is_known);
	for (int i = 0; i < WORKERS; i++) {
		u->worker[i] = worker_new(p->base);
		if (u->worker[i] == NULL)
			return NULL; /* the process ends */
	}
	return u;
}

/* In the thread. 1 found, 0 surely not there, negative errno. */
static int
look(const char *name, bool *ret_is_root)
{
	struct passwd pw, *found = NULL;
	size_t n = 4096;
	char *space = NULL;
	int rc = ERANGE;

	while (rc == ERANGE && n <= SPACE_MAX) {
		free(space);
		space = malloc(n);
		rc = space ? getpwnam_r(name, &pw, space, n, &found) : ENOMEM;
		n *= 4;
	}
	if (rc == 0 && found != NULL)
		*ret_is_root = pw.pw_uid == 0;
	free(space);
	return rc != 0 ? -rc : found != NULL;
}

/* Names are small, but for some: those as they were given. */
static int
look_both(struct known *k)
{
	char small[NAME_MAX_LEN + 1];
	int rc;

	for (size_t i = 0; i <= NAME_MAX_LEN; i++)
		small[i] = ascii_lower(k->name[i]);
	rc = look(small, &k->is_root);
	if (rc == 0 && strcmp(small, k->name) != 0)
		return look(k->name, &k->is_root);
	memcpy(k->name, small, sizeof(small));
	return rc;
}

static int
run(void *arg)
{
	struct question *q = arg;
	bool unused;
	int rc = look_both(&q->k);

	q->k.answer = rc > 0 ? USER_YES : USER_NOT_NOW;
	if (rc != 0)
		return 0;
	for (size_t i = 0; i < q->checks; i++)
		if (look(q->check[i], &unused) != 1)
			return 0;
	q->k.answer = USER_NO;
	return 0;
}

static void
remember(struct users *u, const struct known *k)
{
	struct slice key = slice_of(k->name);
	struct known *old = map_find(&u->known, slice_ihash(key), &key), *n;
	size_t pos = 0;

	if (old != NULL) {
		*old = *k;
		return;
	}
	if (u->known.n >= KNOWN_MAX) {
		while ((n = map_next(&u->known, &pos)) != NULL)
			free(n);
		map_release(&u->known);
	}
	n = malloc(sizeof(*n));
	if (n == NULL)
		return;
	*n = *k;
	if (map_add(&u->known, n) < 0)
		free(n);
}

static void
question_free(struct question *q)
{
	for (size_t i = 0; i < q->checks; i++)
		free(q->check[i]);
	free(q->check);
	free(q);
}

static void
answered(void *arg, int rc)
{
	struct question *q = arg;

	(void)rc;
	q->u->pending--;
	q->k.until =
	    clock_mono() + (q->k.answer == USER_YES ? KNOWN_FOR : UNKNOWN_FOR);
	remember(q->u, &q->k);
	q->done(q->arg, q->k.answer, q->k.name, q->k.is_root);
	question_free(q);
}

static struct question *
question_new(struct users *u, struct slice name)
{
	const struct conf_list *l = &u->proc->conf->LocalUserCheck;
	struct question *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->u = u;
	memcpy(q->k.name, name.p, name.n);
	q->check = calloc(l->n + 1, sizeof(*q->check));
	for (size_t i = 0; q->check && i < l->n; i++)
		if ((q->check[q->checks] = strdup(l->v[i])) != NULL)
			q->checks++;
	return q;
}

/* What cannot be an account's name is none; NSS is not asked. */
static bool
may_be_name(struct slice s)
{
	if (s.n == 0 || s.n > NAME_MAX_LEN || s.p[0] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == ':' ||
		    s.p[i] == '/' || s.p[i] == 0x7f)
			return false;
	return true;
}

void
users_ask(struct users *u, struct slice name,
    void (*done)(void *, enum user_answer, const char *, bool), void *arg)
{
	struct known *k = map_find(&u->known, slice_ihash(name), &name);
	struct question *q;

	if (!may_be_name(name)) {
		done(arg, USER_NO, "", false);
		return;
	}
	if (k != NULL && k->until > clock_mono()) {
		done(arg, k->answer, k->name, k->is_root);
		return;
	}
	q = u->pending < PENDING_MAX ? question_new(u, name) : NULL;
	if (q == NULL) {
		done(arg, USER_NOT_NOW, "", false);
		return;
	}
	q->done = done;
	q->arg = arg;
	u->pending++;
	if (worker_submit(u->worker[u->next++ % WORKERS], run, answered, q) <
	    0) {
		u->pending--;
		question_free(q);
		done(arg, USER_NOT_NOW, "", false);
	}
}
