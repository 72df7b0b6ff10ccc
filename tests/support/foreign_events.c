#include "foreign_events.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
put_value(struct buf *b, const struct event_value *v)
{
	switch (field_info(v->field)->kind) {
	case FK_STR:
	case FK_JSON:
		buf_add_slice(b, v->v.str);
		break;
	default:
		buf_add_u64(b, v->v.num);
	}
}

static void
heard(void *ctx, const struct heard *h)
{
	struct tale *t = ctx;
	struct told *d;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_adds(&b, event_info(h->event.type)->name);
	buf_addc(&b, ' ');
	for (int i = 0; i < h->event.n; i++) {
		const struct event_value *v = &h->event.value[i];

		buf_addf(&b, "%s=", field_info(v->field)->name);
		put_value(&b, v);
		buf_addc(&b, ' ');
	}
	t->told = realloc(t->told, (t->n + 1) * sizeof(*t->told));
	ck_assert_ptr_nonnull(t->told);
	d = &t->told[t->n++];
	*d = (struct told){ h->event.type, h->time_us, h->is_year_inferred,
		buf_take(&b), slice_dup(h->node), slice_dup(h->prog), h->pid };
	buf_release(&b);
}

void
tale_read(struct tale *t, const char *lines, int64_t now_us)
{
	struct foreign *f = foreign_new(heard, t, now_us);
	struct slice rest = slice_of(lines), line;

	ck_assert_ptr_nonnull(f);
	*t = (struct tale){ .told = NULL };
	foreign_set_node(f, SLICE("here"));
	while (slice_next(&rest, '\n', &line))
		foreign_line(f, line);
	t->stats = *foreign_stats(f);
	foreign_free(f);
}

char *
tale_file(const char *path)
{
	FILE *in = fopen(path, "r");
	struct buf b;
	char *p;
	size_t n;

	ck_assert_msg(in != NULL, "%s", path);
	buf_init(&b, 64 << 20);
	while ((p = buf_room(&b, 65536)) != NULL &&
	    (n = fread(p, 1, 65536, in)) > 0)
		b.len += n;
	fclose(in);
	p = strndup(b.data, b.len);
	buf_release(&b);
	return p;
}

void
tale_read_log(struct tale *t, const char *mailer)
{
	char *path = buf_text("%s/foreign/%s.log", TESTS_DATA, mailer);
	char *lines = tale_file(path);

	tale_read(t, lines, INT64_C(1795564800000000)); /* 2026-11-25 */
	free(lines);
	free(path);
}

void
tale_release(struct tale *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->told[i].text);
		free(t->told[i].node);
		free(t->told[i].prog);
	}
	free(t->told);
}

char *
told_value(const struct told *d, const char *field)
{
	char *key = buf_text(" %s=", field), *p = strstr(d->text, key), *v;
	size_t n = strlen(key);

	free(key);
	if (p == NULL)
		return NULL;
	v = strdup(p + n);
	v[strcspn(v, " ")] = '\0';
	return v;
}

/* Each word of the row with a blank behind it, and before it but for the
 * name. */
static bool
has_words(const struct told *d, const char *words)
{
	struct slice rest = slice_of(words), one;
	bool has = true;

	while (has && slice_next(&rest, ' ', &one)) {
		char *word = buf_text(
		    "%s%.*s ", one.p == words ? "" : " ", SLICE_ARG(one));
		const char *at = strstr(d->text, word);

		has = at != NULL && (one.p != words || at == d->text);
		free(word);
	}
	return has;
}

static bool
is_same(const struct told *a, const struct told *b, const char *field)
{
	char *x = told_value(a, field), *y = told_value(b, field);
	bool same = x != NULL && y != NULL && strcmp(x, y) == 0;

	free(x);
	free(y);
	return same;
}

static const struct told *
find_message(const struct tale *t, const char *message_id)
{
	char *word = buf_text(" message_id=%s@client.example.net ", message_id);
	const struct told *found = NULL;

	for (size_t i = 0; i < t->n && found == NULL; i++)
		if (strstr(t->told[i].text, word) != NULL)
			found = &t->told[i];
	free(word);
	return found;
}

size_t
tale_count(const struct tale *t, const char *message_id, const char *words)
{
	const struct told *m = NULL;
	size_t n = 0;

	if (message_id != NULL) {
		m = find_message(t, message_id);
		if (m == NULL)
			return 0;
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct told *d = &t->told[i];

		if (m != NULL && !is_same(m, d, "msg.id") &&
		    !is_same(m, d, "session.id"))
			continue;
		n += has_words(d, words);
	}
	return n;
}
