/*
 * The commands that read and fill a store: import, totals, check, rrd.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "clock.h"
#include "command.h"
#include "draw.h"
#include "import.h"
#include "ladder.h"
#include "lean.h"
#include "ledger.h"
#include "ledger_days.h"
#include "log.h"
#include "resources.h"
#include "segment.h"
#include "schema.h"
#include "totals.h"
#include "upgrade.h"

bool
command_print(const struct buf *b)
{
	return !b->bad && fwrite(b->data, 1, b->len, stdout) == b->len &&
	    fflush(stdout) == 0;
}

static int
status_of(int rc)
{
	return rc == -EBUSY || rc == -ENOSPC		       ? EXIT_LATER
	    : rc == -ENOENT				       ? EXIT_NOINPUT
	    : rc == -EBADMSG || rc == -EPROTO || rc == -ESTALE ? EXIT_DATA
							       : EXIT_IO;
}

int
command_as_owner(const char *dir, char why[256])
{
	struct stat st;

	umask(027);
	if (geteuid() != 0 || stat(dir, &st) < 0 || st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) == 0 &&
	    setresgid(st.st_gid, st.st_gid, st.st_gid) == 0 &&
	    setresuid(st.st_uid, st.st_uid, st.st_uid) == 0)
		return 0;
	snprintf(why, 256, "%s: becoming its owner: %s", dir, strerror(errno));
	return -EPERM;
}

static int
open_store(struct store **ret, const char *dir, char why[256])
{
	int rc = command_as_owner(dir, why);

	return rc < 0 ? rc : store_open(ret, dir, why);
}

/* Files are opened by whoever asks, the store is written by its owner. */
static int
import_all(const struct options *o, const int *fd, struct feed_counts *sum)
{
	struct copier copier = COPIER_NONE;
	struct store *s;
	char why[512] = "";
	int rc = command_as_owner(o->store, why), status = EXIT_OK;

	if (rc == 0) {
		copier_start(&copier); /* without it is slower */
		rc = store_open(&s, o->store, why);
	}
	if (rc < 0) {
		copier_stop(&copier);
		return log_fail(status_of(rc), "%s", why);
	}
	if (copier.fd >= 0)
		store_set_copier(s, &copier);
	for (int i = 0; i < o->files; i++) {
		if (fd[i] < 0) {
			status = EXIT_NOINPUT;
			continue;
		}
		rc = import_file(s, fd[i], o->file[i], sum, why);
		if (rc < 0)
			status = log_fail(status_of(rc), "%s", why);
	}
	store_close(s);
	copier_stop(&copier);
	return status;
}

int
command_import(const struct options *o)
{
	struct feed_counts sum = { 0 };
	int *fd = calloc((size_t)o->files + 1, sizeof(*fd)), status;

	if (fd == NULL)
		return EXIT_IO;
	for (int i = 0; i < o->files; i++) {
		fd[i] = strcmp(o->file[i], "-") == 0
		    ? dup(STDIN_FILENO)
		    : open(o->file[i], O_RDONLY | O_CLOEXEC);
		if (fd[i] < 0)
			log_warn("%s: %s", o->file[i], strerror(errno));
	}
	status = import_all(o, fd, &sum);
	free(fd);
	printf("%llu lines: %llu events stored, %llu were here already, "
	       "%llu lines not understood, %llu of other programs\n",
	    (unsigned long long)sum.lines, (unsigned long long)sum.events,
	    (unsigned long long)sum.before, (unsigned long long)sum.unparsed,
	    (unsigned long long)sum.others);
	return status;
}

int
command_totals(const struct options *o)
{
	struct totals t;
	struct buf b;
	int rc = totals_read(o->store, o->from, o->to, &t), status = EXIT_OK;

	if (rc < 0)
		return log_fail(
		    status_of(rc), "%s: %s", o->store, strerror(-rc));
	buf_init(&b, 65536);
	if (o->is_json)
		totals_json(&b, &t);
	else
		totals_text(&b, &t);
	if (!command_print(&b))
		status = EXIT_IO;
	buf_release(&b);
	return status;
}

int
command_check(const struct options *o)
{
	struct buf b;
	int bad, status;

	buf_init(&b, 1 << 20);
	bad = audit_store(o->store, &b);
	status = !command_print(&b) ? EXIT_IO
	    : bad < 0		    ? status_of(bad)
	    : bad > 0		    ? EXIT_FOUND
				    : EXIT_OK;
	buf_release(&b);
	return status;
}

int
command_rebuild(const struct options *o)
{
	struct store *s;
	struct buf b;
	char why[256];
	int rc = open_store(&s, o->store, why), status = EXIT_OK;

	if (rc < 0)
		return log_fail(status_of(rc), "%s", why);
	buf_init(&b, 1 << 20);
	rc = store_rebuild(s, &b);
	if (!command_print(&b) || rc < 0)
		status = rc < 0 ? status_of(rc) : EXIT_IO;
	buf_release(&b);
	store_close(s);
	return status;
}

