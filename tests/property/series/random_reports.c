#include "random_reports.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"

uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint32_t random_below(struct random *r, uint32_t below)
{
	return below ? (uint32_t)((random_next(r) >> 32) * below >> 32) : 0;
}

static bool one_in(struct random *r, uint32_t n)
{
	return random_below(r, n) == 0;
}

static int64_t between(struct random *r, int64_t low, int64_t high)
{
	return low + (int64_t)(random_next(r) % (uint64_t)(high - low + 1));
}

uint64_t random_seed(const char *test)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)clock_now_ms();
	fprintf(stderr, "%s: ZAYTON_SEED=%llu\n", test, (unsigned long long)seed);
	return seed;
}

/* --- items --- */

static size_t put_item(struct random *r, uint8_t id, uint8_t length, uint8_t *out)
{
	out[0] = id;
	out[1] = length;
	for (unsigned i = 0; i < length; i++)
		out[2 + i] = one_in(r, 3) ? (uint8_t)random_next(r) : 0;
	return 2u + length;
}

static size_t usual_items(struct random *r, uint32_t mileage, uint8_t *out)
{
	size_t size = put_item(r, 0x01, 4, out);
	store_be32(out + 2, mileage);
	size += put_item(r, 0x03, 2, out + size);
	size += put_item(r, 0x25, 4, out + size);
	if (one_in(r, 8))
		size += put_item(r, 0x64, 47, out + size);
	size += put_item(r, 0x30, 1, out + size);
	size += put_item(r, 0x31, 1, out + size);
	return size;
}

static size_t wild_items(struct random *r, uint8_t *out)
{
	static const uint8_t ids[] = {0x01, 0x01, 0x02, 0x03, 0x30, 0xeb, 0x00, 0xff};
	static const uint8_t lengths[] = {0, 1, 2, 3, 4, 4, 5, 7, 8, 9, 60};
	size_t size = 0;
	for (uint32_t n = random_below(r, 12); n; n--)
		size += put_item(r, ids[random_below(r, sizeof ids)], lengths[random_below(r, sizeof lengths)],
				 out + size);
	if (one_in(r, 3) && size) /* cut in the middle of an item, or garbage behind */
		size -= random_below(r, (uint32_t)size);
	return size;
}

static size_t any_items(struct random *r, uint8_t *out)
{
	switch (random_below(r, 5)) {
	case 0:
		return 0;
	case 1:
		return wild_items(r, out);
	case 2: { /* anything at all */
		size_t size = random_below(r, 300);
		for (size_t i = 0; i < size; i++)
			out[i] = (uint8_t)random_next(r);
		return size;
	}
	case 3: { /* more items than a layout takes */
		size_t size = 0;
		for (int i = 0; i < 70; i++)
			size += put_item(r, (uint8_t)i, 1, out + size);
		return size;
	}
	default:
		return usual_items(r, (uint32_t)random_next(r), out);
	}
}

/* --- bodies --- */

static void push_jt808(struct random *r, const struct report *from, const uint8_t *items, size_t items_size,
		       struct report_list *out)
{
	uint8_t body[28 + 4096];
	struct report report;
	store_be32(body, from->alarm);
	store_be32(body + 4, from->status);
	store_be32(body + 8, (uint32_t)abs(from->lat_e7) / 10);
	store_be32(body + 12, (uint32_t)abs(from->lon_e7) / 10);
	store_be16(body + 16, (uint16_t)from->altitude_m);
	store_be16(body + 18, from->speed_dkmh);
	store_be16(body + 20, from->course_deg);
	if (bcd_time_encode(from->time_ms, body + 22))
		abort();
	memcpy(body + 28, items, items_size);
	if (report_from_jt808(span_of(body, 28 + items_size), &report))
		abort();
	report.received_ms = from->received_ms;
	report.flags |= one_in(r, 50) ? REPORT_FLAG_FROM_BATCH : from->flags & REPORT_FLAGS_ARRIVAL;
	if (report_list_push(out, &report))
		abort();
}

static void push_row(const struct report *from, const uint8_t *items, size_t items_size, struct report_list *out)
{
	struct report report = *from;
	report.body = REPORT_BODY_ROW;
	report.items = items;
	report.items_size = (uint16_t)items_size;
	report_row_seal(&report);
	if (report_list_push(out, &report))
		abort();
}

/* --- natures --- */

