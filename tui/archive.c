#include "archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "db.h"

enum { DUE_CONFESS, DUE_LOG, DUE_FLOW, DUE_HOSTS };

#define BUDGET (US_SEC / 25) /* of one question */
#define LOOKED_A_TURN 1200 /* events */
#define SLOW (10 * US_SEC)
#define TRAIL_REST (US_SEC / 8) /* longer than between two repeats of a key */
#define TRAIL_SEVERITY 6 /* that an attempt begins is known by its end */

static const char log_names[] = " from to id host event reason code age ";

/* Lives are read by threads with connections of their own. */
void
archive_setup(void)
{
	db_setup();
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
}

void
archive_init(struct archive *a, const char *dir, const char *why)
{
	*a = (struct archive){ .wanted = 200,
		.trace = { .severity = 7 },
		.trail = { .severity = TRAIL_SEVERITY } };
	snprintf(a->dir, sizeof(a->dir), "%s", dir ? dir : "");
	snprintf(a->why, sizeof(a->why), "%s", why);
	if (dir == NULL)
		a->retry = INT64_MAX;
}

/* Reading begins anew at the moment that is shown. */
static void
restart_log(struct archive *a)
{
	log_rows_clear(&a->newer);
	log_rows_clear(&a->older);
	a->is_begun = a->is_whole = false;
	a->looked = 0;
	a->due[DUE_LOG] = 0;
	a->version++;
}

void
archive_release(struct archive *a)
{
	log_rows_clear(&a->newer);
	log_rows_clear(&a->older);
	life_release(&a->trace);
	life_release(&a->trail);
	shape_release(&a->shape);
	past_close(a->past);
	a->past = NULL;
}

void
archive_set_at(struct archive *a, int64_t at)
{
	if (a->at == at)
		return;
	a->at = at;
	a->has_flow = a->has_hosts = false;
	a->due[DUE_FLOW] = a->due[DUE_HOSTS] = 0;
	a->why_text[0] = '\0';
	shape_release(&a->shape);
	restart_log(a);
	a->trace.due = 0;
}

void
archive_set_filter(struct archive *a, const char *text)
{
	snprintf(a->filter, sizeof(a->filter), "%s", text);
	words_read(&a->words, text, log_names, a->filter_error);
	restart_log(a);
}

void
archive_set_trace(struct archive *a, const char *id)
{
	life_set(&a->trace, id);
}

void
archive_set_trail(struct archive *a, const char *id)
{
	if (strcmp(a->trail.id, id) == 0)
		return;
	life_set(&a->trail, id);
	a->trail.due = -1; /* the next turn knows the time */
}

int64_t
archive_rest(const struct archive *a, int64_t now)
{
	int64_t trace = life_rest(&a->trace, now);
	int64_t trail = life_rest(&a->trail, now);

	if (a->past == NULL)
		return INT64_MAX;
	return trace < trail ? trace : trail;
}

void
archive_set_domain(struct archive *a, const char *domain)
{
	if (strcmp(a->domain, domain) == 0)
		return;
	snprintf(a->domain, sizeof(a->domain), "%s", domain);
	a->why_text[0] = '\0';
	a->due[DUE_FLOW] = 0;
}

/* "smtp:example.org" is its domain, "smtp:[192.0.2.1]:25" that address. */
void
archive_set_destination(struct archive *a, const char *key)
{
	const char *colon = strchr(key, ':');
	char name[sizeof(a->destination)];
	char *end;
	int port = 0;

	snprintf(name, sizeof(name), "%s", colon ? colon + 1 : key);
	if (name[0] == '[') {
		memmove(name, name + 1, strlen(name));
		end = strchr(name, ']');
	} else {
		end = strchr(name, ':');
	}
	if (end != NULL) {
		port = atoi(end + strcspn(end, "0123456789"));
		*end = '\0';
	}
	if (strcmp(a->destination, name) == 0 && a->port == port)
		return;
	memcpy(a->destination, name, sizeof(name));
	a->port = port;
	a->has_hosts = false;
	a->due[DUE_HOSTS] = 0;
}

static struct slice
event_text(const void *row, const char *name)
{
	static const struct {
		const char *name;
		enum event_field field;
	} rows[] = { { "from", F_MAIL_FROM }, { "to", F_RCPT_TO },
		{ "id", F_MSG_ID }, { "host", F_HOST_NAME },
		{ "reason", F_TEXT } };
	const struct past_event *e = row;

	if (name[0] == '\0')
		return slice_of(e->line);
	if (strcmp(name, "event") == 0)
		return slice_of(e->name);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return fields_str(e->fields, rows[i].field);
	return (struct slice){ 0 };
}

static int64_t
event_number(const void *row, const char *name)
{
	const struct past_event *e = row;

	if (strcmp(name, "age") == 0)
		return clock_wall() - e->t;
	return (int64_t)fields_num(e->fields, F_CODE, 0);
}

static bool
add_newer(void *arg, const struct past_event *e)
{
	struct archive *a = arg;

	if (words_match(&a->words, e, event_text, event_number))
		log_rows_add(&a->newer, e);
	return true;
}

static bool
add_older(void *arg, const struct past_event *e)
{
	struct archive *a = arg;

	a->looked++;
	if (words_match(&a->words, e, event_text, event_number))
		log_rows_add(&a->older, e);
	return archive_log_rows(a) < LOG_MOST;
}

