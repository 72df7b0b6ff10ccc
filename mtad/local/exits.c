/*
 * exits: what a delivery program's exit means. Only what it says clearly
 * returns mail; whatever may be this host's trouble waits.
 */
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "deliver.h"

#define CANNOT_RUN 126
#define NOT_FOUND 127

static const struct {
	int status, code;
	const char *enhanced;
	enum reason reason;
	const char *text;
} exits[] = {
	{ EX_OK, 250, "2.0.0", RC_NONE, "Delivered to program" },
	{ EX_USAGE, 550, "5.3.0", RC_UNKNOWN, "Command line usage error" },
	{ EX_DATAERR, 550, "5.6.0", RC_CONTENT, "Data format error" },
	{ EX_NOINPUT, 550, "5.3.0", RC_UNKNOWN, "Cannot open input" },
	{ EX_NOUSER, 550, "5.1.1", RC_MAILBOX_UNKNOWN, "User unknown" },
	{ EX_NOHOST, 550, "5.1.2", RC_DNS_NONE, "Host name unknown" },
	{ EX_UNAVAILABLE, 550, "5.3.0", RC_UNKNOWN, "Service unavailable" },
	{ EX_SOFTWARE, 550, "5.3.0", RC_UNKNOWN, "Internal error" },
	{ EX_OSERR, 451, "4.3.0", RC_LOCAL_RESOURCE, "System error" },
	{ EX_OSFILE, 451, "4.3.0", RC_LOCAL_RESOURCE, "System file missing" },
	{ EX_CANTCREAT, 550, "5.2.0", RC_MAILBOX_FULL, "Cannot create output" },
	{ EX_IOERR, 451, "4.3.0", RC_LOCAL_IO, "Input or output error" },
	{ EX_TEMPFAIL, 451, "4.3.0", RC_LOCAL_RESOURCE, "Temporary failure" },
	{ EX_PROTOCOL, 550, "5.5.0", RC_PROTOCOL, "Protocol error" },
	{ EX_NOPERM, 550, "5.7.0", RC_POLICY, "Permission denied" },
	{ EX_CONFIG, 451, "4.3.5", RC_LOCAL_RESOURCE, "Configuration error" },
	/* a mount may be missing */
	{ CANNOT_RUN, 451, "4.3.0", RC_LOCAL_RESOURCE, "It cannot be run" },
	{ NOT_FOUND, 451, "4.3.0", RC_LOCAL_RESOURCE, "It is not there" },
};

void
exit_verdict(int status, const char *last, struct result *r)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		if (code == exits[i].status) {
			result_set(r, exits[i].code, exits[i].enhanced,
			    exits[i].reason, "%s",
			    last[0] ? last : exits[i].text);
			return;
		}
	if (code < 0)
		result_set(r, 451, "4.3.0", RC_LOCAL_RESOURCE,
		    "The delivery program was ended by signal %d",
		    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	else /* an interpreter without its libraries says 1, say */
		result_set(r, 451, "4.3.0", RC_LOCAL_RESOURCE,
		    "The delivery program ended with status %d%s%s", code,
		    last[0] ? ": " : "", last);
}

bool
command_needs_shell(struct slice s)
{
	char quote = '\0';

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\' && quote != '\'')
			i++;
		else if (quote != '\0' && c == quote)
			quote = '\0';
		else if (quote == '\0' && (c == '"' || c == '\''))
			quote = c;
		else if (quote != '\'' && (c == '`' || c == '$'))
			return true;
		else if (quote == '\0' && strchr("|&;<>()\n", c) != NULL &&
		    c != '\0')
			return true;
	}
	return false;
}
