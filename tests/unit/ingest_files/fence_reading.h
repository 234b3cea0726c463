/* fence_reading.h -- a file of fences, its text in memory, read into arrays. */
#ifndef ZAYTON_TESTS_FENCE_READING_H
#define ZAYTON_TESTS_FENCE_READING_H

#include <criterion/criterion.h>

#include "ingest/files/fence_file.h"

#define READING_MAX 16

struct reading {
	struct fence_file_options options;
	struct fence_file_result result;
	struct fence_record records[READING_MAX];
	struct fence_refusal refusals[READING_MAX];
	uint32_t record_count, refusal_count;
};

static inline enum status reading_record(void *context, const struct fence_record *record)
{
	struct reading *r = context;
	cr_assert(r->record_count < READING_MAX);
	fence_area_ref(record->area);
	r->records[r->record_count++] = *record;
	return STATUS_OK;
}

static inline enum status reading_refused(void *context, const struct fence_refusal *refusal)
{
	struct reading *r = context;
	cr_assert(r->refusal_count < READING_MAX);
	cr_assert(refusal->status && *refusal->reason && *refusal->reason_zh);
	r->refusals[r->refusal_count++] = *refusal;
	return STATUS_OK;
}

/* The text is put at the end of an allocation of its size, so that a read past it is seen. */
static inline enum status read_fences(struct reading *r, const void *text, size_t size, const char *crs, bool repair)
{
	void *exact = malloc(size ? size : 1);
	cr_assert(exact);
	memcpy(exact, text, size);
	*r = (struct reading){.options = {.crs = crs, .repair = repair}};
	r->options.context = r;
	r->options.record = reading_record;
	r->options.refused = reading_refused;
	enum status status = fence_file_read(span_of(exact, size), &r->options, &r->result);
	free(exact);
	cr_assert(r->result.records == r->record_count && r->result.refused == r->refusal_count);
	return status;
}

static inline enum status read_text(struct reading *r, const char *text)
{
	return read_fences(r, text, strlen(text), NULL, false);
}

static inline void reading_deinit(struct reading *r)
{
	for (uint32_t i = 0; i < r->record_count; i++)
		fence_area_unref(r->records[i].area);
}

#endif
