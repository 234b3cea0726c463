/* handlers_tracks.c -- histories of one device: its track, its kept messages, its sessions. Each is audited before its
 * first byte; what could not be audited is not shown. */
#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/fleet/connections.h"
#include "query/export/export_devices.h"
#include "query/export/export_sessions.h"
#include "query/export/export_track.h"
#include "query/export/json_out.h"
#include "query/export/thin.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define TRACK_ROWS_DEFAULT 10000
#define TRACK_ROWS_MAX 1000000

enum { FROM, TO, POINTS, FORMAT, ITEMS, BODY, LINE, LIMIT, CURSOR, CASE };

static const struct http_param track_params[] = {
	[FROM] = {"from", HTTP_PARAM_TIME, true, 0, 0, NULL, "first instant, included"},
	[TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "last instant, included; now when left out"},
	[POINTS] = {"points", HTTP_PARAM_INTEGER, false, 2, THIN_POINTS_MAX, NULL,
		    "thin to at most so many reports, keeping first, last, fastest and the corners of the way"},
	[FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, FORMAT_CHOICES, "instead of Accept"},
	[ITEMS] = {"items", HTTP_PARAM_FLAG, false, 0, 0, NULL, "with the additional items, raw as hex"},
	[BODY] = {"body", HTTP_PARAM_FLAG, false, 0, 0, NULL, "with the original message body as hex"},
	[LINE] = {"line", HTTP_PARAM_FLAG, false, 0, 0, NULL, "GeoJSON: one LineString instead of points"},
	[LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, TRACK_ROWS_MAX, NULL,
		   "reports of one answer; JSON and GeoJSON points end at 10000 when left out, the others do not end"},
	[CURSOR] = {"cursor", HTTP_PARAM_CURSOR, false, 0, TIME_CURSOR_MAX, NULL, "`next` of the answer before"},
	[CASE] = {"case", HTTP_PARAM_TEXT, false, 0, 63, NULL, "case number, for the audit"},
};

struct history {
	uint64_t device;
	int64_t from_ms, to_ms; /* as asked */
	bool resumed;
	int64_t after_ms; /* of the cursor */
	uint64_t after_hash;
};

static bool read_span(struct http_call *c, struct history *out)
{
	out->from_ms = value_or(&c->values[FROM], 0);
	out->to_ms = value_or(&c->values[TO], clock_now_ms());
	if (out->from_ms > out->to_ms) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "from", "`from` is after `to`");
		return false;
	}
	return true;
}

static bool read_cursor(struct http_call *c, const struct http_value *cursor, struct history *out)
{
	out->resumed = cursor->set;
	if (!cursor->set)
		return true;
	if (!time_cursor_parse(cursor->text, &out->after_ms, &out->after_hash))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "cursor", "this is no cursor of ours");
	return false;
}

static bool audit(struct http_call *c, const char *action, const struct history *h,
		  const struct http_value *case_number)
{
	struct audit_entry entry = {
		.at_ms = clock_now_ms(), .device = h->device, .from_ms = h->from_ms, .to_ms = h->to_ms};
	snprintf(entry.action, sizeof entry.action, "%s", action);
	if (case_number->set)
		snprintf(entry.case_number, sizeof entry.case_number, "%.*s", (int)case_number->text.size,
			 (const char *)case_number->text.data);
	enum status status = call_audit(c, &entry);
	if (status)
		http_problem_of_status(c->x, status);
	return !status;
}

/* --- track --- */

static bool options_fit(struct http_call *c)
{
	const struct http_value *v = c->values;
	if (!v[POINTS].set)
		return true;
	if (!v[ITEMS].number && !v[BODY].number && !v[LIMIT].set && !v[CURSOR].set)
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "points",
			  "a thinned track goes without items, body, limit and cursor");
	return false;
}

static enum status write_thinned(struct http_stream *s, struct export_track *w, struct track *t, size_t points)
{
	struct thin thin;
	struct report r;
	const struct report *kept;
	size_t count;
	enum status status = thin_init(&thin, points);
	if (status)
		return status;
	while (!(status = track_next(t, &r))) {
		thin_add(&thin, &r);
		if (thin.count % 4096 == 0 && exchange_is_cancelled(s->call->x)) {
			status = STATUS_CANCELLED;
			break;
		}
	}
	status = status == STATUS_END ? STATUS_OK : status;
	thin_finish(&thin, &kept, &count);
	for (size_t i = 0; i < count && !status; i++) {
		status = export_track_row(w, &kept[i], &s->chunk);
		if (!status)
			status = stream_flush(s, false);
	}
	thin_deinit(&thin);
	return status ? status : export_track_end(w, NULL, &s->chunk);
}

static bool is_behind(const struct history *h, const struct report *r)
{
	return h->resumed && (r->time_ms < h->after_ms || (r->time_ms == h->after_ms && r->hash <= h->after_hash));
}

