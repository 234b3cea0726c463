/* links: zayton_query_http */
/* A geometry as a question sends it: read whole or refused with a sentence; an area that is read is valid and holds its
 * own vertices. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/geo/region.h"
#include "engine/geo/shape.h"
#include "query/http/geometry_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct geometry *g)
{
	struct shape_problem problem;
	if (!g->area) {
		assert(g->within_mm >= 0 && g->within_mm <= REGION_RADIUS_MAX_MM);
		return;
	}
	assert(shape_check(g->area, &problem) == STATUS_OK);
	for (uint32_t i = 0; i < g->area->point_count; i++)
		assert(fence_area_contains(g->area, g->area->points[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct geometry g;
	char wrong[GEOMETRY_WRONG_MAX] = "";
	json_t *body = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	if (!body)
		return 0;
	enum status status = geometry_read(body, &g, wrong);
	if (status == STATUS_MALFORMED)
		assert(wrong[0] && memchr(wrong, '\0', sizeof wrong));
	else if (status == STATUS_OK)
		check(&g);
	geometry_deinit(&g);
	json_decref(body);
	return 0;
}
