/* handlers_positions.c -- where everything is now. */
#include <stdlib.h>

#include "engine/core/clock.h"
#include "query/export/export_devices.h"
#include "query/export/json_out.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define DEVICES_ASKED_MAX 1000
#define BATCH 256

enum { DEVICE, BBOX, LIMIT, CURSOR, FORMAT };

static const struct http_param params[] = {
	[DEVICE] = {"device", HTTP_PARAM_TEXT, false, 0, 0, NULL, "devices, separated by commas; all when left out"},
	[BBOX] = {"bbox", HTTP_PARAM_BOX, false, 0, 0, NULL,
		  "only inside the box, borders included; lonmin above lonmax crosses the antimeridian"},
	[LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, PAGE_ROWS_MAX, NULL,
		   "positions of one answer (JSON, GeoJSON: 1000 when left out; others: all)"},
	[CURSOR] = {"cursor", HTTP_PARAM_CURSOR, false, 0, 16, NULL, "`next` of the answer before"},
	[FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, FORMAT_CHOICES, "instead of Accept"},
};

struct listing {
	struct http_stream *s;
	struct registry *registry;
	struct export_list w;
	int64_t now_ms;
	uint64_t limit;
};

static enum status put_row(struct listing *l, const struct last *last)
{
	struct export_position p;
	export_position_describe(&p, l->registry, last, l->now_ms);
	enum status status = export_position_row(&l->w, &p, &l->s->chunk);
	return status ? status : stream_flush(l->s, false);
}

static size_t next_batch(struct http_call *c, uint64_t after, struct last *out)
{
	struct engine *e = http_engine(c->http);
	const struct http_box *b = &c->values[BBOX].box;
	if (!c->values[BBOX].set)
		return engine_last_list(e, after, out, BATCH);
	return engine_last_in_box(e, b->lat_min_e7, b->lon_min_e7, b->lat_max_e7, b->lon_max_e7, after, out, BATCH);
}

/* From `after` on; `*last_id` is the last one written, `*more` says that others follow. */
static enum status put_all(struct listing *l, struct last *batch, uint64_t after, uint64_t *last_id, bool *more)
{
	struct http_call *c = l->s->call;
	size_t count;
	*more = false;
	while ((count = next_batch(c, after, batch))) {
		for (size_t i = 0; i < count; i++) {
			after = batch[i].device;
			if (!scope_allows(l->registry, &c->principal, after, l->now_ms))
				continue;
			if (l->w.rows == l->limit) {
				*more = true;
				return STATUS_OK;
			}
			*last_id = after;
			enum status status = put_row(l, &batch[i]);
			if (status)
				return status;
		}
	}
	return STATUS_OK;
}

static enum status write_all(struct listing *l, uint64_t after)
{
	char next[17];
	uint64_t last_id = after;
	uint8_t be[8];
	bool more;
	struct last *batch = malloc(BATCH * sizeof *batch);
	if (!batch)
		return STATUS_NO_MEMORY;
	enum status status = export_positions_begin(&l->w, l->w.format, &l->s->chunk);
	if (!status)
		status = put_all(l, batch, after, &last_id, &more);
	free(batch);
	if (status)
		return status;
	store_be64(be, last_id);
	hex_encode(next, span_of(be, sizeof be));
	return export_list_end(&l->w, more ? next : NULL, &l->s->chunk);
}

/* --- named ones --- */

static size_t split_devices(struct span text, struct span *out, size_t max)
{
	size_t n = 0, start = 0;
	for (size_t i = 0; i <= text.size; i++) {
		if (i < text.size && text.data[i] != ',')
			continue;
		if (n == max)
			return max + 1;
		out[n++] = span_of(text.data + start, i - start);
		start = i + 1;
	}
	return n;
}

static bool inside(const struct http_value *bbox, const struct report *r)
{
	const struct http_box *b = &bbox->box;
	if (!bbox->set)
		return true;
	if (r->flags & REPORT_FLAG_NO_FIX || r->lat_e7 < b->lat_min_e7 || r->lat_e7 > b->lat_max_e7)
		return false;
	bool east = r->lon_e7 >= b->lon_min_e7, west = r->lon_e7 <= b->lon_max_e7;
	return b->lon_min_e7 <= b->lon_max_e7 ? east && west : east || west;
}

