#include "ingest/sensors/hj212.h"

#include <stdio.h>

#include "engine/core/clock.h"

/* --- frames --- */

uint16_t hj212_crc(struct span segment)
{
	uint16_t crc = 0xffff;
	for (size_t i = 0; i < segment.size; i++) {
		crc = (uint16_t)(crc >> 8 ^ segment.data[i]);
		for (unsigned bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
	}
	return crc;
}

/* Decimal digits alone, at least one and at most nine. */
static bool take_number(struct span text, uint32_t *out)
{
	uint32_t n = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		n = 10 * n + text.data[i] - '0';
		if (i == 9)
			return false;
	}
	*out = n;
	return text.size > 0;
}

static enum status frame_size(const uint8_t *head, size_t *out)
{
	uint32_t n;
	if (!take_number(span_of(head + 2, 4), &n))
		return STATUS_MALFORMED;
	*out = HJ212_HEAD + n + HJ212_CRC_SIZE;
	return n > HJ212_SEGMENT_MAX ? STATUS_BAD_LENGTH : STATUS_OK;
}

static struct span segment_of(struct span raw)
{
	return span_of(raw.data + HJ212_HEAD, raw.size - HJ212_HEAD - HJ212_CRC_SIZE);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum status frame_check(struct span raw)
{
	const uint8_t *crc = raw.data + raw.size - HJ212_CRC_SIZE;
	uint32_t told = 0;
	for (size_t i = 0; i < HJ212_CRC_SIZE; i++) {
		int digit = hex_digit(crc[i]);
		if (digit < 0)
			return STATUS_BAD_CHECKSUM;
		told = told << 4 | (uint32_t)digit;
	}
	return told == hj212_crc(segment_of(raw)) ? STATUS_OK : STATUS_BAD_CHECKSUM;
}

enum status hj212_frame_next(struct span input, struct marked_frame *out)
{
	static const struct marked_framing framing = {
		.mark = '#', .lines = true, .head_size = HJ212_HEAD, .size = frame_size, .check = frame_check};
	return marked_frame_next(&framing, input, out);
}

/* --- items --- */

/* What stands before the first of `stops`, which is left at the start of `rest`. */
static struct span take_until(struct span *rest, const char *stops)
{
	size_t n = 0;
	while (n < rest->size && !(rest->data[n] && strchr(stops, rest->data[n])))
		n++;
	struct span taken = span_of(rest->data, n);
	*rest = span_of(n ? rest->data + n : rest->data, rest->size - n);
	return taken;
}

static uint8_t take_byte(struct span *rest)
{
	uint8_t byte = rest->data[0];
	*rest = span_of(rest->data + 1, rest->size - 1);
	return byte;
}

static enum status split_item(struct span text, struct span *key, struct span *value)
{
	*key = take_until(&text, "=");
	*value = text;
	if (!text.size) {
		*value = *key;
		*key = span_of(text.data, 0);
		return STATUS_MALFORMED;
	}
	take_byte(value);
	return STATUS_OK;
}

/* Over what separates items. */
static void pass_separators(struct hj212_items *items)
{
	while (items->rest.size && (items->rest.data[0] == ',' || items->rest.data[0] == ';'))
		if (take_byte(&items->rest) == ';') {
			items->group++;
			items->code = span_of(NULL, 0);
		}
}

enum status hj212_items_next(struct hj212_items *items, struct hj212_item *out)
{
	pass_separators(items);
	*out = (struct hj212_item){.group = items->group};
	if (!items->rest.size)
		return STATUS_END;
	enum status status = split_item(take_until(&items->rest, ",;"), &out->field, &out->value);
	struct span field = out->field, code = take_until(&field, "-");
	if (!field.size)
		return status;
	take_byte(&field);
	out->code = items->code = code.size ? code : items->code;
	out->field = field;
	return status;
}

/* --- a message --- */

static bool is_key(struct span key, const char *name)
{
	return span_equal(key, span_of_string(name));
}

static bool take_head_item(struct hj212_message *m, struct span key, struct span value)
{
	uint32_t flag;
	if (is_key(key, "QN")) {
		m->qn = value;
		m->qn_known = value.size == 17 && hj212_time_parse(value, &m->qn_ms) == STATUS_OK;
	} else if (is_key(key, "PW")) {
		m->pw = value;
	} else if (is_key(key, "MN")) {
		m->mn = value;
	} else if (is_key(key, "ST")) {
		return take_number(value, &m->st);
	} else if (is_key(key, "CN")) {
		return take_number(value, &m->cn);
	} else if (is_key(key, "PNUM")) {
		return take_number(value, &m->packets);
	} else if (is_key(key, "PNO")) {
		return take_number(value, &m->packet);
	} else if (is_key(key, "Flag")) {
		m->has_flag = take_number(value, &flag) && flag <= UINT8_MAX;
		m->flag = m->has_flag ? (uint8_t)flag : 0;
		return m->has_flag;
	} else {
		m->has_other = true;
	}
	return true;
}

/* CP=&&...&&, all that is left of a segment. */
static bool take_cp(struct span rest, struct span *cp)
{
	static const char open[] = "CP=&&";
	const size_t n = sizeof open - 1;
	if (rest.size < n + 2 || memcmp(rest.data, open, n) != 0 || memcmp(rest.data + rest.size - 2, "&&", 2) != 0)
		return false;
	*cp = span_of(rest.data + n, rest.size - n - 2);
	return true;
}

enum status hj212_decode(struct span raw, struct hj212_message *out)
{
	size_t size;
	*out = (struct hj212_message){0};
	if (raw.size < HJ212_HEAD + HJ212_CRC_SIZE || frame_size(raw.data, &size) || size != raw.size)
		return STATUS_BAD_LENGTH;
	out->segment = segment_of(raw);
	struct span rest = out->segment, key, value;
	while (rest.size && !take_cp(rest, &out->cp)) {
		if (split_item(take_until(&rest, ";"), &key, &value) || !take_head_item(out, key, value))
			return STATUS_MALFORMED;
		if (!rest.size)
			return STATUS_MALFORMED;
		take_byte(&rest);
	}
	return rest.size && out->cn ? STATUS_OK : STATUS_MALFORMED;
}

/* --- readings --- */

static bool two_digits(const uint8_t *p, uint8_t *out)
{
	uint32_t n;
	bool ok = take_number(span_of(p, 2), &n);
	*out = ok ? (uint8_t)n : 0;
	return ok;
}

enum status hj212_time_parse(struct span text, int64_t *out_ms)
{
	struct civil c = {0}, back;
	uint32_t year, milli = 0;
	const uint8_t *p = text.data;
	if ((text.size != 14 && text.size != 17) || !take_number(span_of(p, 4), &year) || year < 1970 ||
	    !two_digits(p + 4, &c.month) || !two_digits(p + 6, &c.day) || !two_digits(p + 8, &c.hour) ||
	    !two_digits(p + 10, &c.minute) || !two_digits(p + 12, &c.second) ||
	    (text.size == 17 && !take_number(span_of(p + 14, 3), &milli)))
		return STATUS_BAD_TIME;
	c.year = (int32_t)year;
	c.milli = (uint16_t)milli;
	if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31)
		return STATUS_BAD_TIME;
	int64_t ms = civil_to_ms(&c);
	civil_from_ms(ms, &back);
	if (back.day != c.day || back.hour != c.hour || back.minute != c.minute || back.second != c.second)
		return STATUS_BAD_TIME;
	*out_ms = ms - CHINA_OFFSET_MS;
	return STATUS_OK;
}

