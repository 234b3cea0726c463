/* rdss_codec.c -- payloads of beacons: a line of text says where a maker put what. */
#include "engine/series/report.h"
#include "ingest/marine/rdss.h"

enum { UNIT_E5, UNIT_E6, UNIT_E7, UNIT_M4, UNIT_DKN, UNIT_KN, UNIT_DKMH, UNIT_KMH, UNIT_DEG, UNIT_DDEG, UNIT_UNIX };

static const struct {
	const char *name;
	uint8_t unit;
	uint8_t fields; /* bit f: good for field f */
} units[] = {
	{"e5", UNIT_E5, 3},   {"e6", UNIT_E6, 3},     {"e7", UNIT_E7, 3},      {"m4", UNIT_M4, 3},
	{"dkn", UNIT_DKN, 4}, {"kn", UNIT_KN, 4},     {"dkmh", UNIT_DKMH, 4},  {"kmh", UNIT_KMH, 4},
	{"deg", UNIT_DEG, 8}, {"ddeg", UNIT_DDEG, 8}, {"unix", UNIT_UNIX, 16},
};

/* --- reading the line --- */

static bool word_next(struct span *text, struct span *out)
{
	while (text->size && (text->data[0] == ' ' || text->data[0] == '\t'))
		*text = span_of(text->data + 1, text->size - 1);
	size_t n = 0;
	while (n < text->size && text->data[n] != ' ' && text->data[n] != '\t')
		n++;
	*out = span_of(text->data, n);
	*text = span_of(text->data + n, text->size - n);
	return n != 0;
}

/* What stands before the next colon. */
static struct span part_next(struct span *text)
{
	const uint8_t *colon = text->size ? memchr(text->data, ':', text->size) : NULL;
	size_t n = colon ? (size_t)(colon - text->data) : text->size;
	struct span part = span_of(text->data, n);
	*text = span_of(text->data + n + (colon != NULL), text->size - n - (colon != NULL));
	return part;
}

static bool number_of(struct span text, uint32_t least, uint32_t most, uint32_t *out)
{
	return !sentence_digits(text, out) && *out >= least && *out <= most;
}

static bool take_magic(struct rdss_codec *c, struct span value)
{
	uint32_t at;
	struct span offset = part_next(&value);
	struct buf bytes = {c->magic, 0, sizeof c->magic, sizeof c->magic};
	if (!number_of(offset, 0, RDSS_PAYLOAD_MAX, &at) || hex_decode(&bytes, value) || bytes.size == 0)
		return false;
	c->magic_at = (uint16_t)at;
	c->magic_size = (uint8_t)bytes.size;
	return true;
}

static bool take_deltas(struct rdss_codec *c, struct span value)
{
	uint32_t at, size, seconds;
	struct span offset = part_next(&value), width = part_next(&value);
	if (!number_of(offset, 0, RDSS_PAYLOAD_MAX, &at) || !number_of(width, 1, 4, &size) ||
	    !number_of(value, 1, 3600, &seconds))
		return false;
	c->deltas_at = (uint16_t)at;
	c->delta_size = (uint8_t)size;
	c->delta_s = (uint16_t)seconds;
	return true;
}

static bool take_field(struct rdss_codec *c, enum rdss_codec_field field, struct span value)
{
	uint32_t at, size;
	struct span offset = part_next(&value), width = part_next(&value);
	if (c->fields[field].size || !number_of(offset, 0, RDSS_PAYLOAD_MAX, &at) || !number_of(width, 1, 4, &size))
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (span_equal(value, span_of_string(units[i].name)) && units[i].fields >> field & 1) {
			c->fields[field].at = (uint16_t)at;
			c->fields[field].size = (uint8_t)size;
			c->fields[field].unit = units[i].unit;
			return true;
		}
	return false;
}

static bool take_word(struct rdss_codec *c, struct span word)
{
	static const char *const names[RDSS_CODEC_FIELDS] = {"lat", "lon", "speed", "course", "time"};
	if (span_equal(word, span_of_string("big")) || span_equal(word, span_of_string("little"))) {
		c->little = word.data[0] == 'l';
		return true;
	}
	const uint8_t *equals = memchr(word.data, '=', word.size);
	if (!equals)
		return false;
	struct span key = span_of(word.data, (size_t)(equals - word.data));
	struct span value = span_of(equals + 1, word.size - key.size - 1);
	if (span_equal(key, span_of_string("magic")))
		return take_magic(c, value);
	if (span_equal(key, span_of_string("deltas")))
		return take_deltas(c, value);
	for (unsigned f = 0; f < RDSS_CODEC_FIELDS; f++)
		if (span_equal(key, span_of_string(names[f])))
			return take_field(c, (enum rdss_codec_field)f, value);
	return false;
}

enum status rdss_codec_parse(struct span text, struct rdss_codec *out, struct span *out_wrong)
{
	struct span word;
	memset(out, 0, sizeof *out);
	*out_wrong = text;
	if (!word_next(&text, &word) || word.size > RDSS_CODEC_NAME_MAX)
		return STATUS_MALFORMED;
	memcpy(out->name, word.data, word.size);
	while (word_next(&text, &word))
		if (!take_word(out, word)) {
			*out_wrong = word;
			return STATUS_MALFORMED;
		}
	return out->fields[RDSS_CODEC_LAT].size && out->fields[RDSS_CODEC_LON].size ? STATUS_OK : STATUS_MALFORMED;
}

/* --- reading a payload --- */

static uint32_t load(const uint8_t *at, unsigned size, bool little)
{
	uint32_t v = 0;
	for (unsigned i = 0; i < size; i++)
		v = v << 8 | at[little ? size - 1 - i : i];
	return v;
}

