#include "event_file.h"

#include <stdio.h>

#include "slice.h"

void
event_file_name(char ret[EVENT_FILE_NAME], uint64_t number, bool is_packed)
{
	snprintf(ret, EVENT_FILE_NAME, "events.%012llu.jsonl%s",
	    (unsigned long long)number, is_packed ? ".gz" : "");
}

bool
event_file_number(const char *name, uint64_t *ret, bool *ret_is_packed)
{
	struct slice s = slice_of(name), suffix;
	size_t dot;

	if (!slice_istarts(s, SLICE("events.")))
		return false;
	s = slice_sub(s, 7, s.n);
	dot = slice_find(s, '.');
	suffix = slice_sub(s, dot, s.n);
	*ret_is_packed = slice_eq(suffix, SLICE(".jsonl.gz"));
	return (*ret_is_packed || slice_eq(suffix, SLICE(".jsonl"))) &&
	    slice_u64(slice_sub(s, 0, dot), INT64_MAX, ret);
}