static enum status write_rows(struct http_stream *s, struct export_track *w, struct track *t, const struct history *h,
			      uint64_t limit)
{
	struct report r;
	char next[TIME_CURSOR_MAX] = "";
	uint64_t rows = 0;
	enum status status;
	while (!(status = track_next(t, &r))) {
		if (is_behind(h, &r))
			continue;
		if (rows++ == limit)
			break;
		time_cursor_format(r.time_ms, r.hash, next);
		if ((status = export_track_row(w, &r, &s->chunk)) || (status = stream_flush(s, false)))
			return status;
	}
	if (status && status != STATUS_END)
		return status;
	return export_track_end(w, status ? NULL : next, &s->chunk);
}

static uint64_t track_limit(const struct http_call *c, enum export_format format)
{
	bool paged = format == EXPORT_JSON || (format == EXPORT_GEOJSON && !c->values[LINE].number);
	return (uint64_t)value_or(&c->values[LIMIT], paged ? TRACK_ROWS_DEFAULT : INT64_MAX);
}

static enum status write_track(struct http_stream *s, const struct history *h, enum export_format format)
{
	struct http_call *c = s->call;
	const struct http_value *v = c->values;
	struct track *t;
	struct export_track w;
	char name[DEVICE_VALUE_MAX + 1];
	struct export_track_options o = {
		.format = format, .device = h->device, .from_ms = h->from_ms, .to_ms = h->to_ms};
	o.title = export_title(engine_registry(http_engine(c->http)), h->device, h->to_ms, name);
	o.items = v[ITEMS].number;
	o.body = v[BODY].number;
	o.line = v[LINE].number;
	int64_t from_ms = h->resumed && h->after_ms > h->from_ms ? h->after_ms : h->from_ms;
	enum status status = track_open(http_engine(c->http), h->device, from_ms, h->to_ms, &t);
	if (status)
		return status;
	status = export_track_begin(&w, &o, &s->chunk);
	if (!status && v[POINTS].set)
		status = write_thinned(s, &w, t, (size_t)v[POINTS].number);
	else if (!status)
		status = write_rows(s, &w, t, h, track_limit(c, format));
	export_track_deinit(&w);
	track_close(t);
	return status;
}

static void get_track(struct http_call *c)
{
	struct history h;
	enum export_format format;
	struct http_stream s;
	if (!call_device(c, c->path_args[0], &h.device) || !read_span(c, &h) ||
	    !read_cursor(c, &c->values[CURSOR], &h) || !options_fit(c) ||
	    !call_format(c, &c->values[FORMAT], 0x1f, &format))
		return;
	if (!audit(c, "track", &h, &c->values[CASE]))
		return;
	stream_begin(&s, c, export_format_media(format));
	stream_close(&s, write_track(&s, &h, format));
}

/* --- messages --- */

enum { MESSAGE_LIMIT = TO + 1, MESSAGE_CURSOR, MESSAGE_CASE };

static const struct http_param message_params[] = {
	[FROM] = {"from", HTTP_PARAM_TIME, true, 0, 0, NULL, "first instant, included"},
	[TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "last instant, included; now when left out"},
	[MESSAGE_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, PAGE_ROWS_MAX, NULL, "messages of one answer"},
	[MESSAGE_CURSOR] = {"cursor", HTTP_PARAM_CURSOR, false, 0, TIME_CURSOR_MAX, NULL,
			    "`next` of the answer before"},
	[MESSAGE_CASE] = {"case", HTTP_PARAM_TEXT, false, 0, 63, NULL, "case number, for the audit"},
};

struct message_walk {
	struct http_stream *s;
	const struct history *h;
	uint64_t rows, limit;
	char next[TIME_CURSOR_MAX];
	bool more;
};

/* Row: version 1, message id u16, protocol u8, received i64 (all little-endian), body. */
static void message_object(struct json_out *j, int64_t time_ms, uint64_t hash, struct span value)
{
	struct cursor c = cursor_of(value);
	char id[8];
	cursor_u8(&c);
	unsigned low = cursor_u8(&c), high = cursor_u8(&c), protocol = cursor_u8(&c);
	int64_t received_ms = (int64_t)cursor_le64(&c);
	snprintf(id, sizeof id, "0x%04x", (high << 8 | low) & 0xffffu);
	jout_open(j, '{');
	jout_key(j, "time");
	jout_time(j, time_ms);
	jout_key(j, "received");
	jout_time(j, received_ms);
	jout_key(j, "message");
	jout_string(j, id);
	jout_key(j, "protocol");
	jout_unsigned(j, protocol);
	jout_key(j, "hash");
	jout_hex64(j, hash);
	jout_key(j, "body");
	jout_hex(j, span_of(c.at, cursor_left(&c)));
	jout_close(j, '}');
}

static enum status visit_message(void *context, int64_t time_ms, uint64_t hash, struct span value)
{
	struct message_walk *w = context;
	struct json_out j = json_out_init(&w->s->chunk);
	struct report order = {.time_ms = time_ms, .hash = hash};
	if (is_behind(w->h, &order))
		return STATUS_OK;
	if (w->rows == w->limit) {
		w->more = true;
		return STATUS_END;
	}
	if (value.size < 12 || value.data[0] != 1)
		return STATUS_BAD_VERSION;
	j.comma = w->rows++ > 0;
	message_object(&j, time_ms, hash, value);
	time_cursor_format(time_ms, hash, w->next);
	return j.status ? j.status : stream_flush(w->s, false);
}

