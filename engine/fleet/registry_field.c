/* registry_field.c -- the fields of a device: their names, and what a value of each looks like. */
#include <stdio.h>
#include <strings.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/utf8.h"
#include "engine/fleet/registry.h"
#include "engine/fleet/streams.h"

static const struct {
	const char *token;
	const char *chinese;
} fields[DEVICE_FIELD_COUNT] = {
#define X(code, NAME, token, chinese, unique) [code] = {token, chinese},
	DEVICE_FIELD_TABLE(X)
#undef X
};

bool device_field_exists(unsigned field)
{
	return field < DEVICE_FIELD_COUNT && fields[field].token;
}

const char *device_field_token(unsigned field)
{
	return device_field_exists(field) ? fields[field].token : "unknown";
}

const char *device_field_chinese(unsigned field)
{
	return device_field_exists(field) ? fields[field].chinese : "未知";
}

/* Names of columns come in either case. */
static bool is_name(struct span text, const char *name)
{
	return text.size == strlen(name) && strncasecmp((const char *)text.data, name, text.size) == 0;
}

enum status device_field_parse(struct span text, uint8_t *out)
{
	for (unsigned i = 1; i < DEVICE_FIELD_COUNT; i++)
		if (device_field_exists(i) && (is_name(text, fields[i].token) || is_name(text, fields[i].chinese))) {
			*out = (uint8_t)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

uint64_t device_id(enum device_kind kind, struct span identity)
{
	uint64_t id = hash64_seeded(identity, (uint64_t)kind);
	return id ? id : 1; /* 0 means none */
}

uint64_t device_id_jt809(uint32_t access_code, const char *plate)
{
	char identity[16 + DEVICE_VALUE_MAX];
	int size = snprintf(identity, sizeof identity, "%u/%s", access_code, plate);
	return device_id(DEVICE_KIND_JT809, span_of(identity, (size_t)size));
}

bool device_field_is_lent(unsigned field)
{
	switch (field) {
	case DEVICE_FIELD_SECOND_PLATE:
	case DEVICE_FIELD_TRAILER:
	case DEVICE_FIELD_CLASS:
	case DEVICE_FIELD_COMPANY:
	case DEVICE_FIELD_VILLAGE:
	case DEVICE_FIELD_DRIVER:
	case DEVICE_FIELD_PERMIT:
	case DEVICE_FIELD_VIN:
	case DEVICE_FIELD_NAME:
	case DEVICE_FIELD_INSPECTION_DUE:
	case DEVICE_FIELD_SCRAP_DUE:
	case DEVICE_FIELD_TONNAGE:
	case DEVICE_FIELD_POWER:
	case DEVICE_FIELD_PERSONS_ABOARD:
	case DEVICE_FIELD_LAID_UP:
	case DEVICE_FIELD_CALLSIGN:
	case DEVICE_FIELD_AIS_NAME:
	case DEVICE_FIELD_FORMATION:
		return true;
	default: /* of a boat: all but its numbers and cards, which are its sources' own */
		return field >= DEVICE_FIELD_LICENCE && field <= DEVICE_FIELD_CREW;
	}
}

/* --- values --- */

/* Full-width forms U+FF01..U+FF5E are ASCII as Chinese keyboards type it (EF BC 81 .. EF BD 9E), U+3000 its space. */
static size_t narrow(struct span in, char *out)
{
	size_t size = 0;
	for (size_t i = 0; i < in.size; i++) {
		const uint8_t *c = in.data + i;
		bool three = in.size - i >= 3;
		if (three && c[0] == 0xef && c[1] == 0xbc && c[2] >= 0x81) {
			out[size++] = (char)(c[2] - 0x81 + 0x21);
			i += 2;
		} else if (three && c[0] == 0xef && c[1] == 0xbd && c[2] <= 0x9e) {
			out[size++] = (char)(c[2] - 0x80 + 0x60);
			i += 2;
		} else if (three && c[0] == 0xe3 && c[1] == 0x80 && c[2] == 0x80) {
			out[size++] = ' ';
			i += 2;
		} else {
			out[size++] = (char)*c;
		}
	}
	return size;
}

static size_t trim(char *text, size_t size)
{
	size_t start = 0;
	while (size && text[size - 1] == ' ')
		size--;
	while (start < size && text[start] == ' ')
		start++;
	memmove(text, text + start, size - start);
	return size - start;
}

static void raise_case(char *text)
{
	for (; *text; text++)
		if (*text >= 'a' && *text <= 'z')
			*text = (char)(*text - 'a' + 'A');
}

/* "闽C·12345", "闽C-12345" and "闽C 12345" are one plate: U+00B7 and U+2022 go with the rest. */
static void tidy_plate(char *text)
{
	size_t size = 0, n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == ' ' || text[i] == '-')
			continue;
		if (memcmp(text + i, "\xc2\xb7", 2) == 0) {
			i += 1;
			continue;
		}
		if (n - i >= 3 && memcmp(text + i, "\xe2\x80\xa2", 3) == 0) {
			i += 2;
			continue;
		}
		text[size++] = text[i];
	}
	text[size] = '\0';
	raise_case(text);
}

