/* links: zayton_ingest_platform */
/* A file of links: whatever it holds, every mistake has a line, and what is taken is within its bounds. */
#include <assert.h>

#include "ingest/platform/links_file.h"

static void on_mistake(void *context, unsigned line, const char *english, const char *chinese)
{
	(void)line;
	assert(*english && *chinese);
	++*(unsigned *)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned mistakes = 0;
	struct link_book book;
	enum status status = links_parse(span_of(data, size), on_mistake, &mistakes, &book);
	assert((status == STATUS_MALFORMED) == (mistakes != 0) || status == STATUS_TOO_LONG);
	for (size_t i = 0; i < book.count; i++) {
		assert(book.links[i].access_code && *book.links[i].title && *book.links[i].password);
		(void)link_allows(&book.links[i], "10.0.0.1");
	}
	links_free(&book);
	return 0;
}
