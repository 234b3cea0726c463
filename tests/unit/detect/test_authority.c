/* Names of authorities: by token or in Chinese, and lists of them. */
#include <criterion/criterion.h>

#include "engine/detect/authority.h"
#include "unit/detect/rules_rig.h"

static void expect_list(const char *written, const char *held)
{
	struct buf out = buf_init(4096);
	cr_assert_eq(authority_list(span_of_string(written), &out), STATUS_OK);
	cr_expect(span_equal(buf_view(&out), span_of_string(held)), "%s: %.*s", written, (int)out.size,
		  (char *)out.data);
	buf_deinit(&out);
}

Test(authority, tokens_and_names_are_the_same)
{
	for (unsigned a = 0; a < AUTHORITY_COUNT; a++) {
		cr_expect_eq(authority_find(span_of_string(authority_token(a))), a);
		cr_expect_eq(authority_find(span_of_string(authority_chinese(a))), a);
	}
	cr_expect_eq(authority_find(span_of_string("")), AUTHORITY_COUNT);
	cr_expect_eq(authority_find(span_of_string("traffic")), AUTHORITY_COUNT);
	cr_expect_str_eq(authority_token(AUTHORITY_COUNT + 7), "");
}

Test(authority, a_list_is_held_by_names_and_keeps_what_it_does_not_know)
{
	expect_list("渣土办, 城管", "渣土办, 城管");
	expect_list("muck_office,urban_management ,\t某某局", "渣土办, 城管, 某某局");
	expect_list("", "");
	expect_list(" , ,", "");
	struct buf tiny = buf_init(4);
	cr_expect_eq(authority_list(span_of_string("forestry"), &tiny), STATUS_FULL);
	buf_deinit(&tiny);
}

Test(authority, is_listed_whole_and_by_either_name)
{
	struct span list = span_of_string("渣土办, fire_rescue, 某某局");
	cr_expect(authority_listed(list, span_of_string("muck_office")));
	cr_expect(authority_listed(list, span_of_string("消防救援")));
	cr_expect(authority_listed(list, span_of_string("某某局")));
	cr_expect_not(authority_listed(list, span_of_string("渣土")));
	cr_expect_not(authority_listed(list, span_of_string("")));
	cr_expect_not(authority_listed(span_of_string(""), span_of_string("")));
}

#define RULE_OF(authority) "[x]\nkind = cover\ntitle = a | b\nsource = s\nauthority = " authority "\n"

/* A book that was written before there were tokens is the same book. */
Test(authority, a_rule_means_the_same_by_token_and_by_name)
{
	struct rules_read old = rules_read(span_of_string(RULE_OF("渣土办, 城管")));
	struct rules_read new = rules_read(span_of_string(RULE_OF("muck_office, urban_management")));
	cr_assert(old.book && new.book);
	cr_expect_str_eq(new.book->rules[0].authority, "渣土办, 城管");
	cr_expect_eq(old.book->rules[0].version, new.book->rules[0].version);
	rules_read_deinit(&old);
	rules_read_deinit(&new);
}
