/*
 * stat: counters in a mapped file that any reader sees without asking.
 *
 * One slot a process, one writer a slot, 64-bit counters written with
 * relaxed atomics: a reader sees each counter whole. Each slot lies in a page
 * of its own, and a process can write that page alone. The header says the
 * layout and holds the names, so a reader of another version still reads.
 * Each slot also keeps its writer's boot id and last event sequence number,
 * from which the parent tells what a killed writer took with it.
 */
#ifndef STAT_H
#define STAT_H

#include <stdint.h>

enum stat_id {
#define COUNTER(id, name, doc) ST_##id,
#include "stat.def"
#undef COUNTER
	ST_COUNT
};

#define STAT_SLOTS 64
#define STAT_PAGE 4096
#define STAT_MAGIC UINT64_C(0x3154415444415453) /* "STADTAT1" */

struct stat_slot {
	char prog[32];
	uint64_t pid; /* 0: nobody */
	uint64_t seq; /* last event made by this boot */
	uint64_t seq_written; /* last one that the file has */
	char boot[40]; /* hex */
	uint64_t counter[64];
	char pad[STAT_PAGE - 608];
};

struct stat_file {
	uint64_t magic;
	uint32_t slots, counters, slot_size, name_size;
	int64_t started; /* wall microseconds */
	char name[64][32];
	struct stat_slot slot[STAT_SLOTS];
};

const char *stat_name(enum stat_id);
const char *stat_doc(enum stat_id);

/* Size and name a new file; negative errno on failure. */
int stat_create(int fd);
/* Map it; NULL when it is none of ours or the map fails. */
struct stat_file *stat_map(int fd, int is_writer);
void stat_unmap(struct stat_file *);
/* One slot, to write; it stays mapped. NULL when the map fails. */
struct stat_slot *stat_map_slot(int fd, uint32_t slot);
/* Sum over all slots; gauges too, as each has one writer. */
uint64_t stat_sum(const struct stat_file *, enum stat_id);

static inline void
stat_add(struct stat_slot *s, enum stat_id id, int64_t n)
{
	if (s != 0)
		__atomic_store_n(&s->counter[id], s->counter[id] + (uint64_t)n,
		    __ATOMIC_RELAXED);
}

static inline void
stat_set(struct stat_slot *s, enum stat_id id, uint64_t v)
{
	if (s != 0)
		__atomic_store_n(&s->counter[id], v, __ATOMIC_RELAXED);
}

#endif
