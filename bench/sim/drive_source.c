#include "bench/sim/drive_source.h"

#include <stdio.h>

#include "bench/sim/wire.h"

void drive_source_init(struct drive_source *s, uint32_t index, uint64_t seed, int64_t begin_ms, int64_t end_ms,
		       int32_t interval_s)
{
	*s = (struct drive_source){.index = index, .interval_s = interval_s, .end_ms = end_ms};
	drive_init(&s->drive, seed + index);
	s->next_ms = begin_ms + (int64_t)(index % (uint32_t)interval_s) * 1000;
}

void drive_source_identity(const struct drive_source *s, struct terminal_identity *out)
{
	*out = (struct terminal_identity){.edition = (enum jt808_edition)(s->index % 3), .number = s->index};
	snprintf(out->phone, sizeof out->phone, "139%08u", (5950000 + s->index) % 100000000);
	snprintf(out->plate, sizeof out->plate, "闽CY%04u", s->index % 10000);
}

/* One 0x0200 body at `next_ms`; advances it. */
static void make_body(struct drive_source *s, struct buf *out)
{
	struct drive_fix fix;
	drive_step(&s->drive, s->interval_s, &fix);
	struct jt808_location l = {
		.alarm = fix.speed_dkmh > 800 ? 2 : 0,
		.status = WIRE_FIX | (fix.moving ? WIRE_ACC : 0) | (fix.loaded ? 3u << WIRE_LOAD_SHIFT : 0) |
			  WIRE_GPS_AND_BEIDOU,
		.lat_e6 = fix.lat_e6,
		.lon_e6 = fix.lon_e6,
		.altitude_m = fix.altitude_m,
		.speed_dkmh = fix.speed_dkmh,
		.course_deg = fix.course_deg,
		.time_ms = s->next_ms,
	};
	wire_must(jt808_location_encode(&l, out));
	wire_put_basics(out, fix.mileage_hm, fix.speed_dkmh, (uint8_t)(20 + drive_random(&s->drive.random) % 8),
			(uint8_t)(9 + drive_random(&s->drive.random) % 6));
	s->next_ms += (int64_t)s->interval_s * 1000;
}

static void fill_single(struct drive_source *s, struct terminal_message *m)
{
	int64_t time_ms = s->next_ms;
	make_body(s, &m->body);
	m->id = 0x0200;
	terminal_message_note(m, time_ms, buf_view(&m->body));
}

static void fill_batch(struct drive_source *s, struct terminal_message *m, uint32_t count)
{
	struct buf one = buf_init(1024);
	m->id = 0x0704;
	wire_begin_batch(&m->body, count);
	for (uint32_t i = 0; i < count; i++) {
		int64_t time_ms = s->next_ms;
		buf_clear(&one);
		make_body(s, &one);
		wire_put_batched(&m->body, buf_view(&one));
		terminal_message_note(m, time_ms, buf_view(&one));
	}
	buf_deinit(&one);
}

static void fill_card(struct drive_source *s, enum jt808_edition edition, struct terminal_message *m)
{
	char card[24];
	snprintf(card, sizeof card, "35052100%010u", s->index);
	m->id = 0x0702;
	wire_put_card(&m->body, edition, s->next_ms, card);
	s->card_sent = true;
}

bool drive_source_next(void *context, enum jt808_edition edition, int64_t now_ms, struct terminal_message *out)
{
	struct drive_source *s = context;
	int64_t limit_ms = now_ms < s->end_ms - 1 ? now_ms : s->end_ms - 1;
	if (s->next_ms > limit_ms)
		return false;
	if (!s->card_sent) {
		fill_card(s, edition, out);
		return true;
	}
	int64_t behind = (limit_ms - s->next_ms) / 1000 / s->interval_s;
	uint32_t batch = drive_random(&s->drive.random) % 10
				 ? 1
				 : 2 + (uint32_t)(drive_random(&s->drive.random) % (TERMINAL_BATCH_MAX - 1));
	if (batch > 1 && behind > batch)
		fill_batch(s, out, batch);
	else
		fill_single(s, out);
	return true;
}
