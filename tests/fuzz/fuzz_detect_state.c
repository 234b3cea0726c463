/* links: zayton_detect */
/* fuzz_detect_state.c -- a state of any bytes is read or refused; what is read is written as itself and can be stepped.
 */
#include <stdlib.h>

#include "engine/detect/detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void subject(const void *registry, uint64_t device, int64_t time_ms, struct detect_subject *out)
{
	(void)registry;
	(void)time_ms;
	*out = (struct detect_subject){.device = device, .from_ms = INT64_MIN, .to_ms = INT64_MAX};
	out->class_code = (uint8_t)(device % DEVICE_CLASS_COUNT);
	out->source = (uint8_t)(device >> 8 & 7);
	out->laid_up = device >> 11 & 1;
}

static struct detector *make_detector(void)
{
	static struct rulebook_span span = {.from_ms = INT64_MIN};
	struct detector *d;
	if (rulebook_parse(rules_default(), NULL, NULL, &span.book) != STATUS_OK)
		abort();
	struct detect_context context = {.books = &span, .book_count = 1, .subject = subject};
	if (detector_new(&context, &d) != STATUS_OK)
		abort();
	rulebook_unref(span.book);
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct detector *d;
	struct detect_state *s, *again;
	struct buf bytes = buf_init(8 << 20);
	struct detect_sink sink = {0};
	if (!d)
		d = make_detector();
	if (detect_state_decode(span_of(data, size), &s) != STATUS_OK)
		return 0;
	if (detect_state_encode(s, &bytes) != STATUS_OK || detect_state_decode(buf_view(&bytes), &again) != STATUS_OK)
		abort();
	detect_state_free(again);
	buf_deinit(&bytes);
	int64_t last_ms = detect_state_time(s);
	struct report r = {.time_ms = last_ms == INT64_MIN ? 0 : last_ms, .status = STATUS_BIT_FIX, .speed_dkmh = 500};
	for (unsigned i = 0; i < 4; i++) {
		r.time_ms += 60000;
		r.hash = i;
		enum status ignored = detect_tick(s, d, r.time_ms, &sink);
		ignored = detect_step(s, d, &r, &sink);
		ignored = detect_open(s, d, r.time_ms, &sink);
		(void)ignored;
		(void)detect_wake(s, d);
	}
	detect_state_free(s);
	return 0;
}
