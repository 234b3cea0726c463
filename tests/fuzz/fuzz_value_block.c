/* links: zayton_series */
/* Any bytes as a value block, checksum mended so that what lies behind it is reached: refused, or values that encode.
 */
#include <assert.h>
#include <stdlib.h>

#include "engine/core/hash.h"
#include "engine/series/value_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct value values[VALUE_BLOCK_MAX];
	struct value_texts *texts;
	struct buf again = buf_init(VALUE_BLOCK_BYTES_MAX);
	size_t count;
	if (size < 4 || value_texts_new(&texts))
		return 0;
	uint8_t *mended = malloc(size);
	memcpy(mended, data, size);
	store_le32(mended + size - 4, (uint32_t)hash64(span_of(mended, size - 4)));
	if (value_block_decode(span_of(mended, size), texts, values, &count) == STATUS_OK) {
		size_t kept = values_normalise(values, count);
		if (kept == count)
			assert(value_block_encode(values, count, texts, &again) == STATUS_OK);
	}
	buf_deinit(&again);
	free(mended);
	value_texts_free(texts);
	return 0;
}
