/* links: zayton_ingest_jt808 */
/* fragments.c: each 6 bytes are one part; whatever comes, the bounds hold and a message is the sum of its parts. */
#include <stdlib.h>

#include "ingest/jt808/fragments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t body[JT808_BODY_MAX];
	const struct fragment_limits limits = {.sets_max = 8,
					       .bytes_max = 20000,
					       .terminal_sets_max = 3,
					       .terminal_bytes_max = 8000,
					       .expiry_ms = 100};
	struct fragments *f = fragments_new(&limits);
	struct fragment_set set;
	struct span message;
	uint16_t missing[16];
	int64_t now = 0;
	if (!f)
		return 0;
	for (; size >= 6; data += 6, size -= 6) {
		struct jt808_header h = {.message_id = 0x0801,
					 .is_fragment = true,
					 .serial = data[1],
					 .fragment_index = data[2],
					 .fragment_total = data[3] & 0x40 ? (uint16_t)(data[3] << 4) : data[3] & 7,
					 .body = span_of(body, data[4] * 4u)};
		now += data[5];
		enum status status = fragments_add(f, data[0] & 3, &h, now, &set, &message);
		if (status == STATUS_OK && message.size > limits.terminal_bytes_max)
			abort();
		if (status == STATUS_NEED_MORE && fragments_missing(f, &set, missing, 16) == 0)
			abort();
		if (fragments_bytes(f) > limits.bytes_max)
			abort();
		while (fragments_ask(f, now, 20, &set) == STATUS_OK)
			;
		while (fragments_expire(f, now, &set) == STATUS_OK)
			if (set.held >= set.total)
				abort();
		if (data[0] & 0x80)
			fragments_forget(f, data[0] & 3);
	}
	while (fragments_expire(f, now + 1000, &set) == STATUS_OK)
		;
	if (fragments_bytes(f) != 0)
		abort();
	fragments_free(f);
	return 0;
}
