/* The rules shipped with the program. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/detect/rules.h"

static void show(void *context, const struct rule_mistake *m)
{
	(void)context;
	fprintf(stderr, "default.rules:%u: %s\n", m->line, m->text);
}

static struct rulebook *shipped(void)
{
	struct rulebook *b = NULL;
	cr_assert_eq(rulebook_parse(rules_default(), show, NULL, &b), STATUS_OK);
	return b;
}

Test(rules_default, are_without_mistake)
{
	struct rulebook *b = shipped();
	struct buf text = buf_init(1 << 20);
	cr_assert_eq(b->count, 49);
	cr_assert_eq(rulebook_print(b, &text), STATUS_OK);
	buf_deinit(&text);
	rulebook_unref(b);
}
