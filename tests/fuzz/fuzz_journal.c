/* links: zayton_store */
/* Whatever bytes a segment holds, the scan ends with a status and every entry it hands out lies within them. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/store/journal_segment.h"

static enum status touch(void *context, uint64_t position, uint8_t kind, struct span payload)
{
	volatile uint8_t *sum = context;
	*sum = (uint8_t)(*sum + kind + position);
	for (size_t i = 0; i < payload.size; i++)
		*sum = (uint8_t)(*sum + payload.data[i]);
	return STATUS_OK;
}

/* Random bytes never carry a right checksum: the input is taken as entries too, and as the parts of batches. */
static void round_trip(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of(span_of(data, size));
	struct journal_batch b = {.first_position = 1};
	uint8_t kind;
	struct span payload;
	while (!journal_entry_next(&c, &kind, &payload)) {
		b.count++;
		b.entries = span_of(data, (size_t)(c.at - data));
	}
	if (!b.count)
		return;
	struct journal_segment_header header = {1, 1, 0};
	struct buf bytes = buf_init(16u << 20), raw = buf_init(JOURNAL_BATCH_MAX);
	if (buf_reserve(&bytes, JOURNAL_SEGMENT_HEADER + journal_batch_room(b.entries.size)))
		abort();
	journal_segment_header_encode(&header, bytes.data);
	bytes.size = JOURNAL_SEGMENT_HEADER;
	bytes.size += journal_batch_encode(&b, data[0] & 1 ? 1 : SIZE_MAX, bytes.data + JOURNAL_SEGMENT_HEADER);
	struct journal_scan scan;
	struct journal_batch again;
	if (journal_scan_begin(&scan, buf_view(&bytes), &raw) || journal_scan_next(&scan, &again) ||
	    again.count != b.count || !span_equal(again.entries, b.entries) ||
	    journal_scan_next(&scan, &again) != STATUS_END)
		abort();
	buf_deinit(&bytes);
	buf_deinit(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t sum = 0;
	struct buf raw = buf_init(JOURNAL_BATCH_MAX);
	struct journal_scan scan;
	struct journal_batch batch;
	enum status status = journal_scan_begin(&scan, span_of(data, size), &raw);
	while (!status && !(status = journal_scan_next(&scan, &batch)))
		if ((status = journal_batch_visit(&batch, 0, touch, &sum)))
			break;
	if (!status || scan.offset > size)
		abort();
	/* past a checksum that a fuzzer cannot make, the entries themselves */
	struct journal_batch bare = {.first_position = 1, .count = 1000, .entries = span_of(data, size)};
	if (!journal_batch_visit(&bare, 0, touch, &sum) && size < 2000)
		abort();
	buf_deinit(&raw);
	round_trip(data, size);
	return 0;
}
