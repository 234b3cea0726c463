/* fence_fuzz.h -- one input as a file of fences: what is read must be sound, what is refused must say why. */
#ifndef ZAYTON_TESTS_FENCE_FUZZ_H
#define ZAYTON_TESTS_FENCE_FUZZ_H

#include <stdlib.h>

#include "engine/core/utf8.h"
#include "engine/geo/shape.h"
#include "ingest/files/fence_file.h"

static inline void fence_fuzz_text(const char *text, size_t room)
{
	if (!memchr(text, '\0', room) || !utf8_printable(span_of_string(text)))
		abort();
}

static inline enum status fence_fuzz_record(void *context, const struct fence_record *r)
{
	(void)context;
	struct shape_problem problem;
	fence_fuzz_text(r->id, sizeof r->id);
	fence_fuzz_text(r->name, sizeof r->name);
	fence_fuzz_text(r->tags, sizeof r->tags);
	fence_fuzz_text(r->schedule, sizeof r->schedule);
	if (r->valid_from_ms >= r->valid_to_ms || r->length_mm < 0 || shape_check(r->area, &problem))
		abort();
	return STATUS_OK;
}

static inline enum status fence_fuzz_refused(void *context, const struct fence_refusal *r)
{
	(void)context;
	struct buf words = buf_init(4096);
	fence_fuzz_text(r->id, sizeof r->id);
	fence_fuzz_text(r->excerpt, sizeof r->excerpt);
	if (!r->status || fence_refusal_print(r, r->line % 2, &words) || !utf8_valid(buf_view(&words)))
		abort();
	buf_deinit(&words);
	return STATUS_OK;
}

/* Read as it is and repaired; the statuses that are not of the input end the process. */
static inline void fence_fuzz(const uint8_t *data, size_t size, enum fence_format format)
{
	for (int repair = 0; repair < 2; repair++) {
		struct fence_file_result result;
		struct fence_file_options options = {
			.format = format,
			.repair = repair,
			.crs = repair && size && data[0] % 2 ? "EPSG:4549" : NULL,
			.record = fence_fuzz_record,
			.refused = fence_fuzz_refused,
		};
		enum status status = fence_file_read(span_of(data, size), &options, &result);
		if (status == STATUS_NO_MEMORY || status_class(status) == STATUS_CLASS_system)
			abort();
		if (result.records + result.refused < result.features)
			abort();
	}
}

#endif
