/*
 * rcpt: a message's recipients and the strings that belong to them. Strings
 * stand one behind the other in the message's own memory, replies once for
 * all who got the same one.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "index.h"

#define TEXT_MAX 600
#define STR_MAX ((uint32_t)64 << 20) /* strings of one message */

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
rcpt_texts_init(struct index *ix)
{
	map_init(&ix->texts, hash_text, is_text);
}

void
rcpt_text_drop(struct index *ix, struct text *t)
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
	rcpt_text_drop(ix, old);
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
 * one, few calls for a long one. It is not kept anywhere, so of a full room it
 * must be that room: each step ends where the next one has a multiple. */
static size_t
room(size_t n)
{
	size_t step = n <= 256 ? 16 : n / 2 < 65536 ? 1024 : 65536;

	return (n + step - 1) / step * step;
}

static bool
has_nul(struct slice s)
{
	return s.n != 0 && memchr(s.p, '\0', s.n) != NULL;
}

uint32_t
msg_add_str(struct msg *m, struct slice s)
{
	uint32_t at = m->str_n;
	char *p;

	if (s.n > STR_MAX - at - 1 || has_nul(s))
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

uint32_t
msg_add_rcpt(struct index *ix, struct msg *m, struct slice addr,
    struct slice orcpt, uint8_t notify, enum proto_target kind,
    struct slice user, struct slice path)
{
	uint32_t n = m->rcpt_n, at;
	bool has_user = user.n != 0 || path.n != 0;
	struct rcpt *v = m->rcpt;

	if (n == 0 || (n & (n - 1)) == 0) { /* 1, 2, 4, 8, … */
		v = realloc(v, (n ? (size_t)n * 2 : 1) * sizeof(*v));
		if (v == NULL)
			return RCPT_NONE;
		m->rcpt = v;
	}
	at = msg_add_str(m, addr);
	if (at == RCPT_NONE || msg_add_str(m, orcpt) == RCPT_NONE ||
	    (has_user &&
		(msg_add_str(m, user) == RCPT_NONE ||
		    msg_add_str(m, path) == RCPT_NONE)))
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

static const char *
after(const char *s)
{
	return s + strlen(s) + 1;
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

/* An address has no path of its own: there the owner of its list stands. */
const char *
rcpt_owner(const struct msg *m, const struct rcpt *r)
{
	return r->kind == TARGET_ADDRESS || r->kind == TARGET_SELF
	    ? rcpt_path(m, r)
	    : "";
}

const char *
rcpt_sender(const struct msg *m, const struct rcpt *r)
{
	if (*msg_sender(m) == '\0')
		return msg_sender(m);
	while (r->parent != RCPT_NONE) {
		r = &m->rcpt[r->parent];
		if (*rcpt_owner(m, r) != '\0')
			return rcpt_owner(m, r);
	}
	return msg_sender(m);
}

bool
rcpt_is_listed(const struct msg *m, const struct rcpt *r)
{
	return rcpt_sender(m, r) != msg_sender(m);
}

bool
rcpt_set_owner(struct msg *m, uint32_t rcpt, struct slice owner)
{
	struct rcpt *r = &m->rcpt[rcpt];
	char *addr = slice_dup(slice_of(rcpt_addr(m, r)));
	char *orcpt = slice_dup(slice_of(rcpt_orcpt(m, r)));
	uint32_t at = RCPT_NONE;

	if (addr != NULL && orcpt != NULL)
		at = msg_add_str(m, slice_of(addr));
	if (at != RCPT_NONE && msg_add_str(m, slice_of(orcpt)) != RCPT_NONE &&
	    msg_add_str(m, SLICE("")) != RCPT_NONE &&
	    msg_add_str(m, owner) != RCPT_NONE) {
		r->str = at;
		r->has_user = true;
	} else {
		at = RCPT_NONE;
	}
	free(addr);
	free(orcpt);
	return at != RCPT_NONE;
}
