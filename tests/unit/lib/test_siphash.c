/* siphash: against the reference's own vectors, and case folded as text. */
#include <stdint.h>
#include <string.h>

#include "siphash.h"
#include "slice.h"
#include "unit.h"

/* Key 00 01 .. 0f, bytes 00 01 .. of this length: SipHash-1-3. */
static const struct {
	size_t n;
	uint64_t hash;
} vectors[] = {
	{ 0, UINT64_C(0xabac0158050fc4dc) },
	{ 1, UINT64_C(0xc9f49bf37d57ca93) },
	{ 7, UINT64_C(0xd3927d989bb11140) },
	{ 8, UINT64_C(0x369095118d299a8e) },
	{ 15, UINT64_C(0xd320d86d2a519956) },
};

static uint64_t
hash_of(const struct siphash_key *key, const char *text)
{
	return siphash_text(key, text, strlen(text));
}

START_TEST(it_is_siphash_1_3)
{
	struct siphash_key key = { { UINT64_C(0x0706050403020100),
	    UINT64_C(0x0f0e0d0c0b0a0908) } };
	unsigned char in[64];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	ck_assert_uint_eq(siphash(&key, in, vectors[_i].n), vectors[_i].hash);
}
END_TEST

/* Every byte, at every place of a word. */
START_TEST(only_the_case_of_letters_does_not_count)
{
	struct siphash_key key;
	char a[20], b[20];

	siphash_draw(&key);
	for (int at = 0; at < 20; at++)
		for (int c = 0; c < 256; c++)
			for (int d = 0; d < 256; d++) {
				bool same = ascii_lower((char)c) ==
				    ascii_lower((char)d);

				memset(a, 'x', sizeof(a));
				memset(b, 'X', sizeof(b));
				a[at] = (char)c;
				b[at] = (char)d;
				ck_assert(
				    (siphash_text(&key, a, 20) ==
					siphash_text(&key, b, 20)) == same);
			}
	ck_assert(hash_of(&key, "a") != hash_of(&key, "aa"));
}
END_TEST

START_TEST(another_key_is_another_hash)
{
	struct siphash_key a, b;

	siphash_draw(&a);
	siphash_draw(&b);
	ck_assert(hash_of(&a, "example.com") != hash_of(&b, "example.com"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("siphash");
	TCase *tc = tcase_create("siphash");

	tcase_add_loop_test(tc, it_is_siphash_1_3, 0, ROWS(vectors));
	tcase_add_test(tc, only_the_case_of_letters_does_not_count);
	tcase_add_test(tc, another_key_is_another_hash);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
