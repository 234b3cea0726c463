/* season.c -- see season.h. */
#include "bench/duty/season.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/duty/roll_call.h"

#define PACE_MS (10 * MS_PER_MINUTE)
#define HARBOURS 12
#define LAT 248000000
#define LON 1186000000

static uint64_t state = 0x5ea;

uint64_t season_random(void)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void ok(enum status status, const char *what)
{
	if (!status)
		return;
	fprintf(stderr, "season: %s: %s\n", what, status_text(status));
	exit(1);
}

/* --- places --- */

static struct geo_point harbour_at(unsigned h)
{
	return (struct geo_point){LAT + (int32_t)h * 300000, LON + (int32_t)(h % 4) * 700000};
}

/* From the corner, to north and east. */
static void put_square(struct engine *e, const char *id, const char *const *tags, struct geo_point corner, int32_t side)
{
	struct geo_point corners[4] = {corner, corner, corner, corner};
	struct fence f = {.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .when = SCHEDULE_ALWAYS};
	uint32_t end = 4;
	corners[1].lon_e7 += side;
	corners[2].lon_e7 += side;
	corners[2].lat_e7 += side;
	corners[3].lat_e7 += side;
	snprintf(f.id, sizeof f.id, "%s", id);
	while (tags[f.tag_count]) {
		ok(tag_number(span_of_string(tags[f.tag_count]), &f.tags[f.tag_count]), "tag");
		f.tag_count++;
	}
	ok(fence_area_new(corners, &end, 1, &f.area), "area");
	ok(context_put_fences(engine_context(e), &f, 1), "fence");
	fence_area_unref(f.area);
}

void season_put_harbours(struct engine *e)
{
	for (unsigned h = 0; h < HARBOURS; h++) {
		const char *const tags[] = {HARBOUR_TAG, "watch_port", NULL};
		char id[32];
		snprintf(id, sizeof id, "harbour-%02u", h);
		put_square(e, id, tags, harbour_at(h), 100000);
	}
}

void season_put_sea(struct engine *e)
{
	static const char *const wide[][5] = {{"watch_sea", "nav_near", NULL}, {"moratorium_north", NULL}};
	static const char *const narrow[] = {
		"lane",        "lane",      "sensitive", "sensitive_approach", "no_vessel",
		"bridge_zone", "sand_zone", "sail_ban",  "passenger_ban",      "return_order",
		"wind_7",      "wind_9",    "lane",      "rail_bridge_reach",  "harbour_mouth"};
	char id[32];
	for (unsigned i = 0; i < sizeof wide / sizeof wide[0]; i++) {
		snprintf(id, sizeof id, "wide-%02u", i);
		put_square(e, id, wide[i], (struct geo_point){LAT - 20000000, LON - 5000000}, 40000000);
	}
	for (unsigned i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
		const char *const tags[] = {narrow[i], NULL};
		struct geo_point at = harbour_at(i % HARBOURS);
		at.lat_e7 -= 400000 + (int32_t)(season_random() % 3000000);
		at.lon_e7 += 200000 + (int32_t)(season_random() % 3000000);
		snprintf(id, sizeof id, "narrow-%02u", i);
		put_square(e, id, tags, at, 60000 + (int32_t)(season_random() % 300000));
	}
}

/* --- boats --- */

static void say(struct engine *e, uint64_t device, enum device_kind kind, const struct registry_change *changes,
		size_t count)
{
	ok(registry_apply_bulk(engine_registry(e), device, kind, changes, count, VALID_ALWAYS_FROM, "bench"),
	   "registry");
}

uint64_t season_put_boat(struct engine *e, unsigned b)
{
	static const char *const classes[] = {"fishing-small", "fishing-medium", "fishing-large", "township"};
	static const char *const villages[] = {"白奇", "里春", "莲埭", "后海", "下埭"};
	char plate[32], card[16], port[16];
	snprintf(plate, sizeof plate, "boat:闽狮渔%05u", b);
	snprintf(card, sizeof card, "%06u", 300000 + b);
	snprintf(port, sizeof port, "harbour-%02u", b % HARBOURS);
	uint64_t boat = device_id(DEVICE_KIND_BOAT, span_of_string(plate));
	uint64_t beacon = device_id(DEVICE_KIND_BEIDOU, span_of_string(card));
	say(e, boat, DEVICE_KIND_BOAT,
	    (const struct registry_change[]){{DEVICE_FIELD_PLATE, span_of_string(plate)},
					     {DEVICE_FIELD_CLASS, span_of_string(classes[b % 4])},
					     {DEVICE_FIELD_VILLAGE, span_of_string(villages[b % 5])},
					     {DEVICE_FIELD_HOME_PORT, span_of_string(port)}},
	    4);
	say(e, beacon, DEVICE_KIND_BEIDOU,
	    (const struct registry_change[]){{DEVICE_FIELD_BEIDOU_CARD, span_of_string(card)},
					     {DEVICE_FIELD_VEHICLE, span_of_string(plate)}},
	    2);
	return beacon;
}

/* Two to six days out, one to four in; a tenth of the trips with a silence of hours. */
size_t season_sail(unsigned b, unsigned days, struct report *out)
{
	struct geo_point home = harbour_at(b % HARBOURS), at = home;
	int64_t turn_ms = SEASON_START_MS, quiet_ms = 0,
		begin_ms = SEASON_START_MS + (int64_t)(season_random() % 600) * 1000;
	bool at_sea = false;
	size_t count = 0;
	for (int64_t t = begin_ms; t < SEASON_START_MS + days * MS_PER_DAY; t += PACE_MS) {
		if (t >= turn_ms) {
			at_sea = !at_sea;
			turn_ms =
				t + (int64_t)(at_sea ? 2 + season_random() % 5 : 1 + season_random() % 4) * MS_PER_DAY;
			quiet_ms = at_sea && season_random() % 10 == 0 ? t + MS_PER_DAY : 0;
			at = home;
		}
		if (at_sea) {
			at.lat_e7 -= (int32_t)(season_random() % 20000);
			at.lon_e7 += (int32_t)(season_random() % 30000) - 5000;
		}
		if (quiet_ms && t > quiet_ms && t < quiet_ms + 5 * MS_PER_HOUR)
			continue;
		struct report *r = &out[count++];
		*r = (struct report){.time_ms = t + (int64_t)(season_random() % 5) * 1000,
				     .received_ms = t + 60000,
				     .lat_e7 = at.lat_e7 + (int32_t)(season_random() % 900),
				     .lon_e7 = at.lon_e7 + (int32_t)(season_random() % 900),
				     .status = STATUS_BIT_FIX,
				     .speed_dkmh = at_sea ? (uint16_t)(40 + season_random() % 60) : 0,
				     .course_deg = (uint16_t)(season_random() % 360),
				     .altitude_m = ALTITUDE_UNKNOWN,
				     .mileage_hm = MILEAGE_UNKNOWN,
				     .body = REPORT_BODY_ROW};
		report_row_seal(r);
	}
	return count;
}
