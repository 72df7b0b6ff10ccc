#include "tags.h"

#include <stdlib.h>
#include <string.h>

void
tags_clear(struct tags *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->name[i]);
	free(t->name);
	*t = (struct tags){ 0 };
}

/* Its place, or n. */
static size_t
find(const struct tags *t, const char *name)
{
	size_t i = 0;

	while (i < t->n && strcmp(t->name[i], name) != 0)
		i++;
	return i;
}

bool
tags_has(const struct tags *t, const char *name)
{
	return find(t, name) < t->n;
}

bool
tags_add(struct tags *t, const char *name)
{
	char **v;

	if (tags_has(t, name))
		return true;
	if (t->n == TAGS_MOST || name[0] == '\0')
		return false;
	v = realloc(t->name, (t->n + 1) * sizeof(*v));
	if (v == NULL)
		return false;
	t->name = v;
	v[t->n] = strdup(name);
	if (v[t->n] == NULL)
		return false;
	t->n++;
	return true;
}

void
tags_toggle(struct tags *t, const char *name)
{
	size_t i = find(t, name);

	if (i == t->n) {
		tags_add(t, name);
		return;
	}
	free(t->name[i]);
	t->name[i] = t->name[--t->n];
}
