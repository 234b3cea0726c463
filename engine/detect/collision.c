#include "engine/detect/collision.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/limits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define WIDE __attribute__((target("avx2")))
#endif

/* --- cells --- */

#define CELL_E7 INT64_C(1000000) /* 0.1 degrees: 11 km */
#define CELL_COLUMNS (INT64_C(3600000000) / CELL_E7)
#define UNIT_MM 4096            /* of a place in a cell */
#define OFFSET_MAX 30000        /* units from a cell's middle to who asks; 16 bits hold it and the cell */
#define EPOCH_MS INT64_C(30000) /* an epoch serves so long from its beginning */
#define ERROR_MAX 10000         /* units: with the largest cpa and tcpa 15 bits hold aside_per_speed */
#define COSINE_MIN (1 << 28)    /* to 75 degrees */
#define NO_CELL UINT32_MAX
#define ROOM_MAX 64 /* places of all cells for each slot, past which their memory is given back */

/* One in a cell: as many in each column. */
struct pair16 {
	int16_t east, north;
};

struct cell {
	int32_t row, column;
	int32_t cos_q30; /* of its middle */
	uint16_t speed_max;
	uint32_t count, capacity;
	struct pair16 *place, *speed; /* units of UNIT_MM; 0.1 km/h */
	uint32_t *slots;
};

struct vessel { /* one line of the cache */
	struct mover mover;
	uint32_t cell, index; /* NO_CELL: in none: too old, or not there */
	bool there;
	uint8_t padding[19];
};
_Static_assert(sizeof(struct vessel) == 64, "one line of the cache");

struct collision {
	struct collision_options options;
	struct vessel *vessels; /* by slot */
	struct cell *cells;
	uint32_t cell_count, cell_capacity;
	size_t room;     /* of all cells' columns */
	uint32_t *table; /* cells by (row, column): open addressing, number + 1, 0 is empty */
	uint32_t table_mask;
	int64_t epoch_ms;
	uint16_t speed_max; /* of all, since the epoch began */
	uint32_t *found;    /* slots */
	uint32_t *passed;   /* of one cell: places that the screen lets through */
	size_t passed_capacity;
};

