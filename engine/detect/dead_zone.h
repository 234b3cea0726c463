/* dead_zone.h -- where the network is known to be dead (盲区): cells in which many lose contact, learned night by
 * night.
 *
 *   cell      0.01 degree of latitude and longitude (some 1.1 km north-south, 1.0 km east-west at 25 degrees)
 *   map       the dead cells from the beginning of one day on (00:00, UTC+8)
 *   zones     maps by day; at any time the newest that has begun holds
 *
 * A cell is dead from a day on when in the DEAD_ZONE_WINDOW_MS before that day
 *   - DEAD_ZONE_DEVICES_MIN different devices had a FACT_GAP that began there, and
 *   - they are at least half of the devices seen there: those with a fact (a drive, a visit, a gap) that begins or ends
 *     in the cell.
 * Only facts that had ended when the day began count. So a jammer makes no dead zone for itself, and a place that many
 * pass with contact is none. Devices that pass without any fact beginning or ending are not seen: the half is of those
 * who stopped, set out, entered a fence of interest or lost contact there.
 *
 * A map is learned once, stored and never changed by what comes late: findings stay what they were. Threads: a map and
 * zones are immutable and counted by references; a learner has one owner. */
#ifndef ZAYTON_DETECT_DEAD_ZONE_H
#define ZAYTON_DETECT_DEAD_ZONE_H

#include "engine/detect/fact.h"

#define DEAD_ZONE_CELL_E7 100000
#define DEAD_ZONE_DEVICES_MIN 5
#define DEAD_ZONE_WINDOW_MS (INT64_C(7) * 86400000)

struct dead_zone_map;
struct dead_zone_map *dead_zone_map_ref(struct dead_zone_map *m);
/* NULL is allowed. */
void dead_zone_map_unref(struct dead_zone_map *m);
/* The instant from which it holds: 00:00 of a day in China. */
int64_t dead_zone_map_day_ms(const struct dead_zone_map *m);
uint32_t dead_zone_map_count(const struct dead_zone_map *m);
/* South-western corner of the i-th dead cell, in order of latitude and longitude; `i` < dead_zone_map_count(). */
void dead_zone_map_cell(const struct dead_zone_map *m, uint32_t i, int32_t *out_lat_e7, int32_t *out_lon_e7);
bool dead_zone_map_covers(const struct dead_zone_map *m, int32_t lat_e7, int32_t lon_e7);
/* Version 1, documented in dead_zone.c; the same map is the same bytes. */
STATUS_CHECKED enum status dead_zone_map_encode(const struct dead_zone_map *m, struct buf *out);
/* STATUS_CORRUPT, STATUS_BAD_VERSION, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status dead_zone_map_decode(struct span bytes, struct dead_zone_map **out);

/* The map of a day from the facts of all devices: all are offered to dead_zone_learn_gap(), then, when there are no
 * more, all again to dead_zone_learn_seen(); in any order, repeats do no harm, what does not count is skipped.
 * STATUS_FULL: DEAD_ZONE_PAIRS_MAX pairs of cell and device; STATUS_NO_MEMORY. STATUS_INVALID: `day_ms` is no
 * beginning of a day in China within 1970..9999, or the order was not kept. */
struct dead_zone_learner;
STATUS_CHECKED enum status dead_zone_learner_new(int64_t day_ms, struct dead_zone_learner **out);
STATUS_CHECKED enum status dead_zone_learn_gap(struct dead_zone_learner *l, const struct fact *f);
STATUS_CHECKED enum status dead_zone_learn_seen(struct dead_zone_learner *l, const struct fact *f);
STATUS_CHECKED enum status dead_zone_learner_finish(struct dead_zone_learner *l, struct dead_zone_map **out);
/* NULL is allowed. */
void dead_zone_learner_free(struct dead_zone_learner *l);

struct dead_zones;
/* `old` (NULL: none) with `map` (referenced), which takes the place of a map of the same day; maps that begin before
 * `keep_from_ms` are dropped, except the one that holds then. */
STATUS_CHECKED enum status dead_zones_with(const struct dead_zones *old, struct dead_zone_map *map,
					   int64_t keep_from_ms, struct dead_zones **out);
/* Maps by day; NULL has none. The i-th, borrowed; `i` < dead_zones_count(). */
uint32_t dead_zones_count(const struct dead_zones *z);
const struct dead_zone_map *dead_zones_at(const struct dead_zones *z, uint32_t i);
/* Whether both have the same cells, whatever their days. */
bool dead_zone_map_same(const struct dead_zone_map *a, const struct dead_zone_map *b);
struct dead_zones *dead_zones_ref(struct dead_zones *z);
/* NULL is allowed. */
void dead_zones_unref(struct dead_zones *z);
/* For struct detect_context: `zones` is a struct dead_zones; NULL covers nothing. */
bool dead_zones_cover(const void *zones, int64_t time_ms, int32_t lat_e7, int32_t lon_e7);

#endif
