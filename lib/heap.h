/*
 * heap: a binary min-heap of nodes embedded in the caller's structs.
 *
 * A node knows its place, so that it can be taken out of the middle; a node
 * in no heap has at == 0. Keys are any unsigned time.
 */
#ifndef HEAP_H
#define HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
	uint64_t key;
	size_t at; /* 1-based place, 0: in no heap */
};

struct heap {
	struct heap_node **v; /* private */
	size_t n, cap;
};

void heap_init(struct heap *);
void heap_release(struct heap *);
/* 0 or -ENOMEM. The node must be in no heap; its key is set before. */
int heap_add(struct heap *, struct heap_node *);
void heap_del(struct heap *, struct heap_node *); /* fine when not in */
struct heap_node *heap_min(const struct heap *); /* NULL when empty */

#endif