/* JT/T 697.7-2014, table of plate colours (5.6). */
static const struct {
	unsigned code;
	const char *name;
} colours[] = {{1, "蓝"},   {2, "黄"},    {3, "黑"},    {4, "白"},    {5, "绿"},
	       {9, "其他"}, {91, "农黄"}, {92, "农绿"}, {93, "黄绿"}, {94, "渐变绿"}};

/* 0 when it is no colour. "黄色" is "黄". */
static unsigned colour_of(const char *text, size_t size)
{
	if (size > 3 && memcmp(text + size - 3, "色", 3) == 0)
		size -= 3;
	for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
		if (strlen(colours[i].name) == size && memcmp(colours[i].name, text, size) == 0)
			return colours[i].code;
	if (size < 1 || size > 2 || text[0] < '0' || text[0] > '9' || (size == 2 && (text[1] < '0' || text[1] > '9')))
		return 0;
	return size == 1 ? (unsigned)(text[0] - '0') : (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
}

/* "boat:" and its Chinese forms, by which a hull number is told from a plate; in the case tidy_plate leaves. */
static bool is_boat(const char *text, size_t size)
{
	static const char *const names[] = {"BOAT", "船", "船号", "渔船"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == size && memcmp(names[i], text, size) == 0)
			return true;
	return false;
}

static enum status normalise_hull(char *text, const char *hull)
{
	static const char prefix[] = "boat:";
	size_t size = strlen(hull);
	if (size + sizeof prefix > DEVICE_VALUE_MAX)
		return STATUS_TOO_LONG;
	memmove(text + sizeof prefix - 1, hull, size + 1);
	memcpy(text, prefix, sizeof prefix - 1);
	return STATUS_OK;
}

static enum status normalise_plate(char *text)
{
	tidy_plate(text);
	char *colon = strchr(text, ':');
	if (!colon || !colon[1] || strchr(colon + 1, ':'))
		return STATUS_OUT_OF_RANGE;
	if (is_boat(text, (size_t)(colon - text)))
		return normalise_hull(text, colon + 1);
	unsigned code = colour_of(text, (size_t)(colon - text));
	if (!code)
		return STATUS_OUT_OF_RANGE;
	size_t digits = code < 10 ? 1 : 2;
	memmove(text + digits, colon, strlen(colon) + 1);
	text[digits - 1] = (char)('0' + code % 10);
	if (digits == 2)
		text[0] = (char)('0' + code / 10);
	return STATUS_OK;
}

static enum status normalise_phone(char *text)
{
	size_t zeros = strspn(text, "0"), size = strlen(text);
	if (zeros == size)
		zeros = size - 1;
	size -= zeros;
	memmove(text, text + zeros, size + 1);
	for (char *c = text; *c; c++)
		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c - 'A' + 'a');
	return size <= 20 && strspn(text, "0123456789abcdef") == size ? STATUS_OK : STATUS_OUT_OF_RANGE;
}

static enum status normalise_date(const char *text)
{
	char instant[] = "YYYY-MM-DDT00:00:00Z";
	int64_t ms;
	if (strlen(text) != 10)
		return STATUS_OUT_OF_RANGE;
	memcpy(instant, text, 10);
	return time_parse(span_of_string(instant), 0, &ms) ? STATUS_OUT_OF_RANGE : STATUS_OK;
}

static enum status normalise_state(char *text)
{
	static const char *const states[][2] = {
		{"registered", "已备案"}, {"unregistered", "未备案"}, {"revoked", "已注销"}};
	for (size_t i = 0; i < 3; i++)
		if (strcmp(text, states[i][0]) == 0 || strcmp(text, states[i][1]) == 0) {
			memcpy(text, states[i][0], strlen(states[i][0]) + 1);
			return STATUS_OK;
		}
	return STATUS_OUT_OF_RANGE;
}

