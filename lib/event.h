/*
 * event: one thing that happened, and how it is written down and read back.
 *
 * The vocabulary is event.def. An event is filled on the stack with borrowed
 * values, then handed to evlog_emit() (evlog.h), which adds the common
 * fields. A field that is not set is absent: an unknown is never 0.
 */
#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

enum event_field {
#define FIELD(id, name, kind, doc) F_##id,
#include "event.def"
	FIELD_COUNT
};

enum event_type {
#define EVENT(id, name, severity, doc, sentence) EV_##id,
#include "event.def"
	EV_COUNT
};

enum reason {
#define REASON(id, name, doc) RC_##id,
#include "event.def"
	RC_COUNT
};

enum field_kind { FK_STR, FK_NUM, FK_BOOL, FK_TIME, FK_JSON };

struct field_info {
	const char *name, *doc;
	enum field_kind kind;
	struct slice json, sd; /* ,"name":  and  name=" with its blank */
};

struct event_info {
	const char *name, *doc, *sentence;
	int severity; /* syslog's, 0 to 7 */
};

const struct field_info *field_info(enum event_field);
const struct event_info *event_info(enum event_type);
const char *reason_name(enum reason); /* "" for RC_NONE */
enum reason reason_parse(struct slice); /* RC_UNKNOWN for none of ours */

#define EVENT_FIELDS_MAX 40

struct event {
	enum event_type type;
	int n;
	struct event_value {
		enum event_field field;
		union {
			struct slice str; /* borrowed until it is emitted */
			uint64_t num;
		} v;
	} value[EVENT_FIELDS_MAX];
};

void event_init(struct event *, enum event_type);
/* A kind that does not fit the field is a bug and ends the process. */
void event_str(struct event *, enum event_field, struct slice);
void
event_cstr(struct event *, enum event_field, const char *); /* NULL: absent */
void
event_num(struct event *, enum event_field, uint64_t); /* NUM, BOOL, TIME */

/* The fields as JSON members, each with a comma before it. */
void event_json(struct buf *, const struct event *);
/* The sentence of event.def, for people. Control bytes become '?'. */
void event_sentence(struct buf *, const struct event *);
/* The fields as RFC 5424 SD-PARAMs, each with a blank before it. */
void event_sd(struct buf *, const struct event *);
/* A JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void put_json(struct buf *, struct slice);

#endif
