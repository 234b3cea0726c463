/* fence_geojson.c -- features one by one: a walk over the text finds where each begins and ends, jansson parses it
 * alone.
 *
 *   { "type": "FeatureCollection", "crs": {...}, "features": [ {...} , {...} , ... ] }
 *     walk_value: skips a value, counting lines, depth and values   └ json_loadb ┘ └ json_loadb ┘
 *
 * So memory is that of the largest feature, a feature knows its line, and one that is no JSON costs only itself. The
 * document is walked twice, because "crs" may stand behind "features". */
#include <jansson.h>
#include <stdio.h>

#include "ingest/files/fence_draft.h"

struct walk {
	struct span left;
	uint64_t line;
};

/* A value as it stands, and how large it is. */
struct walked {
	struct span text;
	uint64_t line; /* where it begins */
	uint32_t values, depth;
};

/* --- walking --- */

static uint8_t walk_peek(struct walk *w)
{
	while (w->left.size && memchr(" \t\r\n", w->left.data[0], 4)) {
		w->line += w->left.data[0] == '\n';
		w->left = span_of(w->left.data + 1, w->left.size - 1);
	}
	return w->left.size ? w->left.data[0] : 0;
}

static bool walk_take(struct walk *w, uint8_t byte)
{
	if (walk_peek(w) != byte)
		return false;
	w->left = span_of(w->left.data + 1, w->left.size - 1);
	return true;
}

/* Bytes of the string at `s`, its quotes included; 0 when it does not end. */
static size_t string_size(struct span s)
{
	for (size_t i = 1; i < s.size; i++) {
		if (s.data[i] == '"')
			return i + 1;
		if (s.data[i] == '\\')
			i++;
	}
	return 0;
}

/* Over one value, whose brackets must balance; what else is wrong with it jansson finds. */
static enum status walk_value(struct walk *w, struct walked *out)
{
	uint32_t depth = 0;
	walk_peek(w);
	*out = (struct walked){.text = w->left, .line = w->line, .values = 1};
	size_t i = 0;
	for (; i < w->left.size; i++) {
		uint8_t c = w->left.data[i];
		if (depth == 0 && i && memchr(",]} \t\r\n", c, 7))
			break;
		if (c == '"') {
			size_t n = string_size(span_of(w->left.data + i, w->left.size - i));
			if (n == 0)
				return STATUS_MALFORMED;
			i += n - 1;
		} else if (c == '[' || c == '{') {
			depth++;
			out->depth = depth > out->depth ? depth : out->depth;
			out->values++;
		} else if (c == ']' || c == '}') {
			if (depth == 0)
				return STATUS_MALFORMED;
			depth--;
		} else if (c == ',') {
			out->values++;
		} else if (c == '\n') {
			w->line++;
		}
	}
	if (depth || i == 0)
		return STATUS_MALFORMED;
	out->text.size = i;
	w->left = span_of(w->left.data + i, w->left.size - i);
	return STATUS_OK;
}

/* The next member of an object that has been opened; STATUS_END at its end. */
static enum status walk_member(struct walk *w, bool first, struct walked *key, struct walked *value)
{
	if (walk_take(w, '}'))
		return STATUS_END;
	if ((!first && !walk_take(w, ',')) || walk_peek(w) != '"')
		return STATUS_MALFORMED;
	key->text = span_of(w->left.data, string_size(w->left));
	if (key->text.size == 0)
		return STATUS_MALFORMED;
	w->left = span_of(w->left.data + key->text.size, w->left.size - key->text.size);
	return walk_take(w, ':') ? walk_value(w, value) : STATUS_MALFORMED;
}

static enum status no_json(struct fence_draft *d, uint64_t line)
{
	return fence_draft_file_wrong(d, line, FENCE_FIELD_FILE, STATUS_MALFORMED, "not GeoJSON from here on",
				      "自此处起不是 GeoJSON", span_of(NULL, 0));
}

/* --- geometry --- */

static void shape_wrong(struct fence_draft *d, const char *reason, const char *reason_zh)
{
	fence_draft_wrong(d, FENCE_FIELD_GEOMETRY, STATUS_MALFORMED, reason, reason_zh, span_of(NULL, 0));
}

static enum status read_position(struct fence_draft *d, const json_t *position)
{
	const json_t *east = json_array_get(position, 0), *north = json_array_get(position, 1);
	if (!json_is_number(east) || !json_is_number(north)) {
		shape_wrong(d, "a position is no pair of numbers", "坐标不是两个数");
		return STATUS_OK;
	}
	return fence_draft_position(d, json_number_value(east), json_number_value(north));
}

