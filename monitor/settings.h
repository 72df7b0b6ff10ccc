/*
 * settings: mtacollect.conf, in the manner of mtad.conf, from settings.def.
 *
 * Everything has a default: without a file it follows mtad's event log.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define SETTING_T_TEXT char *
#define SETTING_T_ENUM char *
#define SETTING_T_COUNT int64_t
#define SETTING_T_SIZE int64_t
#define SETTING_T_TIME int64_t

struct tls_server;

struct source_settings {
	char *title;
	/* what was opened before root was given up; the source takes both */
	int fd; /* -1: nothing */
	struct tls_server *tls; /* NULL: none */
#define SOURCE(name, kind, def, min, max, doc) SETTING_T_##kind name;
#include "settings.def"
};

struct settings {
#define GLOBAL(name, kind, def, min, max, doc) SETTING_T_##kind name;
#include "settings.def"
	struct source_settings *source;
	size_t sources;
};

/* The file's path: given, MTACOLLECT_CONF, or the packaged place. */
const char *settings_path(const char *given);
/*
 * NULL when anything is wrong; then errors has a line for each fault: file,
 * line, what is there and what would be right. A packaged file that is not
 * there is no fault.
 */
struct settings *settings_read(const char *given, struct buf *errors);
void settings_free(struct settings *);

#endif