static uint32_t hash_of(int32_t row, int32_t column)
{
	uint64_t key = (uint64_t)(uint32_t)row << 32 | (uint32_t)column;
	return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static uint32_t *entry_of(const struct collision *c, int32_t row, int32_t column)
{
	uint32_t at = hash_of(row, column) & c->table_mask;
	while (c->table[at]) {
		const struct cell *cell = &c->cells[c->table[at] - 1];
		if (cell->row == row && cell->column == column)
			break;
		at = (at + 1) & c->table_mask;
	}
	return &c->table[at];
}

static int32_t floor_div(int64_t a, int64_t b)
{
	return (int32_t)(a >= 0 ? a / b : -((b - 1 - a) / b));
}

static int32_t row_of(int64_t lat_e7)
{
	return floor_div(lat_e7, CELL_E7);
}

static int32_t column_of(int64_t lon_e7)
{
	int64_t column = floor_div(lon_e7, CELL_E7) % CELL_COLUMNS;
	return (int32_t)(column < 0 ? column + CELL_COLUMNS : column);
}

/* From the cell's middle, in units. */
static void place_in(const struct cell *cell, int32_t lat_e7, int32_t lon_e7, int64_t *out_east, int64_t *out_north)
{
	int64_t lat = lat_e7 - ((int64_t)cell->row * CELL_E7 + CELL_E7 / 2);
	int64_t lon = lon_wrapped(lon_e7 - ((int64_t)cell->column * CELL_E7 + CELL_E7 / 2));
	*out_north = lat * APPROACH_UM_PER_E7 / (1000 * UNIT_MM);
	*out_east = lon * APPROACH_UM_PER_E7 / 1000 * cell->cos_q30 / (UNIT_MM * (INT64_C(1) << 30));
}

static enum status cell_grow(struct collision *c, struct cell *cell)
{
	uint32_t capacity = cell->capacity ? cell->capacity * 2 : 16;
	struct pair16 *place = realloc(cell->place, capacity * sizeof *place);
	cell->place = place ? place : cell->place;
	struct pair16 *speed = place ? realloc(cell->speed, capacity * sizeof *speed) : NULL;
	cell->speed = speed ? speed : cell->speed;
	uint32_t *slots = speed ? realloc(cell->slots, capacity * sizeof *slots) : NULL;
	cell->slots = slots ? slots : cell->slots;
	if (!slots)
		return STATUS_NO_MEMORY;
	if (capacity > c->passed_capacity) {
		uint32_t *passed = realloc(c->passed, capacity * sizeof *passed);
		if (!passed)
			return STATUS_NO_MEMORY;
		c->passed = passed;
		c->passed_capacity = capacity;
	}
	/* the screen reads eight at a time */
	memset(place + cell->capacity, 0, (capacity - cell->capacity) * sizeof *place);
	memset(speed + cell->capacity, 0, (capacity - cell->capacity) * sizeof *speed);
	c->room += capacity - cell->capacity;
	cell->capacity = capacity;
	return STATUS_OK;
}

static void cells_release(struct collision *c)
{
	for (uint32_t i = 0; c->cells && i < c->cell_capacity; i++) {
		free(c->cells[i].place);
		free(c->cells[i].speed);
		free(c->cells[i].slots);
		c->cells[i] = (struct cell){0};
	}
	c->room = 0;
}

/* The memory of cells stays with them when they are taken for another place. */
static enum status cell_take(struct collision *c, int32_t row, int32_t column, uint32_t *out)
{
	uint32_t *entry = entry_of(c, row, column);
	struct mover middle;
	if (*entry) {
		*out = *entry - 1;
		return STATUS_OK;
	}
	if (c->cell_count == c->cell_capacity)
		return STATUS_FULL;
	struct cell *cell = &c->cells[c->cell_count++];
	bool known = mover_of(0, row * CELL_E7 + CELL_E7 / 2, 0, 0, 0, &middle);
	cell->row = row;
	cell->column = column;
	cell->cos_q30 = known ? middle.cos_q30 : 0;
	cell->speed_max = 0;
	cell->count = 0;
	*entry = c->cell_count;
	*out = *entry - 1;
	return STATUS_OK;
}

static int16_t rounded_speed(int32_t v)
{
	return (int16_t)((v + (v < 0 ? -2048 : 2048)) / 4096);
}

/* No faster than this, 0.1 km/h: the larger part and half the smaller. */
static uint16_t speed_bound(const struct mover *m)
{
	int32_t north = abs(m->north), east = abs(m->east);
	int32_t larger = north > east ? north : east, smaller = north > east ? east : north;
	return (uint16_t)((larger + smaller / 2) / 4096 + 1);
}

static enum status enter(struct collision *c, uint32_t slot)
{
	struct vessel *v = &c->vessels[slot];
	int32_t lat_e7, lon_e7;
	uint32_t number;
	int64_t east, north;
	mover_position(&v->mover, c->epoch_ms, &lat_e7, &lon_e7);
	enum status status = cell_take(c, row_of(lat_e7), column_of(lon_e7), &number);
	if (status)
		return status;
	struct cell *cell = &c->cells[number];
	if (cell->count == cell->capacity)
		status = cell_grow(c, cell);
	if (status)
		return status;
	place_in(cell, lat_e7, lon_e7, &east, &north);
	cell->place[cell->count] = (struct pair16){(int16_t)east, (int16_t)north};
	cell->speed[cell->count] = (struct pair16){rounded_speed(v->mover.east), rounded_speed(v->mover.north)};
	cell->slots[cell->count] = slot;
	uint16_t speed = speed_bound(&v->mover);
	cell->speed_max = speed > cell->speed_max ? speed : cell->speed_max;
	c->speed_max = speed > c->speed_max ? speed : c->speed_max;
	v->cell = number;
	v->index = cell->count++;
	return STATUS_OK;
}

static void leave(struct collision *c, struct vessel *v)
{
	if (v->cell == NO_CELL)
		return;
	struct cell *cell = &c->cells[v->cell];
	uint32_t last = --cell->count;
	cell->place[v->index] = cell->place[last];
	cell->speed[v->index] = cell->speed[last];
	cell->slots[v->index] = cell->slots[last];
	c->vessels[cell->slots[v->index]].index = v->index;
	v->cell = NO_CELL;
}

static bool is_fresh(const struct collision *c, const struct vessel *v, int64_t at_ms)
{
	return v->there && llabs(at_ms - v->mover.time_ms) <= c->options.fresh_ms;
}

/* All cells anew, around another instant. Whoever was too old already is in none. */
static enum status begin_epoch(struct collision *c, int64_t at_ms)
{
	enum status status = STATUS_OK;
	c->epoch_ms = at_ms;
	c->speed_max = 0;
	c->cell_count = 0;
	if (c->room > (size_t)ROOM_MAX * c->options.slots)
		cells_release(c);
	memset(c->table, 0, (c->table_mask + (size_t)1) * sizeof *c->table);
	for (uint32_t slot = 0; slot < c->options.slots; slot++)
		c->vessels[slot].cell = NO_CELL;
	for (uint32_t slot = 0; slot < c->options.slots && !status; slot++) {
		int64_t age_ms = at_ms - c->vessels[slot].mover.time_ms;
		if (c->vessels[slot].there && llabs(age_ms) <= c->options.fresh_ms + EPOCH_MS)
			status = enter(c, slot);
	}
	return status;
}

/* --- the screen --- */

/* What one cell is asked by one vessel. With the reach, errors are bounded: places by `error` units each way, speeds by
 * one 0.1 km/h each way, and |r| by cpa + |v| * (tcpa + since the epoch). So the true products differ from those of the
 * screen by less than
 *     sqrt 2 * (error * |v| + |r|)  <=  per_speed * length + at_least
 * where `length`, the larger part of v and half the smaller, is no less than |v|; `aside` is that and the cpa. What is
 * ahead at an instant not before the epoch was ahead at the epoch. Times are in quarters of a place per 0.1 km/h,
 * rounded up. */
struct screen {
	struct pair16 place, speed; /* of who asks */
	int32_t aside_per_speed;    /* below 2^15 */
	int32_t at_least, ahead4;
};

static int32_t travel_units(int64_t ms, int32_t times)
{
	return (int32_t)(ms * times / (INT64_C(36) * UNIT_MM) + 1);
}

/* Places are off by their rounding, and by what the cosine changes over the way from one vessel to the other. */
static int64_t place_error(const struct collision *c, const struct mover *m, int64_t reach_mm)
{
	const int64_t earth_m = 6371000, cell_m = 16000;
	int64_t drift_mm = (int64_t)c->speed_max * (c->options.fresh_ms + EPOCH_MS) / 36;
	int64_t way_m = (reach_mm + 2 * drift_mm) / 1000 + 1;
	int64_t turned_m = way_m * (way_m + cell_m) / earth_m + 1;
	return 4 + turned_m * (INT64_C(1) << 30) / m->cos_q30 * 1000 / UNIT_MM + 1;
}

static struct screen screen_of(const struct collision *c, const struct mover *m, int64_t ahead_ms, int64_t error)
{
	int32_t cpa = (int32_t)(c->options.limits.cpa_mm / UNIT_MM + 1), travel = travel_units(ahead_ms, 1);
	struct screen s = {.speed = {rounded_speed(m->east), rounded_speed(m->north)}};
	s.aside_per_speed = (int32_t)(error * 3 / 2) + 5 * travel + 2 + cpa;
	s.at_least = 4 * cpa + 8 * travel + 8;
	s.ahead4 = travel_units(ahead_ms, 4);
	return s;
}

/* Places in the cell that the screen lets through, ascending, into `out`; returns how many. */
static uint32_t screen_plain(const struct screen *s, const struct cell *cell, uint32_t *out)
{
	uint32_t found = 0;
	for (uint32_t i = 0; i < cell->count; i++) {
		int32_t x = (int16_t)(cell->place[i].east - s->place.east);
		int32_t y = (int16_t)(cell->place[i].north - s->place.north);
		int32_t u = cell->speed[i].east - s->speed.east, v = cell->speed[i].north - s->speed.north;
		int32_t larger = abs(u) > abs(v) ? abs(u) : abs(v), smaller = abs(u) > abs(v) ? abs(v) : abs(u);
		int32_t aside = s->aside_per_speed * (larger + ((smaller + 1) >> 1)) + s->at_least;
		int32_t dot = x * u + y * v, cross = x * v - y * u, speed2 = u * u + v * v;
		out[found] = i;
		found += abs(cross) <= aside && dot <= aside && -4 * (dot + aside) <= s->ahead4 * speed2;
	}
	return found;
}

#if defined(__x86_64__)

/* The same eight at a time; what lies behind the last in its column is looked at and passed over. */
static WIDE uint32_t screen_wide(const struct screen *s, const struct cell *cell, uint32_t *out)
{
	int32_t place, speed;
	memcpy(&place, &s->place, sizeof place);
	memcpy(&speed, &s->speed, sizeof speed);
	const __m256i place0 = _mm256_set1_epi32(place), speed0 = _mm256_set1_epi32(speed);
	const __m256i turn = _mm256_set1_epi32(0x0001ffff); /* of the swapped parts the first turns round */
	const __m256i per = _mm256_set1_epi32(s->aside_per_speed), least = _mm256_set1_epi32(s->at_least);
	const __m256i ahead = _mm256_set1_epi32(-s->ahead4), low = _mm256_set1_epi32(0xffff);
	const __m256i zero = _mm256_setzero_si256();
	uint32_t found = 0;
	for (uint32_t i = 0; i < cell->count; i += 8) {
		__m256i r = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)&cell->place[i]), place0);
		__m256i v = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)&cell->speed[i]), speed0);
		__m256i swapped = _mm256_or_si256(_mm256_slli_epi32(v, 16), _mm256_srli_epi32(v, 16));
		__m256i size = _mm256_abs_epi16(v), other = _mm256_abs_epi16(swapped);
		__m256i half = _mm256_avg_epu16(_mm256_min_epi16(size, other), zero);
		__m256i length = _mm256_and_si256(_mm256_add_epi16(_mm256_max_epi16(size, other), half), low);
		__m256i dot = _mm256_madd_epi16(r, v), speed2 = _mm256_madd_epi16(v, v);
		__m256i cross = _mm256_abs_epi32(_mm256_madd_epi16(r, _mm256_sign_epi16(swapped, turn)));
		__m256i aside = _mm256_add_epi32(_mm256_madd_epi16(per, length), least);
		__m256i late = _mm256_slli_epi32(_mm256_add_epi32(dot, aside), 2);
		__m256i no = _mm256_or_si256(_mm256_cmpgt_epi32(cross, aside), _mm256_cmpgt_epi32(dot, aside));
		no = _mm256_or_si256(no, _mm256_cmpgt_epi32(_mm256_mullo_epi32(ahead, speed2), late));
		unsigned yes = ~(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(no)) & 0xff;
		yes &= cell->count - i < 8 ? (1u << (cell->count - i)) - 1 : 0xff;
		for (; yes; yes &= yes - 1)
			out[found++] = i + (uint32_t)__builtin_ctz(yes);
	}
	return found;
}

