/* What people are told, in two languages: the same values in the same order, and which language. */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/core/bytes.h"
#include "engine/core/messages.h"
#include "engine/core/utf8.h"

/* The conversions of a format, one after another: "%s%d". */
static void conversions(const char *format, char out[64])
{
	size_t n = 0;
	for (const char *at = format; (at = strchr(at, '%')); at++) {
		if (at[1] == '%') {
			at++;
			continue;
		}
		size_t size = strcspn(at, "sdu") + 1;
		cr_assert_lt(n + size, 64);
		memcpy(out + n, at, size);
		n += size;
	}
	out[n] = '\0';
}

Test(messages, both_languages_take_the_same_values_in_the_same_order)
{
	for (unsigned i = 0; i < MESSAGE_COUNT; i++) {
		char english[64], chinese[64];
		const char *zh = message_format((enum message)i, LANGUAGE_CHINESE);
		conversions(message_format((enum message)i, LANGUAGE_ENGLISH), english);
		conversions(zh, chinese);
		cr_expect_str_eq(english, chinese, "%s", message_format((enum message)i, LANGUAGE_ENGLISH));
		cr_expect(utf8_printable(span_of_string(zh)) && *zh);
	}
}

Test(messages, are_said_in_every_language)
{
	struct message_texts said;
	message_say(&said, MESSAGE(SAID_IN_LINE, "hold", 7u), "hold", 7u);
	cr_expect_str_eq(said.in[LANGUAGE_ENGLISH], "hold: said already in line 7");
	cr_expect_str_eq(said.in[LANGUAGE_CHINESE], "hold: 第 7 行已写过");
}

Test(messages, what_is_too_long_is_cut_between_characters)
{
	char long_name[600];
	struct message_texts said;
	for (size_t shift = 0; shift < 3; shift++) {
		memset(long_name, 'a', shift);
		for (size_t i = shift; i + 3 < sizeof long_name; i += 3)
			memcpy(long_name + i, "渣", 4);
		message_say(&said, MESSAGE(NO_KIND, long_name), long_name);
		for (unsigned i = 0; i < LANGUAGE_COUNT; i++) {
			cr_expect(utf8_valid(span_of_string(said.in[i])));
			cr_expect_gt(strlen(said.in[i]), MESSAGE_TEXT_MAX - 4);
		}
	}
}

Test(messages, the_language_is_that_of_the_environment)
{
	cr_expect_eq(language_of(NULL), LANGUAGE_ENGLISH);
	cr_expect_eq(language_of("zh_CN.UTF-8"), LANGUAGE_CHINESE);
	cr_expect_eq(language_of("zh-Hans"), LANGUAGE_CHINESE);
	cr_expect_eq(language_of("zh"), LANGUAGE_CHINESE);
	cr_expect_eq(language_of("zha"), LANGUAGE_ENGLISH);
	cr_expect_eq(language_of("C"), LANGUAGE_ENGLISH);
	char *const none[] = {"LANGUAGE=zh", NULL}, *const one[] = {"LANG=zh_CN.UTF-8", "LC_ALL=", NULL},
		    *const over[] = {"LANG=zh_CN.UTF-8", "LC_ALL=C", NULL};
	cr_expect_eq(language_of_environment(NULL), LANGUAGE_ENGLISH);
	cr_expect_eq(language_of_environment(none), LANGUAGE_ENGLISH);
	cr_expect_eq(language_of_environment(one), LANGUAGE_CHINESE);
	cr_expect_eq(language_of_environment(over), LANGUAGE_ENGLISH);
}
