#include "bench/dataset/dataset.h"

#include <math.h>
#include <stdlib.h>

#define RADIANS (3.14159265358979323846 / 180)
#define M_PER_DEGREE 111195.0
#define CENTRE_LAT 24.90
#define CENTRE_LON 118.58
#define ROAD_M 800.0
#define ROADS 60 /* each way */
#define ROAD_TURN_DEG 17.0
#define CROSSING_SHIFT_M 80.0
#define FAST_EVERY 6
#define DELAY_MAX_S 600
#define DELAY_SLOTS 1024 /* a power of two above DELAY_MAX_S */
#define ACCELERATION 1.2
#define ERROR_COEFFICIENT 0.8
#define ERROR_STEP_M 1.3

struct rng {
	uint64_t state;
};

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* within [0, 1) */
static double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

static bool rng_chance(struct rng *r, double p)
{
	return rng_unit(r) < p;
}

/* normal, mean 0, deviation 1 (Box and Muller 1958) */
static double rng_normal(struct rng *r)
{
	double u = 1 - rng_unit(r), v = rng_unit(r);
	return sqrt(-2 * log(u)) * cos(360 * RADIANS * v);
}

/* --- roads --- */

struct place {
	double x_m, y_m; /* east and north of the centre */
};

static double shift_of(int column, int row, int axis)
{
	struct rng r = {(uint64_t)(column * 4099 + row) * 2 + (uint64_t)axis};
	return (2 * rng_unit(&r) - 1) * CROSSING_SHIFT_M;
}

static struct place crossing(int column, int row)
{
	double x = (column - ROADS / 2) * ROAD_M + shift_of(column, row, 0);
	double y = (row - ROADS / 2) * ROAD_M + shift_of(column, row, 1);
	double c = cos(ROAD_TURN_DEG * RADIANS), s = sin(ROAD_TURN_DEG * RADIANS);
	return (struct place){x * c - y * s, x * s + y * c};
}

static double height_at(struct place p)
{
	return 40 + 25 * sin(p.x_m / 2300) * cos(p.y_m / 3100) + 8 * sin(p.x_m / 610 + p.y_m / 870);
}

/* --- a vehicle --- */

struct vehicle {
	struct rng rng;
	int column, row; /* the crossing it comes from */
	int dx, dy;      /* the way it goes: one of them is +-1 */
	struct place from, to;
	double length_m, along_m, course_deg;
	double speed_ms, pace, mood; /* pace: the driver's factor, mood: a slow wandering of it */
	double odometer_m;
	double error_x_m, error_y_m;
	double frozen_x_m, frozen_y_m;
	int32_t frozen_altitude_m;
	uint32_t trip_s, stop_s, wait_s; /* seconds left of each */
	uint32_t offline_s;              /* of a burst: reports are held until it ends */
	uint16_t shown_course;
	bool turns; /* at the next crossing */
	bool freezes, is_frozen;
};

static void next_road(struct vehicle *v)
{
	v->column += v->dx;
	v->row += v->dy;
	if (v->turns) {
		int side = rng_chance(&v->rng, 0.5) ? 1 : -1, dx = v->dx;
		v->dx = v->dy * side;
		v->dy = dx * side;
	}
	v->turns = rng_chance(&v->rng, 0.35);
	if (v->column + v->dx < 0 || v->column + v->dx >= ROADS)
		v->dx = -v->dx;
	if (v->row + v->dy < 0 || v->row + v->dy >= ROADS)
		v->dy = -v->dy;
	v->from = v->to;
	v->to = crossing(v->column + v->dx, v->row + v->dy);
	double x = v->to.x_m - v->from.x_m, y = v->to.y_m - v->from.y_m;
	v->length_m = sqrt(x * x + y * y);
	v->course_deg = atan2(x, y) / RADIANS;
	if (v->course_deg < 0)
		v->course_deg += 360;
}

static void vehicle_init(struct vehicle *v, uint64_t seed, double frozen)
{
	*v = (struct vehicle){.rng = {seed}};
	v->column = 1 + (int)(rng_unit(&v->rng) * (ROADS - 2));
	v->row = 1 + (int)(rng_unit(&v->rng) * (ROADS - 2));
	v->dx = 1;
	v->to = crossing(v->column, v->row);
	v->column -= 1;
	next_road(v);
	v->pace = 0.75 + 0.3 * rng_unit(&v->rng);
	v->odometer_m = floor(rng_unit(&v->rng) * 2e8);
	v->freezes = rng_chance(&v->rng, frozen);
	v->stop_s = (uint32_t)(rng_unit(&v->rng) * 5400);
	if (rng_chance(&v->rng, 0.5)) {
		v->stop_s = 0;
		v->trip_s = (uint32_t)(rng_unit(&v->rng) * 3600);
	}
}

