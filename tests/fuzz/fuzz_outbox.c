/* links: zayton_query_outbox */
/* The file of destinations, and rows of the outbox: whatever comes, it is refused or understood; mistakes have a place.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "query/outbox/outbox_rows.h"

static void tell(void *context, const char *path, const char *text)
{
	assert(*path && *text);
	++*(size_t *)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outbox_config *c;
	struct outbox_news n;
	size_t mistakes = 0;
	struct buf mail = buf_init(1 << 20);
	enum status status = outbox_config_parse(span_of(data, size), tell, &mistakes, &c);
	assert((status == STATUS_OK) == (mistakes == 0));
	for (size_t i = 0; !status && i < c->count; i++)
		assert(*c->items[i].name && c->items[i].kind < OUTBOX_KIND_COUNT);
	if (!outbox_item_decode(span_of(data, size), &n)) {
		struct outbox_destination to = {.from = "a@b", .to = {"c@d"}, .to_count = 1};
		assert(*n.id && strlen(n.id) <= OUTBOX_ID_MAX);
		if (!outbox_mail_write(&to, &n, 0, &mail))
			for (size_t i = 0; i < mail.size; i++)
				assert(mail.data[i] < 0x80);
	}
	if (!status)
		free(c);
	buf_deinit(&mail);
	return 0;
}
