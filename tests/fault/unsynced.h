/*
 * unsynced: a disk with a cache, in memory: what is there now, and what would
 * be there if the power went.
 *
 * Each change is made to what is there now and noted in the order of time. A
 * sync of a file carries its changes to the disk, a sync of a folder the
 * changes of its names. A cut throws the rest away, but for what luck keeps.
 *
 * Owner, mode and reserved space are not modelled: they hold at once.
 * Not for several threads: the caller has one lock around all.
 */
#ifndef UNSYNCED_H
#define UNSYNCED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <time.h>

#define NAME_SIZE 256

/* Bytes of a file, or, of a folder, its names. */
struct image {
	char *bytes;
	size_t n, cap;
	struct entry {
		char name[NAME_SIZE];
		struct node *node; /* a reference */
	} * entry;
	size_t entries;
};

struct node {
	ino_t ino;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	int refs; /* names, noted changes, open descriptors */
	size_t reserved; /* fallocate */
	char part[NAME_SIZE]; /* the folder below the root that it lies in */
	struct image now, disk;
};

struct disk;

/* How much of what was not synced a cut leaves. */
enum luck {
	LUCK_NONE,
	LUCK_PREFIX, /* up to some moment */
	LUCK_TORN /* some names, and some sectors of some writes */
};

struct disk *disk_new(void);
struct node *disk_root(struct disk *);
void node_ref(struct node *);
void node_unref(struct node *);
/* NULL: there is none. */
struct node *disk_find(struct disk *, const char *path);
struct node *names_find(const struct node *dir, const char *name);
/* A file or folder of this name; the caller's reference is the name's. */
struct node *
disk_make(struct disk *, struct node *dir, const char *name, mode_t);
void disk_unlink(struct disk *, struct node *dir, const char *name);
void disk_rename(struct disk *, struct node *from, const char *old,
    struct node *to, const char *name);
void
disk_write(struct disk *, struct node *, const char *, size_t n, size_t at);
void disk_resize(struct disk *, struct node *, size_t n);
void disk_sync(struct disk *, struct node *);
/* A failed sync, as Linux has it: readers still see what the next sync will
 * not write either. */
void disk_sync_failed(struct disk *, struct node *);
/* The power is gone and comes back. Returns how many changes were noted. */
size_t disk_cut(struct disk *, enum luck, unsigned seed);

#endif
