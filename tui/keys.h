/*
 * keys: the key table (keys.def) and the codes that the terminal layer
 * gives. Codes below K_UP are Unicode characters. Pure.
 */
#ifndef KEYS_H
#define KEYS_H

enum {
	K_TAB = 9,
	K_ENTER = 13,
	K_ESC = 27,
	K_BACKSPACE = 127,
	K_UP = 0x110000,
	K_DOWN,
	K_PAGE_UP,
	K_PAGE_DOWN,
	K_HOME,
	K_END,
	K_F1,
	K_F2,
	K_F3,
	K_F4,
	K_F5,
	K_F6,
	K_F7,
	K_F8,
	K_F9,
	K_F10,
	K_CLICK /* of the mouse; where, the terminal layer says */
};

enum tab {
	SCREEN_FLOW,
	SCREEN_MESSAGES,
	SCREEN_HOSTS,
	SCREEN_TRACE,
	SCREEN_LOG,
	SCREENS
};

extern const char *const screen_names[SCREENS]; /* "flow" */

enum action {
	DO_NOTHING,
#define KEY(action, screens, codes, name, label, help) DO_##action,
#include "keys.def"
#undef KEY
	ACTIONS
};

struct key_row {
	enum action action;
	unsigned screens; /* bits */
	int code[4]; /* 0 ends them */
	const char *name, *label, *help;
};

extern const struct key_row key_table[]; /* ACTIONS - 1 rows */

/* DO_NOTHING when the key has no meaning on this screen. */
enum action key_action(int code, enum tab);

#endif
