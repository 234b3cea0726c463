#include "bench/sim/wire.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"

void wire_must(enum status status)
{
	if (status) {
		fprintf(stderr, "simulator: %s\n", status_text(status));
		abort();
	}
}

static void put_item(struct buf *out, uint8_t id, const void *value, size_t size)
{
	wire_must(jt808_item_encode(id, span_of(value, size), out));
}

void wire_put_basics(struct buf *out, uint32_t mileage_hm, uint16_t recorder_dkmh, uint8_t signal, uint8_t satellites)
{
	uint8_t value[4];
	store_be32(value, mileage_hm);
	put_item(out, 0x01, value, 4);
	store_be16(value, recorder_dkmh);
	put_item(out, 0x03, value, 2);
	put_item(out, 0x30, &signal, 1);
	put_item(out, 0x31, &satellites, 1);
}

void wire_put_card(struct buf *out, enum jt808_edition edition, int64_t time_ms, const char *number)
{
	struct jt808_driver d = {.edition = edition, .has_time = edition != JT808_2011, .time_ms = time_ms};
	d.status = number[0] ? 1 : 2;
	snprintf(d.name, sizeof d.name, "演示%.4s", number + (strlen(number) > 4 ? strlen(number) - 4 : 0));
	snprintf(d.licence, sizeof d.licence, "%s", number);
	snprintf(d.authority, sizeof d.authority, "演示数据");
	snprintf(d.id_card, sizeof d.id_card, "%s", number);
	snprintf(d.expiry, sizeof d.expiry, "20301231");
	wire_must(jt808_driver_encode(&d, out));
}

void wire_begin_batch(struct buf *out, uint32_t count)
{
	wire_must(buf_append_be16(out, (uint16_t)count));
	wire_must(buf_append_u8(out, 1));
}

void wire_put_batched(struct buf *out, struct span body)
{
	wire_must(buf_append_be16(out, (uint16_t)body.size));
	wire_must(buf_append(out, body.data, body.size));
}

/* --- items of T/JSATL 12-2017 --- */

static void put_u32(struct buf *b, uint32_t v)
{
	wire_must(buf_append_be32(b, v));
}

static void put_zeros(struct buf *b, unsigned count)
{
	while (count--)
		wire_must(buf_append_u8(b, 0));
}

/* Speed, altitude, place, time, vehicle status, and the 16-byte identifier. */
static void put_common(struct buf *b, const struct scene_report *r)
{
	uint8_t bcd[6];
	wire_must(bcd_time_encode(r->time_ms, bcd));
	wire_must(buf_append_u8(b, (uint8_t)(r->speed_dkmh / 10)));
	wire_must(buf_append_be16(b, 20));
	put_u32(b, (uint32_t)r->lat_e6);
	put_u32(b, (uint32_t)r->lon_e6);
	wire_must(buf_append(b, bcd, sizeof bcd));
	wire_must(buf_append_be16(b, 1u << 0 | 1u << 10)); /* ACC, located */
	wire_must(buf_append(b, "ZYSIM01", 7));
	wire_must(buf_append(b, bcd, sizeof bcd));
	put_zeros(b, 3);
}

/* One tyre, the left front: `type` is the low byte of its bits. */
static void put_tyre(struct buf *b, uint8_t type)
{
	wire_must(buf_append_u8(b, 1));
	wire_must(buf_append_u8(b, 0));
	wire_must(buf_append_be16(b, type));
	wire_must(buf_append_be16(b, 300)); /* kPa */
	wire_must(buf_append_be16(b, 60));  /* degrees */
	wire_must(buf_append_be16(b, 90));  /* % of its battery */
}

static void put_alarm_item(struct buf *out, const struct scene_report *r)
{
	uint8_t item = (uint8_t)(r->item >> 16), type = (uint8_t)(r->item >> 8), level = (uint8_t)r->item;
	struct buf b = buf_init(256);
	put_u32(&b, 1);
	put_zeros(&b, 1); /* neither beginning nor end: an event */
	if (item != 0x66)
		wire_must(buf_append_u8(&b, type));
	if (item == 0x64 || item == 0x65)
		wire_must(buf_append_u8(&b, level));
	if (item == 0x64 || item == 0x65)
		put_zeros(&b, 5);
	put_common(&b, r);
	if (item == 0x66)
		put_tyre(&b, type);
	wire_must(jt808_item_encode(item, buf_view(&b), out));
	buf_deinit(&b);
}

void wire_put_report(struct buf *out, const struct scene_report *r)
{
	struct jt808_location l = {
		.alarm = r->alarm,
		.status = r->status,
		.lat_e6 = r->lat_e6,
		.lon_e6 = r->lon_e6,
		.altitude_m = 20,
		.speed_dkmh = r->speed_dkmh,
		.course_deg = r->course_deg,
		.time_ms = r->time_ms,
	};
	wire_must(jt808_location_encode(&l, out));
	wire_put_basics(out, r->mileage_hm, r->recorder_dkmh, r->signal, r->satellites);
	put_item(out, 0xE1, r->e1, sizeof r->e1);
	if (r->item)
		put_alarm_item(out, r);
}
