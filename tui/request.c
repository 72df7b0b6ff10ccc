#include "request.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "control.h"

/* Who asks, in the events of acts. */
static const char *
user_name(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw;

	if (sudo != NULL && *sudo != '\0')
		return sudo;
	pw = getpwuid(getuid());
	return pw ? pw->pw_name : "?";
}

json_t *
request_new(const char *op, const char *name, const char *value)
{
	json_t *j = json_pack("{s:i, s:s, s:s}", "v", CONTROL_VERSION, "op", op,
	    "user", user_name());

	if (name != NULL)
		json_object_set_new(j, name, json_string(value));
	return j;
}
