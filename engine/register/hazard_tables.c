/* hazard_tables.c -- the words of the register, and what a value of each field looks like. */
#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/utf8.h"
#include "engine/register/hazard.h"

struct word {
	const char *token, *chinese;
};

#define X(code, NAME, token, chinese) [code] = {token, chinese},
static const struct word states[HAZARD_STATE_COUNT] = {HAZARD_STATE_TABLE(X)};
static const struct word grades[HAZARD_GRADE_COUNT] = {HAZARD_GRADE_TABLE(X)};
static const struct word sources[HAZARD_SOURCE_COUNT] = {HAZARD_SOURCE_TABLE(X)};
static const struct word listings[HAZARD_LISTING_COUNT] = {HAZARD_LISTING_TABLE(X)};
static const struct word roles[HAZARD_ROLE_COUNT] = {HAZARD_ROLE_TABLE(X)};
static const struct word steps[HAZARD_STEP_COUNT] = {HAZARD_STEP_TABLE(X)};
#undef X
#define X(code, NAME, token, chinese, type) [code] = {token, chinese},
static const struct word fields[HAZARD_FIELD_COUNT] = {HAZARD_FIELD_TABLE(X)};
#undef X
#define X(code, NAME, token, chinese, type) [code] = HAZARD_TYPE_##type,
static const uint8_t types[HAZARD_FIELD_COUNT] = {HAZARD_FIELD_TABLE(X)};
#undef X

static const struct {
	const struct word *words;
	unsigned count;
} tables[] = {
	[HAZARD_TABLE_STATE] = {states, HAZARD_STATE_COUNT},
	[HAZARD_TABLE_GRADE] = {grades, HAZARD_GRADE_COUNT},
	[HAZARD_TABLE_SOURCE] = {sources, HAZARD_SOURCE_COUNT},
	[HAZARD_TABLE_LISTING] = {listings, HAZARD_LISTING_COUNT},
	[HAZARD_TABLE_ROLE] = {roles, HAZARD_ROLE_COUNT},
	[HAZARD_TABLE_STEP] = {steps, HAZARD_STEP_COUNT},
	[HAZARD_TABLE_FIELD] = {fields, HAZARD_FIELD_COUNT},
};

const char *hazard_token(enum hazard_table table, unsigned code)
{
	return code < tables[table].count && tables[table].words[code].token ? tables[table].words[code].token
									     : "unknown";
}

const char *hazard_chinese(enum hazard_table table, unsigned code)
{
	return code < tables[table].count && tables[table].words[code].chinese ? tables[table].words[code].chinese
									       : "未知";
}

enum status hazard_parse(enum hazard_table table, struct span text, uint8_t *out)
{
	for (unsigned i = 0; i < tables[table].count; i++) {
		const struct word *w = &tables[table].words[i];
		if (w->token &&
		    (span_equal(text, span_of_string(w->token)) || span_equal(text, span_of_string(w->chinese)))) {
			*out = (uint8_t)i;
			return STATUS_OK;
		}
	}
	return STATUS_NOT_FOUND;
}

enum hazard_type hazard_field_type(unsigned field)
{
	return field < HAZARD_FIELD_COUNT ? (enum hazard_type)types[field] : HAZARD_TYPE_TEXT;
}

/* --- days --- */

int32_t hazard_day(int64_t time_ms)
{
	int64_t local = time_ms + CHINA_OFFSET_MS;
	int64_t day = local / MS_PER_DAY - (local % MS_PER_DAY < 0);
	return (int32_t)day;
}

enum status hazard_day_parse(struct span date, int32_t *out)
{
	char text[32];
	int64_t ms;
	if (date.size != 10)
		return STATUS_OUT_OF_RANGE;
	snprintf(text, sizeof text, "%.10sT00:00:00Z", (const char *)date.data);
	if (time_parse(span_of_string(text), 0, &ms) || ms < 0)
		return STATUS_OUT_OF_RANGE;
	*out = (int32_t)(ms / MS_PER_DAY);
	return STATUS_OK;
}

/* --- values --- */

static enum status keep(struct span value, char *out)
{
	memcpy(out, value.data, value.size);
	out[value.size] = '\0';
	return STATUS_OK;
}

