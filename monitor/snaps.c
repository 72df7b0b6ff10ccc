#include "snaps.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define NODES 64 /* hosts; further ones are not in the sum */

static const char *const states[SV_STATES] = { "new", "active", "deferred",
	"held", "deleted", "bounced", "damaged" };

struct node {
	char name[256];
	int64_t t, oldest; /* wall; oldest 0: it has none */
	double v[SV_COUNT];
};

struct snaps {
	struct node node[NODES];
	size_t n;
	int64_t next; /* end of the minute that is to be told next */
};

struct snaps *
snaps_new(void)
{
	return calloc(1, sizeof(struct snaps));
}

void
snaps_free(struct snaps *s)
{
	free(s);
}

static struct node *
get(struct snaps *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->node[i].name, name) == 0)
			return &s->node[i];
	if (s->n == NODES)
		return NULL;
	snprintf(s->node[s->n].name, sizeof(s->node[0].name), "%s", name);
	return &s->node[s->n++];
}

/* [{"queue":"held","count":3,...},...] */
static void
add_cells(double *v, const char *text)
{
	json_t *cells = json_loads(text != NULL ? text : "", 0, NULL), *cell;
	size_t i;

	json_array_foreach(cells, i, cell)
	{
		const char *state =
		    json_string_value(json_object_get(cell, "queue"));

		for (int k = 0; state != NULL && k < SV_STATES; k++)
			if (strcmp(states[k], state) == 0)
				v[k] += (double)json_integer_value(
				    json_object_get(cell, "count"));
	}
	json_decref(cells);
}

/* t, name, bytes, oldest, cells */
static void
take(struct snaps *s, sqlite3_stmt *q)
{
	const char *name = (const char *)sqlite3_column_text(q, 1);
	struct node *n = get(s, name != NULL ? name : "");

	if (n == NULL)
		return;
	n->t = sqlite3_column_int64(q, 0);
	n->oldest = sqlite3_column_int64(q, 3);
	memset(n->v, 0, sizeof(n->v));
	n->v[SV_BYTES] = sqlite3_column_double(q, 2);
	add_cells(n->v, (const char *)sqlite3_column_text(q, 4));
}

static bool
sum(const struct snaps *s, int64_t end, double v[SV_COUNT])
{
	bool is_known = false;

	memset(v, 0, SV_COUNT * sizeof(*v));
	for (size_t i = 0; i < s->n; i++) {
		const struct node *n = &s->node[i];
		double age =
		    n->oldest != 0 ? (double)(end - n->oldest) / 1e6 : 0;

		if (end - n->t > SNAPS_AGE)
			continue;
		is_known = true;
		for (int k = 0; k < SV_OLDEST; k++)
			v[k] += n->v[k];
		if (age > v[SV_OLDEST])
			v[SV_OLDEST] = age;
	}
	return is_known;
}

/* All minutes that end at or before t. */
static int
tell_to(struct snaps *s, int64_t t, int64_t to,
    int (*one)(void *, int64_t, const double *), void *arg)
{
	double v[SV_COUNT];
	int rc = 0;

	for (; s->next <= t && s->next <= to && rc >= 0; s->next += US_MIN) {
		if (!sum(s, s->next, v))
			continue;
		rc = one(arg, s->next, v);
	}
	return rc < 0 ? rc : 0;
}

int
snaps_each(struct snaps *s, struct db *db, int64_t from, int64_t to,
    int (*one)(void *, int64_t, const double *), void *arg)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q,
	    "SELECT t, w.s, bytes, oldest, cells FROM qsnap "
	    "JOIN word w ON w.id = node WHERE t >= ?1 AND t < ?2 ORDER BY t");
	int err = 0;

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(q, 1, from - SNAPS_AGE);
	sqlite3_bind_int64(q, 2, to);
	while (err == 0 && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		int64_t t = sqlite3_column_int64(q, 0);

		/* a quiet night is not gone through minute by minute */
		if (s->next + SNAPS_AGE < t || s->next == 0) {
			err = tell_to(s, s->next + SNAPS_AGE, to, one, arg);
			s->next = t - t % US_MIN + US_MIN;
		}
		err = err < 0 ? err : tell_to(s, t, to, one, arg);
		take(s, q);
	}
	sqlite3_finalize(q);
	if (err == 0 && s->next != 0)
		err = tell_to(s, to, to, one, arg);
	return err < 0 ? err : db_errno(rc);
}
