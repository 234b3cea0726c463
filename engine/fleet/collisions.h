/* collisions.h -- who is on collision course with whom now: what the duty room looks at.
 *
 *   last reports of all vessels ──(at most once a second, when somebody asks)──> collision_watch ──> pairs, most urgent
 * first
 *
 * By the first rule of kind `collision` of the book that holds now; without one nobody is. Provisional: it is made of
 * what is known now and keeps its hysteresis from one question to the next; findings are made on the grid of event time
 * (sea_window.h). Threads: any but an event loop; one at a time, the others wait. */
#ifndef ZAYTON_FLEET_COLLISIONS_H
#define ZAYTON_FLEET_COLLISIONS_H

#include "engine/detect/collision_watch.h"
#include "engine/fleet/engine.h"

struct collision_pair {
	struct {
		uint64_t device;
		uint8_t class_code;
		int64_t time_ms;        /* of its last fix */
		int32_t lat_e7, lon_e7; /* brought to `now_ms` */
		uint16_t speed_dkmh, course_deg;
	} vessels[2]; /* a fishing boat first, else the lower device */
	bool merchant_and_fishing;
	struct approach_numbers numbers;
};

struct collisions;
STATUS_CHECKED enum status collisions_open(struct engine *e, struct collisions **out);
void collisions_close(struct collisions *c);
/* Pairs at risk as of `now_ms`: merchant against fishing first, then by TCPA, CPA and devices. `*out` is the caller's
 * (free()), NULL for none. `rule`, RULE_ID_MAX + 1 bytes, is the rule's id, empty without one.
 * STATUS_FULL: more vessels than COLLISION_SLOTS_MAX; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status collisions_now(struct collisions *c, int64_t now_ms, struct collision_pair **out,
					  size_t *out_count, char *rule);

#endif
