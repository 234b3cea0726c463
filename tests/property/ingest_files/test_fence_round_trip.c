/* Areas written as GeoJSON, KML and WKT are read back as the same rings. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ingest/files/fence_file.h"
#include "query/export/export_fences.h"

/* ZAYTON_SEED repeats a run. */
static uint64_t seed_of_run(void)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
	printf("seed %" PRIu64 "\n", seed);
	return seed ? seed : 1;
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du;
}

#define PARTS 3
#define CORNERS_MAX 24

/* Stars side by side, each with a smaller one of itself cut out: ring 2k is an outside, ring 2k + 1 its hole. */
static struct fence_area *stars(uint64_t *state)
{
	struct geo_point points[2 * PARTS * CORNERS_MAX];
	uint32_t ends[2 * PARTS], n = 0, parts = 1 + next(state) % PARTS;
	int64_t lat = (int64_t)(next(state) % 1600000000) - 800000000;
	int64_t lon = (int64_t)(next(state) % 3400000000) - 1700000000;
	struct fence_area *a = NULL;
	for (uint32_t part = 0; part < parts; part++) {
		uint32_t corners = 3 + next(state) % (CORNERS_MAX - 3);
		double radius[CORNERS_MAX];
		for (uint32_t i = 0; i < corners; i++)
			radius[i] = 100000 + (double)(next(state) % 1000000);
		for (int hole = 0; hole < 2; hole++) {
			for (uint32_t i = 0; i < corners; i++) {
				double r = radius[i] * (hole ? 0.25 : 1),
				       angle = 2 * M_PI * i / corners * (hole ? -1 : 1);
				if (hole) /* the other way round */
					r = radius[(corners - i) % corners] * 0.25;
				points[n++] =
					(struct geo_point){(int32_t)(lat + lround(r * sin(angle))),
							   (int32_t)(lon + part * 3000000 + lround(r * cos(angle)))};
			}
			ends[2 * part + (uint32_t)hole] = n;
		}
	}
	cr_assert(fence_area_new(points, ends, 2 * parts, &a) == STATUS_OK);
	return a;
}

/* One ring's points, closed, between `open` and `close`: "lon<axis>lat<gap>". */
static void put_ring(struct buf *out, const struct fence_area *a, uint32_t ring, const char *axis, const char *gap)
{
	uint32_t begin = ring ? a->ring_ends[ring - 1] : 0, count = a->ring_ends[ring] - begin;
	for (uint32_t i = 0; i <= count; i++) {
		struct geo_point p = a->points[begin + i % count];
		cr_assert(buf_printf(out, "%s%.7f%s%.7f", i ? gap : "", p.lon_e7 / 1e7, axis, p.lat_e7 / 1e7) ==
			  STATUS_OK);
	}
}

static void put_wkt(struct buf *out, const struct fence_area *a)
{
	cr_assert(buf_printf(out, "a;b;MULTIPOLYGON(") == STATUS_OK);
	for (uint32_t r = 0; r < a->ring_count; r++) {
		cr_assert(buf_printf(out, "%s(", r % 2 ? "," : r ? "),(" : "(") == STATUS_OK);
		put_ring(out, a, r, " ", ",");
		cr_assert(buf_printf(out, ")") == STATUS_OK);
	}
	cr_assert(buf_printf(out, "))\n") == STATUS_OK);
}

static void put_kml(struct buf *out, const struct fence_area *a)
{
	cr_assert(buf_printf(out, "<kml><Placemark id=\"a\"><name>b</name><MultiGeometry>") == STATUS_OK);
	for (uint32_t r = 0; r < a->ring_count; r++) {
		const char *side = r % 2 ? "innerBoundaryIs" : "outerBoundaryIs";
		cr_assert(buf_printf(out, "%s<%s><LinearRing><coordinates>", r % 2 ? "" : "<Polygon>", side) ==
			  STATUS_OK);
		put_ring(out, a, r, ",", " ");
		cr_assert(buf_printf(out, "</coordinates></LinearRing></%s>%s", side, r % 2 ? "</Polygon>" : "") ==
			  STATUS_OK);
	}
	cr_assert(buf_printf(out, "</MultiGeometry></Placemark></kml>") == STATUS_OK);
}

static void put_geojson(struct buf *out, const struct fence_area *a)
{
	struct export_fence f = {"a", "b", "x y", "22:00-06:00", 405, 1769848200000, 1769848200001, 1234, a};
	cr_assert(export_fences_begin(out) == STATUS_OK && export_fence_row(&f, true, out) == STATUS_OK &&
		  export_fences_end(NULL, out) == STATUS_OK);
}

struct expected {
	const struct fence_area *area;
	bool properties;
	int seen;
};

/* Equal rings in the same order, but for the direction, each from the same first point. */
static bool same_area(const struct fence_area *a, const struct fence_area *b)
{
	if (a->ring_count != b->ring_count || a->point_count != b->point_count)
		return false;
	for (uint32_t r = 0, begin = 0; r < a->ring_count; begin = a->ring_ends[r++]) {
		uint32_t count = a->ring_ends[r] - begin, forth = 0, back = 0;
		if (a->ring_ends[r] != b->ring_ends[r])
			return false;
		for (uint32_t i = 0; i < count; i++) {
			struct geo_point p = a->points[begin + i], f = b->points[begin + i],
					 g = b->points[begin + (count - i) % count];
			forth += p.lat_e7 == f.lat_e7 && p.lon_e7 == f.lon_e7;
			back += p.lat_e7 == g.lat_e7 && p.lon_e7 == g.lon_e7;
		}
		if (forth != count && back != count)
			return false;
	}
	return true;
}

static enum status on_record(void *context, const struct fence_record *r)
{
	struct expected *e = context;
	e->seen++;
	cr_assert(same_area(e->area, r->area));
	cr_assert(strcmp(r->id, "a") == 0 && strcmp(r->name, "b") == 0);
	if (e->properties)
		cr_assert(strcmp(r->tags, "x y") == 0 && strcmp(r->schedule, "22:00-06:00") == 0 &&
			  r->limit_dkmh == 405 && r->valid_from_ms == 1769848200000 &&
			  r->valid_to_ms == 1769848200001 && r->length_mm == 1234);
	return STATUS_OK;
}

static enum status on_refused(void *context, const struct fence_refusal *r)
{
	(void)context;
	cr_assert(false, "refused: %s", r->reason);
	return STATUS_OK;
}

static void expect_back(const struct fence_area *a, void (*put)(struct buf *, const struct fence_area *), bool all)
{
	struct buf text = buf_init(1 << 20);
	struct expected e = {a, all, 0};
	struct fence_file_result result;
	struct fence_file_options options = {.context = &e, .record = on_record, .refused = on_refused};
	put(&text, a);
	cr_assert(fence_file_read(buf_view(&text), &options, &result) == STATUS_OK && e.seen == 1);
	buf_deinit(&text);
}

Test(fence_round_trip, what_is_written_is_read_back)
{
	uint64_t state = seed_of_run();
	for (int i = 0; i < 300; i++) {
		struct fence_area *a = stars(&state);
		expect_back(a, put_geojson, true);
		expect_back(a, put_kml, false);
		expect_back(a, put_wkt, false);
		fence_area_unref(a);
	}
}
