/* links: zayton_ingest_jt808 */
/* explain_jt808.c, explain_fields.c, explain_items_jt808.c, explain_messages_jt808.c, explain_parameters_jt808.c:
 * the input is header and body; what comes out is JSON, whatever went in. */
#include <jansson.h>
#include <stdlib.h>

#include "ingest/jt808/jt808.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void explain(struct span wire)
{
	uint8_t scratch[JT808_FRAME_MAX];
	struct jt808_frame frame;
	struct buf out = buf_init(4u << 20);
	if (jt808_frame_next(wire, scratch, &frame) != STATUS_NEED_MORE) {
		enum status status = jt808_explain(&frame, &out);
		json_t *json = json_loadb((const char *)out.data, out.size, 0, NULL);
		if (!json || status == STATUS_NO_MEMORY || status == STATUS_FULL)
			abort();
		if ((json_object_get(json, "refused") != NULL) != (status != STATUS_OK))
			abort();
		json_decref(json);
	}
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t wire[JT808_FRAME_MAX + 4];
	if (size > JT808_HEADER_MAX + JT808_BODY_MAX)
		return 0;
	explain(span_of(data, size));
	explain(span_of(wire, jt808_frame_write(span_of(data, size), wire)));
	return 0;
}
