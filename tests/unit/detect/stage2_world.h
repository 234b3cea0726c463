/* stage2_world.h -- a context made by hand for the judges of stage 2: rulebooks, classes of devices, and a sink that
 * keeps what it is told. Devices are small numbers; a device's class is that of its last digit in `classes`. */
#ifndef TESTS_STAGE2_WORLD_H
#define TESTS_STAGE2_WORLD_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/detect/detect.h"

#define MINUTE MS_PER_MINUTE
#define HOUR MS_PER_HOUR
/* 2026-03-02 00:00 in China, a Monday */
#define MONDAY INT64_C(1772380800000)
#define DRIVER_WANG UINT64_C(0x8000000000000001)

struct told {
	struct finding findings[256];
	size_t count;
};

struct world {
	struct rule rules[8];
	struct rulebook books[4];
	struct rulebook_span spans[4];
	struct detect_context context;
	uint8_t classes[10];       /* by device % 10 */
	uint8_t later_classes[10]; /* from `later_ms` on */
	int64_t later_ms;
};

static void world_subject(const void *registry, uint64_t device, int64_t time_ms, struct detect_subject *out)
{
	const struct world *w = registry;
	bool later = time_ms >= w->later_ms;
	memset(out, 0, sizeof *out);
	out->device = device;
	out->from_ms = later ? w->later_ms : INT64_MIN;
	out->to_ms = later ? INT64_MAX : w->later_ms;
	out->class_code = (later ? w->later_classes : w->classes)[device % 10];
}

/* One book with `count` rules, in force always. All devices are coaches. */
static inline void world_init(struct world *w, uint32_t rules)
{
	memset(w, 0, sizeof *w);
	w->later_ms = INT64_MAX;
	memset(w->classes, DEVICE_CLASS_COACH, sizeof w->classes);
	w->books[0] = (struct rulebook){.rules = w->rules, .count = rules, .references = 1};
	w->spans[0] = (struct rulebook_span){INT64_MIN, &w->books[0]};
	w->context =
		(struct detect_context){.books = w->spans, .book_count = 1, .subject = world_subject, .registry = w};
}

static inline struct rule rule_of(const char *id, unsigned kind, uint32_t classes)
{
	struct rule r = {.kind = (uint8_t)kind, .classes = classes, .version = 1, .when = SCHEDULE_ALWAYS};
	snprintf(r.id, sizeof r.id, "%s", id);
	return r;
}

/* 4 h / 20 min; nothing else. */
static inline struct rule fatigue_rule(void)
{
	struct rule r = rule_of("fatigue", RULE_FATIGUE, 1u << DEVICE_CLASS_COACH);
	r.params[PARAM_FATIGUE_CONTINUOUS] = 4 * HOUR;
	r.params[PARAM_FATIGUE_REST] = 20 * MINUTE;
	r.params[PARAM_FATIGUE_NIGHT_HOURS] = INT64_C(79200) << 32 | 21600; /* 22:00-06:00 */
	return r;
}

static inline void keep(void *context, const struct finding *f, const struct rule *rule)
{
	struct told *told = context;
	cr_assert_lt(told->count, sizeof told->findings / sizeof told->findings[0]);
	cr_assert_str_eq(f->rule, rule->id);
	cr_assert_eq(f->rule_version, rule->version);
	told->findings[told->count++] = *f;
}

static inline struct fact drive(uint64_t device, uint64_t driver, int64_t from_ms, int64_t to_ms)
{
	return (struct fact){
		.kind = FACT_DRIVE, .device = device, .driver = driver, .from_ms = from_ms, .to_ms = to_ms};
}

static inline struct fact gap(uint64_t device, uint64_t driver, int64_t from_ms, int64_t to_ms)
{
	return (struct fact){.kind = FACT_GAP, .device = device, .driver = driver, .from_ms = from_ms, .to_ms = to_ms};
}

/* `count` fences of one tag beside each other, known as "g0", "g1" ...; the caller's reference. */
static inline struct fence_set *gates_of(const char *tag, unsigned count, int64_t from_ms)
{
	struct fence_set *none = NULL, *all = NULL;
	struct fence fences[32];
	cr_assert_eq(fence_set_new(&none), STATUS_OK);
	for (unsigned i = 0; i < count; i++) {
		int32_t south = 240000000 + (int32_t)i * 20000, west = 1180000000;
		struct geo_point points[] = {{south, west}, {south, west + 10000}, {south + 10000, west + 5000}};
		uint32_t end = 3;
		fences[i] = (struct fence){
			.valid_from_ms = from_ms, .valid_to_ms = INT64_MAX, .when = SCHEDULE_ALWAYS, .tag_count = 1};
		snprintf(fences[i].id, sizeof fences[i].id, "g%u", i);
		cr_assert_eq(tag_number(span_of_string(tag), &fences[i].tags[0]), STATUS_OK);
		cr_assert_eq(fence_area_new(points, &end, 1, &fences[i].area), STATUS_OK);
	}
	cr_assert_eq(fence_set_change(none, fences, count, &all), STATUS_OK);
	for (unsigned i = 0; i < count; i++)
		fence_area_unref(fences[i].area);
	fence_set_unref(none);
	return all;
}

static inline int64_t tag_param(const char *text)
{
	uint16_t number = 0;
	cr_assert_eq(tag_number(span_of_string(text), &number), STATUS_OK);
	return number;
}

static inline struct fact visit(uint64_t device, const char *fence, int64_t from_ms, int64_t to_ms)
{
	return (struct fact){.kind = FACT_VISIT,
			     .device = device,
			     .place = place_number(span_of_string(fence)),
			     .from_ms = from_ms,
			     .to_ms = to_ms};
}

#endif
