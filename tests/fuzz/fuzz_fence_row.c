/* links: zayton_detect */
/* fuzz_fence_row.c -- a fence's row of any bytes is read or refused; what is read is written again as it was. */
#include <stdlib.h>

#include "engine/detect/fence_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of(data, size);
	struct fence fence;
	if (fence_decode(bytes, &fence) != STATUS_OK)
		return 0;
	struct buf again = buf_init(1 << 20);
	if (fence_encode(&fence, &again) || !span_equal(buf_view(&again), bytes))
		abort();
	buf_deinit(&again);
	fence_area_unref(fence.area);
	return 0;
}
