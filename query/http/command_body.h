/* command_body.h -- what a terminal is to be told, as JSON, into a canonical command.
 *
 *   {"kind":"text", "text":"请减速", "urgent":true, "display":true, "speech":true, "advert":false, "type":"notice"}
 *   {"kind":"set_parameters", "parameters":{"max_speed_kmh":80, "forbidden_driving":"22:50-10:30", "f364":"00ff"}}
 *   {"kind":"query_parameters", "parameters":["max_speed_kmh", "f364"]}          all when left out
 *   {"kind":"locate"}   {"kind":"identify_driver"}
 *   {"kind":"track", "interval_s":5, "for_s":600}                                 interval_s 0 ends it
 *   {"kind":"confirm_alarm", "bits":[0, 3], "serial":0}
 *   {"kind":"set_fence", "fence":"ID", "setting":"append", "flags":["enter_driver"], "over_s":10, "night_limit_kmh":40}
 *   {"kind":"set_fence", "route":{"id":"R1", "name":"...", "line":[[118.6,24.9], ...], "width_m":50, "limit_kmh":60}}
 *   {"kind":"delete_fences", "shape":"circle", "fences":["ID", ...]}              all of the shape when left out
 *   {"kind":"query_fences", "shape":"route"}
 *
 * and with any of them: "why", "not_before", "expires" (a day when left out, at most 30), "violation". A member that is
 * not of the kind is refused. */
#ifndef ZAYTON_QUERY_HTTP_COMMAND_BODY_H
#define ZAYTON_QUERY_HTTP_COMMAND_BODY_H

#include <jansson.h>

#include "engine/fleet/commands.h"

struct command_body {
	struct command_content content;
	char why[COMMAND_WHY_MAX + 1];
	int64_t not_before_ms, expires_ms;
	uint64_t violation;
	char wrong[256]; /* a sentence, when it was refused */
	bool unsayable;  /* it is well formed, but no terminal could be told */
};

/* Fences are those of `context` as of `now_ms`. False: `wrong` says why. */
bool command_body_read(const json_t *body, struct context *context, int64_t now_ms, struct command_body *out);

#endif
