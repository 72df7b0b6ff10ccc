/*
 * prompt: one line being typed. Pure.
 */
#ifndef PROMPT_H
#define PROMPT_H

#include <stdbool.h>

struct prompt {
	char text[256]; /* UTF-8 */
};

enum prompt_end { PROMPT_GOES_ON, PROMPT_TAKEN, PROMPT_LEFT };

/* Enter takes it, Esc leaves it; other keys edit. */
enum prompt_end prompt_key(struct prompt *, int code);

#endif
