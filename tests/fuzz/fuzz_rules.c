/* links: zayton_detect */
/* A file of rules of any bytes: mistakes or a book, never both; what is taken prints as rules that are the same. */
#include <stdlib.h>
#include <string.h>

#include "engine/core/utf8.h"
#include "engine/detect/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

struct told {
	size_t count;
	uint32_t line;
};

static void tell(void *context, const struct rule_mistake *m)
{
	struct told *told = context;
	require(m->line >= told->line && m->line >= 1);
	require(strlen(m->text) > 0 && utf8_printable(span_of_string(m->text)));
	told->line = m->line;
	told->count++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told told = {0, 0};
	struct rulebook *first, *second;
	enum status status = rulebook_parse(span_of(data, size), tell, &told, &first);
	require((status == STATUS_OK) == (told.count == 0));
	if (status)
		return 0;
	struct buf printed = buf_init(64u << 20);
	require(rulebook_print(first, &printed) == STATUS_OK);
	if (printed.size <= 1u << 20) { /* every key is printed, so that many short rules become too long a file */
		require(rulebook_parse(buf_view(&printed), tell, &told, &second) == STATUS_OK);
		require(second->count == first->count);
		for (uint32_t i = 0; i < first->count; i++)
			require(first->rules[i].version == second->rules[i].version);
		rulebook_unref(second);
	}
	rulebook_unref(first);
	buf_deinit(&printed);
	return 0;
}
