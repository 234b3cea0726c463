#include "query/export/export_devices.h"

#include <stdio.h>

#include "query/export/export_track.h"
#include "query/export/json_out.h"
#include "query/export/mask.h"

static const char *kind_token(uint8_t kind)
{
	switch (kind) {
	case DEVICE_KIND_JT808:
		return "jt808";
	case DEVICE_KIND_FILE:
		return "file";
	case DEVICE_KIND_AIS:
		return "ais";
	case DEVICE_KIND_BEIDOU:
		return "beidou";
	case DEVICE_KIND_SENSOR:
		return "sensor";
	case DEVICE_KIND_NMEA:
		return "nmea";
	case DEVICE_KIND_BOAT:
		return "boat";
	case DEVICE_KIND_JT809:
		return "jt809";
	default:
		return "other";
	}
}

/* Holds names and numbers of people, and nothing that a device is known by. */
static bool is_of_people(unsigned field)
{
	return field == DEVICE_FIELD_DRIVER || field == DEVICE_FIELD_SAFETY_MAN || field == DEVICE_FIELD_OWNER ||
	       field == DEVICE_FIELD_CREW;
}

/* No field, or nobody's business. */
static bool is_secret(unsigned field)
{
	return field == DEVICE_FIELD_AUTH_CODE || !device_field_exists(field);
}

/* A boat's field: told of devices that have it. */
static bool is_told(unsigned field, const char *value)
{
	return !is_secret(field) && (field < DEVICE_FIELD_MMSI || value);
}

const char *export_device_value(const struct device *d, uint8_t field, int64_t at_ms)
{
	for (size_t i = 0; i < d->binding_count; i++) {
		const struct binding *b = &d->bindings[i];
		if (b->field == field && b->valid_from_ms <= at_ms && at_ms < b->valid_to_ms)
			return b->value;
	}
	return NULL;
}

static void text_or_null(struct json_out *j, const char *key, const char *text)
{
	jout_key(j, key);
	if (text && *text)
		jout_string(j, text);
	else
		jout_null(j);
}

/* A value as its field wants it masked. */
static void jout_value(struct json_out *j, const char *key, unsigned field, const char *value)
{
	bool before = mask_people(is_of_people(field));
	text_or_null(j, key, value);
	mask_people(before);
}

static void bindings_array(struct json_out *j, const struct device *d)
{
	jout_key(j, "bindings");
	jout_open(j, '[');
	for (size_t i = 0; i < d->binding_count; i++) {
		const struct binding *b = &d->bindings[i];
		if (is_secret(b->field))
			continue;
		jout_open(j, '{');
		jout_key(j, "field");
		jout_string(j, device_field_token(b->field));
		jout_value(j, "value", b->field, b->value);
		jout_key(j, "from");
		jout_time(j, b->valid_from_ms);
		jout_key(j, "to");
		jout_time(j, b->valid_to_ms);
		jout_key(j, "changed");
		jout_time(j, b->changed_ms);
		text_or_null(j, "by", b->principal);
		jout_close(j, '}');
	}
	jout_close(j, ']');
}

void export_device_object(struct json_out *j, const struct device *d, int64_t at_ms, bool bindings)
{
	jout_open(j, '{');
	jout_key(j, "id");
	jout_hex64(j, d->id);
	jout_key(j, "kind");
	jout_string(j, kind_token(d->kind));
	jout_key(j, "created");
	jout_time(j, d->created_ms);
	for (unsigned field = 1; field < DEVICE_FIELD_STREAMS; field++) {
		const char *value = export_device_value(d, (uint8_t)field, at_ms);
		if (is_told(field, value))
			jout_value(j, device_field_token(field), field, value);
	}
	if (bindings)
		bindings_array(j, d);
	jout_close(j, '}');
}

enum status export_list_begin(struct export_list *w, struct buf *out)
{
	struct json_out j = json_out_init(out);
	w->rows = 0;
	if (w->format == EXPORT_CSV)
		return buf_printf(out, "%s\r\n", w->header);
	if (w->format == EXPORT_NDJSON)
		return STATUS_OK;
	jout_open(&j, '{');
	if (w->format == EXPORT_GEOJSON) {
		jout_key(&j, "type");
		jout_string(&j, "FeatureCollection");
	}
	jout_key(&j, w->format == EXPORT_GEOJSON ? "features" : w->member);
	jout_open(&j, '[');
	return j.status;
}

enum status export_list_end(struct export_list *w, const char *next, struct buf *out)
{
	struct json_out j = json_out_init(out);
	if (w->format == EXPORT_CSV || w->format == EXPORT_NDJSON)
		return STATUS_OK;
	jout_close(&j, ']');
	text_or_null(&j, "next", next);
	jout_close(&j, '}');
	return j.status ? j.status : buf_append_u8(out, '\n');
}

enum status export_list_row_end(struct export_list *w, const struct json_out *j, struct buf *out, size_t size)
{
	enum status status = j->status;
	if (!status && w->format == EXPORT_NDJSON)
		status = buf_append_u8(out, '\n');
	if (status)
		out->size = size;
	else
		w->rows++;
	return status;
}

enum status export_devices_begin(struct export_list *w, enum export_format format, struct buf *out)
{
	char header[1024] = "id,kind,created";
	size_t used = strlen(header);
	for (unsigned field = 1; field < DEVICE_FIELD_STREAMS; field++)
		if (!is_secret(field))
			used += (size_t)snprintf(header + used, sizeof header - used, ",%s", device_field_token(field));
	*w = (struct export_list){format, "devices", header, 0};
	enum status status = export_list_begin(w, out);
	w->header = NULL;
	return status;
}