static enum status read_part(struct fence_draft *d, const json_t *positions, enum fence_part part)
{
	enum status status = fence_draft_part_begin(d, part);
	if (!json_is_array(positions))
		shape_wrong(d, "coordinates are no list", "坐标不是数组");
	for (size_t i = 0; i < json_array_size(positions) && !status; i++)
		status = read_position(d, json_array_get(positions, i));
	return status ? status : fence_draft_part_end(d);
}

static enum status read_polygon(struct fence_draft *d, const json_t *rings)
{
	enum status status = STATUS_OK;
	if (json_array_size(rings) == 0)
		shape_wrong(d, "a polygon without rings", "面没有环");
	for (size_t i = 0; i < json_array_size(rings) && !status; i++)
		status = read_part(d, json_array_get(rings, i), i ? FENCE_PART_HOLE : FENCE_PART_RING);
	return status;
}

static enum status read_point(struct fence_draft *d, const json_t *position)
{
	enum status status = fence_draft_part_begin(d, FENCE_PART_POINT);
	if (!status)
		status = read_position(d, position);
	return status ? status : fence_draft_part_end(d);
}

static enum status read_line(struct fence_draft *d, const json_t *positions)
{
	return read_part(d, positions, FENCE_PART_LINE);
}

typedef enum status read_one(struct fence_draft *d, const json_t *coordinates);

static const struct {
	const char *type;
	read_one *read;
	bool many;
} geometries[] = {
	{"Polygon", read_polygon, false},     {"MultiPolygon", read_polygon, true}, {"LineString", read_line, false},
	{"MultiLineString", read_line, true}, {"Point", read_point, false},         {"MultiPoint", read_point, true},
};

static enum status read_geometry(struct fence_draft *d, const json_t *geometry)
{
	const char *type = json_string_value(json_object_get(geometry, "type"));
	const json_t *coordinates = json_object_get(geometry, "coordinates");
	enum status status = STATUS_OK;
	if (!type)
		return STATUS_OK; /* told as "no geometry" */
	for (size_t i = 0; i < sizeof geometries / sizeof *geometries; i++) {
		if (strcmp(type, geometries[i].type) != 0)
			continue;
		if (!json_is_array(coordinates))
			shape_wrong(d, "coordinates are no list", "坐标不是数组");
		if (!geometries[i].many)
			return geometries[i].read(d, coordinates);
		for (size_t k = 0; k < json_array_size(coordinates) && !status; k++)
			status = geometries[i].read(d, json_array_get(coordinates, k));
		return status;
	}
	fence_draft_wrong(d, FENCE_FIELD_GEOMETRY, STATUS_UNSUPPORTED, "not a geometry a fence can be made of",
			  "不支持的几何类型", span_of_string(type));
	return STATUS_OK;
}

/* --- features --- */

static enum status read_list(struct fence_draft *d, struct span key, const json_t *list)
{
	struct buf words = buf_init(2 * FENCE_FEATURE_BYTES_MAX);
	enum status status = STATUS_OK;
	for (size_t i = 0; i < json_array_size(list) && !status; i++) {
		const json_t *word = json_array_get(list, i);
		if (json_is_string(word))
			status = buf_printf(&words, "%s ", json_string_value(word));
	}
	if (!status)
		fence_draft_property(d, key, buf_view(&words));
	buf_deinit(&words);
	return status;
}

static enum status read_property(struct fence_draft *d, const char *name, const json_t *value)
{
	struct span key = span_of_string(name);
	char number[40];
	if (json_is_array(value))
		return read_list(d, key, value);
	if (json_is_string(value)) {
		fence_draft_property(d, key, span_of(json_string_value(value), json_string_length(value)));
	} else if (json_is_integer(value)) {
		snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		fence_draft_property(d, key, span_of_string(number));
	} else if (json_is_real(value)) {
		snprintf(number, sizeof number, "%.15g", json_real_value(value));
		fence_draft_property(d, key, span_of_string(number));
	}
	return STATUS_OK;
}

static enum status read_properties(struct fence_draft *d, json_t *feature)
{
	enum status status = STATUS_OK;
	const char *name;
	json_t *value;
	json_object_foreach(json_object_get(feature, "properties"), name, value)
	{
		if (!status)
			status = read_property(d, name, value);
	}
	return status ? status : read_property(d, "id", json_object_get(feature, "id"));
}

