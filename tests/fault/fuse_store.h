/*
 * fuse_store: what the file system (fuse_store.c) and who orders it about
 * (fuse_control.c) share.
 */
#ifndef FUSE_STORE_H
#define FUSE_STORE_H

#include <threads.h>
#include <stdbool.h>

#include "unsynced.h"

enum kind {
	K_OTHER = 0,
	K_OPEN = 1,
	K_WRITE = 2,
	K_SYNC = 4,
	K_RENAME = 8,
	K_UNLINK = 16,
	K_READ = 32,
	K_APPEND = 64, /* writes that are not at the beginning */
	K_ANY = 31 /* but reads */
};

#define SECTORS ((size_t)4096)

/* One process, one store: fuse hands it to every call. */
struct store {
	mtx_t lock; /* around all below */
	cnd_t wake;
	struct disk *disk;
	bool is_dead, is_hanging, is_full, may_mount;
	struct arm {
		enum kind kind; /* 0: not armed */
		char part[32], program[32];
		unsigned at, times, matched, failed;
		int error; /* 0: a cut */
		enum luck luck;
		unsigned seed;
	} arm;
	char bad_part[32]; /* sectors of its files that do not read */
	size_t bad_at;
	const char *at, *path; /* mount point, socket */
};

/* A thread of its own; arg is the store. Reads orders until the end. */
int control_run(void *arg);

#endif
