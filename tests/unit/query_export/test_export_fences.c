#include <criterion/criterion.h>

#include "query/export/export_fences.h"
#include "query/export/json_out.h"

static struct fence_area *area_of(const struct geo_point *points, const uint32_t *ends, uint32_t rings)
{
	struct fence_area *a = NULL;
	cr_assert(fence_area_new(points, ends, rings, &a) == STATUS_OK);
	return a;
}

static void expect(struct buf *out, const char *text)
{
	cr_assert(buf_append_u8(out, 0) == STATUS_OK);
	cr_assert_str_eq((const char *)out->data, text);
	buf_deinit(out);
}

/* drawn clockwise, as the rule is not */
static const struct geo_point triangle[] = {{240000000, 1180000000}, {240000000, -5}, {250000000, 1180000000}};
static const uint32_t triangle_end[] = {3};

Test(export_fences, a_collection_byte_for_byte)
{
	struct buf out = buf_init(1 << 16);
	struct export_fence full = {.id = "a\"1",
				    .name = "东海",
				    .tags = "muck night",
				    .schedule = "22:00-06:00",
				    .limit_dkmh = 405,
				    .valid_from_ms = 1769848200000,
				    .valid_to_ms = INT64_MAX,
				    .length_mm = 1234567,
				    .area = area_of(triangle, triangle_end, 1)};
	struct export_fence bare = {.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .area = full.area};
	cr_assert(export_fences_begin(&out) == STATUS_OK);
	cr_assert(export_fence_row(&full, true, &out) == STATUS_OK);
	cr_assert(export_fence_row(&bare, false, &out) == STATUS_OK);
	cr_assert(export_fences_end("c1", &out) == STATUS_OK);
#define RING "[[118.0000000,24.0000000],[118.0000000,25.0000000],[-0.0000005,24.0000000],[118.0000000,24.0000000]]"
	expect(&out,
	       "{\"type\":\"FeatureCollection\",\"features\":["
	       "{\"type\":\"Feature\",\"id\":\"a\\\"1\",\"properties\":{\"name\":\"东海\",\"tags\":\"muck night\","
	       "\"limit_kmh\":40.5,\"when\":\"22:00-06:00\",\"valid_from\":\"2026-01-31T08:30:00.000Z\","
	       "\"length_m\":1234.567},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[" RING "]}},"
	       "{\"type\":\"Feature\",\"properties\":{},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[" RING
	       "]}}],\"next\":\"c1\"}");
	fence_area_unref((struct fence_area *)full.area);
}

Test(export_fences, holes_and_islands_are_told_by_what_lies_in_what)
{
	/* an island, the lake about it, the land about that, and land elsewhere; each the wrong way round */
	static const struct geo_point points[] = {{4, 4}, {5, 4}, {5, 5}, {3, 3}, {3, 6},   {6, 6},   {6, 3},
						  {0, 0}, {9, 0}, {9, 9}, {0, 9}, {20, 20}, {21, 20}, {21, 21}};
	static const uint32_t ends[] = {3, 7, 11, 14};
	struct buf out = buf_init(1 << 16);
	struct json_out j = json_out_init(&out);
	struct fence_area *a = area_of(points, ends, 4);
	cr_assert(export_fence_geometry(&j, a) == STATUS_OK);
#define P(lon, lat) "[0.000000" #lon ",0.000000" #lat "]"
#define Q(lon, lat) "[0.00000" #lon ",0.00000" #lat "]"
	expect(&out, "{\"type\":\"MultiPolygon\",\"coordinates\":["
		     "[[" P(4, 4) "," P(5, 5) "," P(4, 5) "," P(
			     4, 4) "]],"
				   "[[" P(0, 0) "," P(9, 0) "," P(9, 9) "," P(0, 9) "," P(
					   0, 0) "],"
						 "[" P(3, 3) "," P(3, 6) "," P(6, 6) "," P(6, 3) "," P(
							 3, 3) "]],"
							       "[[" Q(20, 20) "," Q(21, 21) "," Q(20, 21) "," Q(
								       20, 20) "]]]}");
	fence_area_unref(a);
}

Test(export_fences, no_room_is_said)
{
	struct fence_area *a = area_of(triangle, triangle_end, 1);
	struct export_fence f = {.area = a};
	for (size_t room = 0; room < 200; room += 7) {
		struct buf out = buf_init(room);
		cr_assert(export_fence_row(&f, true, &out) == STATUS_FULL);
		buf_deinit(&out);
	}
	fence_area_unref(a);
}
