/*
 * crc32c: the Castagnoli checksum (RFC 3720 appendix B.4), with the
 * processor's instruction where there is one.
 */
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Start with crc = 0; feed the result back in to go on. */
uint32_t crc32c(uint32_t crc, const void *, size_t);

#endif
