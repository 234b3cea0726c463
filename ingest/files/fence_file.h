/* fence_file.h -- fences out of GeoJSON, KML and WKT, one record each.
 *
 *   text ── fence_geojson.c ─┐                        ┌─> record(id, name, ..., area)
 *        ── fence_kml.c ─────┼─> fence_draft ─────────┤
 *        ── fence_wkt.c ─────┘   to WGS-84, checked   └─> refused(feature, line, field, reason, place)
 *
 *   geometry                       with        becomes
 *   Polygon, MultiPolygon                      the area drawn
 *   LineString, MultiLineString    half_width_m  all that lies within it of the lines
 *   Point, MultiPoint              radius_m      discs
 *
 * Properties (GeoJSON's, KML's ExtendedData, key=value behind a WKT), all of them optional: id, name, tags (words, or a
 * list of them), limit_kmh, when (schedule.h), valid_from, valid_to (RFC 3339, or a date: its 00:00, UTC+8), length_m,
 * half_width_m, radius_m; others are passed over.
 *
 *   GeoJSON   RFC 7946; a FeatureCollection, a Feature or a bare geometry. A "crs" of the specification of 2008 is
 *             honoured when it is known, else the file is refused; eastings come first whatever the system says.
 *   KML       2.2: the Placemarks; LinearRing, LineString, Point, MultiGeometry of one kind.
 *   WKT       one geometry after another, or lines   id;name;POLYGON((...))   each may go on   ;limit_kmh=40;tags=a b
 *
 * Text that is no UTF-8 is taken as GB18030. Every bad feature is refused alone, and reading goes on; rings must be
 * closed and polygons valid (shape.h) unless `repair` is asked for. Pure; one owner. */
#ifndef ZAYTON_INGEST_FENCE_FILE_H
#define ZAYTON_INGEST_FENCE_FILE_H

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "engine/geo/fence.h"

/* bytes of a file, held whole by the caller */
#define FENCE_FILE_BYTES_MAX (256u << 20)
/* of one GeoJSON feature: bytes, values, and lists within lists; FENCE_POINTS_MAX points need half of them */
#define FENCE_FEATURE_BYTES_MAX (16u << 20)
#define FENCE_FEATURE_VALUES_MAX 1000000
#define FENCE_FEATURE_DEPTH_MAX 32
/* KML elements within elements */
#define FENCE_KML_DEPTH_MAX 64

#define FENCE_RECORD_ID_MAX 64
#define FENCE_RECORD_NAME_MAX 128
#define FENCE_RECORD_TAGS_MAX 256
#define FENCE_RECORD_WHEN_MAX 256 /* schedule.h has texts of up to 255 bytes */
#define FENCE_EXCERPT_MAX 64

enum fence_format { FENCE_FORMAT_DETECT, FENCE_FORMAT_GEOJSON, FENCE_FORMAT_KML, FENCE_FORMAT_WKT };

/* Texts are UTF-8 without control characters, and end with a NUL. */
struct fence_record {
	uint32_t feature; /* from 1 */
	uint64_t line;    /* where it begins */
	bool repaired;
	char id[FENCE_RECORD_ID_MAX]; /* empty: none was given */
	char name[FENCE_RECORD_NAME_MAX];
	char tags[FENCE_RECORD_TAGS_MAX];     /* words, one space between */
	uint16_t limit_dkmh;                  /* 0: none */
	char schedule[FENCE_RECORD_WHEN_MAX]; /* as it stands */
	int64_t valid_from_ms, valid_to_ms;   /* [from, to); INT64_MIN, INT64_MAX: open */
	int64_t length_mm;                    /* of the centre line, for section speed; 0: none */
	struct fence_area *area;              /* until the callback returns; fence_area_ref() keeps it */
};

/* What a refusal is about. */
#define FENCE_FIELD_TABLE(X)                                                                                           \
	X(FILE, "file")                                                                                                \
	X(CRS, "crs")                                                                                                  \
	X(FEATURE, "feature")                                                                                          \
	X(GEOMETRY, "geometry")                                                                                        \
	X(ID, "id")                                                                                                    \
	X(NAME, "name")                                                                                                \
	X(TAGS, "tags")                                                                                                \
	X(LIMIT, "limit_kmh")                                                                                          \
	X(WHEN, "when")                                                                                                \
	X(VALID_FROM, "valid_from")                                                                                    \
	X(VALID_TO, "valid_to")                                                                                        \
	X(LENGTH, "length_m")                                                                                          \
	X(HALF_WIDTH, "half_width_m")                                                                                  \
	X(RADIUS, "radius_m")

enum fence_field {
#define X(NAME, token) FENCE_FIELD_##NAME,
	FENCE_FIELD_TABLE(X)
#undef X
		FENCE_FIELD_COUNT
};

/* The token above; static storage. */
const char *fence_field_name(enum fence_field field);

struct fence_refusal {
	uint32_t feature; /* from 1; 0: the file as a whole */
	uint64_t line;    /* from 1 */
	char id[FENCE_RECORD_ID_MAX];
	enum fence_field field;
	enum status status;
	const char *reason, *reason_zh;  /* static storage */
	char excerpt[FENCE_EXCERPT_MAX]; /* what was refused; may be empty */
	bool has_where;
	struct geo_point where; /* of a fault in the geometry */
};

struct fence_file_options {
	enum fence_format format;
	const char *crs; /* crs.h; NULL: what the file says, WGS-84 when it says nothing */
	bool repair;
	void *context;
	/* Either may end the reading with a status, which is returned. */
	enum status (*record)(void *context, const struct fence_record *record);
	enum status (*refused)(void *context, const struct fence_refusal *refusal);
};

struct fence_file_result {
	enum fence_format format;
	uint32_t features, records, refused;
};

/* STATUS_OK when all was read, features refused or not. These are told as a refusal of the file, too:
 * STATUS_MALFORMED no such text, or from there on it cannot be read; STATUS_EMPTY no feature in it; STATUS_NOT_FOUND,
 * STATUS_UNSUPPORTED its coordinate system; STATUS_TOO_LONG. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status fence_file_read(struct span text, const struct fence_file_options *options,
					   struct fence_file_result *out);

/* One line without its end: "line 3: feature 2 \"a1\": geometry: self-intersection at 24.5000000, 118.5000000", or in
 * Chinese. STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status fence_refusal_print(const struct fence_refusal *refusal, bool chinese, struct buf *out);

#endif
