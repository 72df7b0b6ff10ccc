#include "unsynced.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SECTOR ((size_t)512)

/* A change that is not on the disk yet. */
struct change {
	TAILQ_ENTRY(change) link;
	struct node *node; /* the file, or the folder; a reference */
	enum { WRITE, RESIZE, NAME, RENAME } kind;
	size_t at, n;
	char *bytes; /* of WRITE; owned */
	char name[NAME_SIZE], old[NAME_SIZE];
	struct node *target; /* what the name is from now on; NULL: nothing */
};
TAILQ_HEAD(changes, change);

struct disk {
	struct node *root;
	struct changes changes;
	ino_t next_ino;
};

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* Room grows from zeros, so that a hole reads as zeros. */
static void
image_resize(struct image *i, size_t n)
{
	if (n > i->cap) {
		size_t cap = n + n / 2 + 4096;

		i->bytes = must(realloc(i->bytes, cap));
		i->cap = cap;
	}
	if (n > i->n)
		memset(i->bytes + i->n, 0, n - i->n);
	i->n = n;
}

static void
image_write(struct image *i, const char *bytes, size_t n, size_t at)
{
	if (at + n > i->n)
		image_resize(i, at + n);
	if (n != 0)
		memcpy(i->bytes + at, bytes, n);
}

static struct entry *
image_entry(const struct image *i, const char *name)
{
	for (size_t k = 0; k < i->entries; k++)
		if (strcmp(i->entry[k].name, name) == 0)
			return &i->entry[k];
	return NULL;
}

/* The name is this node from now on, or, with a NULL, nothing. */
static void
image_name(struct image *i, const char *name, struct node *node)
{
	struct entry *e = image_entry(i, name);
	struct node *old = e ? e->node : NULL;

	if (node != NULL)
		node_ref(node);
	if (node != NULL && e == NULL) {
		i->entry = must(
		    realloc(i->entry, (i->entries + 1) * sizeof(*i->entry)));
		e = &i->entry[i->entries++];
		snprintf(e->name, sizeof(e->name), "%s", name);
	}
	if (node != NULL)
		e->node = node;
	else if (e != NULL)
		*e = i->entry[--i->entries];
	if (old != NULL)
		node_unref(old);
}

static void
image_release(struct image *i)
{
	while (i->entries != 0)
		node_unref(i->entry[--i->entries].node);
	free(i->entry);
	free(i->bytes);
	*i = (struct image){ 0 };
}

static void
image_copy(struct image *to, const struct image *from)
{
	struct image copy = { 0 };

	image_write(&copy, from->bytes, from->n, 0);
	for (size_t k = 0; k < from->entries; k++)
		image_name(&copy, from->entry[k].name, from->entry[k].node);
	image_release(to);
	*to = copy;
}

void
node_ref(struct node *n)
{
	n->refs++;
}

void
node_unref(struct node *n)
{
	if (--n->refs > 0)
		return;
	image_release(&n->now);
	image_release(&n->disk);
	free(n);
}

static struct node *
node_new(struct disk *d, mode_t mode)
{
	struct node *n = must(calloc(1, sizeof(*n)));

	n->ino = d->next_ino++;
	n->mode = mode;
	clock_gettime(CLOCK_REALTIME, &n->mtime);
	return n;
}

struct disk *
disk_new(void)
{
	struct disk *d = must(calloc(1, sizeof(*d)));

	TAILQ_INIT(&d->changes);
	d->next_ino = 1;
	d->root = node_new(d, S_IFDIR | 0755);
	node_ref(d->root);
	return d;
}

struct node *
disk_root(struct disk *d)
{
	return d->root;
}

struct node *
names_find(const struct node *dir, const char *name)
{
	struct entry *e = image_entry(&dir->now, name);

	return e ? e->node : NULL;
}

struct node *
disk_find(struct disk *d, const char *path)
{
	struct node *n = d->root;
	char name[NAME_SIZE];

	while (n != NULL && *path != '\0') {
		size_t len = strcspn(path, "/");

		if (len != 0) {
			snprintf(name, sizeof(name), "%.*s", (int)len, path);
			n = names_find(n, name);
		}
		path += len + (path[len] == '/');
	}
	return n;
}

static struct change *
note(struct disk *d, struct node *n, int kind)
{
	struct change *c = must(calloc(1, sizeof(*c)));

	c->node = n;
	node_ref(n);
	c->kind = kind;
	clock_gettime(CLOCK_REALTIME, &n->mtime);
	TAILQ_INSERT_TAIL(&d->changes, c, link);
	return c;
}