uint8_t hj212_quality(uint8_t flag)
{
	switch (flag) {
	case 0:
	case 'N':
		return VALUE_QUALITY_GOOD;
	case 'F':
		return VALUE_QUALITY_STOPPED;
	case 'M':
		return VALUE_QUALITY_MAINTENANCE;
	case 'S':
		return VALUE_QUALITY_MANUAL;
	case 'C':
		return VALUE_QUALITY_CALIBRATION;
	case 'T':
		return VALUE_QUALITY_OVER_RANGE;
	case 'B':
		return VALUE_QUALITY_LINK;
	default:
		return VALUE_QUALITY_FAULT;
	}
}

static void take_figure(struct hj212_reading *r, const struct hj212_item *item)
{
	static const char *const fields[] = {
#define X(name, field) field,
		HJ212_FIGURE_TABLE(X)
#undef X
	};
	for (unsigned i = 0; i < HJ212_FIGURE_COUNT; i++)
		if (is_key(item->field, fields[i]))
			r->has[i] = value_parse_number(item->value, &r->figures[i]) == STATUS_OK;
	if (is_key(item->field, "Flag") && item->value.size) {
		r->flag = item->value.data[0];
		r->quality = item->value.size == 1 ? hj212_quality(r->flag) : VALUE_QUALITY_FAULT;
	}
}