static enum status normalise_class(char *text)
{
	uint8_t code;
	if (device_class_parse(span_of_string(text), &code))
		return STATUS_OUT_OF_RANGE;
	const char *token = device_class_token(code);
	memcpy(text, token, strlen(token) + 1);
	return STATUS_OK;
}

static enum status normalise_number(char *text)
{
	struct value v;
	if (value_parse_number(span_of_string(text), &v))
		return STATUS_OUT_OF_RANGE;
	value_print(&v, text);
	return STATUS_OK;
}

static bool is_degrees(struct span text, double limit)
{
	struct value v;
	return !value_parse_number(text, &v) && value_to_double(&v) >= -limit && value_to_double(&v) <= limit;
}

static enum status normalise_position(char *text)
{
	size_t size = strcspn(text, ",");
	if (!text[size] || !is_degrees(span_of(text, size), 180) || !is_degrees(span_of_string(text + size + 1), 90))
		return STATUS_OUT_OF_RANGE;
	return STATUS_OK;
}

static enum status normalise_stream_kind(char *text)
{
	enum stream_kind kind;
	if (stream_kind_parse(span_of_string(text), &kind))
		return STATUS_OUT_OF_RANGE;
	const char *token = stream_kind_token(kind);
	memcpy(text, token, strlen(token) + 1);
	return STATUS_OK;
}

static enum status normalise_interval(const char *text)
{
	int64_t ms;
	return stream_interval_parse(span_of_string(text), &ms) ? STATUS_OUT_OF_RANGE : STATUS_OK;
}

static enum status normalise_field(unsigned field, char *text)
{
	switch (field) {
	case DEVICE_FIELD_PLATE:
	case DEVICE_FIELD_VEHICLE:
		return normalise_plate(text);
	case DEVICE_FIELD_SECOND_PLATE:
	case DEVICE_FIELD_TRAILER:
		tidy_plate(text);
		return *text ? STATUS_OK : STATUS_OUT_OF_RANGE;
	case DEVICE_FIELD_PHONE:
		return normalise_phone(text);
	case DEVICE_FIELD_SIM:
	case DEVICE_FIELD_VIN:
		raise_case(text);
		return STATUS_OK;
	case DEVICE_FIELD_CLASS:
		return normalise_class(text);
	case DEVICE_FIELD_STATE:
		return normalise_state(text);
	case DEVICE_FIELD_METROLOGY_DUE:
	case DEVICE_FIELD_INSPECTION_DUE:
	case DEVICE_FIELD_SCRAP_DUE:
	case DEVICE_FIELD_LICENCE_DUE:
	case DEVICE_FIELD_SURVEY_DUE:
	case DEVICE_FIELD_NATIONALITY_DUE:
		return normalise_date(text);
	case DEVICE_FIELD_POSITION:
		return normalise_position(text);
	case DEVICE_FIELD_STREAM_KIND:
		return normalise_stream_kind(text);
	case DEVICE_FIELD_LIMIT:
	case DEVICE_FIELD_BASE:
	case DEVICE_FIELD_RANGE_MIN:
	case DEVICE_FIELD_RANGE_MAX:
		return normalise_number(text);
	case DEVICE_FIELD_INTERVAL:
		return normalise_interval(text);
	case DEVICE_FIELD_AIS_CARD:
	case DEVICE_FIELD_LICENCE:
	case DEVICE_FIELD_CALLSIGN:
	case DEVICE_FIELD_AIS_NAME:
		raise_case(text);
		return STATUS_OK;
	default:
		return device_value_normalise_boat(field, text);
	}
}

enum status device_value_normalise(unsigned field, struct span value, char out[DEVICE_VALUE_MAX + 1])
{
	char text[DEVICE_VALUE_MAX + 1];
	if (!device_field_exists(field))
		return STATUS_INVALID;
	if (value.size > DEVICE_VALUE_MAX)
		return STATUS_TOO_LONG;
	if (!utf8_printable(value))
		return STATUS_MALFORMED;
	size_t size = trim(text, narrow(value, text));
	text[size] = '\0';
	enum status status = size ? normalise_field(field, text) : STATUS_OK;
	if (!status)
		memcpy(out, text, strlen(text) + 1);
	return status;
}
