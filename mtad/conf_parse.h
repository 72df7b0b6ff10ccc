/*
 * conf_parse: mtad.conf to a struct conf, with every error named.
 *
 * Only the parent and mtactl link this (and libconfuse).
 */
#ifndef CONF_PARSE_H
#define CONF_PARSE_H

#include "buf.h"
#include "conf.h"

/* Called for each option that the file sets; may be NULL. */
struct conf_seen {
	void (*set)(void *arg, const struct conf_section *, const char *title,
	    const struct conf_opt *, int line);
	void *arg;
};

/*
 * Reads and checks all of it. NULL when anything is wrong; then errors holds
 * a line for each: file, line, option, what is there and what would be
 * right. errors may also hold warnings when a configuration comes back.
 */
struct conf *
conf_parse(const char *path, const struct conf_seen *, struct buf *errors);
/* MTAD_CONF (unless is_setid), or the packaged place. */
const char *conf_default_path(int is_setid);

#endif
