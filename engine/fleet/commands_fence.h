/* commands_fence.h -- a fence of ours as an area that a terminal holds, as far as it can.
 *
 *   one ring of 4 axis-parallel edges                     rectangle, 8602
 *   one ring that is a circle to half a metre             circle, 8600: centre and whole metres
 *   any other ring of at most COMMAND_POINTS_MAX points   polygon, 8604
 *   hours of every day, or a span, or the fence's end     time; whole km/h: speed limit
 *
 * Positions are rounded to 1e-6 degrees (0.11 m), which is all that JT/T 808 has. A fence keeps the area alone, so a
 * corridor is a polygon here: a route (8606) is asked for with its line and width. Pure. */
#ifndef ZAYTON_FLEET_COMMANDS_FENCE_H
#define ZAYTON_FLEET_COMMANDS_FENCE_H

#include "engine/detect/fence_set.h"
#include "engine/series/command.h"

/* What a fence does not say. */
struct area_wish {
	uint8_t setting; /* enum area_setting */
	uint8_t over_s;
	uint16_t flags; /* AREA_* */
	uint16_t night_limit_kmh;
};

/* Fill `out`, of kind SET_AREA. STATUS_UNSUPPORTED: `why` names what a terminal cannot hold: holes, several parts, too
 * many vertices, days of the week, seasons, more than one span of hours, hours over midnight, hours with an end of the
 * fence, a limit that is no whole km/h; and what command_check() says. `now_ms`: what began before needs no beginning.
 */
STATUS_CHECKED enum status command_of_fence(const struct fence *f, const struct area_wish *wish, int64_t now_ms,
					    struct command_content *out, struct command_refusal *why);

#endif
