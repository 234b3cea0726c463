/* links: zayton_ingest_sensors */
/* Bytes of a hydrological station: whatever they are, frames are found, told and refused; what is taken is encoded
 * back. A checksum by chance is rare, so all of the input is also taken as a body. */
#include <assert.h>

#include "ingest/sensors/sl651.h"

static void check_message(struct span raw)
{
	struct sl651_message m;
	struct sl651_element e;
	struct buf out = buf_init(SL651_FRAME_MAX);
	if (sl651_decode(raw, &m) == STATUS_OK) {
		struct sl651_elements elements = sl651_elements_of(m.elements);
		size_t count = 0;
		while (sl651_elements_next(&elements, &e) != STATUS_END)
			count++;
		assert(count <= m.elements.size);
		assert(sl651_encode(&m, &out) == STATUS_OK);
		assert(span_equal(buf_view(&out), raw));
	}
	buf_deinit(&out);
}

static void check_stream(const uint8_t *data, size_t size)
{
	struct marked_frame frame;
	for (size_t from = 0; from < size; from += frame.consumed) {
		struct buf json = buf_init(4u << 20);
		enum status status = sl651_frame_next(span_of(data + from, size - from), &frame);
		assert(frame.consumed <= size - from);
		if (status == STATUS_NEED_MORE)
			break;
		assert(frame.consumed > 0);
		(void)!sl651_explain(frame.raw, &json);
		buf_deinit(&json);
		if (status == STATUS_OK)
			check_message(frame.raw);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sl651_message m = {.function = 0x32,
					.start = size & 1 ? SL651_SYN : SL651_STX,
					.packets = 1,
					.packet = 1,
					.end = SL651_ETX,
					.body = span_of(data, size)};
	struct buf wire = buf_init(SL651_FRAME_MAX);
	check_stream(data, size);
	if (sl651_encode(&m, &wire) == STATUS_OK)
		check_stream(wire.data, wire.size);
	buf_deinit(&wire);
	return 0;
}
