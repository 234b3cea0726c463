/* handlers_archive.c -- who was where, when (事后追溯): for a case, audited before the first byte. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "query/export/export_archive.h"
#include "query/http/geometry_body.h"
#include "query/http/http_body.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DEVICES_MAX 1000

static const struct http_param params[] = {
	{"format", HTTP_PARAM_CHOICE, false, 0, 0, FORMAT_CHOICES, "json or ndjson, instead of Accept"},
};

struct who_was {
	struct http_call *call;
	struct geometry geometry;
	struct archive_query query;
	char case_number[CASE_NUMBER_MAX + 1];
	uint64_t devices[DEVICES_MAX];
	int64_t now_ms;
	struct http_stream stream;
	struct export_list list;
	char wrong[GEOMETRY_WRONG_MAX];
};

/* --- the question --- */

static bool wrong(struct who_was *w, const char *text)
{
	snprintf(w->wrong, sizeof w->wrong, "%s", text);
	return false;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Ascending, each once. Whether a device is not known or of another's scope is not told. */
static bool read_devices(struct who_was *w, const json_t *list)
{
	const struct registry *r = engine_registry(http_engine(w->call->http));
	size_t count = json_array_size(list), kept = 0;
	if (!list)
		return true;
	if (!count || count > DEVICES_MAX)
		return wrong(w, "`devices` must name 1 to 1000 devices, or be left out");
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(list, i);
		if (json_is_string(one) &&
		    !device_reference(r, span_of_string(json_string_value(one)), w->now_ms, &w->devices[i]) &&
		    scope_allows(r, &w->call->principal, w->devices[i], w->now_ms))
			continue;
		snprintf(w->wrong, sizeof w->wrong, "devices[%zu]: no such device, or outside your scope", i);
		return false;
	}
	qsort(w->devices, count, sizeof w->devices[0], by_value);
	for (size_t i = 0; i < count; i++)
		if (!kept || w->devices[i] != w->devices[kept - 1])
			w->devices[kept++] = w->devices[i];
	w->query.devices = w->devices;
	w->query.device_count = kept;
	return true;
}

static bool members_known(struct who_was *w, json_t *body)
{
	static const char *const known[] = {"geometry", "within_m", "half_width_m", "from",
					    "to",       "case",     "devices",      "crossings"};
	const char *key;
	json_t *value;
	json_object_foreach(body, key, value)
	{
		size_t i = 0;
		while (i < COUNT(known) && strcmp(known[i], key) != 0)
			i++;
		if (i < COUNT(known))
			continue;
		snprintf(w->wrong, sizeof w->wrong, "`%.64s` is not known here", key);
		return false;
	}
	return json_is_object(body) || wrong(w, "wanted an object");
}

static bool read_question(struct who_was *w, json_t *body)
{
	struct archive_query *q = &w->query;
	const json_t *to = json_object_get(body, "to"), *crossings = json_object_get(body, "crossings");
	q->to_ms = w->now_ms;
	q->crossings = json_is_true(crossings);
	if (!members_known(w, body))
		return false;
	if (!body_case(json_object_get(body, "case"), w->case_number))
		return wrong(w, BODY_CASE_WRONG);
	if (!body_instant(json_object_get(body, "from"), &q->from_ms) || (to && !body_instant(to, &q->to_ms)) ||
	    q->from_ms > q->to_ms)
		return wrong(w, "`from` and `to` must be times, `from` not after `to`; `to` is now when left out");
	if (crossings && !json_is_boolean(crossings))
		return wrong(w, "`crossings` must be true or false");
	return read_devices(w, json_object_get(body, "devices"));
}

/* --- the answer --- */

static enum status wanted(void *context, uint64_t device)
{
	struct who_was *w = context;
	if (exchange_is_cancelled(w->call->x))
		return STATUS_CANCELLED;
	const struct registry *r = engine_registry(http_engine(w->call->http));
	return scope_allows(r, &w->call->principal, device, w->now_ms) ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status visit(void *context, const struct archive_answer *a)
{
	struct who_was *w = context;
	char room[DEVICE_VALUE_MAX + 1];
	const char *name = export_title(engine_registry(http_engine(w->call->http)), a->device, w->query.to_ms, room);
	enum status status = export_archive_row(&w->list, a, name, w->query.crossings, &w->stream.chunk);
	return status ? status : stream_flush(&w->stream, false);
}

static enum status audit_who_was(struct who_was *w)
{
	const struct archive_query *q = &w->query;
	struct audit_entry entry = {.at_ms = w->now_ms,
				    .action = "who-was",
				    .device = q->device_count == 1 ? q->devices[0] : 0,
				    .from_ms = q->from_ms,
				    .to_ms = q->to_ms};
	snprintf(entry.case_number, sizeof entry.case_number, "%s", w->case_number);
	return call_audit(w->call, &entry);
}

static enum status write_answer(struct who_was *w, enum export_format format)
{
	enum status status = export_archive_begin(&w->list, format, &w->stream.chunk);
	if (!status)
		status = engine_archive(http_engine(w->call->http), &w->query, visit);
	return status ? status : export_list_end(&w->list, NULL, &w->stream.chunk);
}

/* Half of the processors: what comes in meanwhile has the others. */
static unsigned threads_to_take(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	return processors > 2 ? (unsigned)(processors / 2) : 1;
}

static void answer(struct who_was *w, enum export_format format)
{
	struct archive_query *q = &w->query;
	q->area = w->geometry.area;
	q->centre = w->geometry.centre;
	q->within_mm = w->geometry.within_mm;
	q->threads = threads_to_take();
	q->wanted = wanted;
	q->context = w;
	enum status status = audit_who_was(w);
	if (status) {
		http_problem_of_status(w->call->x, status);
		return;
	}
	stream_begin(&w->stream, w->call, export_format_media(format));
	stream_close(&w->stream, write_answer(w, format));
}

static void ask(struct who_was *w, json_t *body)
{
	enum export_format format;
	enum status status = STATUS_MALFORMED;
	if (read_question(w, body))
		status = geometry_read(body, &w->geometry, w->wrong);
	if (status == STATUS_MALFORMED)
		http_problem_send(w->call->x, HTTP_PROBLEM_BAD_BODY, NULL, w->wrong);
	else if (status)
		http_problem_of_status(w->call->x, status);
	else if (call_format(w->call, &w->call->values[0], 1u << EXPORT_JSON | 1u << EXPORT_NDJSON, &format))
		answer(w, format);
	geometry_deinit(&w->geometry);
}

static void post_who_was(struct http_call *c)
{
	json_error_t error;
	const struct buf *text = &c->x->request.body;
	struct who_was *w = calloc(1, sizeof *w);
	if (!w) {
		http_problem_of_status(c->x, STATUS_NO_MEMORY);
		return;
	}
	w->call = c;
	w->now_ms = clock_now_ms();
	json_t *body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	if (body)
		ask(w, body);
	else
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, error.text);
	json_decref(body);
	free(w);
}

static const struct http_route routes[] = {
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/archive/who-was", "postWhoWas",
	 "Devices that were within a geometry or near it in a span of time, for a case, audited: {\"geometry\":GeoJSON "
	 "Polygon, MultiPolygon, LineString, MultiLineString or Point, \"within_m\":metres (a Point's radius, from a "
	 "polygon or a line), \"half_width_m\":metres (of a corridor along a line), \"from\":..., \"to\":..., "
	 "\"case\":..., \"devices\":[...], "
	 "\"crossings\":true}.",
	 "application/json application/x-ndjson", params, COUNT(params), post_who_was, NULL},
};

enum status handlers_archive_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
