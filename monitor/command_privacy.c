/*
 * The commands that take people's names out of a store: privacy, erase.
 */
#include <errno.h>
#include <string.h>

#include "command.h"
#include "log.h"
#include "privacy_run.h"
#include "store.h"

/* New files take their places at once, unless a collector runs: it does it. */
static int
replace(const struct options *o, char why[256])
{
	struct store *s;
	int rc = store_open(&s, o->store, why);

	if (rc < 0)
		return rc;
	rc = store_replace(s, why);
	store_close(s);
	return rc;
}

int
command_privacy(const struct options *o)
{
	const struct settings *s = o->settings;
	char why[256] = "";
	int rc;

	if (strcmp(s->Privacy, "keep") == 0)
		return EXIT_OK;
	rc = privacy_run(
	    o->store, strcmp(s->Privacy, "hash") == 0, s->PrivacyTime, why);
	if (rc > 0) {
		rc = replace(o, why);
		if (rc == -EBUSY)
			rc = 0;
	}
	return rc < 0 ? log_fail(EXIT_IO, "privacy: %s", why) : EXIT_OK;
}

int
command_erase(const struct options *o)
{
	struct store *s;
	char why[256] = "";
	int rc = store_open(&s, o->store, why);

	if (rc < 0)
		return log_fail(rc == -EBUSY ? EXIT_LATER : EXIT_IO, "%s", why);
	for (int i = 0; i < o->files && rc >= 0; i++) {
		rc = privacy_erase(o->store, o->file[i], why);
		if (rc > 0)
			rc = store_replace(s, why);
	}
	store_close(s);
	return rc < 0 ? log_fail(EXIT_IO, "erase: %s", why) : EXIT_OK;
}
