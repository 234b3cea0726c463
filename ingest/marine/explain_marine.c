#include "ingest/marine/explain_marine.h"

#include <jansson.h>
#include <stdio.h>

#include "engine/core/charset.h"
#include "engine/core/clock.h"
#include "engine/core/utf8.h"
#include "ingest/marine/nmea.h"

/* Members one after the other; a value that cannot be made (no memory) sticks. */
struct members {
	json_t *into;
	enum status status;
};

static void put(struct members *m, const char *name, json_t *value)
{
	if (!value || json_object_set_new(m->into, name, value))
		m->status = STATUS_NO_MEMORY;
}

static void put_number(struct members *m, const char *name, int64_t v)
{
	put(m, name, json_integer(v));
}

static void put_scaled(struct members *m, const char *name, int64_t v, double unit)
{
	put(m, name, json_real((double)v / unit));
}

static void put_scaled_or_null(struct members *m, const char *name, bool known, int64_t v, double unit)
{
	put(m, name, known ? json_real((double)v / unit) : json_null());
}

/* UTF-8 as it is, anything else as GBK. */
static void put_text(struct members *m, const char *name, struct span text)
{
	char utf8[CHARSET_UTF8_ROOM(RDSS_PAYLOAD_MAX)];
	if (utf8_valid(text)) {
		put(m, name, json_stringn((const char *)text.data, text.size));
		return;
	}
	size_t most = text.size < RDSS_PAYLOAD_MAX ? text.size : RDSS_PAYLOAD_MAX;
	size_t n = charset_gbk_to_utf8(span_of(text.data, most), utf8, sizeof utf8);
	put(m, name, json_stringn(utf8, n));
}

static void put_time(struct members *m, const char *name, int64_t ms)
{
	char text[TIME_TEXT_MAX];
	time_format(ms, 0, text);
	put(m, name, json_string(text));
}

static void put_clock(struct members *m, const char *name, int32_t ms)
{
	char text[40];
	snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
	put(m, name, json_string(text));
}

/* The member `name` of `into`, an object of its own. */
static struct members begin(struct members *m, const char *name)
{
	json_t *child = json_object();
	put(m, name, child);
	return (struct members){child, m->status};
}

static void end(struct members *m, const struct members *child)
{
	if (child->status)
		m->status = child->status;
}

/* --- AIS --- */

static const char *name_of(const struct ais_message *msg, enum ais_field field)
{
	unsigned v = (unsigned)msg->values[field];
	switch (field) {
	case AIS_STATUS:
		return ais_status_name(v);
	case AIS_SHIPTYPE:
		return ais_shiptype_name(v);
	case AIS_EPFD:
		return ais_epfd_name(v);
	case AIS_AID:
		return ais_aid_name(v);
	default:
		return NULL;
	}
}

static void put_motion(struct members *m, const struct ais_message *msg, enum ais_field field)
{
	int32_t lat, lon;
	uint16_t v = 0;
	int16_t turn = 0;
	bool limit = false, known;
	switch (field) {
	case AIS_LON:
		known = ais_position(msg, &lat, &lon);
		put_scaled_or_null(m, "lat", known, known ? lat : 0, 1e7);
		put_scaled_or_null(m, "lon", known, known ? lon : 0, 1e7);
		break;
	case AIS_SOG:
		known = ais_sog_dkn(msg, &v);
		put_scaled_or_null(m, "speed_kn", known, v, 10);
		break;
	case AIS_COG:
		known = ais_cog_ddeg(msg, &v);
		put_scaled_or_null(m, "course_deg", known, v, 10);
		break;
	case AIS_HEADING:
		put(m, "heading_deg", ais_heading_deg(msg, &v) ? json_integer(v) : json_null());
		break;
	case AIS_ROT:
		known = ais_turn_ddeg_min(msg, &turn, &limit);
		put_scaled_or_null(m, "turn_deg_min", known && !limit, turn, 10);
		if (limit)
			put(m, "turn_limit", json_string(turn < 0 ? "left" : "right"));
		break;
	default:
		break;
	}
}

static bool is_motion(enum ais_field f)
{
	return f == AIS_LON || f == AIS_LAT || f == AIS_SOG || f == AIS_COG || f == AIS_HEADING || f == AIS_ROT;
}

