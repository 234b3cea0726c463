/* links: zayton_detect */
/* fuzz_dead_zone.c -- a map of dead zones of any bytes is read or refused; what is read is written again as it was, and
 * every cell of it covers its corner. */
#include <stdlib.h>

#include "engine/detect/dead_zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of(data, size);
	struct dead_zone_map *m;
	if (dead_zone_map_decode(bytes, &m) != STATUS_OK)
		return 0;
	struct buf again = buf_init(1 << 20);
	if (dead_zone_map_encode(m, &again) || !span_equal(buf_view(&again), bytes))
		abort();
	for (uint32_t i = 0; i < dead_zone_map_count(m); i++) {
		int32_t lat_e7, lon_e7;
		dead_zone_map_cell(m, i, &lat_e7, &lon_e7);
		if ((lat_e7 || lon_e7) && !dead_zone_map_covers(m, lat_e7, lon_e7))
			abort();
	}
	buf_deinit(&again);
	dead_zone_map_unref(m);
	return 0;
}
