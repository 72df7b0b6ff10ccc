/*
 * classify: the reason class of a reply, from its code, its enhanced code
 * and, where those say little, its words. Pure.
 */
#ifndef REMOTE_CLASSIFY_H
#define REMOTE_CLASSIFY_H

#include "event.h"
#include "slice.h"

enum reason classify(int code, struct slice enhanced, struct slice text);

#endif