static enum status put_named(struct listing *l, struct span reference)
{
	struct http_call *c = l->s->call;
	uint64_t device;
	struct last last;
	if (device_reference(l->registry, reference, l->now_ms, &device) ||
	    !scope_allows(l->registry, &c->principal, device, l->now_ms) ||
	    engine_last(http_engine(c->http), device, &last) || !inside(&c->values[BBOX], &last.report))
		return STATUS_OK;
	return put_row(l, &last);
}

static enum status write_named(struct listing *l)
{
	struct http_call *c = l->s->call;
	struct span *asked = malloc(DEVICES_ASKED_MAX * sizeof *asked);
	if (!asked)
		return STATUS_NO_MEMORY;
	size_t count = split_devices(c->values[DEVICE].text, asked, DEVICES_ASKED_MAX);
	enum status status = count > DEVICES_ASKED_MAX ? STATUS_TOO_LONG : STATUS_OK;
	if (!status)
		status = export_positions_begin(&l->w, l->w.format, &l->s->chunk);
	for (size_t i = 0; i < count && !status; i++)
		status = put_named(l, asked[i]);
	free(asked);
	return status ? status : export_list_end(&l->w, NULL, &l->s->chunk);
}

static bool check_named(struct http_call *c)
{
	struct span text = c->values[DEVICE].text;
	size_t commas = 0;
	for (size_t i = 0; i < text.size; i++)
		commas += text.data[i] == ',';
	if (text.size && commas < DEVICES_ASKED_MAX)
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "device", "between 1 and 1000 devices may be named");
	return false;
}

static void get_positions(struct http_call *c)
{
	struct http_stream s;
	const struct http_value *v = c->values;
	uint64_t after = 0;
	enum export_format format;
	unsigned allowed = 1u << EXPORT_JSON | 1u << EXPORT_GEOJSON | 1u << EXPORT_NDJSON | 1u << EXPORT_CSV;
	if (v[CURSOR].set && parse_hex64(v[CURSOR].text, &after)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "cursor", "this is no cursor of ours");
		return;
	}
	if ((v[DEVICE].set && !check_named(c)) || !call_format(c, &v[FORMAT], allowed, &format))
		return;
	bool paged = format == EXPORT_JSON || format == EXPORT_GEOJSON;
	struct listing l = {.s = &s, .registry = engine_registry(http_engine(c->http)), .now_ms = clock_now_ms()};
	l.w.format = format;
	l.limit = (uint64_t)value_or(&v[LIMIT], paged ? PAGE_ROWS_DEFAULT : INT64_MAX);
	stream_begin(&s, c, export_format_media(format));
	stream_close(&s, v[DEVICE].set ? write_named(&l) : write_all(&l, after));
}

/* --- one --- */

static void get_position(struct http_call *c)
{
	uint64_t device;
	struct last last;
	struct export_position p;
	struct buf text = buf_init(8192);
	struct json_out j = json_out_init(&text);
	struct registry *r = engine_registry(http_engine(c->http));
	if (!call_device(c, c->path_args[0], &device))
		return;
	if (engine_last(http_engine(c->http), device, &last)) {
		http_problem_send(c->x, HTTP_PROBLEM_NO_POSITION, NULL, "the device has not reported yet");
		return;
	}
	export_position_describe(&p, r, &last, clock_now_ms());
	export_position_object(&j, &p);
	if (!j.status)
		j.status = buf_append_u8(&text, '\n');
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer_cached(c, "application/json", buf_view(&text));
	buf_deinit(&text);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/positions", "getPositions",
	 "The last position of one, many or all devices, or of those in a box.",
	 "application/json application/geo+json application/x-ndjson text/csv", params, COUNT(params), get_positions,
	 NULL},
	/* on the loop: heads and registry are in memory, their locks are held for a copy */
	{HTTP_GET, HTTP_ROUTE_INLINE, "/api/v1/devices/{id}/position", "getPosition", "The last position of a device.",
	 "application/json", NULL, 0, get_position, NULL},
};

enum status handlers_positions_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
