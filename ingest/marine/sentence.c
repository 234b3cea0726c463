#include "ingest/marine/sentence.h"

#define HEADER "UdPbC"
#define HEADER_SIZE 6 /* with its NUL */
/* tag times above are ms: 1e11 s is the year 5138 */
#define SECONDS_MAX INT64_C(100000000000)
/* times before are no tag times: 2000-01-01 */
#define SECONDS_MIN INT64_C(946684800)
#define STATION_MAX 32

enum status sentence_line_next(struct span *bytes, struct span *out)
{
	if (bytes->size >= HEADER_SIZE && memcmp(bytes->data, HEADER, HEADER_SIZE) == 0)
		*bytes = span_of(bytes->data + HEADER_SIZE, bytes->size - HEADER_SIZE);
	const uint8_t *end = bytes->size ? memchr(bytes->data, '\n', bytes->size) : NULL;
	if (!end)
		return STATUS_NEED_MORE;
	size_t size = (size_t)(end - bytes->data);
	*out = span_of(bytes->data, size);
	*bytes = span_of(end + 1, bytes->size - size - 1);
	while (out->size && (out->data[out->size - 1] == '\r' || out->data[out->size - 1] == ' '))
		out->size--;
	return out->size > SENTENCE_LINE_MAX ? STATUS_TOO_LONG : STATUS_OK;
}

