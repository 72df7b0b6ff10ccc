#include "proto.h"

#include <stddef.h>

#include "evlog.h"
#include "sizes.h"

enum phase { START, RUN, ANY };

static const struct {
	const char *name;
	unsigned from, to;
	enum phase phase;
	int fd; /* 0 none, 1 one, 2 perhaps */
	size_t most; /* bytes */
} messages[P_COUNT] = {
#define MSG(ID, id, from, to, phase, fd, most, ...)                            \
	[P_##ID] = { #ID, from, to, phase, fd, most },
#include "proto.def"
};

const char *
proto_role_name(enum proto_role r)
{
	static const struct {
		enum proto_role role;
		const char *name;
	} names[] = { { R_PARENT, "mtad" }, { R_QUEUE, "mtad-queue" },
		{ R_SMTPD, "mtad-smtpd" }, { R_REMOTE, "mtad-remote" },
		{ R_LOCAL, "mtad-local" }, { R_LOOKUP, "mtad-lookup" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].role == r)
			return names[i].name;
	return "?";
}

const char *
proto_name(uint16_t type)
{
	return type < P_COUNT ? messages[type].name : "?";
}

int
proto_trust(enum proto_role r)
{
	static const enum proto_role rising[] = { R_SMTPD, R_REMOTE, R_LOOKUP,
		R_LOCAL, R_QUEUE, R_PARENT };

	for (int i = 0; i < (int)(sizeof(rising) / sizeof(rising[0])); i++)
		if (rising[i] == r)
			return i;
	return -1;
}

size_t
proto_most(uint16_t type, enum proto_role from)
{
	if (type >= P_COUNT || !(messages[type].from & from))
		return 0;
	return messages[type].most;
}

bool
proto_permits(uint16_t type, enum proto_role from, enum proto_role to,
    bool is_running, bool has_fd)
{
	if (type >= P_COUNT)
		return false;
	if (!(messages[type].from & from) || !(messages[type].to & to))
		return false;
	if (messages[type].phase != ANY &&
	    (messages[type].phase == RUN) != is_running)
		return false;
	return messages[type].fd == 2 || (messages[type].fd == 1) == has_fd;
}

static void
put_i64(struct buf *b, int64_t v)
{
	put_u64(b, (uint64_t)v);
}

static int64_t
get_i64(struct rd *r)
{
	return (int64_t)get_u64(r);
}

static void
put_id(struct buf *b, struct msgid id)
{
	put_msgid(b, id);
}

static struct msgid
get_id(struct rd *r)
{
	return get_msgid(r);
}

#define F(kind, name) put_##kind(b, m->name);
#define MSG(ID, id, from, to, phase, fd, most, ...)                            \
	void put_p_##id(struct buf *b, const struct p_##id *m)                 \
	{                                                                      \
		__VA_ARGS__                                                    \
	}
#define PART(id, ...)                                                          \
	void put_p_##id(struct buf *b, const struct p_##id *m)                 \
	{                                                                      \
		__VA_ARGS__                                                    \
	}
#include "proto.def"
#undef F

#define F(kind, name) m.name = get_##kind(r);
#define MSG(ID, id, from, to, phase, fd, most, ...)                            \
	bool get_p_##id(struct slice s, struct p_##id *ret)                    \
	{                                                                      \
		struct rd cursor = rd_of(s), *r = &cursor;                     \
		struct p_##id m;                                               \
		__VA_ARGS__                                                    \
		if (r->bad || r->p != r->end)                                  \
			return false;                                          \
		*ret = m;                                                      \
		return true;                                                   \
	}
#define PART(id, ...)                                                          \
	bool get_p_##id(struct rd *r, struct p_##id *ret)                      \
	{                                                                      \
		struct p_##id m;                                               \
		__VA_ARGS__                                                    \
		if (r->bad)                                                    \
			return false;                                          \
		*ret = m;                                                      \
		return true;                                                   \
	}
#include "proto.def"