static void put_field(struct members *m, const struct ais_message *msg, enum ais_field field)
{
	const char *json = ais_field_json(field);
	if (is_motion(field)) {
		put_motion(m, msg, field);
		return;
	}
	int32_t v = msg->values[field], na = ais_field_na(msg->type, field);
	if (field == AIS_SECOND && msg->type != 4 && msg->type != 11 && v > 60)
		put(m, "position_mode", json_string(v == 61 ? "manual" : v == 62 ? "dead reckoning" : "inoperative"));
	if (ais_field_kind(field) == AIS_KIND_T)
		put_text(m, json, span_of_string(ais_text(msg, field)));
	else if (ais_field_kind(field) == AIS_KIND_F)
		put(m, json, json_boolean(v));
	else if (field == AIS_DRAUGHT)
		put_scaled_or_null(m, "draught_m", v != 0, v, 10);
	else
		put(m, json, na != AIS_NONE && v == na && field != AIS_MANOEUVRE ? json_null() : json_integer(v));
	const char *name = v == na ? NULL : name_of(msg, field);
	if (name) {
		char key[40];
		snprintf(key, sizeof key, "%s_name", json);
		put(m, key, json_string(name));
	}
}

static void put_mmsi(struct members *m, uint32_t mmsi)
{
	char text[16];
	snprintf(text, sizeof text, "%09u", mmsi);
	put(m, "mmsi", json_string(text));
	put(m, "mmsi_form", json_string(mmsi_form_token(mmsi_form(mmsi))));
}

static void put_message(struct members *m, const struct ais_message *msg, const struct ais_packet *p)
{
	int64_t utc;
	char hex[2 * AIS_BYTES_MAX + 1];
	put_number(m, "type", msg->type);
	put_number(m, "repeat", msg->repeat);
	put_mmsi(m, msg->mmsi);
	put_number(m, "bits", msg->bits);
	if (!msg->known) {
		hex_encode(hex, span_of(p->payload, (p->bits + 7u) / 8));
		put(m, "payload", json_string(hex));
		return;
	}
	for (unsigned f = AIS_STATUS; f < AIS_FIELD_COUNT; f++)
		if (ais_has(msg, (enum ais_field)f))
			put_field(m, msg, (enum ais_field)f);
	if (ais_utc_ms(msg, &utc))
		put_time(m, "time", utc);
}

static enum status explain_ais(struct marine_explainer *e, const struct sentence *s, struct members *m)
{
	const struct ais_packet *p;
	struct ais_message msg;
	struct ais_part part;
	enum status status = ais_part_of(s, &part);
	if (!status) {
		put_number(m, "part", part.number);
		put_number(m, "of", part.total);
		if (part.channel)
			put(m, "channel", json_stringn((const char *)&part.channel, 1));
	}
	status = ais_assembler_add(e->assembler, s, 0, (int64_t)e->line, &p);
	if (status == STATUS_NEED_MORE) {
		put(m, "waiting", json_true());
		return STATUS_OK;
	}
	if (status == STATUS_EMPTY) { /* a frame without payload is real, and says nothing */
		put(m, "message", json_null());
		return STATUS_OK;
	}
	if (!status)
		status = ais_decode(p, &msg);
	if (status)
		return status;
	struct members child = begin(m, "message");
	if (p->own)
		put(&child, "own_ship", json_true());
	put_message(&child, &msg, p);
	end(m, &child);
	return STATUS_OK;
}

/* --- NMEA 0183 --- */

static void put_date(struct members *m, int32_t day)
{
	char text[TIME_TEXT_MAX];
	time_format((int64_t)day * 86400000, 0, text);
	put(m, "date", json_stringn(text, 10));
}

