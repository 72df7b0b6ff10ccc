/*
 * conf: the configuration, made from conf.def.
 *
 * The parent reads and checks mtad.conf (conf_parse.h); every other process
 * gets the whole in this encoding through a sealed memory file, so that only
 * the parent and mtactl open the file or link the parser.
 *
 * A struct conf is never changed after it was made; a reload makes a new
 * one. It owns all its strings.
 */
#ifndef CONF_H
#define CONF_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

struct conf_list {
	char **v;
	size_t n;
};

#define CONF_T_INT int64_t
#define CONF_T_BOOL int64_t
#define CONF_T_SIZE int64_t
#define CONF_T_TIME int64_t
#define CONF_T_STR char *
#define CONF_T_ENUM char *
#define CONF_T_LIST struct conf_list

#define SECTION(section, name, doc)
#define OPT(...) OPT_(__VA_ARGS__)

/* One struct a section: the global one is struct conf itself. */
#define CONF_IS_global(x) x
#define CONF_IS_listener(x)
#define CONF_IS_mailer(x)
#define CONF_IS_route(x)
#define CONF_IS_virtual(x)

struct conf_listener {
	char *title;
#undef CONF_IS_global
#undef CONF_IS_listener
#define CONF_IS_global(x)
#define CONF_IS_listener(x) x
#define OPT_(section, field, name, kind, def, min, max, reload, doc)           \
	CONF_IS_##section(CONF_T_##kind field;)
#include "conf.def"
};

struct conf_mailer {
	char *title;
#undef CONF_IS_listener
#undef CONF_IS_mailer
#define CONF_IS_listener(x)
#define CONF_IS_mailer(x) x
#include "conf.def"
};

struct conf_route {
	char *title;
#undef CONF_IS_mailer
#undef CONF_IS_route
#define CONF_IS_mailer(x)
#define CONF_IS_route(x) x
#include "conf.def"
};

struct conf_virtual {
	char *title;
#undef CONF_IS_route
#undef CONF_IS_virtual
#define CONF_IS_route(x)
#define CONF_IS_virtual(x) x
#include "conf.def"
};

struct conf {
	char *title; /* the file's path */
#undef CONF_IS_virtual
#undef CONF_IS_global
#define CONF_IS_virtual(x)
#define CONF_IS_global(x) x
#include "conf.def"
	struct conf_listener *listener;
	struct conf_mailer *mailer;
	struct conf_route *route;
	struct conf_virtual *virtual_;
	size_t listener_n, mailer_n, route_n, virtual_n;
};
#undef CONF_IS_global
#undef CONF_IS_listener
#undef CONF_IS_mailer
#undef CONF_IS_route
#undef CONF_IS_virtual
#undef OPT
#undef OPT_
#undef SECTION

enum conf_kind {
	CONF_INT,
	CONF_BOOL,
	CONF_SIZE,
	CONF_TIME,
	CONF_STR,
	CONF_ENUM,
	CONF_LIST
};

enum conf_reload { CONF_LIVE, CONF_RESTART };

/* One row of conf.def; offset is into the section's struct. */
struct conf_opt {
	const char *name, *def, *doc;
	const char *words; /* ENUM: "a|b|c" */
	enum conf_kind kind;
	enum conf_reload reload;
	int64_t min, max;
	size_t offset;
};

/* One section: its rows, its struct, and where struct conf keeps the array
 * (the global section is struct conf itself: size 0). */
struct conf_section {
	const char *name, *doc;
	const struct conf_opt *opt;
	size_t opt_n, size, array_at, count_at;
};

#define CONF_SECTIONS 5
extern const struct conf_section conf_sections[CONF_SECTIONS];

/* "5d", "50MB", "on", 42 into *(the field at dest), checked against the row.
 * NULL, or what would be right (static text or in why). */
const char *
conf_set(const struct conf_opt *, void *dest, const char *text, char why[200]);
void conf_value_text(struct buf *, const struct conf_opt *,
    const void *field); /* as it would be written in mtad.conf */

struct conf *conf_new(void); /* all defaults; NULL without memory */
void conf_free(struct conf *);
/* One more element of a titled section, with defaults; NULL without memory.
 * Moves the array: hold no pointer into it. */
void *
conf_add_section(struct conf *, const struct conf_section *, const char *title);
void conf_encode(struct buf *, const struct conf *);
struct conf *conf_decode(struct slice); /* NULL: not ours, or no memory */
int conf_list_add(struct conf_list *, const char *);

#endif
