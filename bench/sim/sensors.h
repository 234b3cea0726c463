/* sensors.h -- fire monitors, a water-quality site, rain and level stations, a charger, a weather mast and a scale
 * against a real server: GB/T 26875.3, HJ 212, SL 651, MQTT (when a broker is given) and line protocol.
 *
 *   begin ── as fast as it is confirmed ──> now ── live ──> stop
 *            every minute of event time: each sensor's frame, sent again until it is confirmed
 *
 * What they measure is a function of the seed, the sensor and the minute, so the same seed is the same day. Every day
 * has a fire alarm, a fault and a test at one monitor, a residual current over its limit at another, turbidity over its
 * limit with data that does not count beside it, a storm of three hours that raises the river, and trucks of which one
 * is overloaded whenever it is weighed. What of it must be found goes to a scene
 * of the demo's book. One thread of its own. */
#ifndef ZAYTON_BENCH_SENSORS_H
#define ZAYTON_BENCH_SENSORS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/sim/scene.h"

#define SENSOR_FIRES 4
#define SENSOR_RAINS 2

struct mosquitto;

struct sensors {
	int http, ports[3]; /* fire, water, rain */
	int fds[3], http_fd;
	const char *broker; /* HOST:PORT, or NULL */
	struct mosquitto *publisher;
	uint64_t seed;
	int64_t begin_ms, done_ms; /* up to where everything is confirmed */
	unsigned long weighings, overloads;
	pthread_t thread;
	bool running;
	_Atomic bool stop;
	_Atomic unsigned long frames, confirmed;
};

/* Writes DATA.sites, which the server is to be started with. 0, or -1. */
int sensors_write_file(const char *data, const char *broker);
/* Tells the server the sites of which something is to be found, and adds them to `scene`, whose name is SENSORS_SCENE.
 * 0 or -1. */
#define SENSORS_SCENE "SIM"
int sensors_register(struct scene *scene, int http);
/* Connect to the server and begin. 0, or -1: the demo goes on without. */
int sensors_begin(struct sensors *s, int http, int64_t begin_ms, uint64_t seed, const char *broker);
/* End, and ask back: every confirmed minute of every sensor is one value. 0; 1 when something is missing or doubled. */
int sensors_end(struct sensors *s);
/* After the end: what must have been found of what was confirmed, added to `scene` (midnight 0). */
void sensors_truth(const struct sensors *s, struct scene *scene);

#endif
