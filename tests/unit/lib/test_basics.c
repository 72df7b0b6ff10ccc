/* buf, slice, wire, map, heap, msgid, crc32c, clock: the ground. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "crc32c.h"
#include "heap.h"
#include "map.h"
#include "msgid.h"
#include "unit.h"
#include "wire.h"

START_TEST(a_buffer_meets_its_ceiling)
{
	struct buf b;

	buf_init(&b, 10);
	buf_adds(&b, "0123456789");
	ck_assert(!b.bad);
	buf_addc(&b, 'x');
	ck_assert(b.bad);
	ck_assert_str_eq(b.data, "0123456789");
	ck_assert_ptr_null(buf_take(&b));
	buf_release(&b);
}
END_TEST

START_TEST(a_buffer_gives_its_bytes_away)
{
	struct buf b;
	char *p;

	buf_init(&b, 100);
	buf_addf(&b, "%d-%s", 7, "x");
	buf_drop(&b, 2);
	p = buf_take(&b);
	ck_assert_str_eq(p, "x");
	ck_assert_uint_eq(b.len, 0);
	free(p);
	buf_release(&b);
}
END_TEST

static const struct {
	const char *text;
	uint64_t max, value;
	bool ok;
} numbers[] = {
	{ "0", 10, 0, true },
	{ "10", 10, 10, true },
	{ "11", 10, 0, false },
	{ "", 10, 0, false },
	{ "1a", 99, 0, false },
	{ "18446744073709551615", UINT64_MAX, UINT64_MAX, true },
	{ "18446744073709551616", UINT64_MAX, 0, false },
};

START_TEST(numbers_are_read_exactly)
{
	uint64_t v = 0;

	ck_assert(slice_u64(slice_of(numbers[_i].text), numbers[_i].max, &v) ==
	    numbers[_i].ok);
	if (numbers[_i].ok)
		ck_assert_uint_eq(v, numbers[_i].value);
}
END_TEST

START_TEST(wire_reads_what_it_wrote_and_no_more)
{
	struct buf b;
	struct rd r;

	buf_init(&b, 1000);
	put_u8(&b, 1);
	put_u16(&b, 0x1234);
	put_u64(&b, UINT64_MAX - 1);
	put_str(&b, SLICE("abc"));
	r = rd_of(buf_slice(&b));
	ck_assert_uint_eq(get_u8(&r), 1);
	ck_assert_uint_eq(get_u16(&r), 0x1234);
	ck_assert(get_u64(&r) == UINT64_MAX - 1);
	ck_assert(slice_eq(get_str(&r), SLICE("abc")));
	ck_assert(rd_end(&r) && !r.bad);
	ck_assert_uint_eq(get_u32(&r), 0);
	ck_assert(r.bad);
	/* a length that lies */
	set_le32(b.data + 11, 1000);
	r = rd_of(buf_slice(&b));
	get_raw(&r, 11);
	ck_assert_uint_eq(get_str(&r).n, 0);
	ck_assert(r.bad);
	buf_release(&b);
}
END_TEST

struct entry {
	uint64_t key;
};

static uint64_t
hash(const void *e)
{
	return ((const struct entry *)e)->key / 3; /* many collide */
}

static bool
is(const void *e, const void *key)
{
	return ((const struct entry *)e)->key == *(const uint64_t *)key;
}

START_TEST(a_map_finds_what_is_in_it)
{
	static struct entry v[1000];
	struct map m;
	size_t pos = 0, n = 0;

	map_init(&m, hash, is);
	for (uint64_t i = 0; i < 1000; i++) {
		v[i].key = i;
		ck_assert_int_eq(map_add(&m, &v[i]), 0);
	}
	for (uint64_t i = 0; i < 1000; i += 2)
		map_del(&m, &v[i]);
	for (uint64_t i = 0; i < 1000; i++)
		ck_assert_ptr_eq(map_find(&m, i / 3, &i),
		    i % 2 ? (void *)&v[i] : NULL);
	while (map_next(&m, &pos) != NULL)
		n++;
	ck_assert_uint_eq(n, 500);
	map_release(&m);
}
END_TEST

START_TEST(a_heap_gives_the_least)
{
	static struct heap_node v[200];
	struct heap h;
	uint64_t last = 0;
	struct heap_node *x;

	heap_init(&h);
	for (int i = 0; i < 200; i++) {
		v[i].key = (uint64_t)(i * 7919 % 211);
		ck_assert_int_eq(heap_add(&h, &v[i]), 0);
	}
	for (int i = 0; i < 200; i += 3)
		heap_del(&h, &v[i]);
	while ((x = heap_min(&h)) != NULL) {
		ck_assert(x->key >= last);
		last = x->key;
		heap_del(&h, x);
	}
	heap_release(&h);
}
END_TEST

START_TEST(an_id_keeps_its_parts)
{
	struct msgid a = { MSGID_TAG_MAX, 12345, MSGID_REC_MAX }, b;
	char text[MSGID_TEXT + 1];

	msgid_text(a, text);
	ck_assert_uint_eq(strlen(text), MSGID_TEXT);
	ck_assert(msgid_parse(slice_of(text), &b));
	ck_assert(msgid_eq(a, b));
	ck_assert(!msgid_parse(SLICE("short"), &b));
	ck_assert(!msgid_parse(SLICE("0000000000000!"), &b));
}
END_TEST

START_TEST(the_checksum_is_castagnolis)
{
	/* RFC 3720 appendix B.4 */
	unsigned char zeros[32] = { 0 }, ones[32];

	memset(ones, 0xff, sizeof(ones));
	ck_assert_uint_eq(crc32c(0, zeros, 32), 0x8a9136aau);
	ck_assert_uint_eq(crc32c(0, ones, 32), 0x62a8ab43u);
	ck_assert_uint_eq(crc32c(crc32c(0, zeros, 5), zeros + 5, 27),
	    0x8a9136aau);
}
END_TEST

START_TEST(times_are_written_as_the_rfcs_say)
{
	struct buf b;

	buf_init(&b, 100);
	clock_rfc3339(&b, 1795521600 * US_SEC + 42);
	ck_assert_str_eq(b.data, "2026-11-24T12:00:00.000042Z");
	buf_clear(&b);
	clock_span(&b, 2 * US_HOUR + 30 * US_MIN);
	ck_assert_str_eq(b.data, "2h30m");
	buf_release(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("basics");
	TCase *tc = tcase_create("core");

	tcase_add_test(tc, a_buffer_meets_its_ceiling);
	tcase_add_test(tc, a_buffer_gives_its_bytes_away);
	tcase_add_loop_test(tc, numbers_are_read_exactly, 0, ROWS(numbers));
	tcase_add_test(tc, wire_reads_what_it_wrote_and_no_more);
	tcase_add_test(tc, a_map_finds_what_is_in_it);
	tcase_add_test(tc, a_heap_gives_the_least);
	tcase_add_test(tc, an_id_keeps_its_parts);
	tcase_add_test(tc, the_checksum_is_castagnolis);
	tcase_add_test(tc, times_are_written_as_the_rfcs_say);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
