/* rules_world.c -- what is drawn where, and who does what when. See rules_world.h. */
#include "bench/rules/rules_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fences/fence_sample.h"
#include "engine/detect/fence_set.h"

#define DEEDS 64
#define STREET_LAT 248000000
#define STREET_LON 1184000000
#define NINE 32400 /* seconds of the day: most deeds begin at nine */

/* What the devices of a number modulo DEEDS do; a class of its own need not be named: all are among them. */
enum deed {
	DEED_DARK,
	DEED_NO_FIX,
	DEED_FROZEN,
	DEED_SHIELDED,
	DEED_ANTENNA,
	DEED_POWER,
	DEED_EMERGENCY,
	DEED_RECORDER,
	DEED_TWO_PLACES,
	DEED_DSM, /* five types, one after the other */
	DEED_ADAS,
	DEED_TYRES,
	DEED_BLIND_SPOT,
	DEED_METROLOGY,
	DEED_INSPECTION,
	DEED_SCRAP,
	DEED_BUSINESS,
	DEED_STRANGER,
	DEED_NO_VIDEO,
	DEED_LIFT,
	DEED_UNCOVERED,
	DEED_OFF_ROUTE,
	DEED_NO_PERMIT,
	DEED_FAR_AWAY,
	DEED_STREET,
};

static unsigned deed_of(uint32_t device)
{
	return device % DEEDS;
}

uint8_t rules_world_class(uint32_t device)
{
	return (uint8_t)(device / DEEDS % DEVICE_CLASS_COUNT);
}

static void must(enum status status, const char *what)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "rules_world: %s: %s\n", what, status_text(status));
	exit(1);
}

/* --- fences --- */

static const char *const tags[] = {"speed_zone",   "water_source", "bay_bridge",    "closed_road",   "rail_zone",
				   "fire_lane",    "no_stop",      "dump_site",     "muck_site",     "relay_point",
				   "scale_before", "scale_after",  "scale_station", "section_entry", "section_exit",
				   "convoy_gate",  "patrol_cell"};
#define TAGS (sizeof tags / sizeof tags[0])

static struct fence fence_of(const char *id, const char *tag, struct fence_area *area)
{
	struct fence f = {.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .when = SCHEDULE_ALWAYS, .area = area};
	snprintf(f.id, sizeof f.id, "%s", id);
	must(tag_number(span_of_string(tag), &f.tags[0]), tag);
	f.tag_count = 1;
	return f;
}

static struct fence_area *square(int32_t lat, int32_t lon, int32_t half)
{
	const struct geo_point corners[] = {
		{lat - half, lon - half}, {lat - half, lon + half}, {lat + half, lon + half}, {lat + half, lon - half}};
	const uint32_t ends[] = {4};
	struct fence_area *area;
	must(fence_area_new(corners, ends, 1, &area), "a square");
	return area;
}

/* Outlines wider than 2 km are villages and districts, which no default rule names; corridors may be as long as roads.
 */
static bool is_district(const struct fence_sample *sample, uint32_t i)
{
	const struct box *b = &sample->areas[i]->box;
	return i % 2 == 0 && b->lat_max_e7 - b->lat_min_e7 > 180000;
}

static uint32_t put_sample(struct fence *out, const struct fence_sample *sample)
{
	for (uint32_t i = 0; i < sample->count; i++) {
		char id[24];
		snprintf(id, sizeof id, "fence-%u", i);
		const char *tag = is_district(sample, i) ? "district" : tags[i % TAGS];
		out[i] = fence_of(id, tag, fence_area_ref(sample->areas[i]));
		out[i].limit_dkmh = (uint16_t)(i % TAGS ? 0 : 300 + i / TAGS % 4 * 100);
	}
	return sample->count;
}

/* A street along a parallel: a section of 8 km, and a scale gone around. */
static uint32_t put_street(struct fence *out)
{
	out[0] = fence_of("street-in", "section_entry", square(STREET_LAT, STREET_LON + 100000, 20000));
	out[0].length_mm = 8000000;
	out[1] = fence_of("street-out", "section_exit", square(STREET_LAT, STREET_LON + 900000, 20000));
	out[2] = fence_of("before", "scale_before", square(STREET_LAT, STREET_LON + 200000, 20000));
	out[3] = fence_of("after", "scale_after", square(STREET_LAT, STREET_LON + 700000, 20000));
	out[4] = fence_of("home", "home_region", square(249000000, 1186000000, 8000000));
	return 5;
}

