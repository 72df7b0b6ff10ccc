/*
 * copy: a text for the clipboard of whoever sits before the terminal, by the
 * sequence OSC 52. Whether the terminal takes it, it does not say.
 */
#ifndef COPY_H
#define COPY_H

#include <stdio.h>

/* Any text: it goes out as base64. */
void copy_give(FILE *terminal, const char *text);

#endif
