#include "unit/detect/rules_rig.h"

#include <criterion/criterion.h>

static void gather(void *context, const struct rule_mistake *m)
{
	cr_assert_eq(buf_printf(context, "%u: %s\n", m->line, m->text), STATUS_OK);
}

struct rules_read rules_read(struct span text)
{
	struct rules_read r = {.mistakes = buf_init(1 << 20)};
	r.status = rulebook_parse(text, gather, &r.mistakes, &r.book);
	cr_assert_eq(buf_append_u8(&r.mistakes, 0), STATUS_OK);
	return r;
}

void rules_read_deinit(struct rules_read *r)
{
	rulebook_unref(r->book);
	buf_deinit(&r->mistakes);
}
