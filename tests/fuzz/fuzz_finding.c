/* links: zayton_detect */
/* fuzz_finding.c -- a finding or a fact of any bytes is read or refused; what is read is written again as it was. */
#include <stdlib.h>

#include "engine/detect/fact.h"
#include "engine/detect/finding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of(data, size);
	struct buf again = buf_init(4096);
	struct finding finding;
	struct fact fact;
	if (finding_decode(bytes, &finding) == STATUS_OK &&
	    (finding_encode(&finding, &again) || !span_equal(buf_view(&again), bytes) ||
	     finding_compare(&finding, &finding)))
		abort();
	buf_clear(&again);
	if (fact_decode(bytes, &fact) == STATUS_OK &&
	    (fact_encode(&fact, &again) || !span_equal(buf_view(&again), bytes) || fact_compare(&fact, &fact)))
		abort();
	buf_deinit(&again);
	return 0;
}
