#include "tests/property/geo/fence_random.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define POINTS_MAX 400

const struct world worlds[WORLD_COUNT] = {
	{248500000, 1186000000, 8},           /* a few units, everything touches */
	{248500000, 1186000000, 2000},        /* two metres */
	{-3000, -3000, 6000},                 /* across the largest cells */
	{247000000, 1185000000, 4000000},     /* Quanzhou Bay */
	{-100000000, 1799990000, 10000},      /* along +180 degrees */
	{899000000, -1800000000, 1000000},    /* a pole, and -180 degrees */
	{-900000000, -1800000000, 3600000000} /* all of it: latitudes are cut at 90 degrees */
};

uint64_t seed_of(const char *test)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : UINT64_C(0x5eed0001);
	printf("%s: ZAYTON_SEED=%" PRIu64 "\n", test, seed);
	return seed;
}

uint64_t random_next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int64_t random_below(uint64_t *state, int64_t n)
{
	return (int64_t)(random_next(state) % (uint64_t)n);
}

static struct geo_point on_globe(int64_t lat, int64_t lon)
{
	lat = lat > 900000000 ? 900000000 : lat < -900000000 ? -900000000 : lat;
	lon = lon > 1800000000 ? 1800000000 : lon < -1800000000 ? -1800000000 : lon;
	return (struct geo_point){(int32_t)lat, (int32_t)lon};
}

static struct geo_point anywhere(uint64_t *state, const struct world *w)
{
	return on_globe(w->lat + random_below(state, w->side + 1), w->lon + random_below(state, w->side + 1));
}

/* Vertices by angle about a centre: a simple ring, before rounding. */
static uint32_t star(uint64_t *state, int64_t lat, int64_t lon, double least, double most, uint32_t count,
		     struct geo_point *out)
{
	for (uint32_t i = 0; i < count; i++) {
		double r = least + (most - least) * (double)random_below(state, 1000) / 1000;
		double angle = 2 * 3.14159265358979 * i / count;
		out[i] = on_globe(lat + llround(r * sin(angle)), lon + llround(r * cos(angle)));
	}
	return count;
}

static uint32_t grid_ring(uint64_t *state, const struct world *w, struct geo_point *out)
{
	int64_t cells = 1 + random_below(state, 5), count = 3 + random_below(state, 6);
	int64_t step = w->side / (cells * (1 + random_below(state, 4)));
	struct geo_point corner = anywhere(state, w);
	step = step ? step : 1;
	for (int64_t i = 0; i < count; i++)
		out[i] = on_globe(corner.lat_e7 + step * random_below(state, cells + 1),
				  corner.lon_e7 + step * random_below(state, cells + 1));
	return (uint32_t)count;
}

/* Borders on multiples of a power of two, or one off: where cells end. */
static uint32_t cell_ring(uint64_t *state, const struct world *w, struct geo_point *out)
{
	struct geo_point p = anywhere(state, w), q = anywhere(state, w);
	int32_t mask = -(1 << (6 + random_below(state, 12)));
	int32_t off = (int32_t)random_below(state, 3) - 1;
	p = on_globe((p.lat_e7 & mask) + off, (p.lon_e7 & mask) + off);
	q = on_globe((q.lat_e7 & mask) + off, (q.lon_e7 & mask) + off);
	out[0] = p;
	out[1] = (struct geo_point){p.lat_e7, q.lon_e7};
	out[2] = q;
	out[3] = (struct geo_point){q.lat_e7, p.lon_e7};
	return 4;
}

static uint32_t sliver(uint64_t *state, const struct world *w, struct geo_point *out)
{
	struct geo_point p = anywhere(state, w), q = anywhere(state, w);
	out[0] = p;
	out[1] = q;
	out[2] = on_globe(q.lat_e7 + random_below(state, 3) - 1, q.lon_e7 + random_below(state, 3) - 1);
	out[3] = on_globe(p.lat_e7 + random_below(state, 3) - 1, p.lon_e7 + random_below(state, 3) - 1);
	return 4;
}

static uint32_t around_all(const struct world *w, struct geo_point *out)
{
	out[0] = on_globe(w->lat - 5, w->lon - 5);
	out[1] = on_globe(w->lat - 7, w->lon + w->side + 5);
	out[2] = on_globe(w->lat + w->side + 5, w->lon + w->side + 7);
	out[3] = on_globe(w->lat + w->side + 6, w->lon - 5);
	return 4;
}

