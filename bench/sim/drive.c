#include "bench/sim/drive.h"

#include <math.h>

#define METRES_PER_DEGREE 111194.9
#define SOUTH 24.78
#define NORTH 25.02
#define WEST 118.55
#define EAST 118.66 /* the fences of the demo world begin behind 118.70: who drives here breaks nothing */

uint64_t drive_random(uint64_t *state)
{
	uint64_t x = *state;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(2685821657736338717);
}

static double uniform(struct drive *d, double from, double to)
{
	return from + (to - from) * (double)(drive_random(&d->random) >> 11) / 9007199254740992.0;
}

/* sum of twelve uniforms: near enough to a normal distribution */
static double noise(struct drive *d, double sigma)
{
	double sum = 0;
	for (int i = 0; i < 12; i++)
		sum += uniform(d, -0.5, 0.5);
	return sum * sigma;
}

static void begin_trip(struct drive *d)
{
	d->moving = true;
	d->left_s = (int32_t)uniform(d, 600, 5400);
	d->heading_deg = 90.0 * (double)(drive_random(&d->random) % 4);
	d->fast = drive_random(&d->random) % 12 == 0;
	d->straight_s = 0;
	d->loaded = !d->loaded;
}

static void begin_stop(struct drive *d)
{
	d->moving = false;
	d->left_s = (int32_t)uniform(d, 300, 7200);
	d->speed_kmh = d->wanted_kmh = 0;
}

void drive_init(struct drive *d, uint64_t seed)
{
	*d = (struct drive){.random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1};
	for (int i = 0; i < 4; i++)
		drive_random(&d->random);
	d->lat = uniform(d, SOUTH, NORTH);
	d->lon = uniform(d, WEST, EAST);
	d->mileage_km = uniform(d, 1000, 200000);
	begin_stop(d);
	d->left_s = (int32_t)uniform(d, 0, 3600);
}

static bool leaves(const struct drive *d)
{
	return (d->lat > NORTH && d->heading_deg == 0) || (d->lat < SOUTH && d->heading_deg == 180) ||
	       (d->lon > EAST && d->heading_deg == 90) || (d->lon < WEST && d->heading_deg == 270);
}

static void turn(struct drive *d)
{
	static const double turns[4] = {0, 90, -90, 0};
	d->heading_deg = fmod(d->heading_deg + turns[drive_random(&d->random) % 4] + 360, 360);
	if (leaves(d))
		d->heading_deg = fmod(d->heading_deg + 180, 360);
	d->straight_s = (int32_t)uniform(d, 20, 240);
	d->wanted_kmh = d->fast ? uniform(d, 70, 105) : uniform(d, 25, 68);
}

static void move(struct drive *d, int32_t seconds)
{
	d->straight_s -= seconds;
	if (d->straight_s <= 0 || leaves(d))
		turn(d);
	d->speed_kmh += (d->wanted_kmh - d->speed_kmh) * 0.4;
	double metres = d->speed_kmh / 3.6 * seconds, angle = d->heading_deg * M_PI / 180;
	d->lat += metres * cos(angle) / METRES_PER_DEGREE;
	d->lon += metres * sin(angle) / (METRES_PER_DEGREE * cos(d->lat * M_PI / 180));
	d->mileage_km += metres / 1000;
}

void drive_step(struct drive *d, int32_t seconds, struct drive_fix *out)
{
	d->left_s -= seconds;
	if (d->left_s <= 0) {
		if (d->moving)
			begin_stop(d);
		else
			begin_trip(d);
	}
	if (d->moving)
		move(d, seconds);
	double speed = d->moving ? d->speed_kmh + noise(d, 0.4) : 0;
	double course = d->heading_deg + (d->moving ? noise(d, 2) : 0);
	out->lat_e6 = (int32_t)lround(d->lat * 1e6 + noise(d, 12));
	out->lon_e6 = (int32_t)lround(d->lon * 1e6 + noise(d, 13));
	out->altitude_m = (int16_t)lround(20 + noise(d, 0.6));
	out->speed_dkmh = (uint16_t)lround(speed > 0 ? speed * 10 : 0);
	out->course_deg = (uint16_t)lround(fmod(course + 360, 360)) % 360;
	out->mileage_hm = (uint32_t)(d->mileage_km * 10);
	out->moving = d->moving;
	out->loaded = d->loaded;
}