static double wanted_speed(const struct vehicle *v)
{
	bool fast = v->dx ? v->row % FAST_EVERY == 0 : v->column % FAST_EVERY == 0;
	double speed = (fast ? 22.9 : 13.5) * v->pace * (1 + v->mood);
	double left_m = v->length_m - v->along_m;
	double turn = sqrt(25 + 1.6 * left_m); /* 18 km/h at the crossing, braking with 0.8 m/s^2 */
	if (v->trip_s < 20)
		return speed * v->trip_s / 20;
	return v->turns && turn < speed ? turn : speed;
}

static void drive_second(struct vehicle *v)
{
	v->mood = 0.97 * v->mood + 0.012 * rng_normal(&v->rng);
	double wanted = v->wait_s ? 0 : wanted_speed(v), before = v->speed_ms;
	double change = wanted - before;
	change = change > ACCELERATION ? ACCELERATION : change < -1.5 * ACCELERATION ? -1.5 * ACCELERATION : change;
	v->speed_ms = before + change < 0 ? 0 : before + change;
	double step = (before + v->speed_ms) / 2;
	v->along_m += step;
	v->odometer_m += step;
	if (v->wait_s)
		v->wait_s--;
	if (v->along_m >= v->length_m) {
		v->along_m -= v->length_m;
		next_road(v);
		if (rng_chance(&v->rng, 0.12))
			v->wait_s = 10 + (uint32_t)(rng_unit(&v->rng) * 40);
	}
}

static void vehicle_second(struct vehicle *v)
{
	if (v->stop_s) {
		v->speed_ms = 0;
		if (--v->stop_s == 0)
			v->trip_s = 900 + (uint32_t)(rng_unit(&v->rng) * 4500);
		return;
	}
	drive_second(v);
	if (--v->trip_s == 0)
		v->stop_s = 600 + (uint32_t)(rng_unit(&v->rng) * 7300);
}

/* --- what its receiver says --- */

static struct place true_place(const struct vehicle *v)
{
	double part = v->along_m / v->length_m;
	return (struct place){v->from.x_m + (v->to.x_m - v->from.x_m) * part,
			      v->from.y_m + (v->to.y_m - v->from.y_m) * part};
}

static int32_t e6_of(double degrees)
{
	return (int32_t)lround(degrees * 1e6);
}

static void say_place(struct vehicle *v, struct report *r)
{
	struct place p = true_place(v);
	v->error_x_m = ERROR_COEFFICIENT * v->error_x_m + ERROR_STEP_M * rng_normal(&v->rng);
	v->error_y_m = ERROR_COEFFICIENT * v->error_y_m + ERROR_STEP_M * rng_normal(&v->rng);
	double x = p.x_m + v->error_x_m, y = p.y_m + v->error_y_m;
	int32_t altitude = (int32_t)lround(height_at(p) + 0.6 * rng_normal(&v->rng));
	bool still = v->speed_ms == 0 && v->freezes;
	if (still && v->is_frozen) {
		x = v->frozen_x_m;
		y = v->frozen_y_m;
		altitude = v->frozen_altitude_m;
	}
	v->is_frozen = still;
	v->frozen_x_m = x;
	v->frozen_y_m = y;
	v->frozen_altitude_m = altitude;
	r->lat_e7 = 10 * e6_of(CENTRE_LAT + y / M_PER_DEGREE);
	r->lon_e7 = 10 * e6_of(CENTRE_LON + x / (M_PER_DEGREE * cos(CENTRE_LAT * RADIANS)));
	r->altitude_m = (int16_t)altitude;
}

static void say_motion(struct vehicle *v, struct report *r)
{
	if (v->speed_ms > 0) {
		double kmh = v->speed_ms * 3.6 + 0.4 * rng_normal(&v->rng);
		r->speed_dkmh = (uint16_t)(kmh > 0 ? lround(kmh * 10) : 0);
		long course = lround(v->course_deg + 2 * rng_normal(&v->rng));
		v->shown_course = (uint16_t)((course + 720) % 360);
	}
	r->course_deg = v->shown_course;
	r->status = STATUS_BIT_FIX | (v->stop_s ? 0 : STATUS_BIT_ACC);
	r->alarm = r->speed_dkmh > 800 ? 2 : 0;
	r->mileage_hm = (uint32_t)(v->odometer_m / 100);
}

/* --- arrivals --- */

struct waiting {
	struct dataset_arrival arrival;
	uint32_t next; /* index + 1 in the pool, 0 at the end */
};

struct dataset {
	struct dataset_options options;
	struct vehicle *vehicles;
	struct rng rng;
	uint32_t second;                                /* of the day, now */
	uint32_t device;                                /* next to report in this second */
	uint32_t first[DELAY_SLOTS], last[DELAY_SLOTS]; /* by arrival second: index + 1 in the pool */
	struct waiting *pool;
	uint32_t pool_count, pool_capacity, free;
};

