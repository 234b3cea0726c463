#include "engine/series/report.h"

#include <assert.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/limits.h"

#define ITEM_MILEAGE 0x01
#define LAT_E6_MAX 90000000u
#define LON_E6_MAX 180000000u

/* 2000-01-01 00:00:00 and 2099-12-31 23:59:59, UTC+8: what two BCD digits of a year can say */
#define BCD_FIRST_MS INT64_C(946656000000)
#define BCD_LAST_MS INT64_C(4102415999000)

/* A ROW image up to here is hashed from a small buffer; longer ones are rare. */
#define ROW_IMAGE_SMALL 256
/* images of rows made before the first of them is hashed: what a core has on its way to the cache is a few dozen words
 */
#define ROWS_AT_ONCE 32

void report_merge(struct report *into, const struct report *duplicate)
{
	uint16_t arrival = into->flags & duplicate->flags & REPORT_FLAGS_ARRIVAL;
	uint16_t body = (into->flags | duplicate->flags) & (uint16_t)~REPORT_FLAGS_ARRIVAL;
	into->flags = arrival | body;
	if (into->received_ms == RECEIVED_UNKNOWN ||
	    (duplicate->received_ms != RECEIVED_UNKNOWN && duplicate->received_ms < into->received_ms))
		into->received_ms = duplicate->received_ms;
}

enum status report_item_next(struct cursor *c, struct report_item *out)
{
	size_t left = cursor_left(c);
	if (c->failed || left == 0)
		return STATUS_END;
	out->id = c->at[0];
	if (left < 2 || left - 2 < c->at[1]) {
		out->value = cursor_take(c, left);
		return STATUS_BAD_LENGTH;
	}
	struct span head = cursor_take(c, 2);
	out->value = cursor_take(c, head.data[1]);
	return STATUS_OK;
}

uint32_t report_items_mileage(struct span items)
{
	if (items.size >= 6 && items.data[0] == ITEM_MILEAGE && items.data[1] == 4)
		return load_be32(items.data + 2); /* where nearly every terminal has it */
	struct cursor c = cursor_of(items);
	struct report_item item;
	while (report_item_next(&c, &item) == STATUS_OK)
		if (item.id == ITEM_MILEAGE && item.value.size == 4)
			return load_be32(item.value.data);
	return MILEAGE_UNKNOWN;
}

static int32_t e7_of(uint32_t e6, bool negative)
{
	int32_t e7 = (int32_t)(e6 * 10);
	return negative ? -e7 : e7;
}

enum status report_from_jt808(struct span body, struct report *out)
{
	if (body.size < REPORT_FIXED_JT808 || body.size > REPORT_BODY_MAX)
		return STATUS_BAD_LENGTH;
	const uint8_t *p = body.data;
	struct span items = span_of(p + REPORT_FIXED_JT808, body.size - REPORT_FIXED_JT808);
	uint32_t lat_e6 = load_be32(p + 8), lon_e6 = load_be32(p + 12), word = load_be32(p + 4);
	int64_t time_ms;
	enum status status = bcd_time_decode(p + 22, &time_ms);
	if (status)
		return status;
	if (lat_e6 > LAT_E6_MAX || lon_e6 > LON_E6_MAX)
		return STATUS_OUT_OF_RANGE;
	/* field by field to where they stay: a copy would wait for its own parts */
	out->time_ms = time_ms;
	out->received_ms = RECEIVED_UNKNOWN;
	out->hash = hash64(body);
	out->lat_e7 = e7_of(lat_e6, word & STATUS_BIT_SOUTH);
	out->lon_e7 = e7_of(lon_e6, word & STATUS_BIT_WEST);
	out->alarm = load_be32(p);
	out->status = word;
	out->mileage_hm = report_items_mileage(items);
	out->speed_dkmh = load_be16(p + 18);
	out->course_deg = load_be16(p + 20);
	out->altitude_m = (int16_t)load_be16(p + 16);
	out->flags = report_flags_of_status(word);
	out->body = REPORT_BODY_JT808;
	out->items_size = (uint16_t)items.size;
	out->items = items.data;
	return STATUS_OK;
}

static void fixed_row(const struct report *r, uint8_t out[REPORT_FIXED_ROW])
{
	store_le64(out, (uint64_t)r->time_ms);
	store_le32(out + 8, (uint32_t)r->lat_e7);
	store_le32(out + 12, (uint32_t)r->lon_e7);
	store_le32(out + 16, r->alarm);
	store_le32(out + 20, r->status);
	store_le32(out + 24, r->mileage_hm);
	store_le16(out + 28, r->speed_dkmh);
	store_le16(out + 30, r->course_deg);
	store_le16(out + 32, (uint16_t)r->altitude_m);
}

enum status report_from_row(struct span body, struct report *out)
{
	if (body.size < REPORT_FIXED_ROW || body.size > REPORT_BODY_MAX)
		return STATUS_BAD_LENGTH;
	const uint8_t *p = body.data;
	size_t items = body.size - REPORT_FIXED_ROW;
	*out = (struct report){.time_ms = (int64_t)load_le64(p),
			       .received_ms = RECEIVED_UNKNOWN,
			       .hash = hash64(body),
			       .lat_e7 = (int32_t)load_le32(p + 8),
			       .lon_e7 = (int32_t)load_le32(p + 12),
			       .alarm = load_le32(p + 16),
			       .status = load_le32(p + 20),
			       .mileage_hm = load_le32(p + 24),
			       .speed_dkmh = load_le16(p + 28),
			       .course_deg = load_le16(p + 30),
			       .altitude_m = (int16_t)load_le16(p + 32),
			       .flags = report_flags_of_status(load_le32(p + 20)),
			       .body = REPORT_BODY_ROW,
			       .items_size = (uint16_t)items,
			       .items = items ? p + REPORT_FIXED_ROW : NULL};
	return report_is_whole(out) ? STATUS_OK : STATUS_OUT_OF_RANGE;
}

