/* unit: the main of a Check program, written once. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

/* Runs it, frees it; the exit status of the program. */
int unit_run(Suite *);

#endif
