#include "query/http/http_params.h"

#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/core/utf8.h"
#include "engine/series/report.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum status http_decode(struct span text, char *out, size_t *out_size)
{
	size_t n = 0;
	for (size_t i = 0; i < text.size; i++) {
		char c = (char)text.data[i];
		if (c == '%') {
			bool whole = text.size - i > 2;
			int high = whole ? hex_value((char)text.data[i + 1]) : -1;
			int low = whole ? hex_value((char)text.data[i + 2]) : -1;
			if (high < 0 || low < 0)
				return STATUS_MALFORMED;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		if (!c)
			return STATUS_MALFORMED;
		out[n++] = c;
	}
	*out_size = n;
	return STATUS_OK;
}

bool http_text_is_clean(struct span text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			return false;
	return utf8_valid(text);
}

enum status http_integer_parse(struct span text, int64_t min, int64_t max, int64_t *out)
{
	size_t i = text.size && text.data[0] == '-';
	bool negative = i;
	int64_t v = 0;
	if (text.size == i || text.size > 19)
		return STATUS_MALFORMED;
	for (; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return STATUS_MALFORMED;
		if (v > (INT64_MAX - 9) / 10)
			return STATUS_OUT_OF_RANGE;
		v = v * 10 + (text.data[i] - '0');
	}
	v = negative ? -v : v;
	if (v < min || v > max)
		return STATUS_OUT_OF_RANGE;
	*out = v;
	return STATUS_OK;
}

enum status http_time_parse(struct span text, int64_t *out_ms)
{
	char fixed[TIME_TEXT_MAX + 8];
	int64_t other_ms;
	if (!http_integer_parse(text, -INT64_C(100000000000000), INT64_C(100000000000000), out_ms))
		return STATUS_OK;
	if (text.size >= sizeof fixed)
		return STATUS_BAD_TIME;
	memcpy(fixed, text.data, text.size);
	/* "+08:00" in a query is decoded to " 08:00" by the letter of the form encoding */
	if (text.size > 19 && fixed[text.size - 6] == ' ')
		fixed[text.size - 6] = '+';
	struct span s = span_of(fixed, text.size);
	enum status status = time_parse(s, 0, out_ms);
	if (status || (status = time_parse(s, MS_PER_HOUR, &other_ms)))
		return status;
	return other_ms == *out_ms ? STATUS_OK : STATUS_BAD_TIME; /* no zone: the two readings differ */
}

enum status http_degrees_parse(struct span text, int32_t limit_e7, int32_t *out_e7)
{
	int64_t v = 0;
	size_t i = text.size && text.data[0] == '-', digits = 0, decimals = 0;
	bool negative = i, point = false;
	for (; i < text.size; i++) {
		uint8_t c = text.data[i];
		if (c == '.' && !point && digits) {
			point = true;
			continue;
		}
		if (c < '0' || c > '9' || decimals == 7 || digits == 16)
			return STATUS_MALFORMED;
		v = v * 10 + (c - '0');
		digits++;
		decimals += point;
	}
	if (!digits || (point && !decimals))
		return STATUS_MALFORMED;
	for (; decimals < 7; decimals++) {
		if (v > INT64_C(100000000000))
			return STATUS_OUT_OF_RANGE;
		v *= 10;
	}
	v = negative ? -v : v;
	if (v < -(int64_t)limit_e7 || v > limit_e7)
		return STATUS_OUT_OF_RANGE;
	*out_e7 = (int32_t)v;
	return STATUS_OK;
}

/* The text up to the next `separator`; `*rest` is what follows it. False at the end. */
static bool split(struct span *rest, char separator, struct span *out)
{
	if (!rest->data)
		return false;
	const uint8_t *at = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
	*out = at ? span_of(rest->data, (size_t)(at - rest->data)) : *rest;
	if (at)
		*rest = span_of(at + 1, rest->size - out->size - 1);
	else
		*rest = (struct span){NULL, 0};
	return true;
}

static enum status parse_box(struct span text, struct http_box *out)
{
	int32_t *fields[4] = {&out->lon_min_e7, &out->lat_min_e7, &out->lon_max_e7, &out->lat_max_e7};
	struct span part;
	size_t n = 0;
	while (split(&text, ',', &part)) {
		if (n == 4)
			return STATUS_MALFORMED;
		enum status status = http_degrees_parse(part, n % 2 ? LAT_E7_MAX : LON_E7_MAX, fields[n]);
		if (status)
			return status;
		n++;
	}
	return n == 4 && out->lat_min_e7 <= out->lat_max_e7 ? STATUS_OK : STATUS_MALFORMED;
}

static enum status parse_choice(const char *choices, struct span text, int64_t *out)
{
	struct span rest = span_of_string(choices), one;
	for (int64_t i = 0; split(&rest, '|', &one); i++) {
		if (!span_equal(one, text))
			continue;
		*out = i;
		return STATUS_OK;
	}
	return STATUS_MALFORMED;
}

static enum status parse_value(const struct http_param *p, struct http_value *v)
{
	switch (p->kind) {
	case HTTP_PARAM_TEXT:
	case HTTP_PARAM_CURSOR:
		if (v->text.size > (size_t)(p->max ? p->max : HTTP_TEXT_MAX))
			return STATUS_TOO_LONG;
		return http_text_is_clean(v->text) ? STATUS_OK : STATUS_MALFORMED;
	case HTTP_PARAM_INTEGER:
		return http_integer_parse(v->text, p->min, p->max, &v->number);
	case HTTP_PARAM_TIME:
		return http_time_parse(v->text, &v->number);
	case HTTP_PARAM_CHOICE:
		return parse_choice(p->choices, v->text, &v->number);
	case HTTP_PARAM_FLAG: {
		enum status status = parse_choice("0|false|1|true", v->text, &v->number);
		v->number /= 2;
		return status;
	}
	case HTTP_PARAM_BOX:
		return parse_box(v->text, &v->box);
	}
	return STATUS_INVALID;
}

static const char *wanted(const struct http_param *p)
{
	switch (p->kind) {
	case HTTP_PARAM_INTEGER:
		return "an integer within its range";
	case HTTP_PARAM_TIME:
		return "a time as RFC 3339 with its zone, or milliseconds since 1970";
	case HTTP_PARAM_CHOICE:
		return "one of the values it may take";
	case HTTP_PARAM_FLAG:
		return "1 or 0";
	case HTTP_PARAM_BOX:
		return "lonmin,latmin,lonmax,latmax in degrees";
	default:
		return "UTF-8 text without control characters";
	}
}

static void printable(char out[64], struct span name)
{
	size_t n = name.size < 63 ? name.size : 63;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(name.data[i] >= 0x20 && name.data[i] < 0x7f ? name.data[i] : '?');
	out[n] = '\0';
}

static enum status refuse(struct http_params_error *error, struct span name, const char *format, const char *extra)
{
	char text[160];
	printable(error->name, name);
	snprintf(text, sizeof text, "%s%s", format, extra);
	snprintf(error->detail, sizeof error->detail, "%.150s", text);
	return STATUS_INVALID;
}

static const struct http_param *find(const struct http_param *params, size_t count, struct span name)
{
	for (size_t i = 0; i < count; i++)
		if (span_equal(span_of_string(params[i].name), name))
			return &params[i];
	return NULL;
}

static enum status take_pair(const struct http_param *params, size_t count, struct span pair, char **storage,
			     struct http_value *values, struct http_params_error *error)
{
	const uint8_t *equals = memchr(pair.data, '=', pair.size);
	size_t name_size = equals ? (size_t)(equals - pair.data) : pair.size;
	struct span name = span_of(pair.data, name_size);
	const struct http_param *p = find(params, count, name);
	if (!p)
		return refuse(error, name, "this parameter is not known here", "");
	struct http_value *v = &values[p - params];
	if (v->set)
		return refuse(error, name, "this parameter is given twice", "");
	if (!equals)
		return refuse(error, name, "this parameter needs a value: ", wanted(p));
	size_t size;
	if (http_decode(span_of(equals + 1, pair.size - name_size - 1), *storage, &size))
		return refuse(error, name, "bad percent-encoding", "");
	v->set = true;
	v->text = span_of(*storage, size);
	(*storage)[size] = '\0';
	*storage += size + 1;
	if (parse_value(p, v))
		return refuse(error, name, "the value must be ", wanted(p));
	return STATUS_OK;
}

enum status http_params_parse(const struct http_param *params, size_t count, const char *query, char *storage,
			      struct http_value *values, struct http_params_error *error)
{
	struct span rest = span_of_string(query), pair;
	memset(values, 0, count * sizeof *values);
	while (split(&rest, '&', &pair)) {
		if (!pair.size)
			continue;
		enum status status = take_pair(params, count, pair, &storage, values, error);
		if (status)
			return status;
	}
	for (size_t i = 0; i < count; i++)
		if (params[i].required && !values[i].set)
			return refuse(error, span_of_string(params[i].name),
				      "this parameter is needed: ", wanted(&params[i]));
	return STATUS_OK;
}
