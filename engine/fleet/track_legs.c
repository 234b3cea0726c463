#include "engine/fleet/track_legs.h"

#include "engine/core/clock.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/geo/distance.h"

#define UNJUDGED (REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET | REPORT_FLAG_FUTURE)
/* More than 1e-7 degree of any meridian or parallel of WGS-84 is long: 11.17 mm at the pole (NIMA TR8350.2, 2000: a
 * degree of latitude is at most 111.694 km). A leg is not longer than its two sides. */
#define E7_MM 12
/* km/h as mm per ms: 1 000 000 / 3 600 000 */
#define MM_PER_KM 1000000

struct counting {
	struct track_legs_limits limits;
	struct track_legs sum;
	int64_t time_ms; /* of the last valid position, when there is one */
	int32_t lat_e7, lon_e7;
};

static bool is_faster(int64_t mm, int64_t ms, int64_t kmh)
{
	return ms > 0 && (__int128)mm * MS_PER_HOUR > (__int128)kmh * MM_PER_KM * ms;
}

/* A position behind the last one, its leg measured. */
static void count_position(struct counting *c, int64_t time_ms, int32_t lat_e7, int32_t lon_e7)
{
	if (c->sum.positions++) {
		int64_t mm = distance_mm(c->lat_e7, c->lon_e7, lat_e7, lon_e7), ms = time_ms - c->time_ms;
		c->sum.mileage_mm += (uint64_t)mm;
		if (mm <= c->limits.gap_mm && ms <= c->limits.gap_ms)
			c->sum.complete_mm += (uint64_t)mm;
		c->sum.drifts |= is_faster(mm, ms, c->limits.drift_kmh);
	}
	c->time_ms = time_ms;
	c->lat_e7 = lat_e7;
	c->lon_e7 = lon_e7;
}

/* Neither broken nor too fast, by the bound alone. */
static bool is_calm(const struct counting *c, const struct block_columns *k, size_t i)
{
	int64_t lat = (int64_t)k->lat_e7[i] - k->lat_e7[i - 1], lon = (int64_t)k->lon_e7[i] - k->lon_e7[i - 1];
	int64_t mm = E7_MM * ((lat < 0 ? -lat : lat) + (lon < 0 ? -lon : lon));
	int64_t ms = k->time_ms[i] - k->time_ms[i - 1];
	return mm <= c->limits.gap_mm && ms <= c->limits.gap_ms && !is_faster(mm, ms, c->limits.drift_kmh);
}

/* Rows [from, until) of which every leg is calm; `whole_mm` NULL, or what they come to. */
static void count_stretch(struct counting *c, const struct block_columns *k, size_t from, size_t until,
			  const uint64_t *whole_mm)
{
	uint64_t mm = whole_mm ? *whole_mm : distance_path_mm(k->lat_e7 + from, k->lon_e7 + from, until - from);
	c->sum.positions += until - from - 1;
	c->sum.mileage_mm += mm;
	c->sum.complete_mm += mm;
	c->time_ms = k->time_ms[until - 1];
	c->lat_e7 = k->lat_e7[until - 1];
	c->lon_e7 = k->lon_e7[until - 1];
}

static void count_rows(struct counting *c, const struct track_rows *r)
{
	const struct block_columns *k = &r->columns;
	for (size_t i = r->from; i < r->until;) {
		if (k->flags[i] & UNJUDGED) {
			i++;
			continue;
		}
		size_t end = i + 1;
		while (end < r->until && !(k->flags[end] & UNJUDGED) && is_calm(c, k, end))
			end++;
		count_position(c, k->time_ms[i], k->lat_e7[i], k->lon_e7[i]);
		if (end > i + 1)
			count_stretch(c, k, i, end, end - i == r->block->count ? &r->block->distance_mm : NULL);
		i = end;
	}
}

enum status track_legs(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms,
		       const struct track_legs_limits *limits, struct track_legs *out)
{
	struct counting c = {.limits = *limits};
	struct track_rows rows;
	struct report report;
	struct track *t;
	enum status status = track_open(e, device, from_ms, to_ms, &t);
	*out = (struct track_legs){0};
	if (status)
		return status;
	while (!status) {
		status = track_rows(t, INT64_MAX, BLOCK_WANT_JUDGED, true, &rows);
		if (status)
			break;
		if (rows.from < rows.until) {
			count_rows(&c, &rows);
			track_skip(t, &rows, rows.until - rows.from);
			continue;
		}
		status = track_next(t, &report);
		if (!status && !(report.flags & UNJUDGED))
			count_position(&c, report.time_ms, report.lat_e7, report.lon_e7);
	}
	track_close(t);
	*out = c.sum;
	return status == STATUS_END ? STATUS_OK : status;
}

enum status track_has_position(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms, bool *out)
{
	const struct block_summary *block;
	struct report report;
	struct track *t;
	enum status status = track_open(e, device, from_ms, to_ms, &t);
	*out = false;
	if (status)
		return status;
	while (!status && !*out) {
		status = track_block(t, INT64_MAX, &block);
		if (!status && block)
			*out = !(block->flags_or & UNJUDGED);
		if (status || *out)
			break;
		status = track_next(t, &report);
		*out = !status && !(report.flags & UNJUDGED);
	}
	track_close(t);
	return status == STATUS_END ? STATUS_OK : status;
}
