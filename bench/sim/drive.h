/* drive.h -- how a simulated vehicle moves around Quanzhou Bay: trips over a road grid with stops between
 * them, speeds that vary, now and then above the limit. Seeded: the same seed drives the same way. */
#ifndef ZAYTON_BENCH_DRIVE_H
#define ZAYTON_BENCH_DRIVE_H

#include <stdbool.h>
#include <stdint.h>

struct drive {
	uint64_t random;
	double lat, lon;    /* degrees */
	double heading_deg; /* along the grid */
	double speed_kmh, wanted_kmh;
	double mileage_km;
	int32_t left_s;     /* until the trip or the stop ends */
	int32_t straight_s; /* until the next crossing */
	bool moving, loaded, fast;
};

struct drive_fix {
	int32_t lat_e6, lon_e6;
	int16_t altitude_m;
	uint16_t speed_dkmh, course_deg;
	uint32_t mileage_hm;
	bool moving, loaded;
};

void drive_init(struct drive *d, uint64_t seed);
/* `seconds` later; with the noise of a receiver. */
void drive_step(struct drive *d, int32_t seconds, struct drive_fix *out);
/* xorshift64*; for whoever wants to share the seed. */
uint64_t drive_random(uint64_t *state);

#endif
