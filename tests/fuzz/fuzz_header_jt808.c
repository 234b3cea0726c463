/* links: zayton_ingest_jt808 */
/* header_jt808.c: a header that decodes encodes back to its bytes, but for the reserved bit 15. */
#include <stdlib.h>

#include "ingest/jt808/jt808.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jt808_header h;
	enum status status = jt808_header_decode(span_of(data, size), &h);
	char phone[JT808_PHONE_TEXT_MAX];
	uint8_t packed[10];
	jt808_phone_text(&h, phone);
	if (h.phone_size && (jt808_phone_pack(span_of_string(phone), packed, h.phone_size) != STATUS_OK ||
			     memcmp(packed, h.phone, h.phone_size) != 0))
		abort();
	(void)!jt808_phone_pack(span_of(data, size), packed, 10);
	if (status || (h.is_fragment && h.fragment_total == 0))
		return 0;
	uint8_t back[JT808_HEADER_MAX];
	size_t n = jt808_header_write(&h, h.body.size, back);
	back[2] |= data[2] & 0x80;
	if (n + h.body.size != size || memcmp(back, data, n) != 0)
		abort();
	return 0;
}
