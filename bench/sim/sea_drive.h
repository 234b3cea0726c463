/* sea_drive.h -- the demo's sea: fishing boats by AIS and Beidou, merchant ships, net beacons, sailing round their
 * circles.
 *
 *   position = middle + radius * (sin, cos)(phase + time * speed / radius)      of boat and seed alone
 *
 * Where they sail is no fence of the demo world: they break nothing. Beidou boats have an AIS transmitter too, and both
 * belong to one boat. One thread. */
#ifndef ZAYTON_BENCH_SEA_DRIVE_H
#define ZAYTON_BENCH_SEA_DRIVE_H

#include "bench/sim/scene.h"

#define SEA_DRIVE_SENDERS 48

struct sea_sender {
	struct scene_vehicle boat;
	uint32_t number; /* MMSI or card */
	double lat, lon, radius_m, speed_kmh, phase;
	int64_t interval_ms, next_ms;
	const char *name; /* told as static data; NULL: none */
	uint8_t ship_type;
};

struct sea_drive {
	struct sea_sender senders[SEA_DRIVE_SENDERS];
	int fd; /* -1: no station */
};

/* Registers the boats and connects to the station; the first reports are of `begin_ms`. 0, or -1 with the reason told:
 * then nothing will be sent. */
int sea_drive_begin(struct sea_drive *d, int http_port, uint64_t seed, int64_t begin_ms);
/* Says what is due by `now_ms`; returns how many reports. Once the connection is gone nothing any more. */
size_t sea_drive_until(struct sea_drive *d, int64_t now_ms);
void sea_drive_end(struct sea_drive *d);

#endif
