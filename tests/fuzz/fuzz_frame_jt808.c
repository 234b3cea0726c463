/* links: zayton_ingest_jt808 */
/* frame_jt808.c: any stream yields the same whole and byte by byte, and a good frame encodes back to one that
 * decodes to it. */
#include <stdlib.h>

#include "ingest/jt808/jt808.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void check_again(struct span content)
{
	static uint8_t wire[2 * JT808_FRAME_MAX + 4], scratch[JT808_FRAME_MAX];
	struct jt808_frame f;
	size_t size = jt808_frame_write(content, wire);
	if (size > JT808_FRAME_MAX)
		return;
	require(jt808_frame_next(span_of(wire, size), scratch, &f) == STATUS_OK);
	require(span_equal(f.content, content));
}

/* A number that depends on all that was yielded. */
static uint64_t walk(struct span stream, size_t step)
{
	uint8_t scratch[JT808_FRAME_MAX];
	size_t from = 0, seen = 0;
	uint64_t digest = 0;
	for (;;) {
		struct jt808_frame f;
		enum status status = jt808_frame_next(span_of(stream.data + from, seen - from), scratch, &f);
		require(f.consumed <= seen - from);
		from += f.consumed;
		if (status == STATUS_NEED_MORE && seen == stream.size)
			return digest;
		if (status == STATUS_NEED_MORE) {
			seen = stream.size - seen > step ? seen + step : stream.size;
			continue;
		}
		require(f.consumed > 0 && f.raw.size > 0);
		digest = digest * 31 + (uint64_t)(f.raw.data - stream.data) * 64 + status;
		if (status == STATUS_OK && step > 1)
			check_again(f.content);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span stream = span_of(data, size);
	require(walk(stream, size + 1) == walk(stream, 1));
	return 0;
}
