/*
 * options: the words of mtatop's command line.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "keys.h"

/* mono is the last: it has no colours. */
enum theme {
	THEME_DEFAULT16,
	THEME_HIGH_CONTRAST,
	THEME_CVD_SAFE,
	THEME_MONO,
	THEMES
};

extern const char *const theme_names[THEMES];

struct options {
	/* borrowed from argv; or NULL */
	const char *conf, *socket, *filter, *store, *trace;
	int64_t at; /* wall; 0: now */
	enum theme theme;
	enum tab screen;
	int64_t interval; /* microseconds; 0: as usual */
	long frames; /* -1: no end */
	bool is_batch, is_json, is_check, is_linear;
	bool is_ascii, is_readonly, has_no_mouse, may_copy;
};

/* -1: go on; else the exit status, and what is to be said has been. */
int options_read(struct options *, int argc, char **argv);

#endif