#endif

static uint32_t screen_cell(struct collision *c, const struct screen *s, const struct cell *cell)
{
#if defined(__x86_64__)
	if (!c->options.plain)
		return screen_wide(s, cell, c->passed);
#endif
	return screen_plain(s, cell, c->passed);
}

/* --- life --- */

enum status collision_new(const struct collision_options *o, struct collision **out)
{
	uint32_t size = 64;
	if (!o->slots || o->slots > COLLISION_SLOTS_MAX || o->limits.cpa_mm < 0 ||
	    o->limits.cpa_mm > APPROACH_CPA_MAX_MM || o->limits.tcpa_ms < 0 ||
	    o->limits.tcpa_ms > APPROACH_TCPA_MAX_MS || o->fresh_ms < 0 || o->fresh_ms > APPROACH_FRESH_MAX_MS)
		return STATUS_OUT_OF_RANGE;
	struct collision *c = calloc(1, sizeof *c);
	if (!c)
		return STATUS_NO_MEMORY;
	c->options = *o;
#if defined(__x86_64__)
	c->options.plain |= !__builtin_cpu_supports("avx2");
#endif
	c->cell_capacity = 2 * o->slots; /* an epoch of moves from cell to cell, then all are counted anew */
	while (size < 2 * c->cell_capacity)
		size *= 2;
	c->table_mask = size - 1;
	c->vessels = calloc(o->slots, sizeof *c->vessels);
	c->cells = calloc(c->cell_capacity, sizeof *c->cells);
	c->table = calloc(size, sizeof *c->table);
	c->found = malloc(o->slots * sizeof *c->found);
	if (!c->vessels || !c->cells || !c->table || !c->found) {
		collision_free(c);
		return STATUS_NO_MEMORY;
	}
	for (uint32_t i = 0; i < o->slots; i++)
		c->vessels[i].cell = NO_CELL;
	*out = c;
	return STATUS_OK;
}

