#include "index.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

static uint64_t
hash_msg(const void *entry)
{
	return msgid_hash(((const struct msg *)entry)->id);
}

static bool
is_msg(const void *entry, const void *key)
{
	return msgid_eq(
	    ((const struct msg *)entry)->id, *(const struct msgid *)key);
}

static uint64_t
hash_number(uint64_t number)
{
	return number * UINT64_C(0x9e3779b97f4a7c15) >> 16;
}

static uint64_t
hash_body(const void *entry)
{
	return hash_number(((const struct msg *)entry)->body_file);
}

static bool
is_body(const void *entry, const void *key)
{
	return ((const struct msg *)entry)->body_file == *(const uint64_t *)key;
}

void
index_init(struct index *ix)
{
	map_init(&ix->by_id, hash_msg, is_msg);
	map_init(&ix->by_body, hash_body, is_body);
	rcpt_texts_init(ix);
	TAILQ_INIT(&ix->all);
	LIST_INIT(&ix->walks);
	ix->rcpts = ix->bytes = 0;
}

void
walk_start(struct index *ix, struct index_walk *w)
{
	w->next = TAILQ_FIRST(&ix->all);
	LIST_INSERT_HEAD(&ix->walks, w, link);
}

struct msg *
walk_next(struct index_walk *w)
{
	struct msg *m = w->next;

	if (m != NULL)
		w->next = TAILQ_NEXT(m, all);
	return m;
}

void
walk_stop(struct index_walk *w)
{
	LIST_REMOVE(w, link);
}

struct msg *
index_find(const struct index *ix, struct msgid id)
{
	return map_find(&ix->by_id, msgid_hash(id), &id);
}

/* Of an imported message: who has it already, and when the rest is tried. */
static bool
add_states(struct index *ix, struct msg *m, const struct p_envelope *e)
{
	struct rd r = rd_of(e->state);

	if (get_u8(&r))
		m->flags |= MSG_HELD;
	while (!rd_end(&r))
		if (!rcpt_get_state(ix, m, &r))
			return false;
	return !r.bad && m->rcpt_n == e->rcpt_n && m->open != 0;
}

static bool
add_rcpts(struct index *ix, struct msg *m, const struct p_envelope *e)
{
	struct rd r = rd_of(e->rcpts);
	struct p_env_rcpt one;

	if (e->state.n != 0)
		return add_states(ix, m, e);
	for (uint32_t i = 0; i < e->rcpt_n; i++)
		if (!get_p_env_rcpt(&r, &one) ||
		    msg_add_rcpt(ix, m, one.addr, one.orcpt, one.notify,
			TARGET_ADDRESS, SLICE(""), SLICE("")) == RCPT_NONE)
			return false;
	return e->rcpt_n != 0 && rd_end(&r);
}

static void
msg_free(struct index *ix, struct msg *m)
{
	struct job *j;

	for (uint32_t i = 0; i < m->rcpt_n; i++)
		rcpt_text_drop(ix, m->rcpt[i].text);
	ix->rcpts -= m->open;
	while ((j = LIST_FIRST(&m->jobs)) != NULL) {
		LIST_REMOVE(j, of_msg);
		free(j);
	}
	free(m->rcpt);
	free(m->str);
	free(m);
}

/* Who made it come: all notices are one, a user, or a client's address (of
 * IPv6 the network); after a start from a checkpoint the sender. */
static uint16_t
cause_of(const struct msg *m, const struct p_envelope *e)
{
	struct slice who = e->client_ip.n != 0 ? e->client_ip : e->sender;
	size_t colons = 0;

	if (e->flags & ENV_NOTICE)
		return 0;
	if (m->owner != MSG_NO_OWNER)
		who =
		    (struct slice){ (const char *)&m->owner, sizeof(m->owner) };
	else if (e->client_ip.n != 0)
		for (size_t i = 0; i < who.n && colons < 4; i++)
			if (who.p[i] == ':' && ++colons == 4)
				who.n = i;
	return (uint16_t)(1 + slice_ihash(who) % (MSG_CAUSES - 1));
}

static struct msg *
msg_new(struct index *ix, struct msgid id, const struct p_envelope *e)
{
	struct msg *m = calloc(1, sizeof(*m));
	uint64_t uid;

	if (m == NULL)
		return NULL;
	m->id = id;
	m->received = e->received;
	m->size = e->size;
	m->env_flags = (uint16_t)e->flags;
	m->ret = e->ret;
	m->owner = MSG_NO_OWNER;
	if (slice_u64(e->user, UINT32_MAX - 1, &uid))
		m->owner = (uint32_t)uid;
	m->cause = cause_of(m, e);
	if (msg_add_str(m, e->sender) == RCPT_NONE ||
	    (m->envid = msg_add_str(m, e->envid)) == RCPT_NONE) {
		msg_free(ix, m);
		return NULL;
	}
	return m;
}

static int
insert(struct index *ix, struct msg *m)
{
	if (map_add(&ix->by_id, m) < 0)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(&ix->all, m, all);
	ix->bytes += m->size;
	return 0;
}

struct msg *
index_add_bare(struct index *ix, struct msgid id, const struct p_envelope *e)
{
	struct msg *m = index_find(ix, id) ? NULL : msg_new(ix, id, e);

	if (m != NULL && insert(ix, m) < 0) {
		msg_free(ix, m);
		return NULL;
	}
	return m;
}

struct msg *
index_add(struct index *ix, struct msgid id, const struct p_envelope *e,
    int *ret_error)
{
	struct msg *m;

	*ret_error = -EEXIST;
	if (index_find(ix, id) != NULL)
		return NULL;
	*ret_error = -EBADMSG;
	m = msg_new(ix, id, e);
	if (m == NULL)
		return NULL;
	if (!add_rcpts(ix, m, e) || (*ret_error = insert(ix, m)) < 0) {
		msg_free(ix, m);
		return NULL;
	}
	return m;
}

struct msg *
index_find_body(const struct index *ix, uint64_t number)
{
	return map_find(&ix->by_body, hash_number(number), &number);
}

int
index_name_body(struct index *ix, struct msg *m, uint64_t number)
{
	if (number == 0)
		return 0;
	if (index_find_body(ix, number) != NULL)
		return -EEXIST;
	m->body_file = number;
	if (map_add(&ix->by_body, m) == 0)
		return 0;
	m->body_file = 0;
	return -ENOMEM;
}

void
index_del(struct index *ix, struct msg *m)
{
	struct index_walk *w;

	LIST_FOREACH (w, &ix->walks, link)
		if (w->next == m)
			w->next = TAILQ_NEXT(m, all);
	TAILQ_REMOVE(&ix->all, m, all);
	map_del(&ix->by_id, m);
	if (m->body_file != 0)
		map_del(&ix->by_body, m);
	ix->bytes -= m->size;
	msg_free(ix, m);
}

void
index_release(struct index *ix)
{
	struct msg *m;

	while ((m = TAILQ_FIRST(&ix->all)) != NULL) {
		TAILQ_REMOVE(&ix->all, m, all);
		msg_free(ix, m);
	}
	map_release(&ix->by_id);
	map_release(&ix->by_body);
	map_release(&ix->texts);
}
