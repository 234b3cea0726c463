#include <criterion/criterion.h>

#include "engine/core/utf8.h"

static bool valid(const char *text)
{
	return utf8_valid(span_of_string(text));
}

Test(utf8, takes_text_of_every_length)
{
	cr_assert(valid(""));
	cr_assert(valid("plain"));
	cr_assert(valid("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
	cr_assert(valid("闽C12345 渣土车"));
}

Test(utf8, refuses_over_long_forms_surrogates_and_cut_sequences)
{
	static const char *const bad[] = {"\x80",         "\xc0\xaf",         "\xc1\xbf",         "\xe0\x9f\xbf",
					  "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
					  "\xe4\xb8",     "\xe4\xb8x",        "\xf0\x9f\x98",     "\xc3\xf6\xff"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_not(valid(bad[i]), "sequence %zu", i);
}

Test(utf8, printable_text_has_no_control_characters)
{
	cr_assert(utf8_printable(span_of_string("泉州 8号")));
	cr_assert_not(utf8_printable(span_of_string("a\nb")));
	cr_assert_not(utf8_printable(span_of_string("a\x7f")));
	cr_assert_not(utf8_printable(span_of_string("a\xc2\x9b"
						    "b")));
	cr_assert_not(utf8_printable(span_of("a\0b", 3)));
	cr_assert(utf8_printable(span_of_string("\xc2\xa0")));
}
