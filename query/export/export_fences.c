#include "query/export/export_fences.h"

#include <stdlib.h>

#include "engine/geo/shape_rings.h"
#include "query/export/json_out.h"

static void put_position(struct json_out *j, struct geo_point p)
{
	jout_open(j, '[');
	jout_fixed(j, p.lon_e7, 7);
	jout_fixed(j, p.lat_e7, 7);
	jout_close(j, ']');
}

/* Closed, in the direction asked for, from the ring's own first point. */
static void put_ring(struct json_out *j, const struct fence_area *area, uint32_t ring, bool reverse)
{
	uint32_t begin = ring_begin(area, ring), count = area->ring_ends[ring] - begin;
	jout_open(j, '[');
	for (uint32_t i = 0; i <= count; i++)
		put_position(j, area->points[begin + (reverse ? count - i : i) % count]);
	jout_close(j, ']');
}

static void put_polygon(struct json_out *j, const struct fence_area *area, const struct ring_place *places,
			uint32_t outside)
{
	jout_open(j, '[');
	put_ring(j, area, outside, places[outside].clockwise);
	for (uint32_t i = places[outside].first_inside; i != RING_NONE; i = places[i].next)
		put_ring(j, area, i, !places[i].clockwise);
	jout_close(j, ']');
}

enum status export_fence_geometry(struct json_out *j, const struct fence_area *area)
{
	uint32_t parts = 0;
	struct ring_place *places = malloc(area->ring_count * sizeof *places);
	enum status status = places ? shape_rings_nest(area, places) : STATUS_NO_MEMORY;
	if (status) {
		free(places);
		return status;
	}
	for (uint32_t i = 0; i < area->ring_count; i++)
		parts += places[i].depth % 2 == 0;
	jout_open(j, '{');
	jout_key(j, "type");
	jout_string(j, parts == 1 ? "Polygon" : "MultiPolygon");
	jout_key(j, "coordinates");
	if (parts != 1)
		jout_open(j, '[');
	for (uint32_t i = 0; i < area->ring_count; i++)
		if (places[i].depth % 2 == 0)
			put_polygon(j, area, places, i);
	if (parts != 1)
		jout_close(j, ']');
	jout_close(j, '}');
	free(places);
	return j->status;
}

static void put_text(struct json_out *j, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	jout_key(j, key);
	jout_string(j, text);
}

static void put_time(struct json_out *j, const char *key, int64_t ms)
{
	if (ms == INT64_MIN || ms == INT64_MAX)
		return;
	jout_key(j, key);
	jout_time(j, ms);
}

static void put_number(struct json_out *j, const char *key, int64_t v, unsigned decimals)
{
	if (v == 0)
		return;
	jout_key(j, key);
	jout_fixed(j, v, decimals);
}

enum status export_fence_feature(struct json_out *j, const struct export_fence *f)
{
	jout_open(j, '{');
	jout_key(j, "type");
	jout_string(j, "Feature");
	put_text(j, "id", f->id);
	jout_key(j, "properties");
	jout_open(j, '{');
	put_text(j, "name", f->name);
	put_text(j, "tags", f->tags);
	put_number(j, "limit_kmh", f->limit_dkmh, 1);
	put_text(j, "when", f->schedule);
	put_time(j, "valid_from", f->valid_from_ms);
	put_time(j, "valid_to", f->valid_to_ms);
	put_number(j, "length_m", f->length_mm, 3);
	jout_close(j, '}');
	jout_key(j, "geometry");
	enum status status = export_fence_geometry(j, f->area);
	jout_close(j, '}');
	return status ? status : j->status;
}

enum status export_fences_begin(struct buf *out)
{
	struct json_out j = json_out_init(out);
	jout_open(&j, '{');
	jout_key(&j, "type");
	jout_string(&j, "FeatureCollection");
	jout_key(&j, "features");
	jout_open(&j, '[');
	return j.status;
}

enum status export_fence_row(const struct export_fence *f, bool first, struct buf *out)
{
	struct json_out j = json_out_init(out);
	j.comma = !first;
	return export_fence_feature(&j, f);
}

enum status export_fences_end(const char *next, struct buf *out)
{
	struct json_out j = json_out_init(out);
	jout_close(&j, ']');
	put_text(&j, "next", next);
	jout_close(&j, '}');
	return j.status;
}