void collision_free(struct collision *c)
{
	if (!c)
		return;
	cells_release(c);
	free(c->vessels);
	free(c->cells);
	free(c->table);
	free(c->found);
	free(c->passed);
	free(c);
}

enum status collision_put(struct collision *c, uint32_t slot, const struct mover *m)
{
	struct vessel *v = &c->vessels[slot];
	leave(c, v);
	v->mover = *m;
	v->there = true;
	if (llabs(c->epoch_ms - m->time_ms) > c->options.fresh_ms + EPOCH_MS)
		return STATUS_OK; /* the next epoch takes it in */
	enum status status = enter(c, slot);
	return status == STATUS_FULL ? begin_epoch(c, c->epoch_ms) : status;
}

void collision_drop(struct collision *c, uint32_t slot)
{
	leave(c, &c->vessels[slot]);
	c->vessels[slot].there = false;
}

const struct mover *collision_at(const struct collision *c, uint32_t slot)
{
	return c->vessels[slot].there ? &c->vessels[slot].mover : NULL;
}

/* --- asking --- */

struct question {
	struct collision *c;
	uint32_t slot;
	int64_t at_ms, ahead_ms;   /* how long vessels may travel towards each other, seen from the epoch */
	int32_t lat_e7, lon_e7;    /* at the epoch */
	int64_t north_mm, east_mm; /* its own way in that time */
	int64_t error;             /* of places, units: no cell's is larger */
	uint16_t speed;
	size_t count;
};