bool
archive_reads_on(const struct archive *a)
{
	return a->past != NULL && a->wants_log && a->is_begun && !a->is_whole &&
	    archive_log_rows(a) < a->wanted && a->looked < LOG_LOOKED;
}

static bool
wants_reading(const struct archive *a, int64_t now)
{
	return !a->is_begun || archive_reads_on(a) ||
	    (a->at == 0 && now >= a->due[DUE_LOG]);
}

static void
turn_log(struct archive *a, int64_t now)
{
	if (!a->is_begun) {
		a->back = (struct past_place){ 0 };
		past_newest(a->past, &a->front);
		a->is_begun = true;
	}
	if (archive_reads_on(a)) {
		size_t n = a->older.n;
		int rc = past_back(a->past, &a->back, a->at ? a->at : INT64_MAX,
		    LOOKED_A_TURN, add_older, a);

		a->is_whole = rc <= 0;
		a->version += a->older.n != n || a->is_whole;
	}
	if (a->at == 0 && now >= a->due[DUE_LOG]) {
		size_t n = a->newer.n;

		past_on(a->past, &a->front, LOOKED_A_TURN, add_newer, a);
		a->version += a->newer.n != n;
		a->due[DUE_LOG] = now + US_SEC;
		if (archive_log_rows(a) > 2 * LOG_MOST)
			restart_log(a);
	}
}

static void
take_why(void *arg, const char *text, int64_t n, int64_t of)
{
	struct archive *a = arg;

	if (a->why_text[0] != '\0')
		return; /* the first is the most frequent */
	snprintf(a->why_text, sizeof(a->why_text), "%s", text);
	a->why_n = n;
	a->why_of = of;
}

static void
read_shape(struct archive *a)
{
	struct past_shape s;
	struct buf b;

	buf_init(&b, 16 << 20);
	if (past_shape(a->past, a->at, &s, &b) == 1) {
		json_t *cells = json_loadb(b.data, b.len, 0, NULL);

		shape_read(&a->shape, cells, s.t);
		a->messages = s.messages;
		a->oldest = s.oldest;
		json_decref(cells);
	}
	buf_release(&b);
}

static void
turn_flow(struct archive *a, int64_t now, int64_t wall)
{
	double *const to[PAST_FLOWS] = { a->minute[0], a->minute[1],
		a->minute[2], a->minute[3] };
	int64_t t = a->at ? a->at : wall;

	/* the minute that goes on is not whole yet */
	past_minutes(a->past, a->at ? t : t - US_MIN, MINUTES, to);
	past_stages(a->past, t - 15 * US_MIN, t, a->stage);
	a->why_text[0] = '\0';
	past_whys(a->past, a->domain, t, take_why, a);
	if (a->at != 0)
		read_shape(a);
	a->has_flow = true;
	a->due[DUE_FLOW] = a->at ? INT64_MAX : now + SLOW;
	a->version++;
}

/* Addresses of one host side by side. */
static int
by_name(const void *x, const void *y)
{
	const struct past_host *a = x, *b = y;
	int rc = strcmp(a->name, b->name);

	return rc != 0 ? rc : strcmp(a->ip, b->ip);
}

static void
turn_hosts(struct archive *a, int64_t now, int64_t wall)
{
	a->hosts = past_hosts(a->past, a->destination, a->port,
	    a->at ? a->at : wall, a->host, ARCHIVE_HOSTS);
	if (a->hosts < 0)
		a->hosts = 0;
	if (a->hosts > 1)
		qsort(a->host, (size_t)a->hosts, sizeof(a->host[0]), by_name);
	a->has_hosts = true;
	a->due[DUE_HOSTS] = now + SLOW;
	a->version++;
}

bool
archive_has_more(const struct archive *a)
{
	return a->is_busy;
}

/* What was read of a file that is no more is read again. */
static void
notice_replaced(struct archive *a)
{
	unsigned n = past_replaced(a->past);

	if (n == a->replaced)
		return;
	a->replaced = n;
	restart_log(a);
	log_rows_clear(&a->trace.rows);
	log_rows_clear(&a->trail.rows);
	a->trace.is_read = a->trail.is_read = false;
	a->trace.due = a->trail.due = 0;
	a->has_flow = a->has_hosts = false;
	memset(a->due, 0, sizeof(a->due));
}

bool
archive_turn(struct archive *a, int64_t now, int64_t wall)
{
	unsigned before = a->version;

	if (a->past == NULL && now >= a->retry) {
		a->past = past_open(a->dir, a->why);
		a->retry = now + 5 * US_SEC;
		if (a->past != NULL)
			past_budget(a->past, BUDGET);
	}
	if (a->past == NULL)
		return false;
	if (a->trail.due < 0)
		a->trail.due = now + TRAIL_REST;
	a->is_busy = true;
	a->version += life_turn(&a->trace, a->past, a->at, now);
	a->version += life_turn(&a->trail, a->past, a->at, now);
	if (now >= a->due[DUE_CONFESS]) {
		a->has_confession =
		    past_confess(a->past, wall, &a->confession) == 0;
		a->due[DUE_CONFESS] = now + SLOW;
		a->version++;
	} else if (a->wants_flow && now >= a->due[DUE_FLOW]) {
		turn_flow(a, now, wall);
	} else if (a->destination[0] != '\0' && now >= a->due[DUE_HOSTS]) {
		turn_hosts(a, now, wall);
	} else if (a->wants_log && wants_reading(a, now)) {
		turn_log(a, now);
	} else {
		a->is_busy = false;
	}
	notice_replaced(a);
	return a->version != before;
}