static struct fence_set *make_fences(uint64_t seed, uint32_t count)
{
	struct fence_set *none, *all;
	struct fence_sample sample = fence_sample_new(seed, count);
	struct fence *list = calloc(count + 8u, sizeof *list);
	must(list ? fence_set_new(&none) : STATUS_NO_MEMORY, "fences");
	uint32_t n = put_sample(list, &sample);
	n += put_street(list + n);
	must(fence_set_change(none, list, n, &all), "fences");
	for (uint32_t i = 0; i < n; i++)
		fence_area_unref(list[i].area);
	free(list);
	fence_sample_free(&sample);
	fence_set_unref(none);
	return all;
}

void rules_world_init(struct rules_world *w, const struct dataset_options *o, uint32_t fence_count)
{
	*w = (struct rules_world){.options = *o, .fences = make_fences(o->seed, fence_count)};
	w->frozen = calloc(o->devices, sizeof *w->frozen);
	must(w->frozen ? STATUS_OK : STATUS_NO_MEMORY, "devices");
}

void rules_world_deinit(struct rules_world *w)
{
	fence_set_unref(w->fences);
	free(w->frozen);
}

/* --- papers --- */

static void put_permit(struct detect_subject *s, unsigned kind, int64_t to_ms)
{
	struct permit *p = &s->permits[s->permit_count++];
	*p = (struct permit){
		.kind = (uint8_t)kind, .valid_from_ms = INT64_MIN, .valid_to_ms = to_ms, .hours = SCHEDULE_ALWAYS};
	snprintf(p->number, sizeof p->number, "permit-%u", kind);
}

void rules_world_subject(const void *world, uint64_t device, int64_t time_ms, struct detect_subject *s)
{
	const struct rules_world *w = world;
	unsigned deed = deed_of((uint32_t)device - 1);
	(void)time_ms;
	*s = (struct detect_subject){.device = device,
				     .from_ms = INT64_MIN,
				     .to_ms = INT64_MAX,
				     .class_code = rules_world_class((uint32_t)device - 1),
				     .source = 1, /* jt808 */
				     .registered = deed != DEED_STRANGER,
				     .has_video = deed != DEED_NO_VIDEO,
				     .joined_ms = w->options.start_ms,
				     .metrology_due_ms = DUE_UNKNOWN,
				     .inspection_due_ms = DUE_UNKNOWN,
				     .scrap_due_ms = DUE_UNKNOWN,
				     .survey_due_ms = DUE_UNKNOWN,
				     .licence_due_ms = DUE_UNKNOWN,
				     .nationality_due_ms = DUE_UNKNOWN};
	int64_t long_ago = w->options.start_ms - MS_PER_DAY, long_hence = w->options.start_ms + 100 * MS_PER_DAY;
	s->metrology_due_ms = deed == DEED_METROLOGY ? long_ago : long_hence;
	s->inspection_due_ms = deed == DEED_INSPECTION ? long_ago : long_hence;
	s->scrap_due_ms = deed == DEED_SCRAP ? long_ago : DUE_UNKNOWN;
	put_permit(s, PERMIT_BUSINESS, deed == DEED_BUSINESS ? long_ago : long_hence);
	if (s->class_code == DEVICE_CLASS_MUCK_TRUCK && deed != DEED_NO_PERMIT)
		put_permit(s, PERMIT_ROUTE, long_hence);
	if (deed != DEED_OFF_ROUTE)
		return;
	put_permit(s, PERMIT_ROUTE, long_hence);
	struct permit *route = &s->permits[s->permit_count - 1];
	snprintf(route->fences[route->fence_count++], sizeof route->fences[0], "before");
}

/* --- deeds --- */

static bool within(int64_t second, int64_t from, int64_t length)
{
	return second >= from && second < from + length;
}

static void put_alarm(uint8_t **at, uint8_t id, uint8_t type)
{
	const uint8_t item[] = {id, 7, 0, 0, 0, 1, 1, type, 1};
	memcpy(*at, item, sizeof item);
	*at += sizeof item;
}

/* One tyre with an alarm: the list of tyres begins behind id 4, flag 1, common block 19 and identifier 16 (T/JSATL 12).
 */
