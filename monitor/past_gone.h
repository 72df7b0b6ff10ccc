/*
 * past_gone: the life of a message in lean days (lean.h), for those who show
 * events: its summaries as the few events that say the same, each with the
 * text that the others are gone.
 */
#ifndef PAST_GONE_H
#define PAST_GONE_H

#include <jansson.h>

/* life: an object of mtatrace --json. Appends to an array of events. */
void past_gone_add(const json_t *life, json_t *events);

#endif