static uint32_t random_rings(uint64_t *state, const struct world *w, struct geo_point *points, uint32_t ends[3],
			     uint32_t *rings)
{
	struct geo_point c = anywhere(state, w);
	double r = 1 + (double)random_below(state, w->side) / (double)(1 + random_below(state, 8));
	*rings = 1;
	switch (random_below(state, 8)) {
	case 0:
	case 1:
		ends[0] = star(state, c.lat_e7, c.lon_e7, r * 0.6, r, 3 + (uint32_t)random_below(state, 60), points);
		if (random_below(state, 2)) {
			ends[1] = ends[0] + star(state, c.lat_e7, c.lon_e7, r * 0.2, r * 0.5,
						 3 + (uint32_t)random_below(state, 20), points + ends[0]);
			*rings = 2;
		}
		break;
	case 2:
	case 3:
		ends[0] = grid_ring(state, w, points);
		break;
	case 4: /* rings that touch and overlap */
		ends[0] = grid_ring(state, w, points);
		ends[1] = ends[0] + grid_ring(state, w, points + ends[0]);
		ends[2] = ends[1] + grid_ring(state, w, points + ends[1]);
		*rings = 3;
		break;
	case 5:
		ends[0] = cell_ring(state, w, points);
		break;
	case 6:
		ends[0] = sliver(state, w, points);
		break;
	default:
		ends[0] = random_below(state, 4) ? star(state, c.lat_e7, c.lon_e7, r * 0.9, r, 300, points)
						 : around_all(w, points);
	}
	return ends[*rings - 1];
}

struct fence_area *random_area(uint64_t *state, const struct world *w)
{
	struct geo_point points[POINTS_MAX];
	uint32_t ends[3], rings;
	struct fence_area *area;
	enum status status;
	do {
		random_rings(state, w, points, ends, &rings);
		status = fence_area_new(points, ends, rings, &area);
		cr_assert(status == STATUS_OK || status == STATUS_INVALID);
	} while (status);
	return area;
}

static int64_t gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a < 0 ? -a : a;
}

/* A position of the lattice on an edge of the area, its ends included. */
static struct geo_point on_edge(uint64_t *state, const struct fence_area *a)
{
	uint32_t i = (uint32_t)random_below(state, a->point_count), ring = 0;
	while (a->ring_ends[ring] <= i)
		ring++;
	uint32_t start = ring ? a->ring_ends[ring - 1] : 0;
	struct geo_point p = a->points[i], q = a->points[i + 1 < a->ring_ends[ring] ? i + 1 : start];
	int64_t dlat = (int64_t)q.lat_e7 - p.lat_e7, dlon = (int64_t)q.lon_e7 - p.lon_e7, steps = gcd(dlat, dlon);
	int64_t step = steps ? random_below(state, steps + 1) : 0;
	return on_globe(p.lat_e7 + dlat / (steps ? steps : 1) * step, p.lon_e7 + dlon / (steps ? steps : 1) * step);
}

struct geo_point random_point(uint64_t *state, const struct world *w, const struct fence_area *a)
{
	struct geo_point p = anywhere(state, w), v = a ? a->points[random_below(state, a->point_count)] : p;
	int32_t mask = -(1 << (4 + random_below(state, 12)));
	switch (random_below(state, 8)) {
	case 0:
		return v;
	case 1:
		return on_globe(v.lat_e7 + random_below(state, 3) - 1, v.lon_e7 + random_below(state, 3) - 1);
	case 2:
		return a ? on_edge(state, a) : p;
	case 3:
		return a ? (p = on_edge(state, a),
			    on_globe(p.lat_e7 + random_below(state, 3) - 1, p.lon_e7 + random_below(state, 3) - 1))
			 : p;
	case 4: /* level with a vertex, or above one */
		return random_below(state, 2) ? (struct geo_point){v.lat_e7, p.lon_e7}
					      : (struct geo_point){p.lat_e7, v.lon_e7};
	case 5:
		return on_globe(p.lat_e7 & mask, (p.lon_e7 & mask) - random_below(state, 2));
	default:
		return p;
	}
}
