/* handlers_calendar.c -- what is made once a day: signed days (fleet/day_chain.h) and maps of dead zones. */
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/fleet/day_chain.h"
#include "query/export/json_out.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- signed days --- */

enum { FROM };

static const struct http_param from_params[] = {
	[FROM] = {"from", HTTP_PARAM_TIME, false, 0, 0, NULL, "only days that end after it"},
};

struct days_out {
	struct http_stream *stream;
	struct json_out j;
};

static void member_hex(struct json_out *j, const char *key, const uint8_t *bytes, size_t size)
{
	jout_key(j, key);
	jout_hex(j, span_of(bytes, size));
}

static void day_object(struct json_out *j, const struct day_record *d)
{
	char day[DAY_TEXT_MAX];
	day_text(d->day, day);
	jout_open(j, '{');
	jout_key(j, "day");
	jout_string(j, day);
	jout_key(j, "rows");
	jout_unsigned(j, d->rows);
	jout_key(j, "first");
	jout_unsigned(j, d->first);
	jout_key(j, "last");
	jout_unsigned(j, d->last);
	jout_key(j, "made");
	jout_time(j, d->made_ms);
	member_hex(j, "rows_digest", d->rows_digest, sizeof d->rows_digest);
	member_hex(j, "previous", d->previous, sizeof d->previous);
	member_hex(j, "digest", d->hash, sizeof d->hash);
	member_hex(j, "key", d->key, sizeof d->key);
	member_hex(j, "signature", d->signature, sizeof d->signature);
	jout_close(j, '}');
}

static enum status write_day(void *context, const struct day_record *d)
{
	struct days_out *out = context;
	day_object(&out->j, d);
	return out->j.status ? out->j.status : stream_flush(out->stream, false);
}

static void get_digests(struct http_call *c)
{
	struct http_stream s;
	int64_t from_ms = value_or(&c->values[FROM], INT64_MIN);
	int32_t after = from_ms < 0 ? INT32_MIN : (int32_t)((from_ms + CHINA_OFFSET_MS) / MS_PER_DAY - 1);
	stream_begin(&s, c, "application/json");
	struct days_out out = {&s, json_out_init(&s.chunk)};
	jout_open(&out.j, '{');
	jout_key(&out.j, "digests");
	jout_open(&out.j, '[');
	enum status status = out.j.status;
	if (!status)
		status = days_read(engine_store(http_engine(c->http)), after, write_day, &out);
	jout_close(&out.j, ']');
	jout_close(&out.j, '}');
	stream_close(&s, status ? status : out.j.status);
}

/* --- dead zones --- */

enum { AT };

static const struct http_param at_params[] = {
	[AT] = {"at", HTTP_PARAM_TIME, false, 0, 0, NULL, "only the map that holds then; every map when left out"},
};

/* South-western corners as [latitude, longitude]. */
static enum status map_object(struct http_stream *s, struct json_out *j, const struct dead_zone_map *map)
{
	jout_open(j, '{');
	jout_key(j, "from");
	jout_time(j, dead_zone_map_day_ms(map));
	jout_key(j, "cells");
	jout_open(j, '[');
	for (uint32_t i = 0; i < dead_zone_map_count(map) && !j->status; i++) {
		int32_t lat_e7, lon_e7;
		dead_zone_map_cell(map, i, &lat_e7, &lon_e7);
		jout_open(j, '[');
		jout_fixed(j, lat_e7, 7);
		jout_fixed(j, lon_e7, 7);
		jout_close(j, ']');
		if (!j->status)
			j->status = stream_flush(s, false);
	}
	jout_close(j, ']');
	jout_close(j, '}');
	return j->status;
}

static void get_dead_zones(struct http_call *c)
{
	struct http_stream s;
	struct judged_by *by = context_take(engine_context(http_engine(c->http)));
	const struct http_value *at = &c->values[AT];
	uint32_t first = 0, end = dead_zones_count(by->zones);
	if (at->set) {
		while (end && dead_zone_map_day_ms(dead_zones_at(by->zones, end - 1)) > at->number)
			end--;
		first = end ? end - 1 : 0;
	}
	stream_begin(&s, c, "application/json");
	struct json_out j = json_out_init(&s.chunk);
	enum status status = STATUS_OK;
	jout_open(&j, '{');
	jout_key(&j, "cell_deg");
	jout_fixed(&j, DEAD_ZONE_CELL_E7, 7);
	jout_key(&j, "maps");
	jout_open(&j, '[');
	for (uint32_t i = first; i < end && !status; i++)
		status = map_object(&s, &j, dead_zones_at(by->zones, i));
	jout_close(&j, ']');
	jout_close(&j, '}');
	stream_close(&s, status ? status : j.status);
	judged_by_release(by);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/digests", "listDigests",
	 "Signed days, oldest first: each a digest over all that was written down on it, chained to the day before.",
	 "application/json", from_params, COUNT(from_params), get_digests, NULL},
	{HTTP_GET, 0, "/api/v1/dead-zones", "listDeadZones",
	 "Learned dead zones: maps, each from midnight of its day (UTC+8) until the next one's.", "application/json",
	 at_params, COUNT(at_params), get_dead_zones, NULL},
};

enum status handlers_calendar_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
