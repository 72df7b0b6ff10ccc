#include "shape.h"

#include <stdlib.h>
#include <string.h>

const char *const shape_ages[SHAPE_AGES] = { "<5m", "10", "20", "40", "80",
	"160", "320", "more" };

#define ROWS_MAX 5000

void
shape_release(struct shape *s)
{
	for (size_t i = 0; i < s->rows; i++)
		free(s->row[i].name);
	free(s->row);
	*s = (struct shape){ 0 };
}

static enum shape_state
state_of(const char *word)
{
	static const char *const words[SHAPE_OTHER] = { "new", "active",
		"deferred", "held" };

	for (int i = 0; i < SHAPE_OTHER; i++)
		if (word != NULL && strcmp(words[i], word) == 0)
			return (enum shape_state)i;
	return SHAPE_OTHER;
}

static struct shape_row *
row_of(struct shape *s, const char *name)
{
	struct shape_row *r;

	for (size_t i = 0; i < s->rows; i++)
		if (strcmp(s->row[i].name, name) == 0)
			return &s->row[i];
	if (s->rows == ROWS_MAX)
		return NULL;
	r = realloc(s->row, (s->rows + 1) * sizeof(*r));
	if (r == NULL)
		return NULL;
	s->row = r;
	r = &s->row[s->rows];
	*r = (struct shape_row){ .name = strdup(name) };
	if (r->name == NULL)
		return NULL;
	s->rows++;
	return r;
}

static void
count(struct shape_row *r, int64_t age, enum shape_state state,
    int64_t messages, int64_t n)
{
	r->n += n;
	r->messages += messages;
	r->age[age < 0 ? 0 : age >= SHAPE_AGES ? SHAPE_AGES - 1 : age] += n;
	r->state[state] += n;
}

/* An mtad of before, and who asks a Postfix, told only messages. */
static int64_t
recipients(struct shape *s, const json_t *cell, int64_t messages)
{
	const json_t *n = json_object_get(cell, "rcpt_count");

	s->is_of_messages |= n == NULL;
	return n != NULL ? json_integer_value(n) : messages;
}

static void
add_cell(struct shape *s, const json_t *cell)
{
	const char *name = json_string_value(json_object_get(cell, "domain"));
	enum shape_state state =
	    state_of(json_string_value(json_object_get(cell, "queue")));
	int64_t age = json_integer_value(json_object_get(cell, "bucket"));
	int64_t messages = json_integer_value(json_object_get(cell, "count"));
	int64_t n = recipients(s, cell, messages);
	struct shape_row *r = row_of(s, name ? name : "");

	count(&s->total, age, state, messages, n);
	if (r != NULL)
		count(r, age, state, messages, n);
}

static void
add(struct shape *s, const json_t *cells)
{
	json_t *cell;
	size_t i;

	json_array_foreach(cells, i, cell)
	{
		if (json_is_array(cell))
			add(s, cell);
		else
			add_cell(s, cell);
	}
}

static int
most_first(const void *a, const void *b)
{
	const struct shape_row *x = a, *y = b;
	int x_last = x->name[0] == '\0', y_last = y->name[0] == '\0';

	if (x_last != y_last)
		return x_last - y_last;
	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->name, y->name);
}

void
shape_read(struct shape *s, const json_t *cells, int64_t t)
{
	shape_release(s);
	s->t = t;
	add(s, cells);
	if (s->rows > 1)
		qsort(s->row, s->rows, sizeof(*s->row), most_first);
}

char
shape_letter(const struct shape_row *r)
{
	static const char letters[SHAPE_STATES] = { 'N', 'A', 'D', 'H', 'X' };
	int most = SHAPE_NEW;

	for (int i = 0; i < SHAPE_STATES; i++)
		if (r->state[i] > r->state[most])
			most = i;
	return letters[most];
}
