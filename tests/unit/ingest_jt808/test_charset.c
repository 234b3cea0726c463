#include <criterion/criterion.h>
#include <jansson.h>
#include <pthread.h>

#include "engine/core/charset.h"

static void check(const char *gbk, size_t size, const char *expected)
{
	char out[256];
	size_t n = charset_gbk_to_utf8(span_of(gbk, size), out, sizeof out);
	cr_assert_str_eq(out, expected);
	cr_assert_eq(n, strlen(expected));
}
#define CHECK(gbk, expected) check(gbk, sizeof(gbk) - 1, expected)

Test(charset, gbk_becomes_utf8)
{
	CHECK("\xb2\xe2"
	      "A888888",
	      "测A888888");
	CHECK("", "");
	CHECK("plain", "plain");
}

Test(charset, a_four_byte_character_of_gb18030_is_text_too)
{
	CHECK("\x81\x39\xef\x30", "\xe3\x90\x81");     /* U+3401 */
	CHECK("\x95\x32\x82\x36", "\xf0\xa0\x80\x80"); /* U+20000 */
}

Test(charset, padding_on_either_side_is_trimmed_and_a_nul_ends_the_text)
{
	CHECK("\0\0 \0text \0", "text");
	CHECK("  a b  ", "a b");
	CHECK("ab\0\xff\xff", "ab");
	CHECK("\0\0\0", "");
}

Test(charset, invalid_bytes_become_replacement_characters_and_the_rest_stays)
{
	CHECK("a\xff"
	      "b",
	      "a\xef\xbf\xbd"
	      "b");
	CHECK("\xb2", "\xef\xbf\xbd"); /* cut in the middle */
	CHECK("x\x81\x30", "x\xef\xbf\xbd"
			   "0"); /* cut in four bytes */
	CHECK("\xb2\x20"
	      "c",
	      "\xef\xbf\xbd c");
}

Test(charset, text_is_cut_between_characters)
{
	char out[6];
	cr_assert_eq(charset_gbk_to_utf8(span_of("\xb2\xe2\xb2\xe2", 4), out, sizeof out), 3);
	cr_assert_str_eq(out, "测");
	cr_assert_eq(charset_gbk_to_utf8(span_of("\xff\xff", 2), out, 4), 3);
	cr_assert_eq(charset_gbk_to_utf8(span_of("abc", 3), out, 1), 0);
	cr_assert_str_eq(out, "");
}

Test(charset, every_two_bytes_convert_to_text_that_json_takes)
{
	for (unsigned pair = 0; pair < 65536; pair++) {
		uint8_t bytes[4] = {(uint8_t)(pair >> 8), (uint8_t)pair, 0x84, 0x31};
		char out[CHARSET_UTF8_ROOM(4)];
		size_t n = charset_gbk_to_utf8(span_of(bytes, sizeof bytes), out, sizeof out);
		json_t *text = json_stringn(out, n);
		cr_assert_not_null(text, "%04x", pair);
		json_decref(text);
	}
}

Test(charset, utf8_becomes_gbk_and_comes_back)
{
	static const char *const texts[] = {"", "闽C12345", "泉州市 Quanzhou", "\xf0\xa0\x80\x80"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct buf gbk = buf_init(256);
		char back[256];
		cr_assert_eq(charset_utf8_to_gbk(span_of_string(texts[i]), &gbk), STATUS_OK);
		charset_gbk_to_utf8(buf_view(&gbk), back, sizeof back);
		cr_assert_str_eq(back, texts[i]);
		buf_deinit(&gbk);
	}
}

Test(charset, what_is_no_utf8_becomes_a_question_mark)
{
	struct buf gbk = buf_init(256);
	cr_assert_eq(charset_utf8_to_gbk(span_of("a\xff"
						 "b\xe6\xb5",
						 5),
					 &gbk),
		     STATUS_OK);
	cr_assert(span_equal(buf_view(&gbk), span_of_string("a?b?")));
	buf_deinit(&gbk);
}

Test(charset, a_full_buffer_stays_as_it_was)
{
	struct buf gbk = buf_init(3);
	cr_assert_eq(charset_utf8_to_gbk(span_of_string("测测"), &gbk), STATUS_FULL);
	cr_assert_eq(gbk.size, 0);
	buf_deinit(&gbk);
}

static void *convert_much(void *unused)
{
	for (int i = 0; i < 2000; i++)
		CHECK("\xc8\xaa\xd6\xdd", "泉州");
	return unused;
}

Test(charset, threads_convert_side_by_side)
{
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, convert_much, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}