/* Where those who may come near lie at the epoch. Somebody no faster than s, at r, is to be within the cpa at some time
 * t of the T ahead, while I go V t: so r lies within cpa + s t of V t, and all these circles lie in the one around f V
 * T, f in 256ths, which touches the first and the last of them:
 *
 *      ( o─────( f V T )────── V T )        radius  cpa + max(f |V|, (1 - f) |V| + s) T
 *
 * Half as far as both can go towards each other when they are equally fast, not further than the faster can go. */
struct circle {
	int64_t north_mm, east_mm; /* of its middle, from mine */
	int64_t radius_mm;
};

static struct circle circle_of(const struct question *q, uint16_t speed_max)
{
	int64_t mine = q->speed, theirs = speed_max;
	int64_t f = theirs >= mine ? 256 : 128 * (mine + theirs) / mine;
	int64_t before = f * mine, behind = (256 - f) * mine + 256 * theirs;
	return (struct circle){q->north_mm * f / 256, q->east_mm * f / 256,
			       q->c->options.limits.cpa_mm +
				       (before > behind ? before : behind) * q->ahead_ms / (36 * 256) + 2 * UNIT_MM};
}

/* Whether nobody in the cell can come near; I am at (east, north) from its middle, in units. */
static bool is_out_of_reach(const struct question *q, const struct cell *cell, int64_t east, int64_t north)
{
	const int64_t half = CELL_E7 / 2 * APPROACH_UM_PER_E7 / (1000 * UNIT_MM) + 1; /* a cell is no wider than high */
	struct circle o = circle_of(q, cell->speed_max);
	int64_t reach = o.radius_mm / UNIT_MM + q->error + 2;
	int64_t beside = llabs(east + o.east_mm / UNIT_MM) - half, above = llabs(north + o.north_mm / UNIT_MM) - half;
	beside = beside > 0 ? beside : 0;
	above = above > 0 ? above : 0;
	return beside * beside + above * above > reach * reach;
}

static int64_t reach_of(const struct question *q, uint16_t speed_max)
{
	return q->c->options.limits.cpa_mm + ((int64_t)q->speed + speed_max) * q->ahead_ms / 36 + 2 * UNIT_MM;
}

static void test_exactly(struct question *q, uint32_t slot)
{
	const struct collision *c = q->c;
	const struct vessel *v = &c->vessels[slot];
	struct approach p;
	if (slot != q->slot && is_fresh(c, v, q->at_ms) &&
	    approach_of(&c->vessels[q->slot].mover, &v->mover, q->at_ms, &p) && approach_within(&p, &c->options.limits))
		c->found[q->count++] = slot;
}