/* The first item of a quantity; times on the way are kept. */
static enum status first_item(struct hj212_readings *readings, struct hj212_item *item)
{
	enum status status;
	while ((status = hj212_items_next(&readings->items, item)) != STATUS_END) {
		if (is_key(item->field, "DataTime") && !item->code.size)
			readings->has_time = hj212_time_parse(item->value, &readings->time_ms) == STATUS_OK;
		if (status == STATUS_OK && item->code.size)
			return STATUS_OK;
	}
	return STATUS_END;
}

enum status hj212_readings_next(struct hj212_readings *readings, struct hj212_reading *out)
{
	struct hj212_item item;
	*out = (struct hj212_reading){0};
	if (first_item(readings, &item))
		return STATUS_END;
	unsigned group = item.group;
	struct hj212_items before;
	out->code = item.code;
	out->has_time = readings->has_time;
	out->time_ms = readings->has_time ? readings->time_ms : 0;
	enum status status = STATUS_OK;
	do {
		if (status == STATUS_OK)
			take_figure(out, &item);
		before = readings->items;
		status = hj212_items_next(&readings->items, &item);
	} while (status != STATUS_END && item.group == group && span_equal(item.code, out->code));
	readings->items = before;
	for (unsigned i = 0; i < HJ212_FIGURE_COUNT; i++) {
		out->figures[i].time_ms = out->time_ms;
		out->figures[i].quality = out->quality;
	}
	return STATUS_OK;
}

/* --- the way out --- */

enum status hj212_frame_encode(struct span segment, struct buf *out)
{
	char text[16];
	if (segment.size > HJ212_SEGMENT_MAX)
		return STATUS_TOO_LONG;
	size_t size = HJ212_HEAD + segment.size + HJ212_CRC_SIZE + 2;
	enum status status = buf_reserve(out, size);
	if (status)
		return status;
	uint8_t *p = out->data + out->size;
	snprintf(text, sizeof text, "##%04u", (unsigned)segment.size);
	memcpy(p, text, HJ212_HEAD);
	if (segment.size)
		memcpy(p + HJ212_HEAD, segment.data, segment.size);
	snprintf(text, sizeof text, "%04X\r\n", hj212_crc(segment));
	memcpy(p + HJ212_HEAD + segment.size, text, HJ212_CRC_SIZE + 2);
	out->size += size;
	return STATUS_OK;
}

enum status hj212_answer_encode(const struct hj212_message *asked, enum hj212_answer cn, unsigned result,
				struct buf *out)
{
	char text[HJ212_SEGMENT_MAX + 1], cp[32] = "";
	if (cn == HJ212_REQUEST_ANSWER || cn == HJ212_RESULT)
		snprintf(cp, sizeof cp, "%s=%u", cn == HJ212_RESULT ? "ExeRtn" : "QnRtn", result);
	int n = snprintf(text, sizeof text, "QN=%.*s;ST=%u;CN=%u;PW=%.*s;MN=%.*s;Flag=%u;CP=&&%s&&",
			 (int)asked->qn.size, (const char *)asked->qn.data, HJ212_ST_SYSTEM, (unsigned)cn,
			 (int)asked->pw.size, (const char *)asked->pw.data, (int)asked->mn.size,
			 (const char *)asked->mn.data, asked->flag & ~3u, cp);
	if (n < 0 || (size_t)n >= sizeof text)
		return STATUS_TOO_LONG;
	return hj212_frame_encode(span_of(text, (size_t)n), out);
}
