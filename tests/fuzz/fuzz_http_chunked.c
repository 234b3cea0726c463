/* links: zayton_query_http */
/* A chunked body whole and in pieces: pieces lie within the input, and both readings agree. */
#include <stdbool.h>
#include <stdlib.h>

#include "query/http/http_chunked.h"

/* also where NDEBUG is set */
static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Feed it `step` bytes at a time; the content goes to `out`. */
static enum status read_in_steps(const uint8_t *data, size_t size, size_t step, uint8_t *out, size_t *out_size)
{
	struct http_chunked c = {0};
	enum status status = STATUS_NEED_MORE;
	*out_size = 0;
	for (size_t at = 0; at < size && status == STATUS_NEED_MORE; at += step) {
		struct span in = span_of(data + at, size - at < step ? size - at : step), piece;
		const uint8_t *end = in.data + in.size;
		while ((status = http_chunked_next(&c, &in, &piece)) == STATUS_OK) {
			must(piece.size && piece.data + piece.size == in.data && in.data + in.size == end);
			memcpy(out + *out_size, piece.data, piece.size);
			*out_size += piece.size;
		}
		must(status != STATUS_NEED_MORE || !in.size);
	}
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t whole_size, size_now;
	uint8_t *whole = malloc(size + 1), *out = malloc(size + 1);
	enum status status = read_in_steps(data, size, size + 1, whole, &whole_size);
	for (size_t step = 1; step < 8; step += 3) {
		must(read_in_steps(data, size, step, out, &size_now) == status);
		must(size_now == whole_size && !memcmp(out, whole, whole_size));
	}
	free(whole);
	free(out);
	return 0;
}
