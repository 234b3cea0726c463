/* scene_play.h -- all scenes against a server: told to it, played to it, and its findings beside the truth.
 *
 *   scene_play_open ── scene_play_tell (registry, permits, fences) ─┬ boats ───────────────────────┬ scene_play_judge
 *                                                                   ├ terminals of the fleet ──────┤
 *                                                                   └ scene_play_streams (lines) ──┘ */
#ifndef ZAYTON_BENCH_SCENE_PLAY_H
#define ZAYTON_BENCH_SCENE_PLAY_H

#include "bench/sim/fleet.h"
#include "bench/sim/scene.h"
#include "bench/sim/scene_source.h"
#include "bench/sim/scene_truth.h"

struct scene_play {
	struct scene_book book;
	struct scene_source *sources; /* one a vehicle */
	size_t count;
	int64_t now_ms, from_ms; /* what "today" is; the midnight of the earliest scene */
};

/* Reads the folder and places the scenes in the days before `now_ms` (scene_book_place()). 0, or -1 with the reason
 * told. */
int scene_play_open(struct scene_play *p, const char *folder, int64_t now_ms, int floating_day, uint64_t seed);
void scene_play_close(struct scene_play *p);
/* Rules (`rules` a file, or NULL: the server's own), the fences of a GeoJSON file, vehicles with their permits. 0 or
 * -1. */
int scene_play_tell(struct scene_play *p, int http_port, const char *fences, const char *rules);
/* Sends what the boats say to the server's station, and waits until all of it came. 0, or -1 with the reason told. */
int scene_play_boats(struct scene_play *p, int http_port);
/* Vehicles that are terminals. */
size_t scene_play_terminal_count(const struct scene_play *p);
/* Makes that many terminals of the fleet, from `at` on. */
void scene_play_terminals(struct scene_play *p, struct fleet *f, size_t at);
/* What the sites' sensors say, as line protocol, in no order to be relied on and some of it twice, by the seed. 0 or
 * -1.
 */
int scene_play_streams(const struct scene_play *p, int http_port, uint64_t seed);
/* Everything was handed over. */
bool scene_play_is_done(const struct scene_play *p);
/* Settles, asks, compares, prints. `others`: what is found about who is in no scene is false; else it is left out.
 * `*out` the totals. 0 or -1 when the server did not answer. */
int scene_play_judge(struct scene_play *p, int http_port, bool others, struct truth_totals *out);

#endif
