/*
 * options: the words of mtatop's command line.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "keys.h"

struct options {
	const char *conf, *socket, *filter; /* borrowed from argv; or NULL */
	enum tab screen;
	int64_t interval; /* microseconds; 0: as usual */
	long frames; /* -1: no end */
	bool is_batch, is_json, is_check, is_linear;
	bool is_ascii, is_mono, is_readonly;
};

/* -1: go on; else the exit status, and what is to be said has been. */
int options_read(struct options *, int argc, char **argv);

#endif
