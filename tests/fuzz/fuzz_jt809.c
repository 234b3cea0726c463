/* links: zayton_ingest_jt809 */
/* Bytes of a platform: whatever they are, frames are found, told and refused, and positions that are taken are given
 * back bit for bit. */
#include <assert.h>
#include <stdlib.h>

#include "ingest/jt809/jt809.h"

static void check_position(struct span data)
{
	uint8_t *room = malloc(data.size + JT809_POSITION_EXTRA);
	struct report r;
	size_t size;
	struct buf out = buf_init(1u << 20);
	if (room && jt809_position_decode(data, room, data.size + JT809_POSITION_EXTRA, &r, &size) == STATUS_OK) {
		assert(jt809_position_rebuild(&r, &out) == STATUS_OK);
		assert(span_equal(buf_view(&out), data));
		buf_clear(&out);
		assert(jt809_position_encode(&r, JT809_2011, &out) == STATUS_OK);
		assert(jt809_position_encode(&r, JT809_2019, &out) == STATUS_OK);
	}
	buf_deinit(&out);
	free(room);
}

static void check_positions(struct span data)
{
	struct jt809_positions p;
	struct span one;
	enum status status = jt809_positions_decode(data, &p);
	while (!status && (status = jt809_positions_next(&p, &one)) != STATUS_END) {
		check_position(one);
		status = STATUS_OK;
	}
}

static void check_body(const struct jt809_header *h)
{
	static struct jt809_message m;
	struct buf out = buf_init(1u << 20);
	enum jt809_edition edition = h->is_2019 ? JT809_2019 : JT809_2011;
	enum status status = jt809_message_decode(h->id, h->body, edition, &m);
	if (m.sub_id == 0x1202)
		check_position(m.data);
	if (m.sub_id == 0x1203)
		check_positions(m.data);
	if (status == STATUS_OK)
		(void)!jt809_message_encode(&m, edition, &out);
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t scratch[JT809_FRAME_MAX];
	const struct jt809_explain_options options = {JT809_DETECT, {30000000, 20000000, 20000000}};
	struct jt809_frame frame;
	struct jt809_header h;
	for (size_t from = 0; from < size; from += frame.consumed) {
		struct buf json = buf_init(8u << 20);
		enum status status = jt809_frame_next(span_of(data + from, size - from), scratch, &frame);
		assert(frame.consumed <= size - from && frame.skipped <= frame.consumed);
		if (status == STATUS_NEED_MORE)
			break;
		assert(frame.consumed > 0);
		(void)!jt809_explain(&frame, &options, &json);
		buf_deinit(&json);
		/* a checksum by chance is rare: what has none is looked at too */
		if ((status == STATUS_OK || status == STATUS_BAD_CHECKSUM) &&
		    jt809_header_decode(frame.content, JT809_DETECT, &h) == STATUS_OK)
			check_body(&h);
	}
	return 0;
}
