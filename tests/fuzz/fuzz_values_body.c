/* links: zayton_fleet */
/* Any bytes as the body of an entry of values, and as the row of a stream's head: refused, or values that go round. */
#include <assert.h>
#include <stdlib.h>

#include "engine/fleet/streams_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_body(struct span bytes)
{
	struct values_cursor c;
	struct values_body body = values_body_init();
	struct value v;
	struct span text;
	uint64_t stream;
	enum status status = values_cursor_open(bytes, 1764000000000, &c);
	while (!status && !(status = values_cursor_next(&c, &stream, &v, &text)))
		if (values_body_add(&body, stream, &v, text))
			break;
	if (status == STATUS_END && body.count) {
		struct values_cursor again, first;
		struct value w;
		assert(!values_cursor_open(bytes, 1764000000000, &first));
		assert(!values_cursor_open(buf_view(&body.bytes), 1764000000000, &again));
		while (!values_cursor_next(&first, &stream, &v, &text)) {
			assert(!values_cursor_next(&again, &stream, &w, &text));
			assert(value_order(&v, &w) == 0);
		}
	}
	values_body_deinit(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct value_texts *texts;
	struct value_head_state state;
	struct value *values;
	uint32_t count;
	read_body(span_of(data, size));
	if (value_texts_new(&texts))
		return 0;
	if (!value_head_row_decode(span_of(data, size), texts, &state, &values, &count))
		free(values);
	value_texts_free(texts);
	return 0;
}
