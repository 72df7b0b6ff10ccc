/*
 * request: objects for the control socket (mta-control(7)).
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <jansson.h>

/* op and a pair of words (NULL: none). The caller's. */
json_t *request_new(const char *op, const char *name, const char *value);

#endif
