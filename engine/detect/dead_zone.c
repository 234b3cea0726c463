/* dead_zone.c
 *
 * Learning. The first pass gathers pairs (cell, device) of gaps; cells with enough devices are candidates. The second
 * gathers pairs of everybody seen, in candidate cells alone, so that memory follows the gaps and not the traffic:
 *
 *   gaps        (c1 d1) (c1 d2) (c1 d3) ... (c7 d1) ...       sorted, each once
 *   candidates   c1 x 9 devices,  c4 x 5,  ...
 *   seen        (c1 d1) (c1 d9) ... (c4 d2) ...
 *
 * A map as bytes, version 1:
 *   1       version, 1
 *   8       day_ms, big-endian
 *   4       number of cells n, big-endian
 *   1..5    n varints: the first cell, then each cell's distance from the one before, less one
 * A cell's number is row * 36001 + column, both counted from the south-western corner of the world. */
#include "engine/detect/dead_zone.h"

#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/limits.h"
#include "engine/detect/stage2.h"

#define VERSION 1
#define ROWS 18001
#define COLUMNS 36001
#define CELLS ((uint32_t)ROWS * COLUMNS)
#define HEAD_BYTES 13

struct dead_zone_map {
	uint32_t references, count;
	int64_t day_ms;
	uint32_t cells[]; /* ascending */
};

struct dead_zones {
	uint32_t references, count;
	struct dead_zone_map *maps[]; /* by day */
};

struct pair {
	uint64_t device;
	uint32_t cell;
};
struct pairs {
	struct pair *items;
	size_t count, capacity;
	size_t sorted; /* so many were left by the last sort_unique() */
};

struct candidate {
	uint32_t cell, devices;
};

struct dead_zone_learner {
	int64_t day_ms;
	struct pairs gaps, seen;
	struct candidate *candidates; /* by cell; made when the second pass begins */
	size_t candidate_count;
	bool second_pass;
};

static uint32_t cell_at(int32_t lat_e7, int32_t lon_e7)
{
	uint32_t row = (uint32_t)(lat_e7 + 900000000) / DEAD_ZONE_CELL_E7;
	uint32_t column = (uint32_t)((int64_t)lon_e7 + 1800000000) / DEAD_ZONE_CELL_E7;
	return row * COLUMNS + column;
}

/* Zeros are what a device without a fix sends: nowhere in particular. */
static bool position_known(int32_t lat_e7, int32_t lon_e7)
{
	return lat_e7 >= -900000000 && lat_e7 <= 900000000 && lon_e7 >= -1800000000 && lon_e7 <= 1800000000 &&
	       (lat_e7 || lon_e7);
}

static bool is_day(int64_t day_ms)
{
	return day_ms >= -CHINA_OFFSET_MS && day_ms <= JUDGED_TIME_MAX_MS &&
	       (day_ms + CHINA_OFFSET_MS) % MS_PER_DAY == 0;
}

/* --- maps --- */

static struct dead_zone_map *map_new(int64_t day_ms, size_t room)
{
	struct dead_zone_map *m = malloc(sizeof *m + room * sizeof m->cells[0]);
	if (m)
		*m = (struct dead_zone_map){.references = 1, .day_ms = day_ms};
	return m;
}

struct dead_zone_map *dead_zone_map_ref(struct dead_zone_map *m)
{
	__atomic_add_fetch(&m->references, 1, __ATOMIC_RELAXED);
	return m;
}

void dead_zone_map_unref(struct dead_zone_map *m)
{
	if (m && __atomic_sub_fetch(&m->references, 1, __ATOMIC_ACQ_REL) == 0)
		free(m);
}

int64_t dead_zone_map_day_ms(const struct dead_zone_map *m)
{
	return m->day_ms;
}

uint32_t dead_zone_map_count(const struct dead_zone_map *m)
{
	return m->count;
}

void dead_zone_map_cell(const struct dead_zone_map *m, uint32_t i, int32_t *out_lat_e7, int32_t *out_lon_e7)
{
	*out_lat_e7 = (int32_t)(m->cells[i] / COLUMNS) * DEAD_ZONE_CELL_E7 - 900000000;
	*out_lon_e7 = (int32_t)((int64_t)(m->cells[i] % COLUMNS) * DEAD_ZONE_CELL_E7 - 1800000000);
}

