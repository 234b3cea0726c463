/* links: zayton_ingest_sensors */
/* Bytes of a fire device: whatever they are, frames are found, told and refused; what is taken is encoded back.
 * A checksum by chance is rare, so all of the input is also taken as application data. */
#include <assert.h>

#include "ingest/sensors/gb26875.h"

static void check_message(struct span raw)
{
	struct gb26875_message m;
	struct gb26875_objects objects;
	struct gb26875_object o;
	if (gb26875_decode(raw, &m))
		return;
	if (gb26875_objects_decode(m.app, &objects) == STATUS_OK)
		while (gb26875_objects_next(&objects, &o) == STATUS_OK)
			assert(o.raw.size > 0);
	struct buf out = buf_init(GB26875_FRAME_MAX);
	if (m.time.known) {
		assert(gb26875_encode(&m, &out) == STATUS_OK);
		assert(span_equal(buf_view(&out), raw));
	}
	buf_deinit(&out);
}

static void check_stream(const uint8_t *data, size_t size)
{
	struct marked_frame frame;
	for (size_t from = 0; from < size; from += frame.consumed) {
		struct buf json = buf_init(4u << 20);
		enum status status = gb26875_frame_next(span_of(data + from, size - from), &frame);
		assert(frame.consumed <= size - from);
		if (status == STATUS_NEED_MORE)
			break;
		assert(frame.consumed > 0);
		(void)!gb26875_explain(frame.raw, &json);
		buf_deinit(&json);
		if (status == STATUS_OK)
			check_message(frame.raw);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct gb26875_message m = {
		.time.ms = INT64_C(1614729600000), .command = GB26875_SEND, .app = span_of(data, size)};
	struct buf wire = buf_init(GB26875_FRAME_MAX);
	check_stream(data, size);
	if (gb26875_encode(&m, &wire) == STATUS_OK)
		check_stream(wire.data, wire.size);
	buf_deinit(&wire);
	return 0;
}
