/* links: zayton_ingest_files */
#include "fence_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fence_fuzz(data, size, FENCE_FORMAT_KML);
	return 0;
}
