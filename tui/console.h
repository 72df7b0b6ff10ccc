/*
 * console: the screens together: keys in, requests and cells out. Pure: no
 * terminal, no socket, no clock of its own.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "view.h"

#define CONSOLE_ROWS_MIN 10
#define CONSOLE_COLS_MIN 40

void console_init(struct console *, struct model *, struct asks *);
/* Flags of view.h. */
int console_key(struct console *, int code);
/* Between events: asks for what is due, takes what came. True: draw. */
bool console_turn(struct console *, int64_t now);
/* now: monotonic; wall: the clock that is shown. */
void console_draw(struct console *, struct grid *, int64_t now, int64_t wall);
/* The shown screen has all it needs. */
bool console_is_ready(const struct console *);
/* Data older than this is not shown as new. */
int64_t console_stale_after(const struct console *);

#endif