size_t report_fixed_size(uint16_t body)
{
	return body == REPORT_BODY_ROW ? REPORT_FIXED_ROW : REPORT_FIXED_JT808;
}

/* On the 1e-6 grid, and the hemisphere bit says what the sign says; a zero may carry either bit. */
static bool axis_matches(int32_t e7, bool negative)
{
	return e7 % 10 == 0 && (e7 == 0 || (e7 < 0) == negative);
}

bool report_is_whole(const struct report *r)
{
	if (r->items_size > REPORT_BODY_MAX - report_fixed_size(r->body) || r->lat_e7 < -LAT_E7_MAX ||
	    r->lat_e7 > LAT_E7_MAX || r->lon_e7 < -LON_E7_MAX || r->lon_e7 > LON_E7_MAX)
		return false;
	if (r->body != REPORT_BODY_JT808)
		return r->body == REPORT_BODY_ROW;
	return axis_matches(r->lat_e7, r->status & STATUS_BIT_SOUTH) &&
	       axis_matches(r->lon_e7, r->status & STATUS_BIT_WEST) && r->time_ms % MS_PER_SECOND == 0 &&
	       r->time_ms >= BCD_FIRST_MS && r->time_ms <= BCD_LAST_MS;
}

static void fixed_jt808(const struct report *r, uint8_t out[REPORT_FIXED_JT808])
{
	store_be32(out, r->alarm);
	store_be32(out + 4, r->status);
	store_be32(out + 8, (uint32_t)(r->lat_e7 < 0 ? -r->lat_e7 : r->lat_e7) / 10);
	store_be32(out + 12, (uint32_t)(r->lon_e7 < 0 ? -r->lon_e7 : r->lon_e7) / 10);
	store_be16(out + 16, (uint16_t)r->altitude_m);
	store_be16(out + 18, r->speed_dkmh);
	store_be16(out + 20, r->course_deg);
	enum status status = bcd_time_encode(r->time_ms, out + 22);
	assert(!status);
	(void)status;
}

static size_t fixed_part(const struct report *r, uint8_t out[REPORT_FIXED_ROW])
{
	if (r->body == REPORT_BODY_ROW)
		fixed_row(r, out);
	else
		fixed_jt808(r, out);
	return report_fixed_size(r->body);
}

enum status report_body(const struct report *r, struct buf *out)
{
	uint8_t fixed[REPORT_FIXED_ROW];
	if (!report_is_whole(r))
		return STATUS_INVALID;
	size_t size = fixed_part(r, fixed);
	enum status status = buf_reserve(out, size + r->items_size);
	if (status)
		return status;
	memcpy(out->data + out->size, fixed, size);
	if (r->items_size)
		memcpy(out->data + out->size + size, r->items, r->items_size);
	out->size += size + r->items_size;
	return STATUS_OK;
}

static __attribute__((noinline)) uint64_t hash_long(const uint8_t *fixed, size_t size, const struct report *r)
{
	uint8_t image[REPORT_FIXED_ROW + UINT16_MAX];
	memcpy(image, fixed, size);
	memcpy(image + size, r->items, r->items_size);
	return hash64(span_of(image, size + r->items_size));
}

static uint64_t hash_image(const uint8_t *fixed, size_t size, const struct report *r)
{
	uint8_t image[ROW_IMAGE_SMALL];
	if (r->items_size == 0)
		return hash64(span_of(fixed, size));
	if (size + r->items_size > sizeof image)
		return hash_long(fixed, size, r);
	memcpy(image, fixed, size);
	memcpy(image + size, r->items, r->items_size);
	return hash64(span_of(image, size + r->items_size));
}

enum status report_rehash(struct report *r)
{
	uint8_t fixed[REPORT_FIXED_ROW];
	if (!report_is_whole(r))
		return STATUS_INVALID;
	size_t size = fixed_part(r, fixed);
	r->hash = hash_image(fixed, size, r);
	return STATUS_OK;
}

void report_row_seal(struct report *r)
{
	uint8_t fixed[REPORT_FIXED_ROW];
	fixed_row(r, fixed);
	r->body = REPORT_BODY_ROW;
	r->hash = hash_image(fixed, sizeof fixed, r);
}

void report_rows_seal(struct report *reports, size_t count)
{
	uint8_t images[ROWS_AT_ONCE][REPORT_FIXED_ROW];
	for (size_t at = 0, n; at < count; at += n) {
		n = count - at < ROWS_AT_ONCE ? count - at : ROWS_AT_ONCE;
		for (size_t i = 0; i < n; i++)
			fixed_row(&reports[at + i], images[i]);
		for (size_t i = 0; i < n; i++) {
			assert(!reports[at + i].items_size);
			reports[at + i].body = REPORT_BODY_ROW;
			reports[at + i].hash = hash64(span_of(images[i], REPORT_FIXED_ROW));
		}
	}
}
