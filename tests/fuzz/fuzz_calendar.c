/* links: zayton_register
 *
 * A calendar file, and a deed as bytes. What is taken has due days in order within what was asked; a deed that is read
 * is written again byte for byte. */
#include <assert.h>
#include <stdlib.h>

#include "engine/register/calendar_state.h"

#define DAY_2020 18262
#define DAY_2030 21915

static void no_matter(void *context, const char *path, const char *text)
{
	(void)context;
	assert(path && text);
}

static enum status look(void *context, const struct calendar_rule *rule, const struct calendar_due *due)
{
	int32_t *last = context;
	assert(due->due_day >= *last && due->due_day >= DAY_2020 && due->due_day <= DAY_2030);
	assert(due->due_day >= rule->from_day && due->due_day <= rule->until_day);
	for (unsigned i = 0; i < rule->date_count; i++)
		assert(due->days[i] >= due->due_day);
	*last = due->due_day;
	return STATUS_OK;
}

static void read_rules(struct span text)
{
	struct calendar_rules *rules;
	if (calendar_rules_parse(text, no_matter, NULL, &rules))
		return;
	for (size_t i = 0; i < rules->count; i++) {
		int32_t last = INT32_MIN;
		assert(calendar_rule_dues(&rules->items[i], DAY_2020, DAY_2030, look, &last) == STATUS_OK);
	}
	calendar_rules_free(rules);
}

static void read_deed(struct span row)
{
	struct calendar_deed d;
	struct buf again = buf_init(4 * ENTRY_BYTES_MAX + row.size);
	if (calendar_deed_decode(row, &d))
		return;
	assert(calendar_deed_encode(&d, &again) == STATUS_OK);
	assert(span_equal(buf_view(&again), row));
	buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 1)
		read_deed(span_of(data, size));
	else
		read_rules(span_of(data, size));
	return 0;
}