static int32_t signed_of(uint32_t v, unsigned size)
{
	return size == 1 ? (int8_t)v : size == 2 ? (int16_t)v : size == 3 ? (int32_t)(v << 8) >> 8 : (int32_t)v;
}

static int64_t angle_e7(int64_t v, uint8_t unit)
{
	switch (unit) {
	case UNIT_E5:
		return v * 100;
	case UNIT_E6:
		return v * 10;
	case UNIT_E7:
		return v;
	default: /* 1/10,000 minute */
		return (v * 100 + (v < 0 ? -3 : 3)) / 6;
	}
}

static bool field_of(const struct rdss_codec *c, enum rdss_codec_field f, struct span payload, uint32_t *out)
{
	unsigned size = c->fields[f].size;
	if (size == 0)
		return false;
	*out = load(payload.data + c->fields[f].at, size, c->little);
	return f < RDSS_CODEC_SPEED || f == RDSS_CODEC_TIME || *out != UINT32_MAX >> (32 - 8 * size);
}

/* 0.1 knot; km/h by 1.852, rounded. */
static uint16_t speed_of(uint32_t v, uint8_t unit)
{
	uint64_t dkn = v;
	if (unit == UNIT_KN)
		dkn = (uint64_t)v * 10;
	else if (unit == UNIT_DKMH)
		dkn = ((uint64_t)v * 1000 + 926) / 1852;
	else if (unit == UNIT_KMH)
		dkn = ((uint64_t)v * 10000 + 926) / 1852;
	return dkn < RDSS_POINT_NONE ? (uint16_t)dkn : RDSS_POINT_NONE;
}

static bool place_is_one(int64_t lat, int64_t lon)
{
	return lat >= -LAT_E7_MAX && lat <= LAT_E7_MAX && lon >= -LON_E7_MAX && lon <= LON_E7_MAX && (lat || lon);
}

static enum status check(const struct rdss_codec *c, struct span payload)
{
	for (unsigned f = 0; f < RDSS_CODEC_FIELDS; f++)
		if (c->fields[f].size && (size_t)c->fields[f].at + c->fields[f].size > payload.size)
			return STATUS_BAD_LENGTH;
	if (c->delta_size && c->deltas_at > payload.size)
		return STATUS_BAD_LENGTH;
	if (c->magic_size && ((size_t)c->magic_at + c->magic_size > payload.size ||
			      memcmp(payload.data + c->magic_at, c->magic, c->magic_size) != 0))
		return STATUS_NOT_FOUND;
	return STATUS_OK;
}

static enum status first_point(const struct rdss_codec *c, struct span payload, struct rdss_point *out)
{
	uint32_t lat = 0, lon = 0, v;
	(void)field_of(c, RDSS_CODEC_LAT, payload, &lat);
	(void)field_of(c, RDSS_CODEC_LON, payload, &lon);
	int64_t lat_e7 = angle_e7(signed_of(lat, c->fields[RDSS_CODEC_LAT].size), c->fields[RDSS_CODEC_LAT].unit);
	int64_t lon_e7 = angle_e7(signed_of(lon, c->fields[RDSS_CODEC_LON].size), c->fields[RDSS_CODEC_LON].unit);
	if (!place_is_one(lat_e7, lon_e7))
		return STATUS_OUT_OF_RANGE;
	*out = (struct rdss_point){.time_ms = RDSS_POINT_AGO,
				   .lat_e7 = (int32_t)lat_e7,
				   .lon_e7 = (int32_t)lon_e7,
				   .speed_dkn = RDSS_POINT_NONE,
				   .course_deg = RDSS_POINT_NONE};
	if (field_of(c, RDSS_CODEC_SPEED, payload, &v))
		out->speed_dkn = speed_of(v, c->fields[RDSS_CODEC_SPEED].unit);
	if (field_of(c, RDSS_CODEC_COURSE, payload, &v)) {
		v /= c->fields[RDSS_CODEC_COURSE].unit == UNIT_DDEG ? 10 : 1;
		out->course_deg = v <= 360 ? (uint16_t)(v % 360) : RDSS_POINT_NONE;
	}
	if (field_of(c, RDSS_CODEC_TIME, payload, &v))
		out->time_ms = (int64_t)v * 1000;
	return STATUS_OK;
}

enum status rdss_codec_decode(const struct rdss_codec *c, struct span payload, struct rdss_point *out,
			      size_t *out_count)
{
	enum status status = check(c, payload);
	if (!status)
		status = first_point(c, payload, &out[0]);
	if (status)
		return status;
	size_t n = 1, at = c->deltas_at;
	for (; c->delta_size && at + 2u * c->delta_size <= payload.size && n < RDSS_POINTS_MAX; n++) {
		struct rdss_point p = out[n - 1];
		int32_t dlat = signed_of(load(payload.data + at, c->delta_size, c->little), c->delta_size);
		int32_t dlon =
			signed_of(load(payload.data + at + c->delta_size, c->delta_size, c->little), c->delta_size);
		int64_t lat = p.lat_e7 + angle_e7(dlat, c->fields[RDSS_CODEC_LAT].unit);
		int64_t lon = p.lon_e7 + angle_e7(dlon, c->fields[RDSS_CODEC_LON].unit);
		if (!place_is_one(lat, lon))
			return STATUS_OUT_OF_RANGE;
		p.time_ms -= p.time_ms == RDSS_POINT_AGO ? 0 : INT64_C(1000) * c->delta_s;
		p.ago_s += c->delta_s;
		p.lat_e7 = (int32_t)lat;
		p.lon_e7 = (int32_t)lon;
		p.speed_dkn = p.course_deg = RDSS_POINT_NONE;
		out[n] = p;
		at += 2u * c->delta_size;
	}
	*out_count = n;
	return STATUS_OK;
}
