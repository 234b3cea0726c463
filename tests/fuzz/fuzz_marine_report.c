/* links: zayton_ingest_marine */
/* Rows with any items: what they were made of is found or refused; a packet that is found makes the same report. */
#include <assert.h>

#include "ingest/marine/marine_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report r;
	struct ais_packet p, again;
	struct ais_message m;
	struct buf text = buf_init(1u << 18), items = buf_init(MARINE_ITEMS_MAX);
	if (!report_from_row(span_of(data, size), &r)) {
		(void)!marine_original(&r, &text);
		if (!ais_report_packet(&r, &p) && !ais_decode(&p, &m) && !ais_report(&p, &m, r.time_ms, &items, &r)) {
			assert(ais_report_packet(&r, &again) == STATUS_OK && again.bits == p.bits);
			p.payload[0] &= 0xfc;
			assert(memcmp(p.payload, again.payload, (p.bits + 7u) / 8) == 0);
		}
	}
	buf_deinit(&text);
	buf_deinit(&items);
	return 0;
}
