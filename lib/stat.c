#include "stat.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

static const struct {
	const char *name, *doc;
} counters[ST_COUNT] = {
#define COUNTER(id, name, doc) [ST_##id] = { name, doc },
#include "stat.def"
#undef COUNTER
};

_Static_assert(ST_COUNT <= 64, "the mapped file holds 64 counters a slot");
_Static_assert(sizeof(struct stat_slot) == STAT_PAGE, "a slot has a page");
_Static_assert(offsetof(struct stat_file, slot) + 608 <= STAT_PAGE,
    "and no other's is in it");

const char *
stat_name(enum stat_id id)
{
	return counters[id].name;
}

const char *
stat_doc(enum stat_id id)
{
	return counters[id].doc;
}

int
stat_create(int fd)
{
	struct stat_file *f;

	if (ftruncate(fd, sizeof(*f)) < 0)
		return -errno;
	f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (f == MAP_FAILED)
		return -errno;
	f->slots = STAT_SLOTS;
	f->counters = ST_COUNT;
	f->slot_size = sizeof(struct stat_slot);
	f->name_size = sizeof(f->name[0]);
	f->started = clock_wall();
	for (int i = 0; i < ST_COUNT; i++)
		strncpy(f->name[i], counters[i].name, sizeof(f->name[i]) - 1);
	__atomic_store_n(&f->magic, STAT_MAGIC, __ATOMIC_RELEASE);
	munmap(f, sizeof(*f));
	return 0;
}

struct stat_file *
stat_map(int fd, int is_writer)
{
	int prot = is_writer ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat_file *f;
	struct stat st;

	if (fstat(fd, &st) < 0 || (size_t)st.st_size < sizeof(*f))
		return NULL;
	f = mmap(NULL, sizeof(*f), prot, MAP_SHARED, fd, 0);
	if (f == MAP_FAILED)
		return NULL;
	if (__atomic_load_n(&f->magic, __ATOMIC_ACQUIRE) != STAT_MAGIC ||
	    f->slot_size != sizeof(struct stat_slot)) {
		munmap(f, sizeof(*f));
		return NULL;
	}
	return f;
}

void
stat_unmap(struct stat_file *f)
{
	if (f != NULL)
		munmap(f, sizeof(*f));
}

/* The slots begin within a page, each at the same place of its own. */
struct stat_slot *
stat_map_slot(int fd, uint32_t slot)
{
	char *page;

	if (slot >= STAT_SLOTS)
		return NULL;
	page = mmap(NULL, STAT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    (off_t)slot * STAT_PAGE);
	if (page == MAP_FAILED)
		return NULL;
	return (struct stat_slot *)(page + offsetof(struct stat_file, slot));
}

uint64_t
stat_sum(const struct stat_file *f, enum stat_id id)
{
	uint64_t sum = 0;

	for (int i = 0; i < STAT_SLOTS; i++)
		sum +=
		    __atomic_load_n(&f->slot[i].counter[id], __ATOMIC_RELAXED);
	return sum;
}