static int
bring_up(const struct options *o, char why[256])
{
	return upgrade_store(o->store, &schema_catalog, &schema_segment, why);
}

/* What is to be said of a day is said before its events go; when that fails
 * the chore that does nothing else complains. Days that go as a whole at the
 * same time are not made lean before. */
static int
make_lean(const struct options *o, char why[256])
{
	const struct settings *s = o->settings;

	if (s->KeepMessagesTime <= s->KeepTime)
		return 0;
	ledger_note(o->store, false, why);
	return lean_run(o->store, s->KeepTime, why);
}

static int
climb(const struct options *o, char why[256])
{
	return ladder_climb(o->store, why);
}

/* Each is done whatever became of the one before. */
int
command_tidy(const struct options *o)
{
	static int (*const steps[])(
	    const struct options *, char *) = { bring_up, make_lean, climb };
	char why[256];
	int rc = command_as_owner(o->store, why), status = EXIT_OK;

	if (rc < 0)
		return log_fail(status_of(rc), "tidy: %s", why);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		rc = steps[i](o, why);
		if (rc < 0)
			status = log_fail(status_of(rc), "tidy: %s", why);
	}
	return status;
}

int
command_rrd(const struct options *o)
{
	struct draw_counts n;
	char why[256];
	int rc = command_as_owner(o->store, why), status = EXIT_OK;
	struct buf b;

	if (rc == 0 && o->is_noted)
		rc = resources_note(o->store, why);
	if (rc == 0)
		rc = draw_store(o->store, o->is_anew, &n, why);
	if (rc < 0)
		return log_fail(status_of(rc), "rrd: %s", why);
	buf_init(&b, 4096);
	buf_addf(&b, "%llu minutes drawn", (unsigned long long)n.minutes);
	if (n.last != 0) {
		buf_adds(&b, ", to ");
		clock_rfc3339(&b, n.last * US_SEC);
	}
	if (n.late != 0)
		buf_addf(&b,
		    "; %llu events came for minutes that were drawn before: "
		    "--remake draws them",
		    (unsigned long long)n.late);
	buf_addc(&b, '\n');
	if (!command_print(&b))
		status = EXIT_IO;
	buf_release(&b);
	return status;
}

static void
put_ledger(struct buf *b, const struct ledger *l, bool is_json)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{ "messages", l->messages },
		{ "accepted", l->accepted },
		{ "expanded", l->expanded },
		{ "delivered", l->delivered },
		{ "bounced", l->bounced },
		{ "expired", l->expired },
		{ "deleted", l->deleted },
		{ "replaced", l->replaced },
		{ "open_messages", l->open_messages },
		{ "open_recipients", l->open_recipients },
		{ "unknown", l->unknown },
		{ "imbalances", l->imbalances },
	};
	size_t n = sizeof(rows) / sizeof(rows[0]);

	for (size_t i = 0; i < n; i++)
		buf_addf(b, is_json ? "%s\"%s\":%llu" : "%s%s %llu\n",
		    !is_json	 ? ""
			: i == 0 ? "{"
				 : ",",
		    rows[i].name, (unsigned long long)rows[i].n);
	if (is_json)
		buf_adds(b, "}\n");
}

struct span {
	int64_t from, to;
	struct ledger sum;
};

static struct ledger *
within(void *ctx, int64_t t)
{
	struct span *s = ctx;

	return t >= s->from && t < s->to ? &s->sum : NULL;
}

static bool
has_day(void *ctx, int day)
{
	const struct span *s = ctx;
	int64_t begin = segment_begin_of(day);

	return begin < s->to && begin + US_DAY > s->from;
}

static int
note_ledger(const struct options *o)
{
	char why[256];
	int rc = command_as_owner(o->store, why);

	if (rc == 0)
		rc = ledger_note(o->store, o->is_now, why);
	return rc < 0 ? log_fail(status_of(rc), "ledger: %s", why) : EXIT_OK;
}

int
command_ledger(const struct options *o)
{
	struct buf b;
	struct span span = { o->from, o->to, { .out = &b } };
	const struct ledger_question asked = { within, has_day, &span };
	struct ledger *l = &span.sum;
	int rc, status;

	if (o->is_noted)
		return note_ledger(o);
	buf_init(&b, 16 << 20);
	rc = ledger_read(o->store, &asked, l);
	if (rc < 0) {
		status =
		    log_fail(status_of(rc), "%s: %s", o->store, strerror(-rc));
	} else {
		put_ledger(&b, l, o->is_json);
		status = !command_print(&b) ? EXIT_IO
		    : l->imbalances != 0    ? EXIT_FOUND
					    : EXIT_OK;
	}
	buf_release(&b);
	return status;
}
