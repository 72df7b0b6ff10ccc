#include "keys.h"

#define FLOW (1u << SCREEN_FLOW)
#define MSGS (1u << SCREEN_MESSAGES)
#define HOSTS (1u << SCREEN_HOSTS)
#define LISTS (MSGS | HOSTS)
#define ALL (FLOW | LISTS)
#define C(...)                                                                 \
	{                                                                      \
		__VA_ARGS__                                                    \
	}

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
