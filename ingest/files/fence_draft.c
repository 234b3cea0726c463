#include "ingest/files/fence_draft.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/core/clock.h"
#include "engine/core/limits.h"
#include "engine/core/utf8.h"
#include "engine/geo/distance.h"
#include "engine/geo/shape.h"
#include "ingest/files/number.h"

#define METRES_MM ((struct number_unit){1, 3}) /* metres -> mm */
#define LENGTH_MAX_MM INT64_C(10000000000)     /* 10,000 km */
#define HALVINGS_MAX 10                        /* of one edge: 1024 pieces */

enum status fence_draft_init(struct fence_draft *d, const struct fence_file_options *options,
			     struct fence_file_result *result)
{
	*d = (struct fence_draft){.options = options, .result = result};
	return options->crs ? fence_draft_crs(d, 0, options->crs) : STATUS_OK;
}

void fence_draft_deinit(struct fence_draft *d)
{
	crs_close(d->crs);
	free(d->points);
	free(d->ends);
	free(d->is_hole);
	*d = (struct fence_draft){.options = NULL};
}

enum status fence_draft_crs(struct fence_draft *d, uint64_t line, const char *name)
{
	if (d->crs || (line && d->options->crs))
		return STATUS_OK;
	enum status status = crs_open(name, &d->crs);
	if (status == STATUS_NO_MEMORY)
		return status;
	if (status == STATUS_UNSUPPORTED)
		return fence_draft_file_wrong(d, line, FENCE_FIELD_CRS, status,
					      "its datum has no known transformation to WGS-84",
					      "该坐标系没有已知的到 WGS-84 的转换", span_of_string(name));
	if (status)
		return fence_draft_file_wrong(d, line, FENCE_FIELD_CRS, status, "not a known coordinate system",
					      "未知的坐标系", span_of_string(name));
	return STATUS_OK;
}

/* --- mistakes --- */

/* Cut at a whole character; control bytes, and bytes that are no text, become '?'. */
static void excerpt(struct span text, char *out, size_t room)
{
	size_t used = 0;
	while (text.size) {
		size_t n = utf8_sequence(text);
		bool plain = n && utf8_printable(span_of(text.data, n));
		if (used + (plain ? n : 1) >= room)
			break;
		memcpy(out + used, plain ? (const char *)text.data : "?", plain ? n : 1);
		used += plain ? n : 1;
		n += n == 0;
		text = span_of(text.data + n, text.size - n);
	}
	out[used] = '\0';
}

static enum status tell(struct fence_draft *d, const struct fence_refusal *refusal)
{
	d->result->refused++;
	return d->options->refused ? d->options->refused(d->options->context, refusal) : STATUS_OK;
}

enum status fence_draft_file_wrong(struct fence_draft *d, uint64_t line, enum fence_field field, enum status status,
				   const char *reason, const char *reason_zh, struct span text)
{
	struct fence_refusal refusal = {
		.line = line, .field = field, .status = status, .reason = reason, .reason_zh = reason_zh};
	excerpt(text, refusal.excerpt, sizeof refusal.excerpt);
	enum status told = tell(d, &refusal);
	return told ? told : status;
}

void fence_draft_wrong(struct fence_draft *d, enum fence_field field, enum status status, const char *reason,
		       const char *reason_zh, struct span text)
{
	struct fence_refusal *r = &d->refusal;
	if (r->status)
		return;
	r->field = field;
	r->status = status;
	r->reason = reason;
	r->reason_zh = reason_zh;
	excerpt(text, r->excerpt, sizeof r->excerpt);
}

static void wrong_at(struct fence_draft *d, enum status status, const char *reason, const char *reason_zh,
		     struct geo_point where)
{
	if (d->refusal.status)
		return;
	fence_draft_wrong(d, FENCE_FIELD_GEOMETRY, status, reason, reason_zh, span_of(NULL, 0));
	d->refusal.has_where = true;
	d->refusal.where = where;
}

