/* links: zayton_duty */
/* Warnings as JSON and as CAP: whatever the bytes, drafts that are whole or a reason. */
#include <assert.h>

#include "engine/duty/warnings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct warning_drafts d;
	char wrong[WARNING_WRONG_MAX];
	enum status status = warning_read(span_of(data, size), &d, wrong);
	assert(memchr(wrong, 0, sizeof wrong));
	if (status) {
		assert(!d.count);
		return 0;
	}
	assert(d.count && d.count <= WARNING_PARTS_MAX);
	for (size_t i = 0; i < d.count; i++) {
		struct buf bytes = buf_init(65536);
		assert(!warning_draft_check(d.items[i], wrong));
		assert(!record_encode(&warning_kind, &d.items[i]->w, &bytes));
		struct warning back;
		assert(!record_decode(&warning_kind, buf_view(&bytes), &back));
		buf_deinit(&bytes);
	}
	warning_drafts_deinit(&d);
	return 0;
}
