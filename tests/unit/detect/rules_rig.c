#include "unit/detect/rules_rig.h"

#include <criterion/criterion.h>

#include "engine/core/utf8.h"

static void gather(void *context, const struct rule_mistake *m)
{
	bool other = false;
	for (const char *at = m->text_zh; *at; at++)
		other |= (unsigned char)*at >= 0x80;
	cr_assert(other && utf8_printable(span_of_string(m->text_zh)), "no Chinese of: %s", m->text);
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