/* --- properties --- */

static struct span trimmed(struct span s)
{
	while (s.size && memchr(" \t\r\n", s.data[0], 4))
		s = span_of(s.data + 1, s.size - 1);
	while (s.size && memchr(" \t\r\n", s.data[s.size - 1], 4))
		s.size--;
	return s;
}

static void take_text(struct fence_draft *d, enum fence_field field, struct span value, char *out, size_t room)
{
	if (value.size >= room) {
		fence_draft_wrong(d, field, STATUS_TOO_LONG, "longer than allowed", "文字过长", value);
	} else if (!utf8_printable(value)) {
		fence_draft_wrong(d, field, STATUS_MALFORMED, "not printable text", "含乱码或不可见字符", value);
	} else {
		memcpy(out, value.data, value.size);
		out[value.size] = '\0';
	}
}

/* Words, one space between them, whatever stood there. */
static void take_tags(struct fence_draft *d, struct span value)
{
	char words[FENCE_RECORD_TAGS_MAX];
	size_t used = 0;
	bool gap = false;
	for (size_t i = 0; i < value.size; i++) {
		bool blank = memchr(" ,;\t\r\n", value.data[i], 6) != NULL;
		if (used + 2 >= sizeof words) {
			fence_draft_wrong(d, FENCE_FIELD_TAGS, STATUS_TOO_LONG, "longer than allowed", "文字过长",
					  value);
			return;
		}
		if (!blank && gap && used)
			words[used++] = ' ';
		if (!blank)
			words[used++] = (char)value.data[i];
		gap = blank;
	}
	take_text(d, FENCE_FIELD_TAGS, span_of(words, used), d->record.tags, sizeof d->record.tags);
}

static void take_number(struct fence_draft *d, enum fence_field field, struct span value, struct number_unit unit,
			int64_t max, int64_t *out)
{
	int64_t v = 0;
	enum status status = number_fixed(value, unit, &v);
	if (!status && (v < 0 || v > max))
		status = STATUS_OUT_OF_RANGE;
	if (status == STATUS_OUT_OF_RANGE)
		fence_draft_wrong(d, field, status, "out of range", "超出范围", value);
	else if (status)
		fence_draft_wrong(d, field, status, "not a number", "不是数字", value);
	else
		*out = v;
}

static void take_time(struct fence_draft *d, enum fence_field field, struct span value, int64_t *out)
{
	char instant[] = "YYYY-MM-DDT00:00:00";
	struct span text = value;
	if (text.size == 10) {
		memcpy(instant, text.data, 10);
		text = span_of_string(instant);
	}
	if (time_parse(text, CHINA_OFFSET_MS, out))
		fence_draft_wrong(d, field, STATUS_BAD_TIME, "neither YYYY-MM-DD nor a time", "应为 YYYY-MM-DD 或时间",
				  value);
}

static bool key_is(struct span key, const char *name)
{
	return key.size == strlen(name) && strncasecmp((const char *)key.data, name, key.size) == 0;
}

static enum fence_field field_of(struct span key)
{
	for (enum fence_field f = FENCE_FIELD_ID; f < FENCE_FIELD_COUNT; f++)
		if (key_is(key, fence_field_name(f)))
			return f;
	if (key_is(key, "编号"))
		return FENCE_FIELD_ID;
	return key_is(key, "名称") ? FENCE_FIELD_NAME : FENCE_FIELD_FILE;
}

