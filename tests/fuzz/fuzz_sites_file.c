/* links: zayton_ingest_sites */
/* sites_file.c and json_values.c: any file is refused with a mistake or is a configuration; behind a NUL comes a
 * message for the first topic. */
#include <stdlib.h>
#include <string.h>

#include "ingest/sites/json_values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status visit(void *context, const struct json_value_told *v)
{
	size_t *count = context;
	++*count;
	if (!v->site[0] || !v->quantity[0] || strlen(v->site) > SITE_MAX)
		abort();
	return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf mistakes = buf_init(SITES_MISTAKES_MAX);
	struct sites_config *c = NULL;
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t text = nul ? (size_t)(nul - data) : size, count = 0;
	unsigned untold;
	enum status status = sites_parse("f", span_of(data, text), &c, &mistakes);
	if (status && (c || !mistakes.size))
		abort();
	if (!status && nul && c->topic_count) {
		struct span payload = span_of(nul + 1, size - text - 1);
		enum status read = json_values_read(&c->topics[0], "a/b/c", payload, 0, visit, &count, &untold);
		if (read && count)
			abort();
	}
	sites_config_free(c);
	buf_deinit(&mistakes);
	return 0;
}