static struct report start_report(struct random *r)
{
	return (struct report){.time_ms = between(r, INT64_C(1000000000), INT64_C(4000000000)) * 1000,
			       .received_ms = RECEIVED_UNKNOWN,
			       .lat_e7 = (int32_t)between(r, 20000000, 50000000) * 10,
			       .lon_e7 = (int32_t)between(r, 100000000, 120000000) * 10,
			       .status = STATUS_BIT_FIX | STATUS_BIT_ACC,
			       .mileage_hm = random_below(r, 1000000),
			       .speed_dkmh = 400,
			       .altitude_m = 30};
}

/* Moves by its mean speed along its course, a few metres off, and counts the way. */
static void advance(struct random *r, struct report *p, int mean_dkmh, int64_t ms, double *odometer_m)
{
	double metres = mean_dkmh * (double)ms / 36000, angle = p->course_deg * 3.14159265358979323846 / 180;
	p->lat_e7 += (int32_t)lround(metres * cos(angle) / 0.1108) * 10 + (int32_t)between(r, -20, 20) * 10;
	p->lon_e7 += (int32_t)lround(metres * sin(angle) / 0.1) * 10 + (int32_t)between(r, -20, 20) * 10;
	*odometer_m += metres;
	p->mileage_hm = (uint32_t)(*odometer_m / 100);
}

static void drive(struct random *r, struct report *p, bool parked, double *odometer_m)
{
	int64_t ms = one_in(r, 40) ? between(r, 0, 300) * 1000 : 10000;
	p->time_ms += ms;
	int before = p->speed_dkmh, speed = parked ? 0 : before + (int)between(r, -30, 30);
	p->speed_dkmh = (uint16_t)(speed < 0 ? 0 : speed);
	if (parked)
		return;
	p->course_deg = (uint16_t)((p->course_deg + 360 + between(r, -8, 8)) % 360);
	advance(r, p, (before + p->speed_dkmh) / 2, ms < 60000 ? ms : 0, odometer_m);
	p->altitude_m += (int16_t)between(r, -2, 2);
	p->status ^= one_in(r, 60) ? STATUS_BIT_ACC : 0;
	p->status ^= one_in(r, 90) ? STATUS_BIT_FIX : 0;
	p->alarm = one_in(r, 30) ? (uint32_t)random_next(r) : p->alarm;
}

static int64_t receipt(struct random *r, int64_t time_ms, int64_t before)
{
	switch (random_below(r, 5)) {
	case 0:
		return RECEIVED_UNKNOWN;
	case 1:
		return before == RECEIVED_UNKNOWN ? time_ms : before;
	default:
		return time_ms + between(r, 100, 2500);
	}
}

static void push_track(struct random *r, size_t count, bool parked, struct report_list *out)
{
	struct report p = start_report(r);
	bool receipts = one_in(r, 2);
	double odometer_m = p.mileage_hm * 100.0;
	for (size_t i = 0; i < count; i++) {
		uint8_t items[4096];
		drive(r, &p, parked, &odometer_m);
		p.received_ms = receipts ? receipt(r, p.time_ms, p.received_ms) : RECEIVED_UNKNOWN;
		push_jt808(r, &p, items, one_in(r, 20) ? wild_items(r, items) : usual_items(r, p.mileage_hm, items),
			   out);
	}
}

static void push_road(struct random *r, size_t count, struct report_list *out)
{
	struct report p = start_report(r);
	double odometer_m = p.mileage_hm * 100.0;
	for (size_t i = 0; i < count; i++) {
		drive(r, &p, false, &odometer_m);
		push_row(&p, NULL, 0, out);
	}
}

static void push_boat(struct random *r, size_t count, struct report_list *out)
{
	struct report p = start_report(r);
	p.lat_e7 = (int32_t)between(r, -LAT_E7_MAX, LAT_E7_MAX);
	p.lon_e7 = LON_E7_MAX - 5000;
	p.mileage_hm = MILEAGE_UNKNOWN;
	for (size_t i = 0; i < count; i++) {
		p.time_ms += between(r, 0, 60000);
		p.lon_e7 = p.lon_e7 > LON_E7_MAX - 400 ? 300 - LON_E7_MAX : p.lon_e7 + (int32_t)between(r, 1, 300);
		p.lat_e7 += p.lat_e7 > 0 ? -(int32_t)random_below(r, 100) : (int32_t)random_below(r, 100);
		p.speed_dkmh = one_in(r, 9) ? SPEED_UNKNOWN : (uint16_t)random_below(r, 300);
		p.course_deg = one_in(r, 9) ? COURSE_UNKNOWN : (uint16_t)random_below(r, 360);
		p.altitude_m = ALTITUDE_UNKNOWN;
		push_row(&p, NULL, 0, out);
	}
}