static enum status device_csv(const struct device *d, int64_t at_ms, struct buf *out)
{
	enum status status = buf_printf(out, "%016llx,%s,", (unsigned long long)d->id, kind_token(d->kind));
	if (!status)
		status = time_append(out, d->created_ms);
	for (unsigned field = 1; field < DEVICE_FIELD_STREAMS && !status; field++) {
		if (is_secret(field))
			continue;
		const char *value = export_device_value(d, (uint8_t)field, at_ms);
		bool before = mask_people(is_of_people(field));
		status = buf_append_u8(out, ',');
		if (!status && value)
			status = csv_append(out, span_of_string(value));
		mask_people(before);
	}
	return status ? status : buf_append(out, "\r\n", 2);
}

enum status export_device_row(struct export_list *w, const struct device *d, int64_t at_ms, struct buf *out)
{
	size_t size = out->size;
	struct json_out j = json_out_init(out);
	if (w->format == EXPORT_CSV) {
		j.status = device_csv(d, at_ms, out);
	} else {
		j.comma = w->rows > 0 && w->format == EXPORT_JSON;
		export_device_object(&j, d, at_ms, false);
	}
	return export_list_row_end(w, &j, out, size);
}

/* --- positions --- */

static void position_members(struct json_out *j, const struct export_position *p, bool geometry)
{
	jout_key(j, "device");
	jout_hex64(j, p->last.device);
	text_or_null(j, "plate", p->plate);
	text_or_null(j, "name", p->name);
	text_or_null(j, "class", device_class_token(p->class_code));
	text_or_null(j, "company", p->company);
	text_or_null(j, "village", p->village);
	export_report_members(j, &p->last.report, geometry);
	jout_key(j, "seen");
	jout_time(j, p->last.seen_ms);
	jout_key(j, "reports");
	jout_unsigned(j, p->last.reports);
}

void export_position_object(struct json_out *j, const struct export_position *p)
{
	jout_open(j, '{');
	position_members(j, p, false);
	jout_close(j, '}');
}

static void position_feature(struct json_out *j, const struct export_position *p)
{
	jout_open(j, '{');
	jout_key(j, "type");
	jout_string(j, "Feature");
	jout_key(j, "id");
	jout_hex64(j, p->last.device);
	jout_key(j, "geometry");
	export_point(j, &p->last.report);
	jout_key(j, "properties");
	jout_open(j, '{');
	position_members(j, p, true);
	jout_close(j, '}');
	jout_close(j, '}');
}

enum status export_positions_begin(struct export_list *w, enum export_format format, struct buf *out)
{
	*w = (struct export_list){
		format, "positions",
		"device,plate,name,class,company,village,time," EXPORT_REPORT_CSV_COLUMNS ",seen,reports", 0};
	return export_list_begin(w, out);
}

static enum status position_csv(const struct export_position *p, struct buf *out)
{
	const char *texts[] = {p->plate, p->name, device_class_token(p->class_code), p->company, p->village};
	enum status status = buf_printf(out, "%016llx", (unsigned long long)p->last.device);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0] && !status; i++) {
		status = buf_append_u8(out, ',');
		if (!status && texts[i])
			status = csv_append(out, span_of_string(texts[i]));
	}
	if (!status)
		status = buf_append_u8(out, ',');
	if (!status)
		status = time_append(out, p->last.report.time_ms);
	if (!status)
		status = buf_append_u8(out, ',');
	if (!status)
		status = export_report_csv(&p->last.report, out);
	if (!status)
		status = buf_append_u8(out, ',');
	if (!status)
		status = time_append(out, p->last.seen_ms);
	return status ? status : buf_printf(out, ",%llu\r\n", (unsigned long long)p->last.reports);
}

enum status export_position_row(struct export_list *w, const struct export_position *p, struct buf *out)
{
	size_t size = out->size;
	struct json_out j = json_out_init(out);
	j.comma = w->rows > 0 && w->format != EXPORT_NDJSON;
	if (w->format == EXPORT_CSV)
		j.status = position_csv(p, out);
	else if (w->format == EXPORT_GEOJSON)
		position_feature(&j, p);
	else
		export_position_object(&j, p);
	return export_list_row_end(w, &j, out, size);
}

static const char *value_or_null(const struct registry *r, uint64_t device, enum device_field field, int64_t at_ms,
				 char *room)
{
	return registry_value(r, device, field, at_ms, room) ? NULL : room;
}

void export_position_describe(struct export_position *p, const struct registry *r, const struct last *last,
			      int64_t at_ms)
{
	uint64_t id = last->device;
	p->last = *last;
	p->plate = value_or_null(r, id, DEVICE_FIELD_PLATE, at_ms, p->room[0]);
	p->name = value_or_null(r, id, DEVICE_FIELD_NAME, at_ms, p->room[1]);
	p->company = value_or_null(r, id, DEVICE_FIELD_COMPANY, at_ms, p->room[2]);
	p->village = value_or_null(r, id, DEVICE_FIELD_VILLAGE, at_ms, p->room[3]);
	p->class_code = registry_class(r, id, at_ms);
}

const char *export_title(const struct registry *r, uint64_t device, int64_t at_ms, char *room)
{
	const char *plate = value_or_null(r, device, DEVICE_FIELD_PLATE, at_ms, room);
	return plate ? plate : value_or_null(r, device, DEVICE_FIELD_NAME, at_ms, room);
}