void fence_draft_property(struct fence_draft *d, struct span key, struct span raw)
{
	struct fence_record *r = &d->record;
	struct span value = trimmed(raw);
	enum fence_field field = field_of(trimmed(key));
	int64_t limit_dkmh = r->limit_dkmh;
	if (value.size == 0)
		return;
	switch (field) {
	case FENCE_FIELD_ID:
		take_text(d, field, value, r->id, sizeof r->id);
		break;
	case FENCE_FIELD_NAME:
		take_text(d, field, value, r->name, sizeof r->name);
		break;
	case FENCE_FIELD_TAGS:
		take_tags(d, value);
		break;
	case FENCE_FIELD_LIMIT:
		take_number(d, field, value, NUMBER_TENTHS, UINT16_MAX, &limit_dkmh);
		r->limit_dkmh = (uint16_t)limit_dkmh;
		break;
	case FENCE_FIELD_WHEN:
		take_text(d, field, value, r->schedule, sizeof r->schedule);
		break;
	case FENCE_FIELD_VALID_FROM:
		take_time(d, field, value, &r->valid_from_ms);
		break;
	case FENCE_FIELD_VALID_TO:
		take_time(d, field, value, &r->valid_to_ms);
		break;
	case FENCE_FIELD_LENGTH:
		take_number(d, field, value, METRES_MM, LENGTH_MAX_MM, &r->length_mm);
		break;
	case FENCE_FIELD_HALF_WIDTH:
		take_number(d, field, value, METRES_MM, SHAPE_REACH_MAX_MM, &d->half_width_mm);
		break;
	case FENCE_FIELD_RADIUS:
		take_number(d, field, value, METRES_MM, SHAPE_REACH_MAX_MM, &d->radius_mm);
		break;
	default:
		break;
	}
}

/* --- geometry --- */

static bool same(struct geo_point a, struct geo_point b)
{
	return a.lat_e7 == b.lat_e7 && a.lon_e7 == b.lon_e7;
}

/* Room for `need` items in an array that doubles. */
static enum status grow(void **array, uint32_t *capacity, uint32_t need, size_t item)
{
	if (need <= *capacity)
		return STATUS_OK;
	uint32_t more = *capacity ? 2 * *capacity : 64;
	void *made = realloc(*array, more * item);
	if (!made)
		return STATUS_NO_MEMORY;
	*array = made;
	*capacity = more;
	return STATUS_OK;
}

void fence_draft_begin(struct fence_draft *d, uint64_t line)
{
	d->record = (struct fence_record){
		.feature = ++d->result->features, .line = line, .valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX};
	d->refusal = (struct fence_refusal){.feature = d->record.feature, .line = line};
	d->half_width_mm = d->radius_mm = 0;
	d->kind = d->part = FENCE_PART_NONE;
	d->point_count = d->part_count = 0;
}

enum status fence_draft_part_begin(struct fence_draft *d, enum fence_part part)
{
	enum fence_part kind = part == FENCE_PART_HOLE ? FENCE_PART_RING : part;
	if (d->part_count == 0)
		d->kind = kind;
	if (d->kind != kind)
		fence_draft_wrong(d, FENCE_FIELD_GEOMETRY, STATUS_UNSUPPORTED, "areas, lines and points in one feature",
				  "同一要素中混有面、线、点", span_of(NULL, 0));
	if (part == FENCE_PART_HOLE && d->part_count == 0)
		fence_draft_wrong(d, FENCE_FIELD_GEOMETRY, STATUS_MALFORMED, "a hole without a polygon",
				  "内环之前没有外环", span_of(NULL, 0));
	d->part = part;
	if (d->refusal.status)
		return STATUS_OK;
	uint32_t capacity = d->part_capacity;
	enum status status = grow((void **)&d->is_hole, &capacity, d->part_count + 1, sizeof *d->is_hole);
	if (!status)
		status = grow((void **)&d->ends, &d->part_capacity, d->part_count + 1, sizeof *d->ends);
	if (status)
		return status;
	d->is_hole[d->part_count] = part == FENCE_PART_HOLE;
	d->ends[d->part_count++] = d->point_count;
	return STATUS_OK;
}

