/* fence_draft.h -- a fence while it is being read, whatever the format.
 *
 *   begin ── property* , (part_begin position* part_end)* ── end ──> record, or refused
 *
 * The first mistake of a feature is the one told; what follows it is passed over. A function returns a status only
 * when reading cannot go on. Positions are taken to WGS-84 one by one, and edges that are straight in the file's
 * system get points between where they would bend by more than FENCE_EDGE_ERROR_MM. One owner. */
#ifndef ZAYTON_INGEST_FENCE_DRAFT_H
#define ZAYTON_INGEST_FENCE_DRAFT_H

#include "engine/geo/crs.h"
#include "ingest/files/fence_file.h"

#define FENCE_EDGE_ERROR_MM 20

enum fence_part { FENCE_PART_NONE, FENCE_PART_RING, FENCE_PART_HOLE, FENCE_PART_LINE, FENCE_PART_POINT };

struct fence_vertex {
	double east, north;
	struct geo_point at;
};

struct fence_draft {
	const struct fence_file_options *options;
	struct fence_file_result *result;
	struct crs *crs; /* NULL: positions are WGS-84 */

	struct fence_record record;
	struct fence_refusal refusal; /* status OK: nothing wrong yet */
	int64_t half_width_mm, radius_mm;

	enum fence_part kind, part; /* RING stands for HOLE too; the part being read */
	struct fence_vertex first, last;
	struct geo_point *points;
	uint32_t *ends;
	bool *is_hole;
	uint32_t point_count, point_capacity, part_count, part_capacity;
};

/* Opens options->crs. As fence_file_read(). */
STATUS_CHECKED enum status fence_draft_init(struct fence_draft *d, const struct fence_file_options *options,
					    struct fence_file_result *result);
void fence_draft_deinit(struct fence_draft *d);
/* The file's own system; nothing when the options name one. The refusal is told. */
STATUS_CHECKED enum status fence_draft_crs(struct fence_draft *d, uint64_t line, const char *name);
/* A refusal of the file as a whole is told; returns `status`, or what the callback said. */
STATUS_CHECKED enum status fence_draft_file_wrong(struct fence_draft *d, uint64_t line, enum fence_field field,
						  enum status status, const char *reason, const char *reason_zh,
						  struct span text);

void fence_draft_begin(struct fence_draft *d, uint64_t line);
/* By its token; unknown ones are passed over. */
void fence_draft_property(struct fence_draft *d, struct span key, struct span value);
STATUS_CHECKED enum status fence_draft_part_begin(struct fence_draft *d, enum fence_part part);
STATUS_CHECKED enum status fence_draft_position(struct fence_draft *d, double east, double north);
STATUS_CHECKED enum status fence_draft_part_end(struct fence_draft *d);
void fence_draft_wrong(struct fence_draft *d, enum fence_field field, enum status status, const char *reason,
		       const char *reason_zh, struct span text);
STATUS_CHECKED enum status fence_draft_end(struct fence_draft *d);

/* A decimal number; no hex, no infinity. STATUS_MALFORMED. */
STATUS_CHECKED enum status fence_number(struct span text, double *out);

/* The readers; `text` is UTF-8 without a byte order mark (KML: or UTF-16). */
STATUS_CHECKED enum status fence_geojson_read(struct span text, struct fence_draft *d);
STATUS_CHECKED enum status fence_kml_read(struct span text, struct fence_draft *d);
STATUS_CHECKED enum status fence_wkt_read(struct span text, struct fence_draft *d);

#endif
