#include "record.h"

#include <errno.h>
#include <string.h>

#include "crc32c.h"
#include "wire.h"

static const char magic[8] = "MTADSEG1";

void
segment_head_put(unsigned char p[SEGMENT_HEAD], const struct segment_head *h)
{
	memset(p, 0, SEGMENT_HEAD);
	memcpy(p, magic, sizeof(magic));
	set_le32(p + 8, SPOOL_FORMAT);
	set_le32(p + 12, h->kind);
	set_le32(p + 16, h->tag);
	set_le32(p + 20, h->seg);
	set_le64(p + 24, h->salt);
	set_le64(p + 32, (uint64_t)h->created);
	set_le32(p + SEGMENT_HEAD - 4, crc32c(0, p, SEGMENT_HEAD - 4));
}

int
segment_head_get(const unsigned char p[SEGMENT_HEAD], struct segment_head *ret)
{
	if (memcmp(p, magic, sizeof(magic)) != 0 ||
	    le32(p + SEGMENT_HEAD - 4) != crc32c(0, p, SEGMENT_HEAD - 4))
		return -EBADMSG;
	if (le32(p + 8) > SPOOL_FORMAT)
		return -EPROTONOSUPPORT;
	*ret = (struct segment_head){
		.kind = (enum segment_kind)le32(p + 12),
		.tag = le32(p + 16),
		.seg = le32(p + 20),
		.salt = le64(p + 24),
		.created = (int64_t)le64(p + 32),
	};
	return 0;
}

void
record_head_put(
    unsigned char p[RECORD_HEAD], uint64_t salt, const struct record_head *h)
{
	memset(p, 0, RECORD_HEAD);
	set_le64(p, salt);
	set_le32(p + 8, h->id.tag);
	set_le32(p + 12, h->id.seg);
	set_le32(p + 16, h->id.rec);
	set_le32(p + 20, h->envelope);
	set_le32(p + 24, h->payload);
	set_le32(p + 28, h->payload_crc);
	set_le64(p + 32, h->body_file);
	set_le32(p + 44, h->is_first);
	set_le32(p + RECORD_HEAD - 4, crc32c(0, p, RECORD_HEAD - 4));
}

bool
record_head_get(
    const unsigned char p[RECORD_HEAD], uint64_t salt, struct record_head *ret)
{
	if (le64(p) != salt ||
	    le32(p + RECORD_HEAD - 4) != crc32c(0, p, RECORD_HEAD - 4))
		return false;
	*ret = (struct record_head){
		.id = { le32(p + 8), le32(p + 12), le32(p + 16) },
		.envelope = le32(p + 20),
		.payload = le32(p + 24),
		.payload_crc = le32(p + 28),
		.body_file = le64(p + 32),
		.is_first = le32(p + 44) & 1,
	};
	return ret->envelope <= ret->payload;
}

size_t
record_size(size_t payload)
{
	return (RECORD_HEAD + payload + RECORD_ALIGN - 1) &
	    ~(size_t)(RECORD_ALIGN - 1);
}
