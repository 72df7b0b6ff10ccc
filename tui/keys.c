#include "keys.h"

#define FLOW (1u << SCREEN_FLOW)
#define MSGS (1u << SCREEN_MESSAGES)
#define HOST (1u << SCREEN_HOSTS)
#define LOG (1u << SCREEN_LOG)
#define QUEUE (MSGS | HOST)
#define LISTS (QUEUE | LOG)
#define PAST (1u << SCREEN_TRACE | LOG)
#define ALL (FLOW | QUEUE | PAST)
#define C(...)                                                                 \
	{                                                                      \
		__VA_ARGS__                                                    \
	}

const char *const screen_names[SCREENS] = { "flow", "messages", "hosts",
	"trace", "log" };

const struct key_row key_table[] = {
#define KEY(action, screens, codes, name, label, help)                         \
	{ DO_##action, screens, codes, name, label, help },
#include "keys.def"
#undef KEY
};

enum action
key_action(int code, enum tab screen)
{
	for (int i = 0; i < ACTIONS - 1; i++) {
		const struct key_row *r = &key_table[i];

		for (int c = 0; c < 4 && r->code[c] != 0; c++)
			if (r->code[c] == code && r->screens & 1u << screen)
				return r->action;
	}
	return DO_NOTHING;
}
