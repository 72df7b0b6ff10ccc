#include "index.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define TEXT_MAX 600
#define STR_MAX ((uint32_t)64 << 20) /* strings of one message */

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

static struct slice
text_slice(const struct text *t)
{
	return (struct slice){ t->s, t->n };
}

static uint64_t
hash_text(const void *entry)
{
	return slice_ihash(text_slice(entry));
}

static bool
is_text(const void *entry, const void *key)
{
	return slice_eq(text_slice(entry), *(const struct slice *)key);
}

void
index_init(struct index *ix)
{
	map_init(&ix->by_id, hash_msg, is_msg);
	map_init(&ix->by_body, hash_body, is_body);
	map_init(&ix->texts, hash_text, is_text);
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

static void
text_drop(struct index *ix, struct text *t)
{
	if (t == NULL || --t->refs != 0)
		return;
	map_del(&ix->texts, t);
	free(t);
}

static struct text *
text_get(struct index *ix, struct slice s)
{
	struct text *t = map_find(&ix->texts, slice_ihash(s), &s);

	if (t == NULL) {
		t = malloc(sizeof(*t) + s.n + 1);
		if (t == NULL)
			return NULL;
		t->refs = 0;
		t->n = (uint32_t)s.n;
		memcpy(t->s, s.p, s.n);
		t->s[s.n] = '\0';
		if (map_add(&ix->texts, t) < 0) {
			free(t);
			return NULL;
		}
	}
	t->refs++;
	return t;
}

void
rcpt_set_text(struct index *ix, struct rcpt *r, const struct verdict *v)
{
	char tmp[TEXT_MAX];
	size_t n = 0;
	struct text *old = r->text;

	if (v->enhanced.n != 0 && v->enhanced.n < 12) {
		memcpy(tmp, v->enhanced.p, v->enhanced.n);
		n = v->enhanced.n;
		tmp[n++] = ' ';
	}
	for (size_t i = 0; i < v->text.n && n < sizeof(tmp); i++) {
		unsigned char c = (unsigned char)v->text.p[i];

		tmp[n++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
	}
	r->text = text_get(ix, (struct slice){ tmp, n });
	r->code = (uint16_t)v->code;
	r->reason = (uint8_t)v->reason;
	text_drop(ix, old);
}

struct slice
rcpt_enhanced(const struct rcpt *r)
{
	struct slice s, enhanced;

	if (r->text == NULL)
		return SLICE("");
	s = text_slice(r->text);
	return verdict_cut_enhanced(r->code, &s, &enhanced) ? enhanced
							    : SLICE("");
}

struct slice
rcpt_text(const struct rcpt *r)
{
	struct slice s, enhanced;

	if (r->text == NULL)
		return SLICE("");
	s = text_slice(r->text);
	verdict_cut_enhanced(r->code, &s, &enhanced);
	return s;
}

/* What is allocated for n bytes of strings: little too much for a short
 * one, few calls for a long one. */
static size_t
room(size_t n)
{
	size_t step = n < 256 ? 16 : n / 2 < 65536 ? 1024 : 65536;

	return (n + step - 1) / step * step;
}

/* Append s and a NUL to the message's strings; its place, or RCPT_NONE. */
static uint32_t
add_str(struct msg *m, struct slice s)
{
	uint32_t at = m->str_n;
	char *p;

	if (s.n > STR_MAX - at - 1)
		return RCPT_NONE;
	if (room(at) < at + s.n + 1) {
		p = realloc(m->str, room(at + s.n + 1));
		if (p == NULL)
			return RCPT_NONE;
		m->str = p;
	}
	if (s.n != 0)
		memcpy(m->str + at, s.p, s.n);
	m->str[at + s.n] = '\0';
	m->str_n = at + (uint32_t)s.n + 1;
	return at;
}

static bool
has_nul(struct slice s)
{
	return s.n != 0 && memchr(s.p, '\0', s.n) != NULL;
}

uint32_t
msg_add_rcpt(struct index *ix, struct msg *m, struct slice addr,
    struct slice orcpt, uint8_t notify, enum proto_target kind,
    struct slice user, struct slice path)
{
	uint32_t n = m->rcpt_n, at;
	bool has_user = user.n != 0 || path.n != 0;
	struct rcpt *v = m->rcpt;

	if (has_nul(addr) || has_nul(orcpt) || has_nul(user) || has_nul(path))
		return RCPT_NONE;
	if (n == 0 || (n & (n - 1)) == 0) { /* 1, 2, 4, 8, … */
		v = realloc(v, (n ? (size_t)n * 2 : 1) * sizeof(*v));
		if (v == NULL)
			return RCPT_NONE;
		m->rcpt = v;
	}
	at = add_str(m, addr);
	if (at == RCPT_NONE || add_str(m, orcpt) == RCPT_NONE ||
	    (has_user &&
		(add_str(m, user) == RCPT_NONE ||
		    add_str(m, path) == RCPT_NONE)))
		return RCPT_NONE;
	v[n] = (struct rcpt){ .str = at,
		.next = RCPT_NONE,
		.parent = RCPT_NONE,
		.notify = notify,
		.kind = (uint8_t)kind,
		.has_user = has_user };
	m->rcpt_n++;
	m->open++;
	ix->rcpts++;
	return n;
}

void
rcpt_put_state(struct buf *b, const struct msg *m, const struct rcpt *r,
    int64_t mono_to_wall)
{
	put_p_rcpt_state(b,
	    &(struct p_rcpt_state){
		.state = r->state == RS_ACTIVE ? RS_OPEN : r->state,
		.kind = r->kind,
		.notify = r->notify,
		.depth = r->depth,
		.is_expired = r->is_expired,
		.reason = r->reason,
		.attempts = r->attempts,
		.code = r->code,
		.parent = r->parent,
		.next = r->next_try ? r->next_try * US_SEC + mono_to_wall : 0,
		.addr = slice_of(rcpt_addr(m, r)),
		.orcpt = slice_of(rcpt_orcpt(m, r)),
		.user = slice_of(rcpt_user(m, r)),
		.path = slice_of(rcpt_path(m, r)),
		.text = r->text ? (struct slice){ r->text->s, r->text->n }
				: SLICE("") });
}

bool
rcpt_get_state(struct index *ix, struct msg *m, struct rd *r)
{
	struct p_rcpt_state in;
	struct rcpt *to;
	struct verdict v;
	uint32_t at;

	if (!get_p_rcpt_state(r, &in) || in.state >= RS_STATES ||
	    in.kind >= TARGET_COUNT)
		return false;
	at = msg_add_rcpt(ix, m, in.addr, in.orcpt, in.notify,
	    (enum proto_target)in.kind, in.user, in.path);
	if (at == RCPT_NONE)
		return false;
	to = &m->rcpt[at];
	to->state = in.state;
	to->depth = in.depth;
	to->is_expired = in.is_expired;
	to->reason = in.reason;
	to->attempts = in.attempts;
	to->code = in.code;
	to->parent = in.parent < at ? in.parent : RCPT_NONE;
	to->next_try = (uint32_t)(in.next / US_SEC);
	v = (struct verdict){ .code = in.code,
		.reason = (enum reason)in.reason,
		.text = in.text };
	if (in.text.n != 0)
		rcpt_set_text(ix, to, &v);
	if (rcpt_is_finished(to)) {
		m->open--;
		ix->rcpts--;
	}
	return true;
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
		text_drop(ix, m->rcpt[i].text);
	ix->rcpts -= m->open;
	while ((j = m->jobs) != NULL) {
		m->jobs = j->next;
		free(j);
	}
	free(m->rcpt);
	free(m->str);
	free(m);
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
	if (has_nul(e->sender) || has_nul(e->envid) ||
	    add_str(m, e->sender) == RCPT_NONE ||
	    (m->envid = add_str(m, e->envid)) == RCPT_NONE) {
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

bool
rcpt_is_open(const struct rcpt *r)
{
	return r->state == RS_OPEN || r->state == RS_ACTIVE;
}

bool
rcpt_is_finished(const struct rcpt *r)
{
	return r->state >= RS_OK;
}

const char *
msg_sender(const struct msg *m)
{
	return m->str;
}

const char *
msg_envid(const struct msg *m)
{
	return m->str + m->envid;
}

const char *
rcpt_addr(const struct msg *m, const struct rcpt *r)
{
	return m->str + r->str;
}

static const char *
after(const char *s)
{
	return s + strlen(s) + 1;
}

const char *
rcpt_orcpt(const struct msg *m, const struct rcpt *r)
{
	return after(rcpt_addr(m, r));
}

const char *
rcpt_user(const struct msg *m, const struct rcpt *r)
{
	return r->has_user ? after(rcpt_orcpt(m, r)) : "";
}

const char *
rcpt_path(const struct msg *m, const struct rcpt *r)
{
	return r->has_user ? after(rcpt_user(m, r)) : "";
}
