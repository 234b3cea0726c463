/* export_fences.h -- fences as GeoJSON (RFC 7946), one feature each, the way ingest/files reads them back.
 *
 *   begin, row, row, ..., end      {"type":"FeatureCollection","features":[{...},...],"next":"..."}
 *
 * A feature: id, properties (name, tags, limit_kmh, when, valid_from, valid_to, length_m; what is not known is left
 * out), and a Polygon or MultiPolygon: outsides counterclockwise, holes clockwise, each told by what lies in what
 * (shape_rings.h), seven decimals. Pure; the same fences give the same bytes. */
#ifndef ZAYTON_QUERY_EXPORT_FENCES_H
#define ZAYTON_QUERY_EXPORT_FENCES_H

#include "engine/core/bytes.h"
#include "engine/core/limits.h"
#include "engine/geo/fence.h"

struct json_out;

struct export_fence {
	const char *id, *name, *tags, *schedule; /* NULL or empty: none */
	uint16_t limit_dkmh;                     /* 0: none */
	int64_t valid_from_ms, valid_to_ms;      /* INT64_MIN, INT64_MAX: open */
	int64_t length_mm;                       /* 0: none */
	const struct fence_area *area;
};

/* STATUS_FULL when `out` has no room (one row needs at most EXPORT_FENCE_BYTES_MAX); STATUS_NO_MEMORY. */
#define EXPORT_FENCE_BYTES_MAX (40 * FENCE_POINTS_MAX + 8192)
STATUS_CHECKED enum status export_fences_begin(struct buf *out);
/* `first`: nothing came before it. */
STATUS_CHECKED enum status export_fence_row(const struct export_fence *f, bool first, struct buf *out);
/* `next` (may be NULL) is the cursor that goes on from here. */
STATUS_CHECKED enum status export_fences_end(const char *next, struct buf *out);

/* The feature, the geometry: as values within other JSON. */
STATUS_CHECKED enum status export_fence_feature(struct json_out *j, const struct export_fence *f);
STATUS_CHECKED enum status export_fence_geometry(struct json_out *j, const struct fence_area *area);

#endif