static void put_tyre(uint8_t **at)
{
	const uint8_t begin[] = {0x66, 50, 0, 0, 0, 1, 1}, tyre[] = {1, 0, 0, 2};
	memset(*at, 0, 52);
	memcpy(*at, begin, sizeof begin);
	memcpy(*at + 2 + 40, tyre, sizeof tyre);
	*at += 52;
}

static void put_deed_items(uint8_t **at, unsigned deed, int64_t second)
{
	if (!within(second, NINE, 600) || second % 60 >= 30)
		return;
	if (deed == DEED_DSM)
		put_alarm(at, 0x65, (uint8_t)(1 + (second - NINE) / 120));
	else if (deed == DEED_ADAS)
		put_alarm(at, 0x64, 1);
	else if (deed == DEED_BLIND_SPOT)
		put_alarm(at, 0x67, 1);
	else if (deed == DEED_TYRES)
		put_tyre(at);
}

static size_t put_items(uint8_t *items, unsigned deed, unsigned class_code, const struct report *r, int64_t second)
{
	uint8_t *at = items;
	bool shielded = deed == DEED_SHIELDED && within(second, NINE, 600);
	const uint8_t radio[] = {0x30, 1, 21, 0x31, 1, shielded ? 0 : 12};
	memcpy(at, radio, sizeof radio);
	at += sizeof radio;
	if (class_code >= DEVICE_CLASS_MUCK_TRUCK && class_code <= DEVICE_CLASS_BUS) {
		bool wrong = deed == DEED_RECORDER && within(second, NINE, 10800);
		*at++ = 0x03;
		*at++ = 2;
		store_be16(at, (uint16_t)(wrong ? r->speed_dkmh + 300 : r->speed_dkmh));
		at += 2;
	}
	if (class_code == DEVICE_CLASS_MUCK_TRUCK) {
		const uint8_t body[] = {0xe1, 3, 0, deed == DEED_UNCOVERED,
					deed == DEED_LIFT && within(second, NINE, 600)};
		memcpy(at, body, sizeof body);
		at += sizeof body;
	}
	put_deed_items(&at, deed, second);
	return (size_t)(at - items);
}

static void put_place(struct rules_world *w, uint32_t device, struct report *r, int64_t second)
{
	unsigned deed = deed_of(device);
	struct geo_point *frozen = &w->frozen[device];
	if (deed == DEED_FROZEN && within(second, NINE, 14400)) {
		if (!frozen->lat_e7)
			*frozen = (struct geo_point){r->lat_e7, r->lon_e7};
		r->lat_e7 = frozen->lat_e7;
		r->lon_e7 = frozen->lon_e7;
	}
	if (deed == DEED_TWO_PLACES && within(second, NINE, 600) && second / 10 % 2)
		r->lat_e7 += 5000000;
	if (deed == DEED_FAR_AWAY)
		r->lat_e7 += 20000000;
	if (deed == DEED_STREET && within(second, NINE, 600)) { /* 100 km/h */
		r->lat_e7 = STREET_LAT;
		r->lon_e7 = STREET_LON + (int32_t)(second - NINE) * 2753;
		r->speed_dkmh = 1000;
	}
}

static void put_words(uint32_t device, struct report *r, int64_t second)
{
	static const uint8_t bits[DEEDS] = {[DEED_ANTENNA] = 1 << 4, [DEED_POWER] = 1 << 7, [DEED_EMERGENCY] = 1};
	unsigned deed = deed_of(device), class_code = rules_world_class(device);
	if (within(second, NINE, 300))
		r->alarm |= bits[deed];
	if (deed == DEED_NO_FIX && within(second, NINE, 14400))
		r->status &= ~STATUS_BIT_FIX;
	if ((class_code == DEVICE_CLASS_MUCK_TRUCK || class_code == DEVICE_CLASS_HAZMAT) &&
	    (device + (uint64_t)second / 7200) % 2)
		r->status |= 3u << 8;
	r->flags |= report_flags_of_status(r->status);
}

bool rules_world_spoil(struct rules_world *w, uint32_t device, struct report *r, uint8_t *items)
{
	int64_t second = (r->time_ms - w->options.start_ms) / MS_PER_SECOND;
	unsigned deed = deed_of(device);
	if (deed == DEED_DARK && second % 14400 < 2700)
		return false;
	put_place(w, device, r, second);
	put_words(device, r, second);
	r->items = items;
	r->items_size = (uint16_t)put_items(items, deed, rules_world_class(device), r, second);
	return true;
}
