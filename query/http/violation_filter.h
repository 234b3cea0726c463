/* violation_filter.h -- which violations are meant: the parameters that every list and count of them takes.
 *
 *   static const struct http_param params[] = {VIOLATION_FILTER_PARAMS, [VIOLATION_OWN] = {"limit", ...}, ...};
 *   violation_filter_read(&f, call)                 refuses, or knows which
 *   violation_filter_scan(&f, after_ms, after_id, visit, context)      each that fits, described, ascending by (start,
 * id) violation_filter_deinit(&f)
 *
 * Company, village and plate are held against what the registry says of the start, as rows show them. The scope of who
 * asks is held against the device as of now, as everywhere; findings without a device (a fence that nobody visited) are
 * for the scope "all". */
#ifndef ZAYTON_QUERY_HTTP_VIOLATION_FILTER_H
#define ZAYTON_QUERY_HTTP_VIOLATION_FILTER_H

#include "engine/geo/box.h"
#include "query/export/export_violations.h"
#include "query/http/http_stream.h"

enum violation_param {
	VIOLATION_RULE,
	VIOLATION_KIND,
	VIOLATION_DEVICE,
	VIOLATION_PLATE,
	VIOLATION_DRIVER,
	VIOLATION_COMPANY,
	VIOLATION_VILLAGE,
	VIOLATION_FENCE,
	VIOLATION_AUTHORITY,
	VIOLATION_SEVERITY,
	VIOLATION_STATE,
	VIOLATION_FROM,
	VIOLATION_TO,
	VIOLATION_BOX,
	VIOLATION_AS_OF,
	VIOLATION_OWN, /* the route's own parameters from here */
};

#define VIOLATION_FILTER_PARAMS                                                                                        \
	[VIOLATION_RULE] = {"rule", HTTP_PARAM_TEXT, false, 0, RULE_ID_MAX, NULL, "id of a rule"},                     \
	[VIOLATION_KIND] = {"kind", HTTP_PARAM_TEXT, false, 0, 32, NULL, "kind of rule, such as overspeed"},           \
	[VIOLATION_DEVICE] = {"device",                                                                                \
			      HTTP_PARAM_TEXT,                                                                         \
			      false,                                                                                   \
			      0,                                                                                       \
			      DEVICE_VALUE_MAX + 8,                                                                    \
			      NULL,                                                                                    \
			      "16 hex digits, phone:NUMBER or plate:COLOUR:PLATE"},                                    \
	[VIOLATION_PLATE] = {"plate",                                                                                  \
			     HTTP_PARAM_TEXT,                                                                          \
			     false,                                                                                    \
			     0,                                                                                        \
			     DEVICE_VALUE_MAX,                                                                         \
			     NULL,                                                                                     \
			     "of the vehicle then: COLOUR:PLATE, or the plate alone"},                                 \
	[VIOLATION_DRIVER] = {"driver", HTTP_PARAM_TEXT, false, 0, 16, NULL, "16 hex digits"},                         \
	[VIOLATION_COMPANY] = {"company", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX, NULL, "whole name"},            \
	[VIOLATION_VILLAGE] = {"village", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX, NULL, "whole name"},            \
	[VIOLATION_FENCE] = {"fence", HTTP_PARAM_TEXT, false, 0, FENCE_ID_MAX, NULL, "id of a fence"},                 \
	[VIOLATION_AUTHORITY] = {"authority", HTTP_PARAM_TEXT, false, 0, 128, NULL, "who must act: token or name"},    \
	[VIOLATION_SEVERITY] =                                                                                         \
		{"severity", HTTP_PARAM_INTEGER, false, 1, 3, NULL, "1 notice, 2 violation, 3 serious"},               \
	[VIOLATION_STATE] = {"state",                                                                                  \
			     HTTP_PARAM_TEXT,                                                                          \
			     false,                                                                                    \
			     0,                                                                                        \
			     32,                                                                                       \
			     NULL,                                                                                     \
			     "pending, confirmed, rejected, transferred or withdrawn"},                                \
	[VIOLATION_FROM] = {"from", HTTP_PARAM_TIME, false, 0, 0, NULL, "those that began then or later"},             \
	[VIOLATION_TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "those that began then or earlier"},               \
	[VIOLATION_BOX] = {"bbox",                                                                                     \
			   HTTP_PARAM_BOX,                                                                             \
			   false,                                                                                      \
			   0,                                                                                          \
			   0,                                                                                          \
			   NULL,                                                                                       \
			   "those that began there: lonmin,latmin,lonmax,latmax in degrees, borders included; "        \
			   "lonmin above lonmax crosses the antimeridian"},                                            \
	[VIOLATION_AS_OF] = {                                                                                          \
		"as_of", HTTP_PARAM_TIME, false, 0, 0, NULL, "only what had met its hold time by then (found_ms)"}

struct violation_filter {
	struct http_call *call;
	struct registry *registry;
	struct findings *findings;
	struct judged_by *by; /* held until deinit */
	int64_t now_ms, from_ms, to_ms, as_of_ms;
	bool has_device, has_plate_colour;
	uint64_t device, driver; /* driver 0: any */
	struct box box;
	uint8_t kind, state; /* of the filter, when given */
	char plate[DEVICE_VALUE_MAX + 1];
};

/* False: the problem is sent and there is nothing to release. */
bool violation_filter_read(struct violation_filter *f, struct http_call *c);
void violation_filter_deinit(struct violation_filter *f);

/* `e` lasts for the call; a status stops and is returned. */
typedef enum status violation_filter_visit(void *context, const struct export_violation *e);
/* From `after` on (exclusive; 0, 0 for the first). STATUS_CANCELLED when the client has left. */
STATUS_CHECKED enum status violation_filter_scan(struct violation_filter *f, int64_t after_ms, uint64_t after_id,
						 violation_filter_visit *visit, void *context);

/* May who asks see it? */
bool violation_in_scope(const struct http_call *c, const struct finding *f, int64_t now_ms);

#endif
