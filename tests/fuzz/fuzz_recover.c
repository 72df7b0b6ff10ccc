/*
 * A spool of any bytes: recovery reads a checkpoint, a segment and a journal
 * that a disk, another version or a broken mtad-smtpd left. The input says
 * how long each is; salts and checksums are put right here (but where the
 * input says "damaged"), so that what lies behind them is reached.
 *
 *	u16 n, n bytes: checkpoint, without magic and checksum
 *	u16 n, n bytes: segment 1, without its head
 *	the rest: journal 1, without its head
 */
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "queue_world.h"
#include "record.h"

#define TAG 7
#define SALT UINT64_C(0x1122334455667788)
#define PLACE 16 /* in a checkpoint: u64 journal file */
#define JOURNAL_HEAD 64
#define ENTRY_HEAD 16
#define ENTRY_ENDS 20

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int __wrap_file_pwrite_all(int fd, const void *, size_t, off_t);
int __real_file_pwrite_all(int fd, const void *, size_t, off_t);

/* Each new journal file is 16 MiB of zeros: nothing else would be done. */
int
__wrap_file_pwrite_all(int fd, const void *p, size_t n, off_t at)
{
	return n == 1 << 16 ? 0 : __real_file_pwrite_all(fd, p, n, at);
}

static struct slice
cut(struct slice *rest)
{
	size_t n = rest->n < 2 ? 0
			       : (unsigned char)rest->p[0] +
		(size_t)(unsigned char)rest->p[1] * 256;
	struct slice s = slice_sub(*rest, 2, 2 + n);

	*rest = slice_sub(*rest, 2 + n, rest->n);
	return s;
}

static void
put_checkpoint(struct world *w, struct slice s)
{
	struct buf b;

	if (s.n == 0)
		return;
	buf_init(&b, 1 << 20);
	buf_adds(&b, "MTADCKP1");
	buf_add_slice(&b, s);
	/* a start looks for every journal file below this number */
	if (b.len >= PLACE + 8)
		set_le64(b.data + PLACE, le64(b.data + PLACE) % 4);
	put_u32(&b, crc32c(0, b.data, b.len));
	world_put(w, W_CHECKPOINT, "000000000001", buf_slice(&b));
	buf_release(&b);
}

static void
put_segment(struct world *w, struct slice s)
{
	struct segment_head h = { .tag = TAG,
		.seg = 1,
		.salt = SALT,
		.kind = s.n != 0 && s.p[0] & 1 ? SEGMENT_COPY : SEGMENT_SMTPD };
	unsigned char head[SEGMENT_HEAD];
	struct buf b;

	segment_head_put(head, &h);
	if (s.n != 0 && s.p[0] & 0x40)
		head[0] ^= 1; /* what it says is in the first record, too */
	buf_init(&b, 1 << 20);
	buf_add(&b, head, sizeof(head));
	buf_add_slice(&b, slice_sub(s, 1, s.n));
	for (size_t at = SEGMENT_HEAD; at + RECORD_HEAD < b.len;) {
		char *rec = b.data + at;
		uint32_t n = le32(rec + 24);

		if (n > b.len - at - RECORD_HEAD)
			n = (uint32_t)(b.len - at - RECORD_HEAD);
		set_le64(rec, SALT);
		set_le32(rec + 24, n);
		set_le32(rec + 28, crc32c(0, rec + RECORD_HEAD, n));
		if (rec[40] == 0) /* else: damaged */
			set_le32(rec + RECORD_HEAD - 4,
			    crc32c(0, rec, RECORD_HEAD - 4));
		at += record_size(n);
	}
	world_put(w, W_SEGMENT, "0000000001", buf_slice(&b));
	buf_release(&b);
}

static void
seal_entries(struct buf *b)
{
	unsigned char salt[8];

	set_le64(salt, SALT);
	for (size_t at = JOURNAL_HEAD; at + ENTRY_ENDS <= b->len;) {
		char *rec = b->data + at;
		uint32_t n = le32(rec);

		if (n > b->len - at - ENTRY_ENDS)
			n = (uint32_t)(b->len - at - ENTRY_ENDS);
		set_le32(rec, n);
		set_le32(rec + ENTRY_HEAD + n,
		    crc32c(crc32c(0, salt, 8), rec, ENTRY_HEAD + n));
		at += (ENTRY_ENDS + n + 7) & ~(size_t)7;
	}
}

static void
put_journal(struct world *w, struct slice s)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_adds(&b, "MTADJRN1");
	put_u64(&b, SPOOL_FORMAT);
	put_u64(&b, 1);
	put_u64(&b, SALT);
	put_u64(&b, 1);
	while (b.len < JOURNAL_HEAD - 4)
		put_u8(&b, 0);
	put_u32(&b, crc32c(0, b.data, b.len));
	buf_add_slice(&b, s);
	seal_entries(&b);
	world_put(w, W_JOURNAL, "000000000001", buf_slice(&b));
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice rest = { (const char *)p, n };
	static struct world *w;
	struct index_walk walk;
	struct msg *m;

	if (w == NULL)
		w = world_new();
	put_checkpoint(w, cut(&rest));
	put_segment(w, cut(&rest));
	put_journal(w, rest);
	if (world_start(w) < 0)
		abort(); /* whatever lies there, the queue opens */
	walk_start(&w->q.index, &walk);
	while ((m = walk_next(&walk)) != NULL)
		if (m->segment == NULL || m->segment->live == 0)
			abort(); /* its segment could be removed */
	walk_stop(&walk);
	world_end(w);
	return 0;
}
