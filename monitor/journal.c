#include "journal.h"

#include "config.h"

#ifdef HAVE_SYSTEMD
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "clock.h"
#include "journal_line.h"
#include "log.h"

#define LEARN 10000 /* entries before the place, at most */

struct journal {
	sd_journal *j; /* NULL: not open */
	char *path, *match;
	struct feed *feed; /* borrowed */
	struct place place;
	int rc; /* of the feed; the functions return the journal's errors */
	bool is_found; /* stands at the place */
	bool is_taught; /* the lines before the place are known again */
	bool has_complained;
	struct buf line; /* of the entry */
};

bool
journal_is_built(void)
{
	return true;
}

struct journal *
journal_new(const char *path, const char *match, struct feed *feed,
    const struct place *from)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	buf_init(&j->line, JOURNAL_LINE_MAX);
	j->path = strdup(path);
	j->match = strdup(match);
	j->feed = feed;
	j->place = *from;
	j->is_taught = from->off == 0;
	if (j->path != NULL && j->match != NULL)
		return j;
	journal_free(j);
	return NULL;
}

void
journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	sd_journal_close(j->j);
	buf_release(&j->line);
	free(j->path);
	free(j->match);
	free(j);
}

void
journal_rewind(struct journal *j)
{
	j->place = *feed_committed(j->feed);
	j->is_found = false;
}

static bool
complain(struct journal *j, int rc)
{
	if (!j->has_complained)
		log_warn("journal %s: %s", j->path, strerror(-rc));
	j->has_complained = true;
	return false;
}