static enum status read_feature(struct fence_draft *d, json_t *feature)
{
	const char *type = json_string_value(json_object_get(feature, "type"));
	bool whole = type && strcmp(type, "Feature") == 0;
	if (!type)
		fence_draft_wrong(d, FENCE_FIELD_FEATURE, STATUS_MALFORMED, "it has no type", "没有 type",
				  span_of(NULL, 0));
	enum status status = whole ? read_properties(d, feature) : STATUS_OK;
	return status ? status : read_geometry(d, whole ? json_object_get(feature, "geometry") : feature);
}

static bool too_much(const struct walked *v)
{
	return v->text.size > FENCE_FEATURE_BYTES_MAX || v->values > FENCE_FEATURE_VALUES_MAX ||
	       v->depth > FENCE_FEATURE_DEPTH_MAX;
}

static enum status take_feature(struct fence_draft *d, const struct walked *v)
{
	json_error_t error;
	json_t *feature = NULL;
	enum status status = STATUS_OK;
	fence_draft_begin(d, v->line);
	if (too_much(v)) {
		fence_draft_wrong(d, FENCE_FIELD_FEATURE, STATUS_TOO_LONG, "larger or deeper than a feature may be",
				  "要素过大或嵌套过深", span_of(NULL, 0));
	} else if (!(feature = json_loadb((const char *)v->text.data, v->text.size, 0, &error))) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return STATUS_NO_MEMORY;
		d->refusal.line = v->line + (uint64_t)(error.line > 1 ? error.line - 1 : 0);
		fence_draft_wrong(d, FENCE_FIELD_FEATURE, STATUS_MALFORMED, "not JSON", "不是 JSON",
				  span_of_string(error.text));
	} else if (!json_is_object(feature)) {
		fence_draft_wrong(d, FENCE_FIELD_FEATURE, STATUS_MALFORMED, "no object", "不是对象", v->text);
	} else {
		status = read_feature(d, feature);
	}
	json_decref(feature);
	return status ? status : fence_draft_end(d);
}

static enum status take_features(struct fence_draft *d, struct walk w)
{
	struct walked v;
	if (!walk_take(&w, '['))
		return no_json(d, w.line);
	if (walk_take(&w, ']'))
		return STATUS_OK;
	do {
		if (walk_value(&w, &v))
			return no_json(d, v.line);
		enum status status = take_feature(d, &v);
		if (status)
			return status;
	} while (walk_take(&w, ','));
	return walk_take(&w, ']') ? STATUS_OK : no_json(d, w.line);
}

/* --- the document --- */

/* {"type":"name","properties":{"name":"EPSG:4549"}}, or {"type":"EPSG","properties":{"code":4549}} as some wrote. */
static enum status take_crs(struct fence_draft *d, const struct walked *v)
{
	char name[CRS_NAME_MAX + 1] = "";
	json_t *crs = too_much(v) ? NULL : json_loadb((const char *)v->text.data, v->text.size, JSON_DECODE_ANY, NULL);
	const json_t *properties = json_object_get(crs, "properties");
	const char *given = json_string_value(json_object_get(properties, "name"));
	const json_t *code = json_object_get(properties, "code");
	if (given && strlen(given) <= CRS_NAME_MAX)
		memcpy(name, given, strlen(given) + 1);
	else if (json_is_integer(code))
		snprintf(name, sizeof name, "EPSG:%" JSON_INTEGER_FORMAT, json_integer_value(code));
	json_decref(crs);
	if (*name || d->options->crs)
		return *name ? fence_draft_crs(d, v->line, name) : STATUS_OK;
	return fence_draft_file_wrong(d, v->line, FENCE_FIELD_CRS, STATUS_UNSUPPORTED,
				      "a coordinate system that is not named", "坐标系未指明名称", v->text);
}

static bool key_is(const struct walked *key, const char *quoted)
{
	return span_equal(key->text, span_of_string(quoted));
}

enum status fence_geojson_read(struct span text, struct fence_draft *d)
{
	struct walk w = {text, 1}, features = {{NULL, 0}, 0};
	struct walked whole, key, value;
	enum status status = STATUS_OK, walked;
	if (walk_peek(&w) != '{' || walk_value(&w, &whole) || walk_peek(&w) || w.left.size)
		return no_json(d, w.line);
	w = (struct walk){span_of(whole.text.data + 1, whole.text.size - 1), whole.line};
	for (bool first = true; !(walked = walk_member(&w, first, &key, &value)) && !status; first = false) {
		if (key_is(&key, "\"crs\""))
			status = take_crs(d, &value);
		else if (key_is(&key, "\"features\""))
			features = (struct walk){value.text, value.line};
	}
	if (status)
		return status;
	if (walked != STATUS_END)
		return no_json(d, w.line);
	return features.left.size ? take_features(d, features) : take_feature(d, &whole);
}
