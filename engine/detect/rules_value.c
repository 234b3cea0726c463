/* rules_value.c -- values with their units, to integers and back.
 *
 *   "80.5 km/h" -> 805      "20 min" -> 1200000      "2 km" -> 2000000      "65:1 66:*" -> 0x66006501 */
#include <stdio.h>

#include "engine/core/utf8.h"
#include "engine/detect/rules_text.h"
#include "engine/series/value.h"

bool refuse_with(struct refusal *why, enum message message, ...)
{
	va_list values;
	va_start(values, message);
	message_vsay(&why->said, message, values);
	va_end(values);
	return false;
}

struct echo echo_of(struct span value)
{
	struct echo e;
	size_t size = value.size < RULE_ECHO_MAX ? value.size : RULE_ECHO_MAX;
	while (size < value.size && size && (value.data[size] & 0xc0) == 0x80)
		size--; /* not within a UTF-8 sequence */
	bool text = utf8_printable(span_of(value.data, size));
	for (size_t i = 0; i < size; i++) {
		bool plain = value.data[i] >= 0x20 && value.data[i] < 0x7f;
		e.text[i] = text || plain ? (char)value.data[i] : '?';
	}
	memcpy(e.text + size, size < value.size ? "..." : "", size < value.size ? 4 : 1);
	return e;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct span trim(struct span s)
{
	while (s.size && is_space(s.data[0]))
		s = span_of(s.data + 1, s.size - 1);
	while (s.size && is_space(s.data[s.size - 1]))
		s.size--;
	return s;
}

bool next_word(struct span *list, struct span *out)
{
	size_t begin = 0, end;
	while (begin < list->size && (is_space(list->data[begin]) || list->data[begin] == ','))
		begin++;
	for (end = begin; end < list->size && !is_space(list->data[end]) && list->data[end] != ','; end++)
		;
	*out = span_of(list->data + begin, end - begin);
	*list = span_of(list->data + end, list->size - end);
	return end > begin;
}

/* --- numbers with units --- */

static const struct unit {
	enum param_unit unit;
	const char *token;
	int64_t factor;
} units[] = {
	/* of one noun the largest first: printing takes the first that divides */
	{UNIT_SPEED, "km/h", 10},  {UNIT_TIME, "d", 86400000}, {UNIT_TIME, "h", 3600000},
	{UNIT_TIME, "min", 60000}, {UNIT_TIME, "s", 1000},     {UNIT_LENGTH, "km", 1000000},
	{UNIT_LENGTH, "m", 1000},  {UNIT_PERCENT, "%", 1},     {UNIT_NUMBER, "", 1},
};
#define UNITS (sizeof units / sizeof *units)
#define UNIT_NAMES_MAX 32

/* The units a number may have, as "d, h, min, s". */
static void unit_names(unsigned unit, char out[UNIT_NAMES_MAX])
{
	int at = 0;
	out[0] = '\0';
	for (size_t i = 0; i < UNITS; i++)
		if (units[i].unit == unit)
			at += snprintf(out + at, (size_t)(UNIT_NAMES_MAX - at), "%s%s", at ? ", " : "", units[i].token);
}

static bool refuse_number(unsigned unit, struct span text, const char *names, struct refusal *why)
{
	switch (unit) {
	case UNIT_SPEED:
		return refuse(why, NO_SPEED, echo_of(text).text, names);
	case UNIT_TIME:
		return refuse(why, NO_TIME, echo_of(text).text, names);
	case UNIT_LENGTH:
		return refuse(why, NO_LENGTH, echo_of(text).text, names);
	case UNIT_PERCENT:
		return refuse(why, NO_PERCENTAGE, echo_of(text).text, names);
	default:
		return refuse(why, NO_NUMBER, echo_of(text).text);
	}
}

static bool refuse_unit(unsigned unit, struct span given, const char *names, struct refusal *why)
{
	switch (unit) {
	case UNIT_SPEED:
		return refuse(why, NO_UNIT_OF_SPEED, echo_of(given).text, names);
	case UNIT_TIME:
		return refuse(why, NO_UNIT_OF_TIME, echo_of(given).text, names);
	case UNIT_LENGTH:
		return refuse(why, NO_UNIT_OF_LENGTH, echo_of(given).text, names);
	default:
		return refuse(why, NO_UNIT_OF_PERCENTAGE, echo_of(given).text, names);
	}
}

static enum status print_number(unsigned unit, int64_t value, struct buf *out)
{
	const struct unit *best = &units[UNITS - 1];
	for (size_t i = 0; i < UNITS; i++) {
		if (units[i].unit != unit)
			continue;
		best = &units[i];
		if (value && value % best->factor == 0)
			break;
	}
	enum status status = buf_printf(out, "%lld", (long long)(value / best->factor));
	if (!status && unit == UNIT_SPEED && value % best->factor)
		status = buf_printf(out, ".%lld", (long long)(value % best->factor));
	return status || !*best->token ? status : buf_printf(out, " %s", best->token);
}

static bool refuse_range(const struct rule_param *p, struct span text, struct refusal *why)
{
	struct buf range = buf_init(128);
	if (!print_number(p->unit, p->min, &range) && !buf_printf(&range, " .. ") &&
	    !print_number(p->unit, p->max, &range) && !buf_append_u8(&range, 0))
		refuse(why, NOT_WITHIN, echo_of(text).text, (const char *)range.data);
	else
		refuse(why, OUT_OF_RANGE, echo_of(text).text);
	buf_deinit(&range);
	return false;
}

/* The digits that `s` begins with, and `s` is what follows; false for none or more than 15: nothing overflows. */
static bool digits(struct span *s, int64_t *out)
{
	size_t n = 0;
	for (*out = 0; n < s->size && s->data[n] >= '0' && s->data[n] <= '9' && n < 16; n++)
		*out = *out * 10 + (s->data[n] - '0');
	*s = span_of(s->data + n, s->size - n);
	return n > 0 && n < 16;
}

/* ".5" of "80.5 km/h": one decimal, for what is counted in tenths. */
static bool tenths(struct span *s, int64_t *out)
{
	*out = 0;
	if (s->size == 0 || s->data[0] != '.')
		return true;
	struct span fraction = span_of(s->data + 1, s->size - 1);
	size_t before = fraction.size;
	bool one = digits(&fraction, out) && before - fraction.size == 1;
	*s = fraction;
	return one;
}

static bool number_parse(const struct rule_param *p, struct span text, int64_t *out, struct refusal *why)
{
	char names[UNIT_NAMES_MAX];
	struct span rest = text;
	int64_t whole, part = 0;
	unit_names(p->unit, names);
	if (!digits(&rest, &whole))
		return refuse_number(p->unit, text, names, why);
	if (p->unit == UNIT_SPEED && !tenths(&rest, &part))
		return refuse(why, TOO_MANY_DECIMALS, echo_of(text).text);
	rest = trim(rest);
	for (size_t i = 0; i < UNITS; i++) {
		if (units[i].unit != p->unit || !span_equal(rest, span_of_string(units[i].token)))
			continue;
		if (whole > INT64_MAX / units[i].factor - 1)
			return refuse_range(p, text, why);
		*out = whole * units[i].factor + part;
		return (*out >= p->min && *out <= p->max) || refuse_range(p, text, why);
	}
	if (p->unit == UNIT_NUMBER)
		return refuse(why, NO_WHOLE_NUMBER, echo_of(text).text);
	if (rest.size == 0)
		return refuse(why, NO_UNIT, echo_of(text).text, names);
	return refuse_unit(p->unit, rest, names, why);
}

/* --- words --- */

static bool yes_parse(struct span text, int64_t *out, struct refusal *why)
{
	*out = span_equal(text, span_of_string("yes"));
	return *out || span_equal(text, span_of_string("no")) || refuse(why, NEITHER_YES_NOR_NO, echo_of(text).text);
}

static bool choice_parse(const struct rule_param *p, struct span text, int64_t *out, struct refusal *why)
{
	struct span words = span_of_string(p->words), word;
	for (*out = 0; next_word(&words, &word); ++*out)
		if (span_equal(word, text))
			return true;
	return refuse(why, NONE_OF, echo_of(text).text, p->words);
}

static enum status print_choice(const struct rule_param *p, int64_t value, struct buf *out)
{
	struct span words = span_of_string(p->words), word;
	for (int64_t i = 0; next_word(&words, &word); i++)
		if (i == value)
			return buf_append(out, word.data, word.size);
	return STATUS_INVALID;
}

static bool tag_parse(struct span text, int64_t *out, struct refusal *why)
{
	uint16_t tag;
	enum status status = tag_number(text, &tag);
	if (status == STATUS_FULL)
		return refuse(why, TOO_MANY_TAGS, echo_of(text).text, TAGS_MAX);
	if (status)
		return refuse(why, NO_TAG, echo_of(text).text, TAG_MAX);
	*out = tag;
	return true;
}

/* --- alarm bits and types --- */

static bool bits_parse(struct span text, int64_t *out, struct refusal *why)
{
	struct span word;
	for (*out = 0; next_word(&text, &word);) {
		struct span rest = word;
		int64_t bit;
		if (!digits(&rest, &bit) || rest.size || bit > 31)
			return refuse(why, NO_BIT, echo_of(word).text);
		*out |= INT64_C(1) << bit;
	}
	return *out != 0 || refuse(why, NO_BIT_NAMED);
}

static enum status print_bits(int64_t mask, struct buf *out)
{
	enum status status = STATUS_OK;
	const char *between = "";
	for (unsigned bit = 0; bit < 32 && !status; bit++)
		if (mask >> bit & 1) {
			status = buf_printf(out, "%s%u", between, bit);
			between = " ";
		}
	return status;
}

/* One or two hexadecimal digits. */
static bool hex_byte(struct span s, unsigned *out)
{
	*out = 0;
	for (size_t i = 0; i < s.size; i++) {
		uint8_t c = s.data[i], low = c | 0x20;
		if ((c < '0' || c > '9') && (low < 'a' || low > 'f'))
			return false;
		*out = *out << 4 | (unsigned)(c <= '9' ? c - '0' : low - 'a' + 10);
	}
	return s.size == 1 || s.size == 2;
}

/* "64:1" -> 0x6401, "66:*" -> 0x6600. */
static bool type_pair(struct span word, uint16_t *out)
{
	const uint8_t *colon = word.size ? memchr(word.data, ':', word.size) : NULL;
	unsigned item, type = 0;
	if (!colon)
		return false;
	struct span after = span_of(colon + 1, (size_t)(word.data + word.size - colon) - 1);
	bool any = span_equal(after, span_of_string("*"));
	if (!hex_byte(span_of(word.data, (size_t)(colon - word.data)), &item) || item < 0x64 || item > 0x67)
		return false;
	if (!any && (!hex_byte(after, &type) || type == 0))
		return false;
	*out = (uint16_t)(item << 8 | type);
	return true;
}

static bool types_parse(struct span text, int64_t out[2], struct refusal *why)
{
	uint64_t four[2] = {0, 0};
	unsigned count = 0;
	struct span word;
	for (; next_word(&text, &word); count++) {
		uint16_t pair;
		if (!type_pair(word, &pair))
			return refuse(why, NO_ALARM_TYPE, echo_of(word).text);
		if (count == 8)
			return refuse(why, TOO_MANY_TYPES);
		four[count / 4] |= (uint64_t)pair << 16 * (count % 4);
	}
	memcpy(out, four, sizeof four);
	return count > 0 || refuse(why, NO_TYPE_NAMED);
}

static enum status print_types(const int64_t types[2], struct buf *out)
{
	enum status status = STATUS_OK;
	for (unsigned i = 0; i < 8 && !status; i++) {
		unsigned pair = (unsigned)((uint64_t)types[i / 4] >> 16 * (i % 4)) & 0xffff;
		if (pair == 0)
			break;
		status = buf_printf(out, "%s%x:", i ? " " : "", pair >> 8);
		if (!status)
			status = pair & 0xff ? buf_printf(out, "%x", pair & 0xff) : buf_printf(out, "*");
	}
	return status;
}

/* --- times of the calendar, read by schedule.h --- */

static bool hours_parse(struct span text, int64_t *out, struct refusal *why)
{
	struct schedule s;
	enum status status = schedule_parse(text, &s, NULL);
	bool only_hours = !status && s.hours_count == 1 && s.days == 0x7f && s.seasons_count == 0 &&
			  s.from_ms == INT64_MIN && s.to_ms == INT64_MAX;
	if (!only_hours)
		return refuse(why, NO_HOURS, echo_of(text).text);
	*out = (int64_t)s.hours[0].from_s << 32 | s.hours[0].to_s;
	return true;
}

static enum status print_hours(int64_t value, struct buf *out)
{
	struct schedule s = SCHEDULE_ALWAYS;
	s.hours_count = 1;
	s.hours[0].from_s = (int32_t)(value >> 32);
	s.hours[0].to_s = (int32_t)(value & 0x7fffffff);
	return schedule_print(&s, out);
}

/* A day is the beginning of the span "DAY..". */
static bool date_parse(struct span text, int64_t *out, struct refusal *why)
{
	char span_text[13];
	struct schedule s;
	if (text.size == 10) {
		memcpy(span_text, text.data, 10);
		memcpy(span_text + 10, "..", 3);
	}
	if (text.size != 10 || schedule_parse(span_of(span_text, 12), &s, NULL) || s.from_ms <= 0)
		return refuse(why, NO_DATE, echo_of(text).text);
	*out = s.from_ms;
	return true;
}

static enum status print_date(int64_t ms, struct buf *out)
{
	struct civil c;
	civil_from_ms(ms + CHINA_OFFSET_MS, &c);
	return buf_printf(out, "%04d-%02d-%02d", (int)c.year, c.month, c.day);
}

/* --- numbers in the unit of a stream --- */

#define DECIMAL_PLACES 6

static int64_t ten_to(unsigned n)
{
	int64_t power = 1;
	while (n--)
		power *= 10;
	return power;
}

static bool decimal_parse(const struct rule_param *p, struct span text, int64_t *out, struct refusal *why)
{
	struct value v = {0};
	if (p->initial == DECIMAL_OWN && span_equal(text, span_of_string("own"))) {
		*out = DECIMAL_OWN;
		return true;
	}
	if (value_parse_number(text, &v) || v.type != VALUE_DECIMAL || v.scale > DECIMAL_PLACES)
		return refuse(why, NO_DECIMAL, echo_of(text).text, DECIMAL_PLACES);
	if (__builtin_mul_overflow(v.bits, ten_to(DECIMAL_PLACES - v.scale), out) || *out < p->min || *out > p->max)
		return refuse(why, OUT_OF_RANGE, echo_of(text).text);
	return true;
}

static enum status print_decimal(int64_t millionths, struct buf *out)
{
	char text[VALUE_PRINT_MAX + 1];
	struct value v;
	if (millionths == DECIMAL_OWN)
		return buf_printf(out, "own");
	value_set_decimal(&v, millionths, DECIMAL_PLACES);
	return buf_append(out, text, value_print(&v, text));
}

bool value_parse(const struct rule_param *p, struct span text, int64_t *out, struct refusal *why)
{
	switch ((enum param_unit)p->unit) {
	case UNIT_SPEED:
	case UNIT_TIME:
	case UNIT_LENGTH:
	case UNIT_PERCENT:
	case UNIT_NUMBER:
		return number_parse(p, text, out, why);
	case UNIT_YES:
	case UNIT_OPTION:
		return yes_parse(text, out, why);
	case UNIT_TAG:
		return tag_parse(text, out, why);
	case UNIT_BITS:
		return bits_parse(text, out, why);
	case UNIT_TYPES:
		return types_parse(text, out, why);
	case UNIT_HOURS:
		return hours_parse(text, out, why);
	case UNIT_CHOICE:
		return choice_parse(p, text, out, why);
	case UNIT_DATE:
		return date_parse(text, out, why);
	case UNIT_DECIMAL:
		return decimal_parse(p, text, out, why);
	}
	return refuse(why, CANNOT_BE_WRITTEN);
}

enum status rule_param_print(const struct rule_param *p, const int64_t *params, struct buf *out)
{
	int64_t value = params[p->place];
	switch ((enum param_unit)p->unit) {
	case UNIT_SPEED:
	case UNIT_TIME:
	case UNIT_LENGTH:
	case UNIT_PERCENT:
	case UNIT_NUMBER:
		return print_number(p->unit, value, out);
	case UNIT_YES:
		return buf_printf(out, value ? "yes" : "no");
	case UNIT_OPTION:
		return value ? buf_printf(out, "yes") : STATUS_OK;
	case UNIT_TAG:
		return buf_printf(out, "%s", tag_text((uint16_t)value));
	case UNIT_BITS:
		return print_bits(value, out);
	case UNIT_TYPES:
		return print_types(params + p->place, out);
	case UNIT_HOURS:
		return print_hours(value, out);
	case UNIT_CHOICE:
		return print_choice(p, value, out);
	case UNIT_DATE:
		return value ? print_date(value, out) : STATUS_OK;
	case UNIT_DECIMAL:
		return print_decimal(value, out);
	}
	return STATUS_INVALID;
}
