/*
 * tmp: a folder of its own for a test, and files in it.
 */
#ifndef TMP_H
#define TMP_H

#include <sys/types.h>

/* Makes a folder, enters it, removes it at exit. */
void tmp_enter(void);
/* A path in the folder, static until 8 more are asked for. */
const char *tmp_path(const char *name);
void tmp_write(const char *name, const char *text, mode_t);
/* All of a file; static, at most 64 KiB; NULL when it is not there. */
const char *tmp_read(const char *name);
int tmp_count(const char *folder); /* entries; -1: no such folder */
/* Name of the only entry of a folder; static; NULL when it is not so. */
const char *tmp_only(const char *folder);

#endif
