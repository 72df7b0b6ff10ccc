/*
 * event_file: names of event log files in LogDirectory: a rising number, and
 * .gz once it is closed and packed (mta-events(7)).
 */
#ifndef EVENT_FILE_H
#define EVENT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#define EVENT_FILE_NAME 48 /* bytes, with the NUL */

void
event_file_name(char ret[EVENT_FILE_NAME], uint64_t number, bool is_packed);
/* False for any other file. */
bool event_file_number(const char *name, uint64_t *ret, bool *ret_is_packed);

#endif
