#include <stdlib.h>

#include "bench/sim/scene_table.h"
#include "scene_helpers.h"

#define BOTH "scene a\n breaks one two\nscene b\n keeps one two\n"

/* Mistakes; the table in `*text`, to be freed. */
static size_t table(const char *scenes, const char *rules, char **text)
{
	struct scene_book b = book_of(scenes);
	size_t size = 0;
	FILE *out = open_memstream(text, &size);
	size_t wrong = scene_table_print(&b, rules, strlen(rules), out);
	fclose(out);
	scene_book_deinit(&b);
	return wrong;
}

Test(scene_table, rows_are_in_order_with_their_scenes)
{
	char *text;
	cr_expect_eq(table(BOTH, "[inputs]\nload = x\n[one]\nrows = A10 B2\n# rows = Z9\n[two]\nkind = x\nrows = A9\n",
			   &text),
		     0);
	cr_expect_str_eq(text, "| row | rule | broken by | kept by |\n| --- | --- | --- | --- |\n"
			       "| A9 | two | a | b |\n| A10 | one | a | b |\n| B2 | one | a | b |\n");
	free(text);
}

Test(scene_table, a_rule_without_a_breaking_or_keeping_scene_is_a_mistake)
{
	char *text;
	cr_expect_eq(table("scene a\n breaks one\n", "[one]\nrows = A1\n", &text), 1);
	cr_expect(strstr(text, "| A1 | one | a | - |"));
	free(text);
	cr_expect_eq(table("scene a\n keeps one\n", "[one]\nrows = A1\n", &text), 1);
	cr_expect(strstr(text, "| A1 | one | - | a |"));
	free(text);
	cr_expect_eq(table(BOTH, "[one]\n[two]\n[three]\n", &text), 1);
	cr_expect(strstr(text, "| - | three | - | - |"));
	free(text);
}

Test(scene_table, a_name_that_is_no_rule_is_a_mistake)
{
	char *text;
	cr_expect_eq(table(BOTH, "[one]\nrows = A1\n", &text), 2);
	cr_expect(strstr(text, "b names two, which is no rule"));
	free(text);
	cr_expect_eq(table("", "", &text), 1, "no rules at all");
	free(text);
}