static int compare_cells(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

bool dead_zone_map_covers(const struct dead_zone_map *m, int32_t lat_e7, int32_t lon_e7)
{
	if (!position_known(lat_e7, lon_e7) || !m->count)
		return false;
	uint32_t cell = cell_at(lat_e7, lon_e7);
	return bsearch(&cell, m->cells, m->count, sizeof cell, compare_cells);
}

enum status dead_zone_map_encode(const struct dead_zone_map *m, struct buf *out)
{
	size_t before = out->size;
	uint8_t head[HEAD_BYTES] = {VERSION};
	store_be64(head + 1, (uint64_t)m->day_ms);
	store_be32(head + 9, m->count);
	enum status status = buf_append(out, head, sizeof head);
	for (uint32_t i = 0; !status && i < m->count; i++)
		status = buf_append_varint(out, i ? m->cells[i] - m->cells[i - 1] - 1 : m->cells[0]);
	if (status)
		out->size = before;
	return status;
}

/* A varint without needless bytes: one map has one row. */
static uint64_t take_varint(struct cursor *c)
{
	const uint8_t *from = c->at;
	uint64_t v = cursor_varint(c);
	if (c->at - from > 1 && c->at[-1] == 0)
		c->failed = true;
	return v;
}

enum status dead_zone_map_decode(struct span bytes, struct dead_zone_map **out)
{
	struct cursor c = cursor_of(bytes);
	unsigned version = cursor_u8(&c);
	if (!c.failed && version != VERSION)
		return STATUS_BAD_VERSION;
	int64_t day_ms = (int64_t)cursor_be64(&c);
	uint32_t count = cursor_be32(&c);
	if (c.failed || !is_day(day_ms) || count > cursor_left(&c))
		return STATUS_CORRUPT;
	struct dead_zone_map *m = map_new(day_ms, count);
	if (!m)
		return STATUS_NO_MEMORY;
	for (uint64_t next = 0; m->count < count; m->count++, next++) {
		uint64_t step = take_varint(&c);
		if (c.failed || step >= CELLS || next + step >= CELLS)
			break;
		next += step;
		m->cells[m->count] = (uint32_t)next;
	}
	if (m->count < count || cursor_left(&c)) {
		dead_zone_map_unref(m);
		return STATUS_CORRUPT;
	}
	*out = m;
	return STATUS_OK;
}

/* --- learning --- */

enum status dead_zone_learner_new(int64_t day_ms, struct dead_zone_learner **out)
{
	if (!is_day(day_ms))
		return STATUS_INVALID;
	struct dead_zone_learner *l = calloc(1, sizeof *l);
	if (!l)
		return STATUS_NO_MEMORY;
	l->day_ms = day_ms;
	*out = l;
	return STATUS_OK;
}

void dead_zone_learner_free(struct dead_zone_learner *l)
{
	if (!l)
		return;
	free(l->gaps.items);
	free(l->seen.items);
	free(l->candidates);
	free(l);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	if (x->cell != y->cell)
		return x->cell < y->cell ? -1 : 1;
	return (x->device > y->device) - (x->device < y->device);
}

static void sort_unique(struct pairs *p)
{
	size_t kept = 0;
	if (p->count)
		qsort(p->items, p->count, sizeof *p->items, compare_pairs);
	for (size_t i = 0; i < p->count; i++)
		if (!kept || compare_pairs(&p->items[kept - 1], &p->items[i]))
			p->items[kept++] = p->items[i];
	p->count = p->sorted = kept;
}

static enum status add_pair(struct pairs *p, uint32_t cell, uint64_t device)
{
	/* repeats go before there is more room, but only when as many again have come since the last time */
	if (p->count == p->capacity && p->count >= 2 * p->sorted && p->count)
		sort_unique(p);
	if (p->count == DEAD_ZONE_PAIRS_MAX)
		sort_unique(p);
	if (p->count == DEAD_ZONE_PAIRS_MAX)
		return STATUS_FULL;
	if (!array_grow((void **)&p->items, &p->capacity, p->count, sizeof *p->items))
		return STATUS_NO_MEMORY;
	p->items[p->count++] = (struct pair){device, cell};
	return STATUS_OK;
}

/* Began within the window, and had ended when the day began. */
static bool counts(const struct dead_zone_learner *l, const struct fact *f)
{
	return fact_judged(f) && f->from_ms >= l->day_ms - DEAD_ZONE_WINDOW_MS && f->to_ms < l->day_ms;
}

enum status dead_zone_learn_gap(struct dead_zone_learner *l, const struct fact *f)
{
	if (l->second_pass)
		return STATUS_INVALID;
	if (f->kind != FACT_GAP || !counts(l, f) || !position_known(f->from_lat_e7, f->from_lon_e7))
		return STATUS_OK;
	return add_pair(&l->gaps, cell_at(f->from_lat_e7, f->from_lon_e7), f->device);
}

static enum status begin_second_pass(struct dead_zone_learner *l)
{
	sort_unique(&l->gaps);
	l->candidates = calloc(l->gaps.count / DEAD_ZONE_DEVICES_MIN + 1, sizeof *l->candidates);
	if (!l->candidates)
		return STATUS_NO_MEMORY;
	for (size_t i = 0, k; i < l->gaps.count; i = k) {
		uint32_t cell = l->gaps.items[i].cell;
		for (k = i; k < l->gaps.count && l->gaps.items[k].cell == cell;)
			k++;
		if (k - i >= DEAD_ZONE_DEVICES_MIN)
			l->candidates[l->candidate_count++] = (struct candidate){cell, (uint32_t)(k - i)};
	}
	l->second_pass = true;
	return STATUS_OK;
}

/* The candidate is known by its cell, the first thing in it. */
static enum status see(struct dead_zone_learner *l, uint64_t device, int32_t lat_e7, int32_t lon_e7)
{
	if (!position_known(lat_e7, lon_e7) || !l->candidate_count)
		return STATUS_OK;
	uint32_t cell = cell_at(lat_e7, lon_e7);
	if (!bsearch(&cell, l->candidates, l->candidate_count, sizeof *l->candidates, compare_cells))
		return STATUS_OK;
	return add_pair(&l->seen, cell, device);
}

enum status dead_zone_learn_seen(struct dead_zone_learner *l, const struct fact *f)
{
	enum status status = l->second_pass ? STATUS_OK : begin_second_pass(l);
	if (status || !counts(l, f))
		return status;
	status = see(l, f->device, f->from_lat_e7, f->from_lon_e7);
	return status ? status : see(l, f->device, f->to_lat_e7, f->to_lon_e7);
}

enum status dead_zone_learner_finish(struct dead_zone_learner *l, struct dead_zone_map **out)
{
	enum status status = l->second_pass ? STATUS_OK : begin_second_pass(l);
	struct dead_zone_map *m = status ? NULL : map_new(l->day_ms, l->candidate_count);
	if (!m)
		return STATUS_NO_MEMORY;
	sort_unique(&l->seen);
	size_t at = 0;
	for (size_t i = 0; i < l->candidate_count; i++) {
		const struct candidate *c = &l->candidates[i];
		size_t seen = 0;
		while (at < l->seen.count && l->seen.items[at].cell < c->cell)
			at++;
		while (at < l->seen.count && l->seen.items[at].cell == c->cell) {
			at++;
			seen++;
		}
		if (2 * (size_t)c->devices >= seen)
			m->cells[m->count++] = c->cell;
	}
	*out = m;
	return STATUS_OK;
}

/* --- zones: maps by day --- */

enum status dead_zones_with(const struct dead_zones *old, struct dead_zone_map *map, int64_t keep_from_ms,
			    struct dead_zones **out)
{
	uint32_t count = old ? old->count : 0, at = 0;
	struct dead_zones *z = malloc(sizeof *z + (count + 1) * sizeof z->maps[0]);
	if (!z)
		return STATUS_NO_MEMORY;
	*z = (struct dead_zones){.references = 1};
	while (at < count && old->maps[at]->day_ms < map->day_ms)
		z->maps[z->count++] = old->maps[at++];
	z->maps[z->count++] = map;
	if (at < count && old->maps[at]->day_ms == map->day_ms)
		at++;
	while (at < count)
		z->maps[z->count++] = old->maps[at++];
	uint32_t drop = 0; /* all that another follows before `keep_from_ms` */
	while (drop + 1 < z->count && z->maps[drop + 1]->day_ms <= keep_from_ms)
		drop++;
	z->count -= drop;
	memmove(z->maps, z->maps + drop, z->count * sizeof z->maps[0]);
	for (uint32_t i = 0; i < z->count; i++)
		dead_zone_map_ref(z->maps[i]);
	*out = z;
	return STATUS_OK;
}

uint32_t dead_zones_count(const struct dead_zones *z)
{
	return z ? z->count : 0;
}

const struct dead_zone_map *dead_zones_at(const struct dead_zones *z, uint32_t i)
{
	return z->maps[i];
}

bool dead_zone_map_same(const struct dead_zone_map *a, const struct dead_zone_map *b)
{
	return a->count == b->count && memcmp(a->cells, b->cells, a->count * sizeof a->cells[0]) == 0;
}

struct dead_zones *dead_zones_ref(struct dead_zones *z)
{
	__atomic_add_fetch(&z->references, 1, __ATOMIC_RELAXED);
	return z;
}

void dead_zones_unref(struct dead_zones *z)
{
	if (!z || __atomic_sub_fetch(&z->references, 1, __ATOMIC_ACQ_REL))
		return;
	for (uint32_t i = 0; i < z->count; i++)
		dead_zone_map_unref(z->maps[i]);
	free(z);
}

bool dead_zones_cover(const void *zones, int64_t time_ms, int32_t lat_e7, int32_t lon_e7)
{
	const struct dead_zones *z = zones;
	uint32_t low = 0, high = z ? z->count : 0; /* the first map that begins after `time_ms` */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (z->maps[middle]->day_ms <= time_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low && dead_zone_map_covers(z->maps[low - 1], lat_e7, lon_e7);
}
