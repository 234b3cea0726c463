/* json_values.h -- what a message of MQTT says, by the topic's line of the sites file.
 *
 *   tele/pile-7/charger   {"ts":1767225612,"p":6600,"t":{"case":41.5}}
 *   topic iot tele/+/charger {2} time=$.ts power=$.p temperature=$.t.case
 *     -> pile-7 power 6600, pile-7 temperature 41.5, both at 2026-01-01T00:00:12Z
 *
 * A path that leads nowhere gives no value; null is no value. Pure. */
#ifndef ZAYTON_INGEST_JSON_VALUES_H
#define ZAYTON_INGEST_JSON_VALUES_H

#include "ingest/sites/sites_file.h"

/* bytes of one message: a day of a logger's minutes in one */
#define JSON_PAYLOAD_MAX (1u << 20)
/* numbers of a time below it are seconds, from it on milliseconds: 1973 in the one, 5138 in the other */
#define JSON_SECONDS_BELOW INT64_C(100000000000)

struct json_value_told {
	char site[SITE_MAX + 1];
	char quantity[QUANTITY_MAX + 1];
	struct value value;
	struct span text; /* of a VALUE_TEXT; lasts for the call */
};
/* What it returns ends the reading, unless STATUS_OK. */
typedef enum status json_value_visit(void *context, const struct json_value_told *v);

/* The first of the broker's lines that the topic matches; NULL: none. */
const struct topic_config *topic_find(const struct sites_config *c, unsigned broker, const char *topic);

/* Every value in order; `*untold` gets the number of paths that lead nowhere or to what is no value. The payload is
 * looked at as a whole first: nothing is visited of what is refused. STATUS_MALFORMED: no JSON, or `each` is no array;
 * STATUS_NOT_FOUND: no site; STATUS_BAD_TIME; STATUS_TOO_LONG; what `visit` returned; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status json_values_read(const struct topic_config *t, const char *topic, struct span payload,
					    int64_t received_ms, json_value_visit *visit, void *context,
					    unsigned *untold);

#endif
