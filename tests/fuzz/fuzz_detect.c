/* links: zayton_detect */
/* fuzz_detect.c -- reports of any bytes through every kind of rule: 22 bytes a report (seconds after the last, place,
 * speed, status, alarm, odometer), a length and so many bytes of items. The first byte is the device's class. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/detect/detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t class_code;

/* What is said of it changes with the stretch of time. */
static void boat(int64_t stretch, struct detect_subject *out)
{
	out->source = stretch & 1 ? 3 : 4;
	out->gears = (uint32_t)stretch * 2654435761u & 0x3ffff;
	out->navigation = (uint8_t)(stretch >> 1 & 7);
	out->wind_rating = (uint8_t)(stretch >> 2 & 15);
	out->laid_up = stretch >> 3 & 1;
	out->certified_persons = 9;
	out->persons_aboard = (uint16_t)(stretch & 15);
	out->area_count = (uint8_t)(stretch >> 4 & 1);
	out->areas[0][0] = 'b';
}

static void subject(const void *registry, uint64_t device, int64_t time_ms, struct detect_subject *out)
{
	(void)registry;
	*out = (struct detect_subject){.device = device, .from_ms = time_ms, .to_ms = time_ms + 100000};
	out->class_code = class_code;
	out->permit_count = (uint8_t)(time_ms / 100000 & 15);
	for (unsigned i = 0; i < out->permit_count; i++)
		out->permits[i] = (struct permit){.kind = (uint8_t)(i % (PERMIT_KIND_LAST + 1)),
						  .valid_from_ms = time_ms / 100000 * 100000 - 50000 * (int64_t)(i & 1),
						  .valid_to_ms = i & 2 ? INT64_MAX
								       : time_ms / 100000 * 100000 + 1000 * (int64_t)i,
						  .fence_count = 1};
	boat(time_ms / 100000, out);
}

static struct detector *make_detector(void)
{
	struct rulebook_span span = {.from_ms = 0};
	struct fence_set *fences, *next;
	struct fence f = {
		.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .when = SCHEDULE_ALWAYS, .tag_count = 1};
	static const char *const tags[] = {"speed_zone",  "water_source", "section_entry", "section_exit",
					   "convoy_gate", "harbour",      "harbour_mouth", "watch_sea",
					   "sail_ban",    "lane",         "nav_coastal",   "wind_8"};
	static const char *const ids[] = {"b", "c", "a-in", "a-out", "d", "e", "f", "g", "h", "i", "j", "k"};
	struct detector *d;
	if (rulebook_parse(rules_default(), NULL, NULL, &span.book) != STATUS_OK || fence_set_new(&fences) != STATUS_OK)
		abort();
	for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++) {
		int32_t a = (int32_t)(i % 5) * 300 + (int32_t)i;
		struct geo_point points[] = {{a, a}, {a, a + 800}, {a + 800, a + 800}, {a + 800, a}};
		uint32_t end = 4;
		snprintf(f.id, sizeof f.id, "%s", ids[i]);
		f.limit_dkmh = 400;
		f.length_mm = 1000;
		if (tag_number(span_of_string(tags[i]), &f.tags[0]) != STATUS_OK ||
		    fence_area_new(points, &end, 1, &f.area) != STATUS_OK ||
		    fence_set_change(fences, &f, 1, &next) != STATUS_OK)
			abort();
		fence_area_unref(f.area);
		fence_set_unref(fences);
		fences = next;
	}
	struct detect_context context = {.books = &span, .book_count = 1, .fences = fences, .subject = subject};
	if (detector_new(&context, &d) != STATUS_OK)
		abort();
	rulebook_unref(span.book);
	fence_set_unref(fences);
	return d;
}

static struct report read_report(struct cursor *c, int64_t *time_ms, uint64_t hash)
{
	struct report r = {.hash = hash};
	*time_ms += (int64_t)cursor_be16(c) * 1000;
	r.time_ms = *time_ms;
	r.lat_e7 = (int32_t)(cursor_be32(c) % 4000);
	r.lon_e7 = (int32_t)(cursor_be32(c) % 4000);
	r.speed_dkmh = cursor_be16(c);
	r.status = cursor_be32(c);
	r.alarm = cursor_be32(c);
	r.mileage_hm = cursor_be16(c);
	r.flags = report_flags_of_status(r.status);
	struct span items = cursor_take(c, cursor_u8(c));
	r.items = items.data;
	r.items_size = (uint16_t)items.size;
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct detector *d;
	struct cursor c = cursor_of(span_of(data, size));
	struct detect_sink sink = {0};
	struct detect_state *s;
	int64_t time_ms = 0;
	if (!d)
		d = make_detector();
	class_code = cursor_u8(&c);
	if (detect_state_new(1, &s) != STATUS_OK)
		return 0;
	for (uint64_t hash = 1; cursor_left(&c) && !c.failed; hash++) {
		struct report r = read_report(&c, &time_ms, hash);
		if (detect_step(s, d, &r, &sink) != STATUS_OK)
			abort();
		if (hash % 8 == 0 && detect_open(s, d, time_ms, &sink) != STATUS_OK)
			abort();
	}
	detect_state_free(s);
	return 0;
}