struct dataset_options dataset_a(void)
{
	return (struct dataset_options){.seed = 1,
					.devices = 2000,
					.seconds = 86400,
					.interval_s = 10,
					.start_ms = INT64_C(1767196800000), /* 2026-01-01 00:00 UTC+8 */
					.frozen = 0.45};
}

enum status dataset_new(const struct dataset_options *options, struct dataset **out)
{
	struct dataset *d = calloc(1, sizeof *d);
	if (!d)
		return STATUS_NO_MEMORY;
	d->options = *options;
	d->rng.state = options->seed ^ UINT64_C(0x5851f42d4c957f2d);
	d->vehicles = calloc(options->devices, sizeof *d->vehicles);
	if (!d->vehicles) {
		free(d);
		return STATUS_NO_MEMORY;
	}
	for (uint32_t i = 0; i < options->devices; i++)
		vehicle_init(&d->vehicles[i], options->seed * UINT64_C(1000003) + i, options->frozen);
	*out = d;
	return STATUS_OK;
}

void dataset_free(struct dataset *d)
{
	if (!d)
		return;
	free(d->vehicles);
	free(d->pool);
	free(d);
}

static uint32_t pool_take(struct dataset *d)
{
	if (d->free) {
		uint32_t taken = d->free;
		d->free = d->pool[taken - 1].next;
		return taken;
	}
	if (d->pool_count == d->pool_capacity) {
		uint32_t capacity = d->pool_capacity ? d->pool_capacity * 2 : 4096;
		struct waiting *pool = realloc(d->pool, capacity * sizeof *pool);
		if (!pool)
			abort();
		d->pool = pool;
		d->pool_capacity = capacity;
	}
	return ++d->pool_count;
}

static void arrive_later(struct dataset *d, const struct dataset_arrival *a, uint32_t delay_s)
{
	uint32_t slot = (d->second + delay_s) % DELAY_SLOTS, w = pool_take(d);
	d->pool[w - 1] = (struct waiting){*a, 0};
	d->pool[w - 1].arrival.arrival_ms += delay_s * INT64_C(1000);
	if (d->last[slot])
		d->pool[d->last[slot] - 1].next = w;
	else
		d->first[slot] = w;
	d->last[slot] = w;
}

static bool take_waiting(struct dataset *d, struct dataset_arrival *out)
{
	uint32_t slot = d->second % DELAY_SLOTS, w = d->first[slot];
	if (!w)
		return false;
	*out = d->pool[w - 1].arrival;
	d->first[slot] = d->pool[w - 1].next;
	if (!d->first[slot])
		d->last[slot] = 0;
	d->pool[w - 1].next = d->free;
	d->free = w;
	return true;
}

/* Seconds until this report arrives: mean burst 330 s, so that half of the late ones come in bursts. */
static uint32_t delay_of(struct dataset *d, struct vehicle *v)
{
	uint32_t interval = d->options.interval_s;
	if (d->options.in_order)
		return 0;
	if (v->offline_s) {
		uint32_t left = v->offline_s;
		v->offline_s = left > interval ? left - interval : 0;
		return left;
	}
	if (rng_chance(&d->rng, 0.005 * interval / 330)) {
		v->offline_s = 60 + (uint32_t)(rng_unit(&d->rng) * 540);
		return v->offline_s;
	}
	return rng_chance(&d->rng, 0.005) ? 10 + (uint32_t)(rng_unit(&d->rng) * (DELAY_MAX_S - 10)) : 0;
}

static void make_report(struct dataset *d, uint32_t device, struct dataset_arrival *out)
{
	struct vehicle *v = &d->vehicles[device];
	for (uint32_t s = 0; s < d->options.interval_s; s++)
		vehicle_second(v);
	out->device = device;
	out->arrival_ms = d->options.start_ms + d->second * INT64_C(1000);
	out->report =
		(struct report){.time_ms = out->arrival_ms, .received_ms = RECEIVED_UNKNOWN, .body = REPORT_BODY_ROW};
	say_place(v, &out->report);
	say_motion(v, &out->report);
	report_row_seal(&out->report);
}

bool dataset_next(struct dataset *d, struct dataset_arrival *out)
{
	uint32_t interval = d->options.interval_s;
	while (d->second < d->options.seconds + DELAY_MAX_S + 1) {
		if (take_waiting(d, out))
			return true;
		while (d->second < d->options.seconds && d->device < d->options.devices) {
			uint32_t device = d->device++;
			if ((device * 7919u) % interval != d->second % interval)
				continue;
			make_report(d, device, out);
			uint32_t delay = delay_of(d, &d->vehicles[device]);
			if (!d->options.in_order && rng_chance(&d->rng, 0.002))
				arrive_later(d, out, delay + 1 + (uint32_t)(rng_unit(&d->rng) * 9));
			if (!delay)
				return true;
			arrive_later(d, out, delay);
		}
		d->second++;
		d->device = 0;
	}
	return false;
}