static enum status keep(struct fence_draft *d, struct geo_point p)
{
	if (d->point_count >= FENCE_POINTS_MAX) {
		fence_draft_wrong(d, FENCE_FIELD_GEOMETRY, STATUS_TOO_LONG, "more points than a fence may have",
				  "点数超过上限", span_of(NULL, 0));
		return STATUS_OK;
	}
	enum status status = grow((void **)&d->points, &d->point_capacity, d->point_count + 1, sizeof *d->points);
	if (status)
		return status;
	d->points[d->point_count++] = p;
	d->ends[d->part_count - 1] = d->point_count;
	return STATUS_OK;
}

static enum status to_wgs84(struct fence_draft *d, double east, double north, struct geo_point *out)
{
	if (d->crs)
		return crs_to_wgs84(d->crs, east, north, out);
	if (!(east >= -180 && east <= 180 && north >= -90 && north <= 90))
		return STATUS_OUT_OF_RANGE;
	*out = (struct geo_point){(int32_t)lround(north * 1e7), (int32_t)lround(east * 1e7)};
	return STATUS_OK;
}

/* What the edge needs between its ends, which are kept elsewhere. */
static enum status keep_between(struct fence_draft *d, const struct fence_vertex *a, const struct fence_vertex *b,
				int halvings)
{
	struct fence_vertex mid = {(a->east + b->east) / 2, (a->north + b->north) / 2, {0, 0}};
	int64_t lat_e7 = ((int64_t)a->at.lat_e7 + b->at.lat_e7) / 2,
		lon_e7 = ((int64_t)a->at.lon_e7 + b->at.lon_e7) / 2;
	if (halvings == 0 || llabs((int64_t)a->at.lon_e7 - b->at.lon_e7) > BOX_ANTIMERIDIAN_E7 ||
	    to_wgs84(d, mid.east, mid.north, &mid.at) ||
	    distance_mm(mid.at.lat_e7, mid.at.lon_e7, (int32_t)lat_e7, (int32_t)lon_e7) <= FENCE_EDGE_ERROR_MM)
		return STATUS_OK;
	enum status status = keep_between(d, a, &mid, halvings - 1);
	if (!status)
		status = keep(d, mid.at);
	return status ? status : keep_between(d, &mid, b, halvings - 1);
}

enum status fence_draft_position(struct fence_draft *d, double east, double north)
{
	struct fence_vertex v = {east, north, {0, 0}};
	char text[64];
	if (d->refusal.status)
		return STATUS_OK;
	enum status status = to_wgs84(d, east, north, &v.at);
	if (status) {
		snprintf(text, sizeof text, "%.10g, %.10g", east, north);
		fence_draft_wrong(d, FENCE_FIELD_GEOMETRY, status, "no position of its coordinate system",
				  "坐标超出坐标系范围", span_of_string(text));
		return STATUS_OK;
	}
	bool begins = d->ends[d->part_count - 1] == (d->part_count > 1 ? d->ends[d->part_count - 2] : 0);
	if (begins)
		d->first = v;
	else if (d->crs && !crs_is_wgs84(d->crs) && d->part != FENCE_PART_POINT)
		status = keep_between(d, &d->last, &v, HALVINGS_MAX);
	d->last = v;
	return status ? status : keep(d, v.at);
}

enum status fence_draft_part_end(struct fence_draft *d)
{
	enum status status = STATUS_OK;
	if (d->refusal.status)
		return STATUS_OK;
	uint32_t begin = d->part_count > 1 ? d->ends[d->part_count - 2] : 0;
	if (d->point_count == begin) {
		fence_draft_wrong(d, FENCE_FIELD_GEOMETRY, STATUS_EMPTY, "a part without positions", "几何部分为空",
				  span_of(NULL, 0));
	} else if (d->kind == FENCE_PART_RING && !same(d->first.at, d->last.at)) {
		if (d->options->repair) {
			d->record.repaired = true;
			status = fence_draft_position(d, d->first.east, d->first.north);
		} else {
			wrong_at(d, STATUS_MALFORMED, "a ring is not closed", "环未闭合", d->last.at);
		}
	}
	return status;
}

