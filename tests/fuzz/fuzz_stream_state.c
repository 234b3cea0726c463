/* links: zayton_detect */
/* Any bytes as the snapshot of a stream's state: refused, or the same bytes again. */
#include <assert.h>

#include "engine/detect/stream_detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_state *s;
	struct buf again = buf_init(1u << 24);
	if (!stream_state_decode(span_of(data, size), &s)) {
		/* counts may be written longer than need be: what is written once is written so for ever */
		struct stream_state *t;
		struct buf third = buf_init(1u << 24);
		assert(!stream_state_encode(s, &again));
		assert(!stream_state_decode(buf_view(&again), &t));
		assert(!stream_state_encode(t, &third));
		assert(span_equal(buf_view(&again), buf_view(&third)));
		buf_deinit(&third);
		stream_state_free(t);
		stream_state_free(s);
	}
	buf_deinit(&again);
	return 0;
}