static bool
is_open(struct journal *j)
{
	int rc;

	if (j->j != NULL)
		return true;
	rc = *j->path != '\0'
	    ? sd_journal_open_directory(&j->j, j->path, 0)
	    : sd_journal_open(&j->j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
	if (rc < 0) {
		j->j = NULL;
		return complain(j, rc);
	}
	j->has_complained = false;
	/* files that may not be read are passed over in silence */
	if (sd_journal_has_persistent_files(j->j) <= 0 &&
	    sd_journal_has_runtime_files(j->j) <= 0)
		log_warn("journal %s: there is no file yet, or none that may "
			 "be read (group systemd-journal)",
		    j->path);
	sd_journal_set_data_threshold(j->j, FEED_LINE_MAX);
	return true;
}

int
journal_fd(struct journal *j)
{
	return is_open(j) ? sd_journal_get_fd(j->j) : -1;
}

static int
set_match(struct journal *j)
{
	struct slice rest = slice_of(j->match), one;
	int rc = 0;

	while (rc >= 0 && slice_next(&rest, ' ', &one))
		if (one.n != 0)
			rc = sd_journal_add_match(j->j, one.p, one.n);
	return rc;
}

/* "s=FILES;i=NUMBER;b=BOOT;m=…;t=…;x=…": what follows the number is of the
 * entry itself, wherever it stands. */
static bool
is_same_entry(const char *a, const char *b)
{
	a = strstr(a, ";b=");
	b = strstr(b, ";b=");
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Nothing was between them. */
static bool
is_next_entry(const char *before, const char *after)
{
	char files[2][33] = { "", "" };
	unsigned long long n[2] = { 0, 0 };

	return sscanf(before, "s=%32[0-9a-f];i=%llx", files[0], &n[0]) == 2 &&
	    sscanf(after, "s=%32[0-9a-f];i=%llx", files[1], &n[1]) == 2 &&
	    strcmp(files[0], files[1]) == 0 && n[0] + 1 == n[1];
}

/* What a mark of ours says: behind this entry, or (BEFORE) in front of it. */
#define BEFORE '>'

static bool
is_before(const struct place *p)
{
	return p->mark[0] == BEFORE;
}

static const char *
cursor_of(const struct place *p)
{
	return p->mark + is_before(p);
}

/* How many entries went unread nobody knows: one at least. It is said once:
 * from now on the place is in front of the entry that is there. */
static void
say_gone(struct journal *j, const char *cursor)
{
	struct heard h = { .time_us = clock_wall(),
		.node = SLICE("localhost"),
		.prog = SLICE("mtacollect") };

	snprintf(j->place.mark, sizeof(j->place.mark), "%c%s", BEFORE, cursor);
	j->place.off++;
	feed_at(j->feed, &j->place);
	event_init(&h.event, EV_LOG_GAP);
	event_cstr(
	    &h.event, F_SOURCE, *j->path != '\0' ? j->path : "the journal");
	event_cstr(&h.event, F_CAUSE,
	    "the entry that was read last went, and others perhaps unread");
	j->rc = feed_hear(j->feed, &h);
	if (j->rc == 0)
		j->rc = feed_count(j->feed, TK_LOST, 1);
}

/* Is the entry of the place there still? Entries of all programs are looked
 * at. 1: it is known where to go on; 0: there is nothing to go on at yet. */
static int
check_place(struct journal *j)
{
	char *cursor = NULL;
	int rc;

	if (j->place.mark[0] == '\0')
		return 1;
	sd_journal_flush_matches(j->j);
	rc = sd_journal_seek_cursor(j->j, cursor_of(&j->place));
	if (rc >= 0)
		rc = sd_journal_next(j->j);
	if (rc <= 0)
		return rc;
	rc = sd_journal_get_cursor(j->j, &cursor);
	if (rc >= 0 && !is_same_entry(cursor, cursor_of(&j->place)) &&
	    (is_before(&j->place) || !is_next_entry(j->place.mark, cursor)))
		say_gone(j, cursor);
	free(cursor);
	return rc < 0 ? rc : 1;
}

/* A program tells of a message in several lines: those that were stored
 * before the start say what the next ones are about. It stands n - 1 entries
 * before the place, and at the place afterwards. */
static int
learn(struct journal *j, int n)
{
	int rc = 0;

	for (int i = 0; i < n && rc >= 0; i++) {
		if (i != 0)
			rc = sd_journal_next(j->j);
		if (rc >= 0 && !j->is_taught &&
		    journal_line(j->j, &j->line) == 0)
			feed_learn(j->feed, j->line.data, j->line.len);
	}
	return rc;
}

/* To where the next entry is the first one that was not taken. */
static int
locate(struct journal *j)
{
	int rc = check_place(j);

	if (rc <= 0)
		return rc;
	rc = set_match(j);
	if (rc >= 0)
		rc = j->place.mark[0] == '\0'
		    ? sd_journal_seek_head(j->j)
		    : sd_journal_seek_cursor(j->j, cursor_of(&j->place));
	if (rc >= 0 && j->place.mark[0] != '\0' && !is_before(&j->place)) {
		rc = sd_journal_previous_skip(j->j, j->is_taught ? 1 : LEARN);
		if (rc > 0)
			rc = learn(j, rc);
	}
	if (rc < 0)
		return rc;
	j->is_taught = j->is_found = true;
	return 1;
}

/* The entry that it stands at. */
static int
take(struct journal *j, size_t *sum)
{
	char *cursor;
	int rc = sd_journal_get_cursor(j->j, &cursor);

	if (rc < 0)
		return rc;
	snprintf(j->place.mark, sizeof(j->place.mark), "%s", cursor);
	free(cursor);
	j->place.off++;
	feed_at(j->feed, &j->place);
	*sum += 1 + j->line.len;
	rc = journal_line(j->j, &j->line);
	j->rc = rc < 0 ? feed_count(j->feed, TK_LOST, 1) /* damaged */
		       : feed_line(j->feed, j->line.data, j->line.len);
	return 0;
}

int
journal_read(struct journal *j, size_t budget, bool *ret_more)
{
	size_t sum = 0;
	int rc = 0;

	*ret_more = false;
	if (!is_open(j))
		return 0;
	j->rc = 0;
	sd_journal_process(j->j);
	rc = j->is_found ? 1 : locate(j);
	while (rc > 0 && j->rc == 0 && sum < budget) {
		rc = sd_journal_next(j->j);
		if (rc > 0 && take(j, &sum) < 0)
			complain(j, -EBADMSG);
	}
	if (rc < 0) /* it may be readable later */
		complain(j, rc);
	*ret_more = rc > 0 && j->rc == 0;
	return j->rc;
}

#else

bool
journal_is_built(void)
{
	return false;
}

struct journal *
journal_new(const char *path, const char *match, struct feed *feed,
    const struct place *from)
{
	(void)path;
	(void)match;
	(void)feed;
	(void)from;
	return NULL;
}

void
journal_free(struct journal *j)
{
	(void)j;
}

int
journal_read(struct journal *j, size_t budget, bool *ret_more)
{
	(void)j;
	(void)budget;
	*ret_more = false;
	return 0;
}

void
journal_rewind(struct journal *j)
{
	(void)j;
}

int
journal_fd(struct journal *j)
{
	(void)j;
	return -1;
}
#endif