static enum status keep_token(enum hazard_table table, struct span value, char *out)
{
	uint8_t code;
	if (hazard_parse(table, value, &code))
		return STATUS_OUT_OF_RANGE;
	return keep(span_of_string(hazard_token(table, code)), out);
}

static enum status keep_yes(struct span value, char *out)
{
	if (span_equal(value, span_of_string("yes")) || span_equal(value, span_of_string("是")))
		return keep(span_of_string("yes"), out);
	if (span_equal(value, span_of_string("no")) || span_equal(value, span_of_string("否")))
		return keep(span_of_string("no"), out);
	return STATUS_OUT_OF_RANGE;
}

static enum status keep_time(struct span value, char *out)
{
	int64_t ms;
	if (time_parse(value, CHINA_OFFSET_MS, &ms))
		return STATUS_OUT_OF_RANGE;
	time_format(ms, 0, out);
	return STATUS_OK;
}

static enum status keep_digest(struct span value, char *out)
{
	if (value.size != 2u * HAZARD_DIGEST_SIZE)
		return STATUS_OUT_OF_RANGE;
	for (size_t i = 0; i < value.size; i++) {
		char c = (char)value.data[i];
		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return STATUS_OUT_OF_RANGE;
		out[i] = c;
	}
	out[value.size] = '\0';
	return STATUS_OK;
}

/* One decimal number of degrees: sign, digits, at most 7 places. Returns what is behind it, NULL for none. */
static const char *degrees(const char *at, unsigned limit)
{
	unsigned whole = 0, digits = 0, places = 0, fraction = 0;
	at += *at == '-';
	for (; *at >= '0' && *at <= '9' && digits < 4; digits++)
		whole = whole * 10 + (unsigned)(*at++ - '0');
	if (!digits || whole > limit)
		return NULL;
	if (*at == '.') {
		for (at++; *at >= '0' && *at <= '9'; places++)
			fraction |= (unsigned)(*at++ - '0');
		if (!places || places > 7)
			return NULL;
	}
	return whole == limit && fraction ? NULL : at;
}

static enum status keep_place(struct span value, char *out)
{
	if (value.size > 40)
		return STATUS_OUT_OF_RANGE;
	(void)keep(value, out);
	const char *comma = degrees(out, 90);
	const char *end = comma && *comma == ',' ? degrees(comma + 1, 180) : NULL;
	return end && !*end ? STATUS_OK : STATUS_OUT_OF_RANGE;
}

static struct span trimmed(struct span value)
{
	while (value.size && value.data[value.size - 1] == ' ')
		value.size--;
	while (value.size && *value.data == ' ') {
		value.data++;
		value.size--;
	}
	return value;
}

enum status hazard_value_normalise(unsigned field, struct span value, char out[HAZARD_VALUE_MAX + 1])
{
	int32_t day;
	if (!field || field >= HAZARD_FIELD_COUNT)
		return STATUS_INVALID;
	if (value.size > HAZARD_VALUE_MAX)
		return STATUS_TOO_LONG;
	if (!utf8_printable(value))
		return STATUS_MALFORMED;
	value = trimmed(value);
	*out = '\0';
	if (!value.size)
		return STATUS_OK;
	switch (hazard_field_type(field)) {
	case HAZARD_TYPE_TEXT:
		return keep(value, out);
	case HAZARD_TYPE_DATE:
		return hazard_day_parse(value, &day) ? STATUS_OUT_OF_RANGE : keep(value, out);
	case HAZARD_TYPE_TIME:
		return keep_time(value, out);
	case HAZARD_TYPE_GRADE:
		return keep_token(HAZARD_TABLE_GRADE, value, out);
	case HAZARD_TYPE_SOURCE:
		return keep_token(HAZARD_TABLE_SOURCE, value, out);
	case HAZARD_TYPE_YES:
		return keep_yes(value, out);
	case HAZARD_TYPE_DIGEST:
		return keep_digest(value, out);
	case HAZARD_TYPE_PLACE:
		return keep_place(value, out);
	}
	return STATUS_INVALID;
}