static void put_fix(struct members *m, const struct nmea_fix *f)
{
	static const char *const valid[] = {NULL, "no", "guessed", "yes"};
	if (f->time_ms != NMEA_TIME_UNKNOWN)
		put_clock(m, "time", f->time_ms);
	if (f->day != NMEA_DAY_UNKNOWN)
		put_date(m, f->day);
	put_scaled_or_null(m, "lat", f->has_position, f->lat_e7, 1e7);
	put_scaled_or_null(m, "lon", f->has_position, f->lon_e7, 1e7);
	if (valid[f->valid])
		put(m, "valid", json_string(valid[f->valid]));
	if (f->speed_mkn != NMEA_UNKNOWN)
		put_scaled(m, "speed_kn", f->speed_mkn, 1000);
	if (f->course_cdeg != NMEA_UNKNOWN)
		put_scaled(m, "course_deg", f->course_cdeg, 100);
	if (f->heading_cdeg != NMEA_UNKNOWN)
		put_scaled(m, "heading_deg", f->heading_cdeg, 100);
	if (f->altitude_dm != NMEA_UNKNOWN)
		put_scaled(m, "altitude_m", f->altitude_dm, 10);
	if (f->hdop_centi != NMEA_UNKNOWN)
		put_scaled(m, "hdop", f->hdop_centi, 100);
	if (f->satellites != NMEA_UNKNOWN)
		put_number(m, "satellites", f->satellites);
	if (f->quality != NMEA_UNKNOWN)
		put_number(m, "quality", f->quality);
	if (f->mode)
		put_text(m, "mode", span_of(&f->mode, 1));
	if (f->safety)
		put_text(m, "navigational_status", span_of(&f->safety, 1));
}

/* --- Beidou --- */

/* Every field under its name; empty ones are null. */
static void put_named(struct members *m, const struct sentence *s, const char *names)
{
	char name[32];
	for (unsigned i = 0; *names && i < s->count; i++) {
		size_t n = strcspn(names, ",");
		snprintf(name, sizeof name, "%.*s", (int)n, names);
		names += n + (names[n] == ',');
		if (strcmp(name, "payload") == 0)
			return;
		if (s->fields[i].size)
			put_text(m, name, s->fields[i]);
		else
			put(m, name, json_null());
	}
}

static void put_points(struct members *m, const struct marine_explainer *e, const struct rdss_message *msg)
{
	struct rdss_point points[RDSS_POINTS_MAX];
	size_t count;
	enum status status = rdss_codec_decode(e->codec, span_of(msg->payload, msg->payload_size), points, &count);
	if (status) {
		put(m, "payload_refused", json_string(status_name(status)));
		return;
	}
	json_t *list = json_array();
	put(m, "points", list);
	for (size_t i = 0; i < count && list; i++) {
		struct members p = {json_object(), STATUS_OK};
		if (points[i].time_ms != RDSS_POINT_AGO)
			put_time(&p, "time", points[i].time_ms);
		put_number(&p, "seconds_before", points[i].ago_s);
		put_scaled(&p, "lat", points[i].lat_e7, 1e7);
		put_scaled(&p, "lon", points[i].lon_e7, 1e7);
		put_scaled_or_null(&p, "speed_kn", points[i].speed_dkn != RDSS_POINT_NONE, points[i].speed_dkn, 10);
		put(&p, "course_deg",
		    points[i].course_deg != RDSS_POINT_NONE ? json_integer(points[i].course_deg) : json_null());
		if (json_array_append_new(list, p.into))
			m->status = STATUS_NO_MEMORY;
		end(m, &p);
	}
}

static void put_rdss(struct members *m, const struct marine_explainer *e, const struct sentence *s,
		     const struct rdss_message *msg)
{
	char hex[2 * RDSS_PAYLOAD_MAX + 1];
	put(m, "what", json_string(rdss_sentence_what(msg->kind)));
	put_named(m, s, rdss_sentence_fields(msg->kind));
	if (msg->time_ms != RDSS_TIME_UNKNOWN)
		put_clock(m, "time_utc", msg->time_ms);
	if (msg->has_position) {
		put_scaled(m, "lat", msg->lat_e7, 1e7);
		put_scaled(m, "lon", msg->lon_e7, 1e7);
	}
	if (msg->payload_size) {
		struct span payload = span_of(msg->payload, msg->payload_size);
		hex_encode(hex, payload);
		put(m, "payload", json_string(hex));
		if (msg->is_text)
			put_text(m, "text", payload);
		else if (e->codec)
			put_points(m, e, msg);
	}
}