static void
forget(struct disk *d, struct change *c)
{
	TAILQ_REMOVE(&d->changes, c, link);
	node_unref(c->node);
	if (c->target != NULL)
		node_unref(c->target);
	free(c->bytes);
	free(c);
}

static void
note_name(struct disk *d, struct node *dir, const char *old, const char *name,
    struct node *target)
{
	struct change *c = note(d, dir, old ? RENAME : NAME);

	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->old, sizeof(c->old), "%s", old ? old : "");
	c->target = target;
	if (target != NULL)
		node_ref(target);
	if (old != NULL)
		image_name(&dir->now, old, NULL);
	image_name(&dir->now, name, target);
}

struct node *
disk_make(struct disk *d, struct node *dir, const char *name, mode_t mode)
{
	struct node *n = node_new(d, mode);

	snprintf(
	    n->part, sizeof(n->part), "%s", dir == d->root ? name : dir->part);
	note_name(d, dir, NULL, name, n);
	return n;
}

void
disk_unlink(struct disk *d, struct node *dir, const char *name)
{
	note_name(d, dir, NULL, name, NULL);
}

/* Within one folder it is one change; between two the new name is there
 * first. */
void
disk_rename(struct disk *d, struct node *from, const char *old, struct node *to,
    const char *name)
{
	struct node *n = names_find(from, old);

	node_ref(n);
	note_name(d, to, from == to ? old : NULL, name, n);
	if (from != to)
		disk_unlink(d, from, old);
	node_unref(n);
}

void
disk_write(
    struct disk *d, struct node *n, const char *bytes, size_t len, size_t at)
{
	struct change *c = note(d, n, WRITE);

	c->at = at;
	c->n = len;
	c->bytes = must(malloc(len + 1));
	memcpy(c->bytes, bytes, len);
	image_write(&n->now, bytes, len, at);
}

void
disk_resize(struct disk *d, struct node *n, size_t size)
{
	note(d, n, RESIZE)->n = size;
	image_resize(&n->now, size);
}

static void
apply(const struct change *c)
{
	struct image *disk = &c->node->disk;

	switch (c->kind) {
	case WRITE:
		image_write(disk, c->bytes, c->n, c->at);
		break;
	case RESIZE:
		image_resize(disk, c->n);
		break;
	case RENAME:
		image_name(disk, c->old, NULL);
		image_name(disk, c->name, c->target);
		break;
	case NAME:
		image_name(disk, c->name, c->target);
		break;
	}
}

/* Sectors of a write, each with even chances; the size may be there before
 * its bytes are. */
static void
apply_torn(const struct change *c, unsigned *seed)
{
	struct image *disk = &c->node->disk;
	size_t end = c->at + c->n, next;

	if (rand_r(seed) % 2)
		return;
	if (c->kind != WRITE) {
		apply(c);
		return;
	}
	if (rand_r(seed) % 2 && end > disk->n)
		image_resize(disk, end);
	for (size_t at = c->at; at < end; at = next) {
		next = (at / SECTOR + 1) * SECTOR;
		if (next > end)
			next = end;
		if (rand_r(seed) % 2)
			image_write(
			    disk, c->bytes + (at - c->at), next - at, at);
	}
}

static void
settle(struct disk *d, struct node *n, bool does_count)
{
	struct change *c, *next;

	for (c = TAILQ_FIRST(&d->changes); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->node != n)
			continue;
		if (does_count)
			apply(c);
		forget(d, c);
	}
}

void
disk_sync(struct disk *d, struct node *n)
{
	settle(d, n, true);
}

void
disk_sync_failed(struct disk *d, struct node *n)
{
	settle(d, n, false);
}

/* From here down: what is on the disk is what there is. */
static void
restore(struct node *n)
{
	image_copy(&n->now, &n->disk);
	for (size_t k = 0; k < n->now.entries; k++)
		restore(n->now.entry[k].node);
}

size_t
disk_cut(struct disk *d, enum luck luck, unsigned seed)
{
	struct change *c;
	size_t noted = 0, kept, n = 0;

	TAILQ_FOREACH (c, &d->changes, link)
		noted++;
	kept = noted ? (size_t)rand_r(&seed) % (noted + 1) : 0;
	while ((c = TAILQ_FIRST(&d->changes)) != NULL) {
		if (luck == LUCK_PREFIX && n++ < kept)
			apply(c);
		else if (luck == LUCK_TORN)
			apply_torn(c, &seed);
		forget(d, c);
	}
	restore(d->root);
	return noted;
}
