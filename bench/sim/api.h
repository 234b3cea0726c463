/* api.h -- what the simulator says to a server over HTTP, and asks of it: all of it in one place.
 *
 * Every function tells on stderr what a server refused, and returns 0 or -1. One thread. */
#ifndef ZAYTON_BENCH_API_H
#define ZAYTON_BENCH_API_H

#include "bench/sim/scene.h"
#include "bench/sim/scene_truth.h"
#include "engine/core/bytes.h"

/* Registers the vehicle as its scene has it, from always, and files its permits. An `unregistered` one is left out. */
int api_put_vehicle(int port, const struct scene *s, const struct scene_vehicle *v);
/* Registers the site and its streams as the scene has them, from always; `site->id` becomes what the server calls it.
 */
int api_put_site(int port, const struct scene *s, struct scene_site *site);
/* Line protocol, times in milliseconds: durable when it returns. */
int api_write_lines(int port, struct span lines);
/* The FeatureCollection of a file; times "day-5 10:00:00" become that time, counted from the day of `now_ms`. Fences
 * without `valid_from` hold from 2020 on. A refused feature is a failure. */
int api_post_fences(int port, const char *path, int64_t now_ms);
/* A rules file. */
int api_put_rules(int port, const char *path);
/* What a station says of itself: the port it listens on, lines that came, were refused, and messages that were stored
 * or known already. -1 too when there is no such station. */
struct station_state {
	int port;
	int64_t lines, refused, taken;
};
int api_get_station(int port, const char *name, struct station_state *out);
/* Waits until everything received is judged as of then. */
int api_settle(int port, int64_t as_of_ms);
/* Every finding that begins in [from, to] and stands, appended to `out`. */
int api_get_findings(int port, int64_t from_ms, int64_t to_ms, struct found_list *out);

#endif