/* --- a line --- */

static void put_tag(struct members *m, const struct sentence *s)
{
	if (s->tag_refused)
		put(m, "tag_refused", json_true());
	if (s->time_by == SENTENCE_TIME_BY_NOBODY && s->station.size == 0 && !s->group_total)
		return;
	struct members tag = begin(m, "tag");
	if (s->time_by != SENTENCE_TIME_BY_NOBODY)
		put_time(&tag, "time", s->time_ms);
	if (s->station.size)
		put_text(&tag, "station", s->station);
	if (s->group_total) {
		put_number(&tag, "group", s->group_id);
		put_number(&tag, "group_part", s->group_part);
		put_number(&tag, "group_of", s->group_total);
	}
	end(m, &tag);
}

static void put_raw_fields(struct members *m, const struct sentence *s)
{
	json_t *list = json_array();
	put(m, "fields", list);
	for (unsigned i = 0; i < s->count && list; i++) {
		char text[CHARSET_UTF8_ROOM(SENTENCE_LINE_MAX)];
		size_t n = charset_gbk_to_utf8(s->fields[i], text, sizeof text);
		if (json_array_append_new(list, json_stringn(text, n)))
			m->status = STATUS_NO_MEMORY;
	}
}

static enum status explain_sentence(struct marine_explainer *e, struct sentence *s, struct members *m)
{
	struct nmea_fix fix;
	struct rdss_message rdss;
	ais_assembler_group(e->assembler, s, 0, (int64_t)e->line);
	put_text(m, "sentence", s->address);
	put_tag(m, s);
	if (s->start == '!' && (sentence_is(s, "VDM") || sentence_is(s, "VDO")))
		return explain_ais(e, s, m);
	enum status status = nmea_parse(s, &fix);
	if (!status)
		put_fix(m, &fix);
	if (status != STATUS_UNSUPPORTED)
		return status;
	status = rdss_parse(s, &e->rdss, &rdss);
	if (!status)
		put_rdss(m, e, s, &rdss);
	if (status != STATUS_UNSUPPORTED)
		return status;
	put(m, "known", json_false());
	put_raw_fields(m, s);
	return STATUS_OK;
}

static int append_text(const char *text, size_t size, void *out)
{
	return buf_append(out, text, size) ? -1 : 0;
}

enum status marine_explain(struct marine_explainer *e, struct span line, struct buf *out)
{
	struct sentence s;
	e->line++;
	enum status refused = sentence_parse(line, &s);
	if (refused == STATUS_EMPTY)
		return refused;
	struct members m = {json_object(), STATUS_OK};
	size_t before = out->size;
	put_number(&m, "line", (int64_t)e->line);
	if (!refused)
		refused = explain_sentence(e, &s, &m);
	if (refused) {
		put(&m, "refused", json_string(status_name(refused)));
		put(&m, "reason", json_string(status_text(refused)));
		put_text(&m, "raw", span_of(line.data, line.size < SENTENCE_LINE_MAX ? line.size : SENTENCE_LINE_MAX));
	}
	if (!m.status && json_dump_callback(m.into, append_text, out, JSON_COMPACT | JSON_REAL_PRECISION(15)))
		m.status = STATUS_FULL;
	if (m.status)
		out->size = before;
	json_decref(m.into);
	return m.status ? m.status : refused;
}

enum status marine_explainer_init(struct marine_explainer *e)
{
	*e = (struct marine_explainer){.rdss = rdss_options_default()};
	return ais_assembler_new(AIS_EXPIRE_LINES, &e->assembler);
}

void marine_explainer_deinit(struct marine_explainer *e)
{
	ais_assembler_free(e->assembler);
}

uint64_t marine_explainer_unfinished(struct marine_explainer *e)
{
	ais_assembler_expire(e->assembler, INT64_MAX);
	return ais_assembler_count(e->assembler, AIS_ASSEMBLER_EXPIRED) +
	       ais_assembler_count(e->assembler, AIS_ASSEMBLER_BROKEN) +
	       ais_assembler_count(e->assembler, AIS_ASSEMBLER_REPLACED) +
	       ais_assembler_count(e->assembler, AIS_ASSEMBLER_CROWDED);
}
