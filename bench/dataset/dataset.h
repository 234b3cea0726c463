/* dataset.h -- vehicles on a road grid around Quanzhou: the tracks that size, import and queries are measured on.
 *
 * Every device reports each `interval_s` seconds, at its own phase. Arrivals come in the order a platform would see
 * them: most at once, 0.5 % late by 10 to 600 s, 0.5 % in store-and-forward bursts of up to ten minutes that arrive
 * together, 0.2 % twice.
 *
 * The model. Roads: a grid of 800 m, turned by 17 degrees, its crossings moved by up to 80 m, every sixth road
 * a fast one. Vehicles alternate trips and stops so that 41 % of the reports move, accelerate within 1.2 m/s^2,
 * slow down to turn at every third crossing and wait at some lights. A receiver's error is AR(1) per axis, coefficient
 * 0.8, innovations of 1.3 m; a parked one wanders just so, unless it is one of the fifth that freeze their position.
 * Noise: 0.4 km/h of speed and 2 degrees of course when moving, 0.6 m of altitude. Positions are 1e-6 degrees,
 * odometers 0.1 km.
 *
 *   struct dataset *d; struct dataset_arrival a;
 *   dataset_new(&options, &d);
 *   while (dataset_next(d, &a)) ...
 *
 * The same options give the same arrivals. One owner. */
#ifndef ZAYTON_BENCH_DATASET_H
#define ZAYTON_BENCH_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/series/report.h"

struct dataset_options {
	uint64_t seed;
	uint32_t devices;
	uint32_t seconds;
	uint32_t interval_s;
	int64_t start_ms;
	double frozen; /* share of receivers that hold still when parked */
	bool in_order; /* none late, none twice */
};

/* dataset A: 2,000 vehicles, 24 h, 10 s */
struct dataset_options dataset_a(void);

struct dataset_arrival {
	uint32_t device; /* 0 .. devices - 1 */
	int64_t arrival_ms;
	struct report report; /* a sealed ROW without items; received_ms is RECEIVED_UNKNOWN */
};

struct dataset;
STATUS_CHECKED enum status dataset_new(const struct dataset_options *options, struct dataset **out);
void dataset_free(struct dataset *d);
/* False at the end. */
bool dataset_next(struct dataset *d, struct dataset_arrival *out);

#endif
