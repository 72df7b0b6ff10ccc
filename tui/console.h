/*
 * console: the screens together: keys in, requests and cells out. Pure: no
 * terminal, no socket, no clock of its own.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "view.h"

#define CONSOLE_ROWS_MIN 10
#define CONSOLE_COLS_MIN 40

void
console_init(struct console *, struct model *, struct asks *, struct archive *);
void console_release(struct console *);
/* Flags of view.h. */
int console_key(struct console *, int code);
int console_click(struct console *, int y, int x);
/* Between events: asks for what is due, takes what came. True: draw. */
bool console_turn(struct console *, int64_t now);
/* now: monotonic; wall: the clock that is shown. */
void console_draw(struct console *, struct grid *, int64_t now, int64_t wall);
/* The shown screen has all it needs. */
bool console_is_ready(const struct console *);
/* Data older than this is not shown as new. */
int64_t console_stale_after(const struct console *);

/* For the files of the console. */
void console_show(struct console *, enum tab);
void console_filter(struct console *, const char *text);
void console_note(struct console *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void console_ask_now(struct console *, enum ask);
/* The moment that is shown; at or behind now: now. */
void console_at(struct console *, int64_t wall);
/* Shows the life of this message. */
void console_trace(struct console *, const char *id);
bool console_may_act(struct console *); /* or says why not */
/* The order of the list, as the number of it. */
void console_order(struct console *, int order);
/* What was typed behind ':'. False: leave. */
bool console_command(struct console *, const char *text);
/* One action of the key table but QUIT. */
void console_do(struct console *, enum action);
/* The cursor stays on its row when the list changed. */
void console_follow(struct console *);
void console_place_row(struct console *, size_t row);
/* What follows from the cursor being on another row. */
void console_moved(struct console *);
void console_open(struct console *); /* Enter */
/* To the next loaded row, or the one before: that has the searched text, that
 * tells of trouble, that is about the same message. */
void console_find(struct console *, bool is_back);
void console_find_trouble(struct console *, bool is_back);
void console_find_same(struct console *, bool is_back);

#endif
