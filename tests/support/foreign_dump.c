/*
 * foreign_dump [-q] [-u] FILE: a mailer's log as events, a JSON object a line;
 * -q: only counts and the time it took; -u: the lines that were not
 * understood.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "foreign.h"

struct dump {
	bool is_quiet;
	struct buf out;
	uint64_t counts[EV_COUNT];
};

static void
heard(void *ctx, const struct heard *h)
{
	struct dump *d = ctx;

	d->counts[h->event.type]++;
	if (d->is_quiet)
		return;
	buf_clear(&d->out);
	buf_addf(&d->out, "{\"event\":\"%s\",\"time\":\"",
	    event_info(h->event.type)->name);
	clock_rfc3339(&d->out, h->time_us);
	buf_adds(&d->out, "\",\"prog\":");
	put_json(&d->out, h->prog);
	event_json(&d->out, &h->event);
	buf_adds(&d->out, "}");
	puts(d->out.data);
}

static void
counts(const struct dump *d, const struct foreign_stats *s, double took)
{
	for (int i = 0; i < EV_COUNT; i++)
		if (d->counts[i] != 0)
			fprintf(stderr, "%s %llu\n",
			    event_info((enum event_type)i)->name,
			    (unsigned long long)d->counts[i]);
	fprintf(stderr,
	    "lines %llu told %llu known %llu unparsed %llu other %llu\n",
	    (unsigned long long)s->lines,
	    (unsigned long long)s->results[FOREIGN_TOLD],
	    (unsigned long long)s->results[FOREIGN_KNOWN],
	    (unsigned long long)s->results[FOREIGN_UNPARSED],
	    (unsigned long long)s->results[FOREIGN_OTHER]);
	fprintf(stderr, "%.3f s, %.0f lines a second\n", took,
	    (double)s->lines / took);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct dump d = { .is_quiet = false };
	bool shows_unparsed = false;
	struct foreign *f;
	struct slice rest, line;
	struct stat st;
	double start;
	int c, fd;

	while ((c = getopt(argc, argv, "qu")) != -1) {
		d.is_quiet = true;
		shows_unparsed = c == 'u';
	}
	if (optind != argc - 1 || (fd = open(argv[optind], O_RDONLY)) < 0 ||
	    fstat(fd, &st) < 0) {
		fprintf(stderr, "usage: foreign_dump [-q] [-u] FILE\n");
		return 2;
	}
	rest = (struct slice){ mmap(NULL, (size_t)st.st_size, PROT_READ,
				   MAP_PRIVATE, fd, 0),
		(size_t)st.st_size };
	if (rest.p == MAP_FAILED)
		return 1;
	buf_init(&d.out, 1 << 20);
	f = foreign_new(heard, &d, clock_wall());
	start = seconds();
	while (slice_next(&rest, '\n', &line)) {
		enum foreign_result r = foreign_line(f, line);

		if (shows_unparsed &&
		    (r == FOREIGN_UNPARSED || r == FOREIGN_OTHER))
			printf("%.*s\n", SLICE_ARG(line));
	}
	counts(&d, foreign_stats(f), seconds() - start);
	foreign_free(f);
	buf_release(&d.out);
	return 0;
}
