/*
 * conf_text: mtad.conf's text before libconfuse reads it. Pure.
 *
 * libconfuse counts the lines of comments twice, takes a block that does not
 * end for one that does, and puts the environment in for ${NAME}. So comments
 * become blanks, and the other two are found here.
 */
#ifndef CONF_TEXT_H
#define CONF_TEXT_H

/* In place; newlines stay where they are. Says what is wrong, with its line. */
void conf_text_prepare(char *text, void (*wrong)(int line, const char *what));

#endif
