#include "import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "clock.h"
#include "crc32c.h"
#include "input.h"

#define HEAD ((size_t)65536)
#define OFTEN 1024 /* lines between two looks at the clock */
#define TURN (US_SEC / 4) /* and of work before others may write */

/* The first bytes of a file, and the source that began with them. */
struct head {
	char *bytes;
	size_t n;
	int64_t source; /* 0: none known */
};

/* "LENGTH:CHECKSUMS" of the first n bytes. */
static void
name_of(const char *bytes, size_t n, char name[64])
{
	snprintf(name, 64, "%zu:%08x%08x", n, crc32c(0, bytes, n),
	    (unsigned)crc32(0, (const unsigned char *)bytes, (unsigned)n));
}

static bool
is_head(void *arg, int64_t id, const char *name)
{
	struct head *h = arg;
	unsigned long n = strtoul(name, NULL, 10);
	char own[64];

	if (n == 0 || n > h->n)
		return true;
	name_of(h->bytes, n, own);
	if (strcmp(own, name) != 0)
		return true;
	h->source = id;
	return false;
}

static int
find_source(struct store *s, struct input *in, struct head *h)
{
	ssize_t n = input_peek(in, h->bytes, HEAD);
	char name[64];
	int rc;

	if (n < 0)
		return (int)n;
	h->n = (size_t)n;
	rc = store_each_source(s, "import", is_head, h);
	if (rc < 0 || h->source != 0)
		return rc;
	name_of(h->bytes, h->n, name);
	h->source = store_source(s, "import", name);
	return h->source < 0 ? (int)h->source : 0;
}

/* To give way costs opening and closing: not before the turn was worth it. */
static int
give_way(struct store *s, struct feeds *all, int64_t *since)
{
	int rc;

	if (clock_mono() - *since < TURN || !store_is_wanted(s))
		return 0;
	rc = feeds_commit(all);
	if (rc == 0)
		rc = store_give_way(s);
	*since = clock_mono();
	return rc;
}

static int
read_lines(struct store *s, struct input *in, struct feed *f, struct feeds *all,
    struct place *place)
{
	int64_t since = clock_mono();
	uint64_t lines = 0;
	bool is_whole;
	char *line;
	size_t n;
	int rc, bad = 0;

	while ((rc = input_line(in, &line, &n, &is_whole)) == 1) {
		/* of a file that is being written: read again when it is whole */
		if (!is_whole && n != 0 && *line == '{' && line[n - 1] != '}')
			continue;
		place->off = input_offset(in);
		feed_at(f, place);
		bad = feed_line(f, line, n);
		if (bad == 0 && ++lines % OFTEN == 0)
			bad = give_way(s, all, &since);
		if (bad < 0)
			return bad;
	}
	bad = feeds_commit(all); /* a damaged file is kept as far as it goes */
	return bad < 0 ? bad : rc;
}

static void
add_counts(struct feed_counts *sum, const struct feed_counts *c)
{
	sum->lines += c->lines;
	sum->events += c->events;
	sum->before += c->before;
	sum->unparsed += c->unparsed;
	sum->others += c->others;
	sum->bytes += c->bytes;
}

static int
import_input(
    struct store *s, struct input *in, int64_t changed, struct feed_counts *sum)
{
	struct head h = { .bytes = malloc(HEAD) };
	struct feeds *all = feeds_new(s, NULL, false);
	struct feed *f;
	struct place place;
	int rc =
	    h.bytes == NULL || all == NULL ? -ENOMEM : find_source(s, in, &h);

	if (rc == 0 && store_place(s, h.source, &place))
		input_skip(in, place.off);
	if (rc == 0) {
		f = feed_new(all, h.source, FEED_AGAIN);
		rc = f == NULL ? -ENOMEM : 0;
	}
	if (rc == 0) {
		feed_set_now(f, changed);
		rc = read_lines(s, in, f, all, &place);
		add_counts(sum, feeds_counts(all));
	}
	feeds_free(all);
	free(h.bytes);
	return rc;
}

/* No line of a file is later than its last change; of a pipe, than now. */
static int64_t
changed_at(const struct stat *st)
{
	return S_ISREG(st->st_mode) ? (int64_t)st->st_mtime * US_SEC + US_SEC
				    : clock_wall();
}

int
import_file(struct store *s, int fd, const char *name, struct feed_counts *sum,
    char why[512])
{
	struct input *in;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		st = (struct stat){ 0 };
	in = input_new(fd, FEED_LINE_MAX);
	rc = in == NULL ? -ENOMEM : import_input(s, in, changed_at(&st), sum);
	input_free(in);
	if (rc == -EBADMSG)
		snprintf(why, 512,
		    "%s: damaged or cut short; what came before "
		    "is kept",
		    name);
	else if (rc < 0)
		snprintf(why, 512, "%s: %s", name,
		    *store_error(s) ? store_error(s) : strerror(-rc));
	return rc;
}
