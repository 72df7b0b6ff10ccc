/*
 * classify: the reason class of a reply, from its enhanced code (RFC 3463
 * and the registry of RFC 5248), else from its words, else from its code.
 * Pure.
 */
#ifndef REMOTE_CLASSIFY_H
#define REMOTE_CLASSIFY_H

#include "event.h"
#include "slice.h"

enum reason classify(int code, struct slice enhanced, struct slice text);

#endif