/* --- the end --- */

static enum status make_polygons(struct fence_draft *d)
{
	struct shape_problem problem;
	struct shape_drawing drawing = {d->points, d->ends, d->is_hole, d->part_count};
	enum status status = shape_area(&drawing, d->options->repair, &problem, &d->record.area);
	if (status == STATUS_MALFORMED)
		wrong_at(d, status, problem.reason, problem.reason_zh, problem.where);
	else if (!status)
		d->record.repaired |= problem.reason != NULL;
	return status;
}

static enum status make_swept(struct fence_draft *d, enum fence_field field, int64_t reach_mm)
{
	if (reach_mm == 0) {
		fence_draft_wrong(d, field, STATUS_EMPTY,
				  d->kind == FENCE_PART_LINE ? "a line needs it" : "a point needs it",
				  d->kind == FENCE_PART_LINE ? "线需要半宽" : "点需要半径", span_of(NULL, 0));
		return STATUS_EMPTY;
	}
	return shape_corridors(d->points, d->ends, d->part_count, reach_mm, &d->record.area);
}

static void geometry_wrong(struct fence_draft *d, enum status status)
{
	const char *reason = "this shape cannot be worked out", *reason_zh = "无法处理该图形";
	if (status == STATUS_EMPTY) {
		reason = "it encloses nothing";
		reason_zh = "图形没有面积";
	} else if (status == STATUS_TOO_LONG) {
		reason = "more points than a fence may have";
		reason_zh = "点数超过上限";
	} else if (status == STATUS_OUT_OF_RANGE) {
		reason = "its width, or its place, is out of range";
		reason_zh = "宽度或位置超出范围";
	}
	fence_draft_wrong(d, FENCE_FIELD_GEOMETRY, status, reason, reason_zh, span_of(NULL, 0));
}

static enum status make_area(struct fence_draft *d)
{
	enum status status = STATUS_EMPTY;
	if (d->part_count == 0)
		fence_draft_wrong(d, FENCE_FIELD_GEOMETRY, STATUS_EMPTY, "no geometry", "没有几何图形",
				  span_of(NULL, 0));
	else if (d->kind == FENCE_PART_RING)
		status = make_polygons(d);
	else if (d->kind == FENCE_PART_LINE)
		status = make_swept(d, FENCE_FIELD_HALF_WIDTH, d->half_width_mm);
	else
		status = make_swept(d, FENCE_FIELD_RADIUS, d->radius_mm);
	if (status && status != STATUS_NO_MEMORY)
		geometry_wrong(d, status);
	return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

enum status fence_draft_end(struct fence_draft *d)
{
	enum status status = STATUS_OK;
	if (d->record.valid_from_ms >= d->record.valid_to_ms)
		fence_draft_wrong(d, FENCE_FIELD_VALID_TO, STATUS_OUT_OF_RANGE, "not after valid_from",
				  "不晚于 valid_from", span_of(NULL, 0));
	if (!d->refusal.status)
		status = make_area(d);
	if (status)
		return status;
	if (d->refusal.status) {
		memcpy(d->refusal.id, d->record.id, sizeof d->refusal.id);
		return tell(d, &d->refusal);
	}
	d->result->records++;
	if (d->options->record)
		status = d->options->record(d->options->context, &d->record);
	fence_area_unref(d->record.area);
	return status;
}

enum status fence_number(struct span text, double *out)
{
	char copy[64], *end;
	if (text.size == 0 || text.size >= sizeof copy)
		return STATUS_MALFORMED;
	for (size_t i = 0; i < text.size; i++)
		if (!memchr("0123456789+-.eE", text.data[i], 15))
			return STATUS_MALFORMED;
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	*out = strtod(copy, &end);
	return *end || !isfinite(*out) ? STATUS_MALFORMED : STATUS_OK;
}
