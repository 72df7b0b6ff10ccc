/*
 * The commands that take people's names out of a store: privacy, erase.
 */
#include <string.h>

#include "command.h"
#include "log.h"
#include "privacy_run.h"

int
command_privacy(const struct options *o)
{
	const struct settings *s = o->settings;
	char why[256] = "";
	int rc;

	if (strcmp(s->Privacy, "keep") == 0)
		return EXIT_OK;
	rc = command_as_owner(o->store, why);
	if (rc == 0)
		rc = privacy_run(o->store, strcmp(s->Privacy, "hash") == 0,
		    s->PrivacyTime, why);
	return rc < 0 ? log_fail(EXIT_IO, "privacy: %s", why) : EXIT_OK;
}

int
command_erase(const struct options *o)
{
	char why[256] = "";
	int rc = command_as_owner(o->store, why);

	for (int i = 0; i < o->files && rc >= 0; i++)
		rc = privacy_erase(o->store, o->file[i], why);
	return rc < 0 ? log_fail(EXIT_IO, "erase: %s", why) : EXIT_OK;
}
