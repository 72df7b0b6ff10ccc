#include "place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define RUN_DEFAULT "/run/mtad"

/* RunDirectory = "/run/mtad", alone on its line as people write it. The
 * daemon is the one that checks the file. */
static bool
take_line(const char *line, char ret[PLACE_MAX])
{
	static const char name[] = "RunDirectory";
	const char *p = line + strspn(line, " \t"), *end;

	if (strncasecmp(p, name, sizeof(name) - 1) != 0)
		return false;
	p += sizeof(name) - 1;
	p += strspn(p, " \t=");
	if (*p != '"' && *p != '\'')
		return false;
	end = strchr(p + 1, *p);
	if (end == NULL)
		return false;
	snprintf(ret, PLACE_MAX, "%.*s", (int)(end - p - 1), p + 1);
	return true;
}

static void
beside(const char *socket, char ret[PLACE_MAX])
{
	const char *slash = strrchr(socket, '/');

	if (slash == NULL)
		snprintf(ret, PLACE_MAX, ".");
	else
		snprintf(ret, PLACE_MAX, "%.*s", (int)(slash - socket), socket);
}

bool
place_run(const char *conf, const char *socket, char ret[PLACE_MAX])
{
	const char *env = getenv("MTAD_CONF");
	bool is_asked = conf != NULL || (env != NULL && *env != '\0');
	char line[PLACE_MAX];
	FILE *f;

	snprintf(ret, PLACE_MAX, "%s", RUN_DEFAULT);
	if (socket != NULL) {
		beside(socket, ret);
		return true;
	}
	if (conf == NULL)
		conf = is_asked ? env : MTA_SYSCONFDIR "/mtad.conf";
	f = fopen(conf, "re");
	if (f == NULL && is_asked)
		log_warn("%s: %s", conf, strerror(errno));
	if (f == NULL)
		return !is_asked;
	while (fgets(line, sizeof(line), f) != NULL)
		if (take_line(line, ret))
			break;
	fclose(f);
	return true;
}