static enum status write_messages(struct http_stream *s, const struct history *h)
{
	struct http_call *c = s->call;
	struct message_walk w = {
		.s = s, .h = h, .limit = (uint64_t)value_or(&c->values[MESSAGE_LIMIT], PAGE_ROWS_DEFAULT)};
	int64_t from_ms = h->resumed && h->after_ms > h->from_ms ? h->after_ms : h->from_ms;
	enum status status =
		buf_printf(&s->chunk, "{\"device\":\"%016llx\",\"messages\":[", (unsigned long long)h->device);
	if (!status)
		status = store_messages(engine_store(http_engine(c->http)), h->device, from_ms, h->to_ms, visit_message,
					&w);
	if (status && !w.more)
		return status;
	return buf_printf(&s->chunk, w.more ? "],\"next\":\"%s\"}\n" : "],\"next\":null}\n", w.next);
}

static void get_messages(struct http_call *c)
{
	struct history h;
	struct http_stream s;
	if (!call_device(c, c->path_args[0], &h.device) || !read_span(c, &h) ||
	    !read_cursor(c, &c->values[MESSAGE_CURSOR], &h) || !audit(c, "messages", &h, &c->values[MESSAGE_CASE]))
		return;
	stream_begin(&s, c, "application/json");
	stream_close(&s, write_messages(&s, &h));
}

/* --- sessions --- */

enum { SESSION_LIMIT = TO + 1, SESSION_CURSOR, SESSION_CASE, SESSION_FORMAT };

static const struct http_param session_params[] = {
	[FROM] = {"from", HTTP_PARAM_TIME, true, 0, 0, NULL, "first instant, included"},
	[TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "last instant, included; now when left out"},
	[SESSION_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, PAGE_ROWS_MAX, NULL,
			   "sessions of one answer (JSON: 1000 when left out; others: all)"},
	[SESSION_CURSOR] = {"cursor", HTTP_PARAM_CURSOR, false, 0, TIME_CURSOR_MAX, NULL,
			    "`next` of the answer before"},
	[SESSION_CASE] = {"case", HTTP_PARAM_TEXT, false, 0, 63, NULL, "case number, for the audit"},
	[SESSION_FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, FORMAT_CHOICES, "instead of Accept"},
};

struct session_walk {
	struct http_stream *s;
	const struct history *h;
	struct export_list w;
	uint64_t limit;
	char next[TIME_CURSOR_MAX];
	bool more;
};

static enum status visit_session(void *context, const struct connection *c)
{
	struct session_walk *w = context;
	struct report order = {.time_ms = c->from_ms, .hash = c->number};
	if (is_behind(w->h, &order))
		return STATUS_OK;
	w->more = w->w.rows == w->limit;
	if (w->more)
		return STATUS_END;
	time_cursor_format(c->from_ms, c->number, w->next);
	enum status status = export_session_row(&w->w, c, &w->s->chunk);
	return status ? status : stream_flush(w->s, false);
}

static enum status write_sessions(struct http_stream *s, const struct history *h, enum export_format format)
{
	struct session_walk w = {.s = s, .h = h};
	w.limit = (uint64_t)value_or(&s->call->values[SESSION_LIMIT],
				     format == EXPORT_JSON ? PAGE_ROWS_DEFAULT : INT64_MAX);
	enum status status = export_sessions_begin(&w.w, format, &s->chunk);
	if (!status)
		status = engine_connections(http_engine(s->call->http), h->device, h->from_ms, h->to_ms, visit_session,
					    &w);
	return status ? status : export_list_end(&w.w, w.more ? w.next : NULL, &s->chunk);
}

static void get_sessions(struct http_call *c)
{
	struct history h;
	enum export_format format;
	struct http_stream s;
	if (!call_device(c, c->path_args[0], &h.device) || !read_span(c, &h) ||
	    !read_cursor(c, &c->values[SESSION_CURSOR], &h) ||
	    !call_format(c, &c->values[SESSION_FORMAT], EXPORT_SESSION_FORMATS, &format) ||
	    !audit(c, "sessions", &h, &c->values[SESSION_CASE]))
		return;
	stream_begin(&s, c, export_format_media(format));
	stream_close(&s, write_sessions(&s, &h, format));
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/devices/{id}/track", "getTrack", "The reports of a device in a span of time; audited.",
	 "application/json application/geo+json application/x-ndjson text/csv application/gpx+xml", track_params,
	 COUNT(track_params), get_track, NULL},
	{HTTP_GET, 0, "/api/v1/devices/{id}/messages", "getMessages",
	 "Messages of a device kept as they came; audited.", "application/json", message_params, COUNT(message_params),
	 get_messages, NULL},
	{HTTP_GET, 0, "/api/v1/devices/{id}/sessions", "getSessions",
	 "When a terminal was connected, from where, and why each session ended; audited.",
	 "application/json application/x-ndjson text/csv", session_params, COUNT(session_params), get_sessions, NULL},
};

enum status handlers_tracks_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
