#include "bench/fences/city_fences.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define VERTICES_MAX 2048
#define BAY_LAT 247000000
#define BAY_LON 1185000000
#define BAY_LAT_SIDE 4000000
#define BAY_LON_SIDE 6000000
#define PI 3.14159265358979323846

uint64_t set_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

double set_unit(uint64_t *state)
{
	return (double)(set_random(state) >> 11) * 0x1p-53;
}

static double between(uint64_t *state, double low, double high)
{
	return low + (high - low) * set_unit(state);
}

static double log_between(uint64_t *state, double low, double high)
{
	return exp(between(state, log(low), log(high)));
}

static struct fence_area *area_of(const struct geo_point *points, const uint32_t *ends, uint32_t rings)
{
	struct fence_area *a;
	enum status status = fence_area_new(points, ends, rings, &a);
	if (status == STATUS_OK)
		return a;
	fprintf(stderr, "city_fences: %s\n", status_text(status));
	exit(1);
}

/* An outline that wanders between 0.7 and 1.3 of the radius; 90 units are a metre. */
static uint32_t outline(uint64_t *state, double lat, double lon, double radius, uint32_t count, struct geo_point *out)
{
	double phase[4], size[4];
	for (int k = 0; k < 4; k++) {
		phase[k] = between(state, 0, 2 * PI);
		size[k] = between(state, 0, 0.075);
	}
	for (uint32_t i = 0; i < count; i++) {
		double angle = 2 * PI * i / count, r = 1;
		for (int k = 0; k < 4; k++)
			r += size[k] * sin((2 + 3 * k) * angle + phase[k]);
		r = radius * (r + between(state, -0.2, 0.2) / count);
		out[i] = (struct geo_point){(int32_t)(lat + r * sin(angle)), (int32_t)(lon + 1.1 * r * cos(angle))};
	}
	return count;
}

static struct fence_area *random_outline(uint64_t *state, bool hole)
{
	struct geo_point points[VERTICES_MAX];
	uint32_t ends[2], count = (uint32_t)log_between(state, 10, 1000);
	double radius = log_between(state, 9000, 450000);
	double lat = BAY_LAT + BAY_LAT_SIDE * set_unit(state), lon = BAY_LON + BAY_LON_SIDE * set_unit(state);
	ends[0] = outline(state, lat, lon, radius, count, points);
	if (hole)
		ends[1] = ends[0] + outline(state, lat, lon, radius / 2, count / 3 + 3, points + ends[0]);
	return area_of(points, ends, hole ? 2 : 1);
}

/* Both sides of a line that bends a little at every step: 20 to 100 m wide, steps of 30 to 120 m. */
static struct fence_area *random_corridor(uint64_t *state)
{
	struct geo_point points[VERTICES_MAX];
	uint32_t steps = (uint32_t)log_between(state, 10, 330), ends[1] = {2 * steps};
	double lat = BAY_LAT + BAY_LAT_SIDE * set_unit(state), lon = BAY_LON + BAY_LON_SIDE * set_unit(state);
	double course = between(state, 0, 2 * PI), half = between(state, 900, 4500), step = between(state, 2700, 10800);
	for (uint32_t i = 0; i < steps; i++) {
		double east = half * cos(course), north = half * sin(course);
		points[i] = (struct geo_point){(int32_t)(lat - east), (int32_t)(lon + 1.1 * north)};
		points[2 * steps - 1 - i] = (struct geo_point){(int32_t)(lat + east), (int32_t)(lon - 1.1 * north)};
		lat += step * sin(course);
		lon += 1.1 * step * cos(course);
		course += between(state, -0.1, 0.1);
	}
	return area_of(points, ends, 1);
}

struct fence_area *city_fences_moved(const struct fence_area *a, int32_t lat, int32_t lon)
{
	struct geo_point *points = malloc(a->point_count * sizeof *points);
	for (uint32_t i = 0; points && i < a->point_count; i++)
		points[i] = (struct geo_point){a->points[i].lat_e7 + lat, a->points[i].lon_e7 + lon};
	if (!points)
		exit(1);
	struct fence_area *moved = area_of(points, a->ring_ends, a->ring_count);
	free(points);
	return moved;
}

struct city_fences city_fences_new(uint64_t seed, uint32_t count)
{
	struct city_fences s = {malloc(count * sizeof *s.areas), count, 0};
	if (!s.areas)
		exit(1);
	for (uint32_t i = 0; i < count; i++) {
		if (i >= CITY_FENCES_KINDS)
			s.areas[i] = city_fences_moved(s.areas[i % CITY_FENCES_KINDS],
						       (int32_t)between(&seed, -BAY_LAT_SIDE, BAY_LAT_SIDE),
						       (int32_t)between(&seed, -BAY_LON_SIDE, BAY_LON_SIDE));
		else if (i % 2)
			s.areas[i] = random_corridor(&seed);
		else
			s.areas[i] = random_outline(&seed, i % 5 == 0);
		s.vertices += s.areas[i]->point_count;
	}
	return s;
}

void city_fences_free(struct city_fences *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		fence_area_unref(s->areas[i]);
	free(s->areas);
}
