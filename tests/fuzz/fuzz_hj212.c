/* links: zayton_ingest_sensors */
/* Bytes of a pollution source: whatever they are, frames are found, told and refused; what is taken is encoded back.
 * A checksum by chance is rare, so all of the input is also taken as a segment. */
#include <assert.h>

#include "ingest/sensors/hj212.h"

static void check_message(struct span raw)
{
	struct hj212_message m;
	struct hj212_item item;
	struct hj212_reading reading;
	struct buf out = buf_init(2 * HJ212_FRAME_MAX);
	if (hj212_decode(raw, &m) == STATUS_OK) {
		struct hj212_items items = hj212_items_of(m.cp);
		size_t count = 0, readings_count = 0;
		while (hj212_items_next(&items, &item) != STATUS_END)
			count++;
		struct hj212_readings readings = hj212_readings_of(m.cp);
		while (hj212_readings_next(&readings, &reading) != STATUS_END)
			readings_count++;
		assert(readings_count <= count);
		(void)!hj212_answer_encode(&m, HJ212_RESULT, 1, &out);
	}
	buf_clear(&out);
	assert(hj212_frame_encode(m.segment, &out) == STATUS_OK);
	assert(out.size == raw.size + 2);
	buf_deinit(&out);
}

static void check_stream(const uint8_t *data, size_t size)
{
	struct marked_frame frame;
	for (size_t from = 0; from < size; from += frame.consumed) {
		struct buf json = buf_init(4u << 20);
		enum status status = hj212_frame_next(span_of(data + from, size - from), &frame);
		assert(frame.consumed <= size - from);
		if (status == STATUS_NEED_MORE)
			break;
		assert(frame.consumed > 0);
		(void)!hj212_explain(frame.raw, &json);
		buf_deinit(&json);
		if (status == STATUS_OK)
			check_message(frame.raw);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf wire = buf_init(HJ212_FRAME_MAX);
	check_stream(data, size);
	if (hj212_frame_encode(span_of(data, size), &wire) == STATUS_OK)
		check_stream(wire.data, wire.size);
	buf_deinit(&wire);
	return 0;
}
