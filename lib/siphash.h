/*
 * siphash: a hash of bytes under a key (SipHash-1-3, Aumasson and Bernstein
 * 2012). Who does not know the key cannot find bytes that fall together, nor
 * the hash of bytes that he chose: for tables that strangers fill, and for
 * short tags that prove that something came from us.
 */
#ifndef SIPHASH_H
#define SIPHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k[2];
};

/* From the kernel's random source. */
void siphash_draw(struct siphash_key *);
uint64_t siphash(const struct siphash_key *, const void *, size_t);
/* The same of text in which the case of ASCII letters does not count. */
uint64_t siphash_text(const struct siphash_key *, const char *, size_t);

#endif
