/* links: zayton_ingest_jt808 */
/* frame_jt808.c: any stream yields the same whole and byte by byte in either framing, and a good frame encodes back to
 * one that decodes to it; where either framing may come, every step goes forward. */
#include <stdlib.h>

#include "ingest/jt808/jt808.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void check_again(enum jt808_framing framing, struct span content)
{
	static uint8_t wire[2 * JT808_FRAME_MAX + 4], scratch[JT808_FRAME_MAX];
	struct jt808_frame f;
	size_t size = jt808_framed_write(framing, content, wire);
	if (size > JT808_FRAME_MAX)
		return;
	require(jt808_framed_next(framing, span_of(wire, size), scratch, &f) == STATUS_OK);
	require(span_equal(f.content, content));
}

/* A number that depends on all that was yielded. */
static uint64_t walk(enum jt808_framing framing, struct span stream, size_t step)
{
	uint8_t scratch[JT808_FRAME_MAX];
	size_t from = 0, seen = 0;
	uint64_t digest = 0;
	for (;;) {
		struct jt808_frame f;
		enum status status = jt808_framed_next(framing, span_of(stream.data + from, seen - from), scratch, &f);
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
			check_again(framing, f.content);
	}
}

static void walk_any(struct span stream)
{
	uint8_t scratch[JT808_FRAME_MAX];
	struct jt808_frame f;
	while (jt808_any_frame_next(stream, scratch, &f) != STATUS_NEED_MORE) {
		require(f.consumed > 0 && f.consumed <= stream.size && f.raw.size > 0);
		stream = span_of(stream.data + f.consumed, stream.size - f.consumed);
	}
	require(f.consumed <= stream.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span stream = span_of(data, size);
	require(walk(JT808_FRAMING_STANDARD, stream, size + 1) == walk(JT808_FRAMING_STANDARD, stream, 1));
	require(walk(JT808_FRAMING_PRIVATE, stream, size + 1) == walk(JT808_FRAMING_PRIVATE, stream, 1));
	walk_any(stream);
	return 0;
}
