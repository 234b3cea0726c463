/* links: zayton_ingest_marine */
/* Lines through everything that reads sentences; epochs and Beidou fixes through reports, and back to what they were.
 */
#include <assert.h>
#include <stdlib.h>

#include "ingest/marine/explain_marine.h"
#include "ingest/marine/marine_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct span text)
{
	static const struct rdss_point p = {.lat_e7 = 1, .lon_e7 = 1};
	struct buf items = buf_init(MARINE_ITEMS_MAX), back = buf_init(1u << 16);
	struct report r;
	if (!rdss_report(&p, 0, text, 0, &items, &r) && text.size)
		assert(marine_original(&r, &back) == STATUS_OK && span_equal(buf_view(&back), text));
	buf_deinit(&items);
	buf_deinit(&back);
}

static void check_epoch(struct nmea_joiner *j, struct span line)
{
	static struct nmea_epoch e;
	struct sentence s;
	struct nmea_fix f;
	bool far;
	if (sentence_parse(line, &s) || nmea_parse(&s, &f) || !nmea_joiner_add(j, &s, &f, 0, &e))
		return;
	struct buf items = buf_init(MARINE_ITEMS_MAX), back = buf_init(1u << 16);
	struct report r;
	if (!nmea_report(&e, nmea_epoch_time_ms(&e, &j->options, &far), &items, &r))
		assert(marine_original(&r, &back) == STATUS_OK && span_equal(buf_view(&back), span_of(e.text, e.size)));
	buf_deinit(&items);
	buf_deinit(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct marine_explainer e;
	struct rdss_codec codec, tried;
	static struct nmea_joiner j;
	struct span rest = span_of(data, size), line, wrong;
	struct buf json = buf_init(1u << 20);
	if (marine_explainer_init(&e))
		return 0;
	nmea_joiner_init(&j, (struct nmea_options){true});
	while (sentence_line_next(&rest, &line) != STATUS_NEED_MORE) {
		if (!rdss_codec_parse(line, &tried, &wrong)) {
			codec = tried;
			e.codec = &codec;
		}
		(void)!marine_explain(&e, line, &json);
		buf_clear(&json);
		check_epoch(&j, line);
		check_text(line);
	}
	buf_deinit(&json);
	marine_explainer_deinit(&e);
	return 0;
}
