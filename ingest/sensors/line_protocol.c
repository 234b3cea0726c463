#include "ingest/sensors/line_protocol.h"

enum status line_precision_parse(struct span text, enum line_precision *out)
{
	static const char *const tokens[LINE_PRECISION_COUNT][2] = {
#define X(NAME, v1, v2, multiplier, divisor) {v1, v2},
		LINE_PRECISION_TABLE(X)
#undef X
	};
	for (unsigned i = 0; i < LINE_PRECISION_COUNT; i++)
		if (span_equal(text, span_of_string(tokens[i][0])) || span_equal(text, span_of_string(tokens[i][1]))) {
			*out = (enum line_precision)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

void line_reader_init(struct line_reader *r, struct span text, enum line_precision precision, int64_t now_ms)
{
	*r = (struct line_reader){text.data, text.data + text.size, now_ms, precision, 0};
}

/* --- times --- */

static int64_t floor_div(int64_t v, int64_t by)
{
	return v / by - (v % by < 0);
}

static bool to_ms(int64_t v, enum line_precision precision, int64_t *out)
{
	switch (precision) {
#define X(NAME, v1, v2, multiplier, divisor)                                                                           \
	case LINE_##NAME:                                                                                              \
		return !__builtin_mul_overflow(floor_div(v, divisor), (int64_t)multiplier, out);
		LINE_PRECISION_TABLE(X)
#undef X
	default:
		return false;
	}
}

static const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
	while (at < end && (*at == ' ' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

/* What stands behind the fields up to the line's end. */
static bool take_time(const uint8_t *at, const uint8_t *end, const struct line_reader *r, int64_t *out_ms)
{
	uint64_t v = 0;
	at = skip_blanks(at, end);
	if (at == end) {
		*out_ms = r->now_ms;
		return true;
	}
	bool negative = *at == '-';
	const uint8_t *digits = at += negative;
	for (; at < end && *at >= '0' && *at <= '9'; at++)
		v = v * 10 + (*at - '0');
	if (at == digits || at - digits > 19 || v > (uint64_t)INT64_MAX || skip_blanks(at, end) != end)
		return false;
	return to_ms(negative ? -(int64_t)v : (int64_t)v, r->precision, out_ms);
}

/* --- lines --- */

static const uint8_t *line_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
	return newline ? newline : end;
}

static enum status refuse(struct line_reader *r, struct line *out, const uint8_t *start, enum status status,
			  const char *reason)
{
	const uint8_t *stop = line_end(start, r->end);
	out->text = span_of(start, (size_t)(stop - start));
	out->reason = reason;
	r->at = stop;
	return status;
}

/* Behind the measurement and tags; `out->measurement` is set. NULL: no blank follows. */
static const uint8_t *take_key(const uint8_t *at, const uint8_t *end, struct line *out)
{
	const uint8_t *start = at, *comma = NULL;
	for (; at < end; at++) {
		if (*at == '\\' && at + 1 < end && at[1] != '\n')
			at++;
		else if (*at == ' ' || *at == '\n')
			break;
		else if (*at == ',' && !comma)
			comma = at;
	}
	out->key = span_of(start, (size_t)(at - start));
	out->measurement = span_of(start, (size_t)((comma ? comma : at) - start));
	return at < end && *at == ' ' ? at : NULL;
}

/* Behind the fields, which end at a blank or a line end outside quotes. NULL: a string is not closed. */
static const uint8_t *take_fields(const uint8_t *at, const uint8_t *end)
{
	bool quoted = false;
	for (; at < end; at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (!quoted && (*at == ' ' || *at == '\n'))
			break;
	}
	return quoted ? NULL : at;
}

static void skip_empty(struct line_reader *r)
{
	while (r->at < r->end) {
		const uint8_t *at = skip_blanks(r->at, r->end);
		if (at < r->end && *at == '#')
			at = line_end(at, r->end);
		if (at < r->end && *at != '\n')
			return;
		r->line += at < r->end;
		r->at = at < r->end ? at + 1 : at;
	}
}

enum status line_next(struct line_reader *r, struct line *out)
{
	if (r->line && r->at < r->end && *r->at == '\n')
		r->at++;
	skip_empty(r);
	if (r->at == r->end)
		return STATUS_END;
	r->line++;
	const uint8_t *start = skip_blanks(r->at, r->end);
	const uint8_t *at = take_key(start, r->end, out);
	if (!at)
		return refuse(r, out, start, STATUS_MALFORMED, "missing fields");
	if (!out->measurement.size)
		return refuse(r, out, start, STATUS_MALFORMED, "missing measurement");
	const uint8_t *fields = skip_blanks(at, r->end);
	at = take_fields(fields, r->end);
	if (!at)
		return refuse(r, out, start, STATUS_MALFORMED, "unbalanced quotes");
	if (at == fields)
		return refuse(r, out, start, STATUS_MALFORMED, "missing fields");
	out->fields = span_of(fields, (size_t)(at - fields));
	const uint8_t *stop = line_end(at, r->end);
	if (stop - start > LINE_BYTES_MAX)
		return refuse(r, out, start, STATUS_TOO_LONG, "line is too long");
	if (!take_time(at, stop, r, &out->time_ms))
		return refuse(r, out, start, STATUS_BAD_TIME, "bad timestamp");
	out->text = span_of(start, (size_t)(stop - start));
	out->reason = NULL;
	r->at = stop;
	return STATUS_OK;
}

/* --- fields --- */

static enum status wrong(struct line *line, enum status status, const char *reason)
{
	line->reason = reason;
	return status;
}

static size_t until(struct span s, uint8_t what)
{
	size_t i = 0;
	while (i < s.size && s.data[i] != what)
		i += s.data[i] == '\\' ? 2 : 1;
	return i < s.size ? i : s.size;
}

static struct span behind(struct span s, size_t i)
{
	return span_of(s.data + i, s.size - i);
}

static bool take_boolean(struct span text, struct value *v)
{
	static const char *const words[2][5] = {{"f", "F", "false", "False", "FALSE"},
						{"t", "T", "true", "True", "TRUE"}};
	for (int b = 0; b < 2; b++)
		for (int i = 0; i < 5; i++)
			if (span_equal(text, span_of_string(words[b][i]))) {
				value_set_decimal(v, b, 0);
				return true;
			}
	return false;
}

static enum status take_plain(struct line *line, struct span text, struct line_field *out)
{
	uint8_t last = text.size ? text.data[text.size - 1] : 0;
	enum status status;
	if (last == 'i' || last == 'u')
		status = value_parse_integer(span_of(text.data, text.size - 1), &out->value);
	else if ((last >= '0' && last <= '9') || last == '.')
		status = value_parse_number(text, &out->value);
	else
		status = take_boolean(text, &out->value) ? STATUS_OK : STATUS_MALFORMED;
	if (last == 'u' && !status && out->value.bits < 0)
		status = STATUS_OUT_OF_RANGE;
	if (status == STATUS_OUT_OF_RANGE)
		return wrong(line, status, "number is out of range");
	return status ? wrong(line, status, "invalid field value") : STATUS_OK;
}

static enum status take_string(struct line *line, struct span *rest, struct line_field *out)
{
	size_t size = until(behind(*rest, 1), '"');
	if (size + 1 >= rest->size)
		return wrong(line, STATUS_MALFORMED, "unbalanced quotes");
	out->text = span_of(rest->data + 1, size);
	out->value.type = VALUE_TEXT;
	*rest = behind(*rest, size + 2);
	if (size > 2 * VALUE_TEXT_MAX)
		return wrong(line, STATUS_TOO_LONG, "string is too long");
	return STATUS_OK;
}

enum status line_field_next(struct line *line, struct line_field *out)
{
	struct span rest = line->fields;
	if (!rest.size)
		return STATUS_END;
	*out = (struct line_field){.value = {.time_ms = line->time_ms}};
	size_t size = until(rest, '=');
	if (!size || size == rest.size || rest.data[0] == ',')
		return wrong(line, STATUS_MALFORMED,
			     size && rest.data[0] != ',' ? "missing field value" : "missing field key");
	out->key = span_of(rest.data, size);
	rest = behind(rest, size + 1);
	enum status status;
	if (rest.size && rest.data[0] == '"') {
		status = take_string(line, &rest, out);
	} else {
		const uint8_t *comma = rest.size ? memchr(rest.data, ',', rest.size) : NULL;
		size = comma ? (size_t)(comma - rest.data) : rest.size;
		if (!size)
			return wrong(line, STATUS_MALFORMED, "missing field value");
		status = take_plain(line, span_of(rest.data, size), out);
		rest = behind(rest, size);
	}
	if (status)
		return status;
	if (rest.size && (rest.data[0] != ',' || rest.size == 1))
		return wrong(line, STATUS_MALFORMED, "invalid field format");
	line->fields = rest.size ? behind(rest, 1) : rest;
	return STATUS_OK;
}

/* --- plain lines --- */

static unsigned digit_of(uint8_t c)
{
	return (unsigned)c - '0';
}

bool line_number_plain(const uint8_t **at, const uint8_t *end, struct value *out)
{
	const uint8_t *c = *at, *first, *behind_point = NULL;
	if (end - c < VALUE_DIGITS_MAX + 4)
		return false; /* room to look at without looking for the end each time */
	bool negative = *c == '-';
	uint64_t m = 0;
	first = c += negative;
	for (; digit_of(*c) <= 9 && c - first <= VALUE_DIGITS_MAX; c++)
		m = m * 10 + digit_of(*c);
	size_t digits = (size_t)(c - first), places = 0;
	if (digits && *c == '.') {
		behind_point = ++c;
		for (; digit_of(*c) <= 9 && c - behind_point + (ptrdiff_t)digits <= VALUE_DIGITS_MAX; c++)
			m = m * 10 + digit_of(*c);
		places = (size_t)(c - behind_point);
	} else if (*c == 'i') {
		c++;
	}
	if (!digits || digits + places > VALUE_DIGITS_MAX || (behind_point && !places))
		return false;
	value_set_decimal(out, negative ? -(int64_t)m : (int64_t)m, (unsigned)places);
	*at = c;
	return true;
}

bool line_time_plain(const struct line_reader *r, const uint8_t *at, const uint8_t *stop, int64_t *out_ms)
{
	return at < stop && digit_of(*at) <= 9 && take_time(at, stop, r, out_ms);
}

/* --- tags --- */

enum status line_tag_next(struct span *tags, struct span *key, struct span *value)
{
	if (!tags->size)
		return STATUS_END;
	if (tags->data[0] != ',')
		return STATUS_MALFORMED;
	struct span tag = span_of(tags->data + 1, until(behind(*tags, 1), ','));
	size_t size = until(tag, '=');
	if (!size || size + 1 >= tag.size)
		return STATUS_MALFORMED;
	*key = span_of(tag.data, size);
	*value = behind(tag, size + 1);
	*tags = behind(*tags, 1 + tag.size);
	return STATUS_OK;
}

size_t line_unescape(struct span in, bool is_string, uint8_t *out)
{
	size_t size = 0;
	for (size_t i = 0; i < in.size; i++) {
		uint8_t next = in.data[i] == '\\' && i + 1 < in.size ? in.data[i + 1] : 0;
		if (is_string ? next == '"' || next == '\\' : next == ',' || next == ' ' || next == '=')
			i++;
		out[size++] = in.data[i];
	}
	return size;
}
