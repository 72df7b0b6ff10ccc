/*
 * command: what the commands of mtacollect and mtatrace share.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "settings.h"

struct options {
	struct settings *settings;
	const char *conf; /* file that was named; NULL: the packaged one */
	const char *store; /* folder; that of the settings unless named */
	int64_t from, to; /* all time when they are not given */
	bool is_json;
	bool is_anew; /* --remake */
	bool is_noted; /* --note */
	bool is_now; /* --now */
	char **file; /* what stands behind the options */
	int files;
};

/* Exit status, as sysexits.h has them. */
enum {
	EXIT_OK = 0,
	EXIT_FOUND = 1,
	EXIT_USE = 64,
	EXIT_DATA = 65,
	EXIT_NOINPUT = 66,
	EXIT_IO = 74,
	EXIT_LATER = 75,
	EXIT_CONFIG = 78,
};

int command_run(const struct options *);
int command_import(const struct options *);
int command_totals(const struct options *);
int command_ledger(const struct options *);
int command_rebuild(const struct options *);
int command_privacy(const struct options *);
int command_erase(const struct options *);
int command_check(const struct options *);
int command_tidy(const struct options *);
int command_rrd(const struct options *);

/* Root becomes the one to whom the folder belongs: what it writes the
 * collector must be able to write, too. 0 or negative errno and why. */
int command_as_owner(const char *dir, char ret_why[256]);
/* Standard output; false when it could not be written. */
bool command_print(const struct buf *);

#endif
