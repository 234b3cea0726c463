/* links: zayton_ingest_jt808 */
/* decode_location_jt808.c: batches end, their bodies lie inside of them and encode back to the same bytes. */
#include <stdlib.h>

#include "engine/series/report.h"
#include "ingest/jt808/jt808.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_report(struct span body)
{
	struct report r;
	if (report_from_jt808(body, &r))
		return;
	struct cursor c = cursor_of(span_of(r.items, r.items_size));
	struct report_item item;
	while (report_item_next(&c, &item) == STATUS_OK)
		;
}

static void try_batch(struct span body)
{
	static struct span bodies[65536 / 2];
	struct jt808_bodies b;
	struct span one;
	size_t count = 0;
	enum status status;
	if (body.size > 60000 || jt808_batch_decode(body, &b))
		return;
	while ((status = jt808_batch_next(&b, &one)) == STATUS_OK) {
		if (one.size && (one.data < body.data || one.data + one.size > body.data + body.size))
			abort();
		bodies[count++] = one;
		try_report(one);
	}
	if (status != STATUS_END)
		return;
	struct buf out = buf_init(1 << 17);
	if (jt808_batch_encode(b.type, bodies, count, &out) || out.size != body.size ||
	    memcmp(out.data + 2, body.data + 2, out.size - 2) != 0)
		abort();
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = span_of(data, size), inner;
	uint16_t serial;
	try_batch(body);
	try_report(body);
	if (jt808_answered_location_decode(body, &serial, &inner) == STATUS_OK)
		try_report(inner);
	return 0;
}
