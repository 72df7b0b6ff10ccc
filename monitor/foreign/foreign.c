#include "foreign.h"

#include <stdlib.h>
#include <string.h>

#include "mailer.h"

/* What is repeated is read as often: a long text is not believed. */
#define AGAIN_MAX 2048
#define AGAIN_OF_PEER 1000 /* times */

/* Programs whose lines are read, by the tag of the line. Postfix's are told
 * by the part behind the last slash. */
static const struct {
	struct slice tag;
	take_fn *take;
} mailers[] = {
	{ TEXT("sendmail"), sendmail_line },
	{ TEXT("sm-mta"), sendmail_line },
	{ TEXT("sm-msp-queue"), sendmail_line },
	{ TEXT("sm-acceptingconnections"), sendmail_line },
	{ TEXT("exim"), exim_line },
	{ TEXT("exim4"), exim_line },
	{ TEXT("smtpd"), opensmtpd_line },
	{ TEXT("opensmtpd"), opensmtpd_line },
};

struct foreign *
foreign_new(heard_fn *heard, void *ctx, int64_t now_us)
{
	struct foreign *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->heard = heard;
	f->ctx = ctx;
	f->node = SLICE("");
	when_init(&f->when, now_us);
	joins_init(&f->joins);
	buf_init(&f->last, FOREIGN_LINE_MAX + 1);
	f->last_of = f->joins.via;
	return f;
}

void
foreign_free(struct foreign *f)
{
	if (f == NULL)
		return;
	joins_release(&f->joins);
	buf_release(&f->last);
	free(f);
}

void
foreign_set_now(struct foreign *f, int64_t now_us)
{
	when_init(&f->when, now_us);
}

void
foreign_set_node(struct foreign *f, struct slice node)
{
	f->node = node;
}

void
foreign_set_peer(struct foreign *f, struct slice via, unsigned number)
{
	joins_set_peer(&f->joins, via, number);
	f->is_peer = via.n != 0;
}

const struct foreign_stats *
foreign_stats(const struct foreign *f)
{
	return &f->stats;
}

bool
rows_take(const struct rows *rows, struct foreign *f, struct work *w)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->row[i];

		if (w->rest.n < r->begins.n ||
		    memcmp(w->rest.p, r->begins.p, r->begins.n) != 0)
			continue;
		if (r->take == NULL)
			return true;
		if (!r->is_kept)
			w->rest = slice_sub(w->rest, r->begins.n, w->rest.n);
		return r->take(f, w);
	}
	return false;
}

static take_fn *
reader_of(struct slice prog)
{
	if (slice_find(prog, '/') < prog.n)
		return postfix_has(prog) ? postfix_line : NULL;
	for (size_t i = 0; i < COUNT(mailers); i++)
		if (slice_eq(prog, mailers[i].tag))
			return mailers[i].take;
	return NULL;
}

static enum foreign_result
take_parsed(struct foreign *f, const struct syslog_line *l, take_fn *take)
{
	struct work w = {
		.line = l, .prog = l->prog, .id = { "", 0 }, .rest = l->text
	};
	uint64_t before = f->stats.events;
	struct heard *h = &f->out;

	h->time_us = l->time_us;
	h->is_year_inferred = l->is_year_inferred;
	h->node = l->node;
	h->prog = l->prog;
	h->pid = l->pid;
	if (!take(f, &w))
		return FOREIGN_UNPARSED;
	return f->stats.events != before ? FOREIGN_TOLD : FOREIGN_KNOWN;
}

/* Exim's own log has no tag; its lines begin with a time of its kind. */
static enum foreign_result
take_exim_log(struct foreign *f, struct slice line)
{
	struct syslog_line l = {
		.prog = SLICE("exim"), .node = f->node, .priority = -1
	};

	if (!when_exim(&f->when, &line, &l.time_us))
		return FOREIGN_OTHER;
	l.text = line;
	return take_parsed(f, &l, exim_line);
}

static enum foreign_result
take_tagged(struct foreign *f, struct syslog_line *l)
{
	take_fn *take = reader_of(l->prog);

	if (take == NULL)
		return FOREIGN_OTHER;
	if (l->node.n == 0)
		l->node = f->node;
	return take_parsed(f, l, take);
}

/*
 * A line that says that the one before it came so often again: that one, or
 * the text that it quotes, is read again at its time.
 */
static enum foreign_result
take_again(struct foreign *f, const struct syslog_line *again,
    struct slice quoted, unsigned n)
{
	enum foreign_result r = FOREIGN_KNOWN;
	struct syslog_line l = *again;

	if (quoted.n != 0)
		l.text = quoted;
	else if (f->last_of != f->joins.via) /* others spoke in between */
		return FOREIGN_UNPARSED;
	else if (!syslog_line_parse(&f->when, buf_slice(&f->last), &l))
		return r;
	if (l.text.n > AGAIN_MAX || (f->is_peer && n > AGAIN_OF_PEER))
		return FOREIGN_UNPARSED;
	l.time_us = again->time_us;
	l.is_year_inferred = again->is_year_inferred;
	while (n-- > 0)
		r = take_tagged(f, &l);
	return r;
}

static enum foreign_result
take_line(struct foreign *f, struct slice line)
{
	struct syslog_line l;
	struct slice quoted;
	unsigned n;

	if (!syslog_line_parse(&f->when, line, &l))
		return take_exim_log(f, line);
	n = syslog_line_repeats(l.text, &quoted);
	if (n != 0)
		return take_again(f, &l, quoted, n);
	buf_clear(&f->last);
	buf_add_slice(&f->last, line);
	f->last_of = f->joins.via;
	return take_tagged(f, &l);
}

enum foreign_result
foreign_line(struct foreign *f, struct slice line)
{
	enum foreign_result r;

	line = slice_sub(line, 0, FOREIGN_LINE_MAX);
	while (line.n != 0 &&
	    (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	r = take_line(f, line);
	f->stats.lines++;
	f->stats.forgotten = f->joins.forgotten;
	f->stats.results[r]++;
	return r;
}

void
foreign_learn(struct foreign *f, struct slice line)
{
	struct foreign_stats stats = f->stats;

	f->is_silent = true;
	foreign_line(f, line);
	f->is_silent = false;
	stats.forgotten = f->stats.forgotten;
	f->stats = stats;
}
