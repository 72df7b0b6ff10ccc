/*
 * mtactl: the operator's command. A client of the control socket.
 */
#include <errno.h>
#include <locale.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_parse.h"
#include "ctl.h"
#include "log.h"

/* A command is one row: its words, what it takes, what it does. */
static const struct command {
	const char *words, *args, *doc;
	int (*run)(struct ctl *, int argc, char **argv);
} commands[] = {
	{ "status", "", "is mail taken and delivered, and if not why",
	    ctl_status },
	{ "queue list", "[FILTER...]", "messages, oldest first", ctl_list },
	{ "queue show", "ID", "one message with all recipients", ctl_show },
	{ "queue cat", "ID", "the message itself", ctl_cat },
	{ "queue why", "ID", "why it is still here, and what would change it",
	    ctl_why },
	{ "queue hold", "FILTER...", "keep them, deliver nothing", ctl_act },
	{ "queue release", "FILTER...", "end a hold", ctl_act },
	{ "queue retry", "FILTER...", "try them now", ctl_act },
	{ "queue delete", "FILTER...",
	    "take them out without a notice; undo within GraveTime", ctl_act },
	{ "queue bounce", "FILTER...", "return them; undo within UndoTime",
	    ctl_act },
	{ "queue undo", "NUMBER", "take an act back", ctl_undo },
	{ "queue export", "DIR [FILTER...]",
	    "one file a message, with all that is known of it", ctl_export },
	{ "queue import", "FILE...", "take exported messages in, ids kept",
	    ctl_import },
	{ "queue check", "[DIR]", "verify a spool that no mtad runs on",
	    ctl_check },
	{ "hosts list", "[TEXT]", "destinations and their state", ctl_hosts },
	{ "hosts show", "HOST", "one destination", ctl_hosts },
	{ "hosts retry", "HOST", "forget that it did not answer, try now",
	    ctl_host_act },
	{ "hosts forget", "HOST", "forget that it did not answer, try nothing",
	    ctl_host_act },
	{ "hosts pause", "HOST", "send nothing there", ctl_host_act },
	{ "hosts resume", "HOST", "end a pause", ctl_host_act },
	{ "delivery hold", "[WHY...]",
	    "accept mail and deliver none, over restarts", ctl_delivery },
	{ "delivery release", "", "deliver again", ctl_delivery },
	{ "route", "ADDRESS", "where mail for it would go; sends nothing",
	    ctl_route },
	{ "config check", "[FILE]", "say what is wrong with mtad.conf",
	    ctl_config_check },
	{ "config show", "[NAME]",
	    "every option, its value and where it was set", ctl_config_show },
	{ "reload", "", "read mtad.conf again; prints what is wrong with it",
	    ctl_simple },
	{ "upgrade", "", "start the installed program in place, sockets kept",
	    ctl_simple },
	{ "clock accept", "", "the clock is right: mail may expire again",
	    ctl_simple },
	{ "log rotate", "", "begin a new event log file", ctl_simple },
	{ "watch", "", "counters and hosts as they change, JSON lines",
	    ctl_watch },
};

static void
usage(FILE *to)
{
	fputs(
	    "usage: mtactl [-jny] [-c mtad.conf] [-s socket] [-w WHY] COMMAND\n"
	    "  -j  JSON lines instead of text\n"
	    "  -n  only say how many would be changed\n"
	    "  -w WHY  goes into the event of the act\n"
	    "  -y, --yes  do not ask\n\n",
	    to);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-17s%-18s%s\n", commands[i].words,
		    commands[i].args, commands[i].doc);
	fputs("\nFILTER: from:TEXT to:TEXT state:WORD reason~TEXT age>TIME "
	      "size>SIZE try>N\n"
	      "        id:ID host:TEXT, or a word of address or id; quote > "
	      "and <\n",
	    to);
}

static const struct command *
find(int argc, char **argv, int *ret_used)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		char two[64];

		snprintf(two, sizeof(two), "%s %s", argc > 0 ? argv[0] : "",
		    argc > 1 ? argv[1] : "");
		if (argc > 0 && strcmp(commands[i].words, argv[0]) == 0) {
			*ret_used = 1;
			return &commands[i];
		}
		if (strcmp(commands[i].words, two) == 0) {
			*ret_used = 2;
			return &commands[i];
		}
	}
	return NULL;
}

static const char *
user_name(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());

	if (sudo != NULL && *sudo != '\0')
		return sudo;
	return pw ? pw->pw_name : "?";
}

int
main(int argc, char **argv)
{
	struct ctl ctl = { .conf_path = conf_default_path(0) };
	const struct command *c;
	int opt, used = 0, rc;

	setlocale(LC_CTYPE, "");
	log_init("mtactl");
	while ((opt = getopt(argc, argv, "c:s:jnw:yh-:")) != -1) {
		switch (opt) {
		case 'c':
			ctl.conf_path = optarg;
			break;
		case 's':
			ctl.socket = optarg;
			break;
		case 'j':
			ctl.is_json = true;
			break;
		case 'n':
			ctl.is_dry = true;
			break;
		case 'w':
			ctl.why = optarg;
			break;
		case 'y':
			ctl.is_sure = true;
			break;
		case '-':
			if (strcmp(optarg, "yes") == 0) {
				ctl.is_sure = true;
				break;
			}
			if (strcmp(optarg, "json") == 0) {
				ctl.is_json = true;
				break;
			}
			/* fallthrough */
		case 'h':
		default:
			usage(opt == 'h' ? stdout : stderr);
			return opt == 'h' ? EXIT_SUCCESS : CTL_USAGE;
		}
	}
	c = find(argc - optind, argv + optind, &used);
	if (c == NULL) {
		usage(stderr);
		return CTL_USAGE;
	}
	ctl.command = c->words;
	ctl.user = user_name();
	rc = c->run(&ctl, argc - optind - used, argv + optind + used);
	ctl_release(&ctl);
	return rc;
}