static void push_noise(struct random *r, size_t count, struct report_list *out)
{
	struct report p = start_report(r);
	int64_t first = p.time_ms;
	for (size_t i = 0; i < count; i++) {
		uint8_t items[4096];
		p.time_ms = first + (int64_t)random_below(r, (uint32_t)BLOCK_SPAN_MAX_MS);
		p.received_ms = one_in(r, 4) ? RECEIVED_UNKNOWN : (int64_t)random_next(r);
		p.lat_e7 = (int32_t)between(r, -LAT_E7_MAX, LAT_E7_MAX);
		p.lon_e7 = (int32_t)between(r, -LON_E7_MAX, LON_E7_MAX);
		p.alarm = (uint32_t)random_next(r);
		p.status = (uint32_t)random_next(r);
		p.mileage_hm = (uint32_t)random_next(r);
		p.speed_dkmh = (uint16_t)random_next(r);
		p.course_deg = (uint16_t)random_next(r);
		p.altitude_m = (int16_t)random_next(r);
		p.flags = (uint16_t)random_next(r);
		if (one_in(r, 2)) {
			push_row(&p, items, any_items(r, items), out);
			continue;
		}
		p.time_ms -= p.time_ms % 1000;
		p.status |= (p.lat_e7 < 0 ? STATUS_BIT_SOUTH : 0) | (p.lon_e7 < 0 ? STATUS_BIT_WEST : 0);
		push_jt808(r, &p, items, any_items(r, items), out);
	}
}

static int32_t end_of(struct random *r, int32_t max)
{
	const int32_t ends[] = {-max, -max + 1, -1, 0, 1, max - 1, max};
	return ends[random_below(r, 7)];
}

static void push_extremes(struct random *r, size_t count, struct report_list *out)
{
	static const uint32_t words[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
	static const uint16_t halves[] = {0, 1, 359, 360, 361, 0x7fff, 0x8000, 0xfffe, 0xffff};
	static const int64_t receipts[] = {RECEIVED_UNKNOWN, INT64_MIN + 1, -1, 0, INT64_MAX};
	int64_t first = one_in(r, 2) ? -(INT64_C(1) << 60) : INT64_C(946656000000);
	struct report p = {.time_ms = first};
	for (size_t i = 0; i < count; i++) {
		p.time_ms = first + (one_in(r, 3) ? 0 : one_in(r, 2) ? BLOCK_SPAN_MAX_MS : 1);
		p.received_ms = receipts[random_below(r, 5)];
		p.lat_e7 = end_of(r, LAT_E7_MAX);
		p.lon_e7 = end_of(r, LON_E7_MAX);
		p.alarm = words[random_below(r, 6)];
		p.status = words[random_below(r, 6)];
		p.mileage_hm = words[random_below(r, 6)];
		p.speed_dkmh = halves[random_below(r, 9)];
		p.course_deg = halves[random_below(r, 9)];
		p.altitude_m = (int16_t)halves[random_below(r, 9)];
		p.flags = halves[random_below(r, 9)];
		push_row(&p, NULL, 0, out);
	}
}

static void push_mixed(struct random *r, size_t count, struct report_list *out)
{
	struct report p = start_report(r);
	double odometer_m = p.mileage_hm * 100.0;
	for (size_t i = 0; i < count; i++) {
		uint8_t items[4096];
		drive(r, &p, false, &odometer_m);
		if (one_in(r, 3))
			push_row(&p, items, one_in(r, 2) ? any_items(r, items) : 0, out);
		else
			push_jt808(r, &p, items, any_items(r, items), out);
	}
}

void random_reports(struct random *r, enum random_nature nature, size_t count, struct report_list *out)
{
	report_list_clear(out);
	switch (nature) {
	case NATURE_DRIVING:
	case NATURE_PARKED:
		push_track(r, count, nature == NATURE_PARKED, out);
		break;
	case NATURE_BOAT:
		push_boat(r, count, out);
		break;
	case NATURE_ROAD:
		push_road(r, count, out);
		break;
	case NATURE_NOISE:
		push_noise(r, count, out);
		break;
	case NATURE_EXTREMES:
		push_extremes(r, count, out);
		break;
	default:
		push_mixed(r, count, out);
	}
	report_list_sort(out);
}
