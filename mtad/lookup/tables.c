#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "lookup.h"

void
tables_complain(struct lookup *l, const char *path, const char *error)
{
	int64_t now = clock_mono();
	char text[sizeof(l->told)];
	struct event e;

	snprintf(
	    text, sizeof(text), "%s%s%s", path, path[0] ? ": " : "", error);
	if (strcmp(text, l->told) == 0 && now - l->told_at < US_MIN)
		return;
	memcpy(l->told, text, sizeof(l->told));
	l->told_at = now;
	event_init(&e, EV_SYS_RELOAD);
	event_cstr(&e, F_ERROR, text);
	if (path[0] != '\0')
		event_cstr(&e, F_PATH, path);
	evlog_emit(l->proc->log, &e);
}

static void
read_aliases(struct lookup *l)
{
	char why[300], text[360];
	struct aliases *fresh = aliases_read(&l->proc->conf->AliasFile, why);

	if (fresh == NULL) {
		snprintf(text, sizeof(text), "%s%s", why,
		    l->aliases ? "; the old aliases stay" : "");
		tables_complain(l, "", text);
		return;
	}
	if (why[0] != '\0')
		tables_complain(l, "", why);
	aliases_free(l->aliases);
	l->aliases = fresh;
}

static void
refresh_list(struct lookup *l, struct userlist *list)
{
	int rc = userlist_refresh(list);

	if (rc < 0)
		tables_complain(l, list->path, strerror(-rc));
}

void
tables_refresh(struct lookup *l)
{
	int64_t now = clock_mono();

	if (now - l->checked < US_SEC)
		return;
	l->checked = now;
	if (l->aliases == NULL || aliases_are_old(l->aliases))
		read_aliases(l);
	for (size_t i = 0; i < l->lists_n; i++)
		refresh_list(l, &l->lists[i]);
}

/* Another list of files is not "the old ones stay". */
void
tables_load(struct lookup *l)
{
	const struct conf *c = l->proc->conf;

	aliases_free(l->aliases);
	l->aliases = NULL;
	read_aliases(l);
	for (size_t i = 0; i < l->lists_n; i++)
		userlist_release(&l->lists[i]);
	free(l->lists);
	l->lists = calloc(c->virtual_n + 1, sizeof(*l->lists));
	l->lists_n = l->lists ? c->virtual_n : 0;
	for (size_t i = 0; i < l->lists_n; i++) {
		userlist_init(&l->lists[i], c->virtual_[i].Users);
		refresh_list(l, &l->lists[i]);
	}
}
