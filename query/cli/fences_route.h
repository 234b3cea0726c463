/* fences_route.h -- fences over HTTP: here, because reading their files is ingest's and answering is query's.
 *
 *   POST   /api/v1/fences       GeoJSON; a feature's id names the fence, and its geometry becomes the next version
 *   GET    /api/v1/fences       GeoJSON, as they hold at an instant
 *   DELETE /api/v1/fences/{id}  ends it
 *
 * A version holds from its `valid_from`, or from now when it has none. What begins in the past re-judges, and must say
 * rejudge=1. */
#ifndef ZAYTON_QUERY_CLI_FENCES_ROUTE_H
#define ZAYTON_QUERY_CLI_FENCES_ROUTE_H

#include "engine/core/messages.h"
#include "engine/detect/fence_set.h"
#include "ingest/files/fence_file.h"
#include "query/http/http.h"

STATUS_CHECKED enum status fences_route_add(struct http *h);

/* A record of a file as a version of a fence; the area is borrowed. STATUS_MALFORMED: `*out_reason` says what of it
 * is none: no id, a tag, the schedule. */
STATUS_CHECKED enum status fence_of_record(const struct fence_record *record, int64_t now_ms, struct fence *out,
					   enum message *out_reason);

#endif