static void ask_cell(struct question *q, const struct cell *cell)
{
	struct collision *c = q->c;
	const struct mover *me = &c->vessels[q->slot].mover;
	int64_t east, north;
	place_in(cell, q->lat_e7, q->lon_e7, &east, &north);
	bool flat = llabs(east) <= OFFSET_MAX && llabs(north) <= OFFSET_MAX && cell->cos_q30 > COSINE_MIN;
	if (flat && q->error <= ERROR_MAX && is_out_of_reach(q, cell, east, north))
		return;
	int64_t reach_mm = reach_of(q, cell->speed_max), error = place_error(c, me, reach_mm);
	if (!flat || error > ERROR_MAX || reach_mm / UNIT_MM + error > OFFSET_MAX) {
		for (uint32_t i = 0; i < cell->count; i++)
			test_exactly(q, cell->slots[i]);
		return;
	}
	struct screen s = screen_of(c, me, q->ahead_ms, error);
	s.place = (struct pair16){(int16_t)east, (int16_t)north};
	uint32_t passed = screen_cell(c, &s, cell);
	for (uint32_t i = 0; i < passed; i++)
		__builtin_prefetch(&c->vessels[cell->slots[c->passed[i]]]);
	for (uint32_t i = 0; i < passed; i++)
		test_exactly(q, cell->slots[c->passed[i]]);
}

/* Cells of one row from column to column, each once. */
static void ask_row(struct question *q, int32_t row, int64_t from_lon_e7, int64_t to_lon_e7)
{
	struct collision *c = q->c;
	int32_t first = floor_div(from_lon_e7, CELL_E7), last = floor_div(to_lon_e7, CELL_E7);
	for (int32_t column = first; column <= last && column < first + CELL_COLUMNS; column++) {
		uint32_t number = *entry_of(c, row, column_of((int64_t)column * CELL_E7));
		if (number && c->cells[number - 1].count)
			ask_cell(q, &c->cells[number - 1]);
	}
}

/* Millimetres as degrees on the parallel of a cosine, in 1e-7, no nearer to where I am than they may lie. */
static int64_t lon_at_most(int64_t mm, int64_t cos_q30)
{
	return (int64_t)(((__int128)(mm * 1000 / APPROACH_UM_PER_E7) << 30) / (mm > 0 ? cos_q30 : INT64_C(1) << 30)) +
	       1;
}

/* The cosine that the east of a pair is measured by is the mean of both: no less than half of mine, nor than mine less
 * the turn to the other's latitude. */
static void ask_cells(struct question *q)
{
	const struct mover *me = &q->c->vessels[q->slot].mover;
	struct circle o = circle_of(q, q->c->speed_max);
	int64_t radius_mm = o.radius_mm + q->error * UNIT_MM;
	int64_t lat_span = radius_mm * 1000 / APPROACH_UM_PER_E7 + 1, lat = o.north_mm * 1000 / APPROACH_UM_PER_E7;
	/* 1e-7 degrees are 1.9 units of 2^-30 */
	int64_t turned_q30 = (lat_span + llabs(lat)) * 2, half_q30 = me->cos_q30 / 2;
	int64_t cos_q30 = me->cos_q30 - turned_q30 > half_q30 ? me->cos_q30 - turned_q30 : half_q30;
	int64_t west = lon_at_most(radius_mm - o.east_mm, cos_q30), east = lon_at_most(radius_mm + o.east_mm, cos_q30);
	for (int32_t row = row_of(q->lat_e7 + lat - lat_span); row <= row_of(q->lat_e7 + lat + lat_span); row++)
		ask_row(q, row, q->lon_e7 - west, q->lon_e7 + east);
}

enum status collision_near(struct collision *c, uint32_t slot, int64_t at_ms, const uint32_t **out, size_t *out_count)
{
	const struct vessel *v = &c->vessels[slot];
	struct question q = {.c = c, .slot = slot, .at_ms = at_ms};
	*out = c->found;
	*out_count = 0;
	if (at_ms < c->epoch_ms || at_ms > c->epoch_ms + EPOCH_MS) {
		enum status status = begin_epoch(c, at_ms);
		if (status)
			return status;
	}
	if (!is_fresh(c, v, at_ms))
		return STATUS_OK;
	q.ahead_ms = c->options.limits.tcpa_ms + at_ms - c->epoch_ms;
	q.speed = speed_bound(&v->mover);
	q.north_mm = mover_travelled_mm(v->mover.north, q.ahead_ms);
	q.east_mm = mover_travelled_mm(v->mover.east, q.ahead_ms);
	q.error = place_error(c, &v->mover, reach_of(&q, c->speed_max));
	mover_position(&v->mover, c->epoch_ms, &q.lat_e7, &q.lon_e7);
	ask_cells(&q);
	*out_count = q.count;
	return STATUS_OK;
}
