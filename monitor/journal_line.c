#include "config.h"

#ifdef HAVE_SYSTEMD
#include "journal_line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "clock.h"

#define WORD 256 /* bytes of a field that is not the message */

enum word {
	W_HOST,
	W_PROG,
	W_COMM,
	W_PID_SAID,
	W_PID,
	W_SEVERITY,
	W_FACILITY,
	W_TIME,
	WORDS
};

/* What begins with _ is the journal's own word, which nobody forges. */
static const char *const names[WORDS] = {
	[W_HOST] = "_HOSTNAME=",
	[W_PROG] = "SYSLOG_IDENTIFIER=",
	[W_COMM] = "_COMM=",
	[W_PID_SAID] = "SYSLOG_PID=",
	[W_PID] = "_PID=",
	[W_SEVERITY] = "PRIORITY=",
	[W_FACILITY] = "SYSLOG_FACILITY=",
	[W_TIME] = "_SOURCE_REALTIME_TIMESTAMP=",
};

/* A field may stand several times: the first one counts. */
static void
take_word(char words[WORDS][WORD], struct slice data)
{
	for (int i = 0; i < WORDS; i++) {
		size_t n = strlen(names[i]);

		if (data.n < n || memcmp(data.p, names[i], n) != 0)
			continue;
		data = slice_sub(data, n, data.n);
		if (words[i][0] == '\0')
			snprintf(words[i], WORD, "%.*s",
			    (int)(data.n < WORD ? data.n : WORD), data.p);
		return;
	}
}

static int
read_words(sd_journal *j, char words[WORDS][WORD])
{
	const void *p;
	size_t n;
	int rc;

	for (int i = 0; i < WORDS; i++)
		words[i][0] = '\0';
	sd_journal_restart_data(j);
	while ((rc = sd_journal_enumerate_available_data(j, &p, &n)) > 0)
		take_word(words, (struct slice){ p, n });
	return rc;
}

static void
put_word(struct buf *b, const char *text, const char *otherwise)
{
	const char *p = *text != '\0' ? text
	    : *otherwise != '\0'      ? otherwise
				      : "-";

	for (; *p != '\0'; p++)
		buf_addc(b, (unsigned char)*p <= ' ' || *p == 0x7f ? '?' : *p);
	buf_addc(b, ' ');
}

static uint64_t
number(const char *text, uint64_t max, uint64_t otherwise)
{
	uint64_t v;

	return slice_u64(slice_of(text), max, &v) ? v : otherwise;
}

/* "<PRI>1 TIME HOST PROG PID - - " */
static void
put_head(struct buf *b, char words[WORDS][WORD], uint64_t now)
{
	buf_addf(b, "<%u>1 ",
	    (unsigned)(number(words[W_FACILITY], 23, 2) * 8 +
		number(words[W_SEVERITY], 7, 6)));
	clock_rfc3339(b, (int64_t)number(words[W_TIME], INT64_MAX / 2, now));
	buf_addc(b, ' ');
	put_word(b, words[W_HOST], "");
	put_word(b, words[W_PROG], words[W_COMM]);
	put_word(b, words[W_PID_SAID], words[W_PID]);
	buf_adds(b, "- - ");
}

int
journal_line(sd_journal *j, struct buf *b)
{
	char words[WORDS][WORD];
	const void *p;
	uint64_t now;
	size_t n, skip = strlen("MESSAGE=");
	int rc = sd_journal_get_realtime_usec(j, &now);

	buf_clear(b);
	if (rc >= 0)
		rc = read_words(j, words);
	if (rc < 0)
		return rc;
	put_head(b, words, now);
	rc = sd_journal_get_data(j, "MESSAGE", &p, &n);
	if (rc >= 0)
		buf_add_slice(b,
		    slice_sub((struct slice){ p, n }, skip,
			skip + JOURNAL_LINE_MAX - b->len));
	if (rc < 0 && rc != -ENOENT)
		return rc;
	return b->bad ? -ENOMEM : 0;
}
#endif