uint8_t sentence_sum(struct span bytes)
{
	uint64_t wide = 0;
	uint8_t sum = 0;
	while (bytes.size >= 8) {
		wide ^= load_le64(bytes.data);
		bytes = span_of(bytes.data + 8, bytes.size - 8);
	}
	for (size_t i = 0; i < bytes.size; i++)
		sum ^= bytes.data[i];
	wide ^= wide >> 32;
	wide ^= wide >> 16;
	return (uint8_t)(sum ^ wide ^ wide >> 8);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The sum two digits say, -1 when they are none. */
static int sum_said(const uint8_t *at)
{
	int high = hex_digit(at[0]), low = hex_digit(at[1]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool digits_only(struct span s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
	return s.size != 0;
}

/* --- tag blocks --- */

static void take_time(struct sentence *s, struct span value, enum sentence_time by)
{
	int64_t v = 0;
	if (!digits_only(value) || value.size > 15)
		return;
	for (size_t i = 0; i < value.size; i++)
		v = v * 10 + (value.data[i] - '0');
	int64_t ms = v >= SECONDS_MAX ? v : v * 1000;
	if (ms < SECONDS_MIN * 1000 || ms >= SECONDS_MAX * 1000)
		return;
	s->time_ms = ms;
	s->time_by = (uint8_t)by;
}

/* "part-total-id" */
static void take_group(struct sentence *s, struct span value)
{
	uint32_t parts[3] = {0};
	unsigned n = 0;
	for (size_t i = 0; i < value.size; i++) {
		uint8_t c = value.data[i];
		if (c == '-' && n < 2)
			n++;
		else if (c < '0' || c > '9' || parts[n] > 99999999)
			return;
		else
			parts[n] = parts[n] * 10 + (uint32_t)(c - '0');
	}
	if (n != 2 || parts[0] == 0 || parts[0] > parts[1] || parts[1] > 999)
		return;
	s->group_part = (uint16_t)parts[0];
	s->group_total = (uint16_t)parts[1];
	s->group_id = parts[2];
}

/* IEC 61162-450 writes the group as the key itself: "1G2:id". */
static void take_group_key(struct sentence *s, struct span key, struct span value)
{
	char text[40];
	const uint8_t *g = memchr(key.data, 'G', key.size);
	if (!g || key.size + value.size + 1 > sizeof text)
		return;
	memcpy(text, key.data, key.size);
	text[g - key.data] = '-';
	text[key.size] = '-';
	memcpy(text + key.size + 1, value.data, value.size);
	take_group(s, span_of(text, key.size + 1 + value.size));
}

static void take_pair(struct sentence *s, struct span pair)
{
	const uint8_t *colon = pair.size ? memchr(pair.data, ':', pair.size) : NULL;
	if (!colon)
		return;
	struct span key = span_of(pair.data, (size_t)(colon - pair.data));
	struct span value = span_of(colon + 1, pair.size - key.size - 1);
	if (key.size != 1) {
		if (key.size >= 3)
			take_group_key(s, key, value);
		return;
	}
	if (key.data[0] == 'c')
		take_time(s, value, SENTENCE_TIME_BY_TAG);
	else if (key.data[0] == 's' && value.size <= STATION_MAX)
		s->station = value;
	else if (key.data[0] == 'g')
		take_group(s, value);
}

/* One block without its backslashes; false when its sum is wrong or missing. */
static bool take_block(struct sentence *s, struct span block)
{
	if (block.size < 3 || block.data[block.size - 3] != '*')
		return false;
	struct span body = span_of(block.data, block.size - 3);
	if (sum_said(block.data + body.size + 1) != sentence_sum(body))
		return false;
	while (body.size) {
		const uint8_t *comma = memchr(body.data, ',', body.size);
		size_t size = comma ? (size_t)(comma - body.data) : body.size;
		take_pair(s, span_of(body.data, size));
		size += comma != NULL;
		body = span_of(body.data + size, body.size - size);
	}
	return true;
}

/* What stands before the sentence: blocks between backslashes, doubled ones and unclosed ones among them. */
static void take_blocks(struct sentence *s, struct span before)
{
	bool any = false;
	while (before.size) {
		const uint8_t *end = memchr(before.data, '\\', before.size);
		size_t size = end ? (size_t)(end - before.data) : before.size;
		if (size) {
			any |= end && take_block(s, span_of(before.data, size));
			s->tag_refused = true;
		}
		size += end != NULL;
		before = span_of(before.data + size, before.size - size);
	}
	s->tag_refused &= !any;
}

/* --- the sentence --- */

static bool begins_sentence(const uint8_t *at, const uint8_t *end)
{
	return (*at == '!' || *at == '$') && end - at > 6 && at[1] >= 'A' && at[1] <= 'Z';
}

/* Behind the tag blocks, or the first that looks like one. NULL: none. */
static const uint8_t *find_start(struct span line)
{
	const uint8_t *end = line.data + line.size;
	if (begins_sentence(line.data, end))
		return line.data;
	for (const uint8_t *at = line.data; line.data[0] == '\\' && end - at > 6; at++)
		if (at[0] == '\\' && begins_sentence(at + 1, end))
			return at + 1;
	for (const uint8_t *at = line.data; end - at > 6; at++)
		if (begins_sentence(at, end))
			return at;
	return NULL;
}

/* "...*hh,r003669946,1325394060": the station that heard it and when. */
static void take_tail(struct sentence *s, struct span tail)
{
	while (tail.size && tail.data[0] == ',') {
		tail = span_of(tail.data + 1, tail.size - 1);
		const uint8_t *comma = memchr(tail.data, ',', tail.size);
		struct span piece = span_of(tail.data, comma ? (size_t)(comma - tail.data) : tail.size);
		if (s->time_by == SENTENCE_TIME_BY_NOBODY && (piece.size == 10 || piece.size == 13))
			take_time(s, piece, SENTENCE_TIME_BY_TAIL);
		if (s->station.size == 0 && piece.size > 1 && piece.size <= STATION_MAX &&
		    (piece.data[0] == 'r' || piece.data[0] == 'b'))
			s->station = piece;
		tail = span_of(tail.data + piece.size, tail.size - piece.size);
	}
}

/* Address and fields up to the star, summed on the way. */
static enum status take_fields(struct sentence *s, struct span rest, const uint8_t **out_star)
{
	const uint8_t *at = rest.data, *end = rest.data + rest.size, *from = at;
	unsigned count = 0;
	for (; at < end && *at != '*'; at++) {
		if (*at != ',')
			continue;
		if (count > SENTENCE_FIELDS_MAX)
			return STATUS_TOO_LONG;
		if (count == 0)
			s->address = span_of(from, (size_t)(at - from));
		else
			s->fields[count - 1] = span_of(from, (size_t)(at - from));
		count++;
		from = at + 1;
	}
	if (end - at < 3 || count == 0)
		return STATUS_MALFORMED;
	if (count > SENTENCE_FIELDS_MAX)
		return STATUS_TOO_LONG;
	s->fields[count - 1] = span_of(from, (size_t)(at - from));
	s->count = (uint8_t)count;
	*out_star = at;
	return STATUS_OK;
}

static bool address_is_one(struct span address)
{
	for (size_t i = 0; i < address.size; i++) {
		uint8_t c = address.data[i];
		if ((c < 'A' || c > 'Z') && (c < '0' || c > '9'))
			return false;
	}
	return address.size >= 3 && address.size <= 10;
}

enum status sentence_parse(struct span line, struct sentence *out)
{
	if (line.size > SENTENCE_LINE_MAX)
		return STATUS_TOO_LONG;
	if (line.size == 0 || (line.size == 1 && line.data[0] == ' '))
		return STATUS_EMPTY;
	const uint8_t *start = find_start(line), *end = line.data + line.size, *star;
	if (!start)
		return STATUS_MALFORMED;
	out->start = *start;
	out->tag_refused = false;
	out->time_by = SENTENCE_TIME_BY_NOBODY;
	out->time_ms = SENTENCE_TIME_NONE;
	out->station = span_of("", 0);
	out->group_id = 0;
	out->group_part = out->group_total = 0;
	enum status status = take_fields(out, span_of(start + 1, (size_t)(end - start - 1)), &star);
	if (status)
		return status;
	int said = sum_said(star + 1);
	if (!address_is_one(out->address) || said < 0)
		return STATUS_MALFORMED;
	if (said != sentence_sum(span_of(start + 1, (size_t)(star - start - 1))))
		return STATUS_BAD_CHECKSUM;
	size_t letters = out->address.size < 3 ? out->address.size : 3;
	out->text = span_of(start, (size_t)(star + 3 - start));
	out->formatter = span_of(out->address.data + out->address.size - letters, letters);
	if (start != line.data && line.data[0] == '\\')
		take_blocks(out, span_of(line.data, (size_t)(start - line.data)));
	if (star + 3 < end)
		take_tail(out, span_of(star + 3, (size_t)(end - star - 3)));
	return STATUS_OK;
}

enum status sentence_write(char start, struct span body, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	enum status status = buf_reserve(out, body.size + 6);
	if (status)
		return status;
	uint8_t sum = sentence_sum(body), *at = out->data + out->size;
	*at++ = (uint8_t)start;
	memcpy(at, body.data, body.size);
	at += body.size;
	*at++ = '*';
	*at++ = (uint8_t)digits[sum >> 4];
	*at++ = (uint8_t)digits[sum & 15];
	*at++ = '\r';
	*at++ = '\n';
	out->size = (size_t)(at - out->data);
	return STATUS_OK;
}

/* --- numbers --- */

enum status sentence_digits(struct span field, uint32_t *out)
{
	uint32_t v = 0;
	if (field.size == 0)
		return STATUS_EMPTY;
	if (field.size > 9 || !digits_only(field))
		return STATUS_MALFORMED;
	for (size_t i = 0; i < field.size; i++)
		v = v * 10 + (uint32_t)(field.data[i] - '0');
	*out = v;
	return STATUS_OK;
}

enum status sentence_decimal(struct span field, unsigned decimals, int64_t *out)
{
	int64_t v = 0;
	bool negative = false, point = false, any = false;
	unsigned behind = 0;
	int rounding = 0;
	size_t i = 0;
	if (field.size == 0)
		return STATUS_EMPTY;
	if (field.data[0] == '-' || field.data[0] == '+')
		negative = field.data[i++] == '-';
	for (; i < field.size; i++) {
		uint8_t c = field.data[i];
		if (c == '.' && !point) {
			point = true;
			continue;
		}
		if (c < '0' || c > '9')
			return STATUS_MALFORMED;
		any = true;
		if (point && behind == decimals) {
			rounding = rounding == 0 ? (c >= '5' ? 1 : -1) : rounding;
			continue;
		}
		if (v > INT64_C(900719925474099))
			return STATUS_OUT_OF_RANGE;
		v = v * 10 + (c - '0');
		behind += point;
	}
	if (!any)
		return STATUS_MALFORMED;
	for (; behind < decimals; behind++) {
		if (v > INT64_C(900719925474099))
			return STATUS_OUT_OF_RANGE;
		v *= 10;
	}
	v += rounding == 1;
	*out = negative ? -v : v;
	return STATUS_OK;
}
