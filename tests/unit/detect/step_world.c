/* step_world.c -- see step_world.h. */
#include "unit/detect/step_world.h"

#include <stdio.h>
#include <stdlib.h>

#define ORIGIN_LAT_E7 249000000
#define ORIGIN_LON_E7 1186000000

static void keep_finding(void *context, const struct finding *f, const struct rule *rule)
{
	struct step_world *w = context;
	static const uint8_t zero[32];
	cr_assert_lt(w->finding_count, TOLD_MAX);
	cr_assert(!rule || strcmp(rule->id, f->rule) == 0);
	cr_assert_eq(f->subject, DEVICE);
	cr_assert_eq(f->device, DEVICE);
	cr_assert_leq(f->start_ms, f->end_ms);
	cr_assert_neq(f->confidence, 0);
	cr_assert_arr_eq(f->digest, zero, sizeof zero);
	w->findings[w->finding_count++] = (struct told_finding){*f, rule != NULL};
}

static void keep_fact(void *context, const struct fact *f)
{
	struct step_world *w = context;
	cr_assert_lt(w->fact_count, TOLD_MAX);
	cr_assert_leq(f->from_ms, f->to_ms);
	w->facts[w->fact_count++] = *f;
}

static void ask_subject(const void *registry, uint64_t device, int64_t time_ms, struct detect_subject *out)
{
	const struct step_world *w = registry;
	cr_assert_eq(device, DEVICE);
	*out = time_ms < w->later_ms ? w->subject : w->later;
	out->device = device;
	out->from_ms = time_ms < w->later_ms ? INT64_MIN : w->later_ms;
	out->to_ms = time_ms < w->later_ms ? w->later_ms : INT64_MAX;
}

static bool ask_dead_zone(const void *zones, int64_t time_ms, int32_t lat_e7, int32_t lon_e7)
{
	(void)time_ms;
	(void)lat_e7;
	(void)lon_e7;
	return ((const struct step_world *)zones)->dead;
}

void world_init(struct step_world *w, uint8_t class_code)
{
	memset(w, 0, sizeof *w);
	w->sink = (struct detect_sink){w, keep_finding, keep_fact};
	w->subject = (struct detect_subject){.class_code = class_code,
					     .registered = true,
					     .has_video = true,
					     .metrology_due_ms = DUE_UNKNOWN,
					     .inspection_due_ms = DUE_UNKNOWN,
					     .scrap_due_ms = DUE_UNKNOWN,
					     .survey_due_ms = DUE_UNKNOWN,
					     .licence_due_ms = DUE_UNKNOWN,
					     .nationality_due_ms = DUE_UNKNOWN};
	w->later = w->subject;
	w->later_ms = INT64_MAX;
	cr_assert_eq(fence_set_new(&w->fences), STATUS_OK);
}

void world_deinit(struct step_world *w)
{
	detect_state_free(w->state);
	detector_unref(w->detector);
	for (uint32_t i = 0; i < w->book_count; i++)
		rulebook_unref(w->books[i]);
	fence_set_unref(w->fences);
}

static void mistake(void *context, const struct rule_mistake *m)
{
	(void)context;
	printf("line %u: %s\n", m->line, m->text);
}

void world_rules(struct step_world *w, int64_t from_ms, const char *text)
{
	struct rulebook *book;
	cr_assert_eq(rulebook_parse(span_of_string(text), mistake, NULL, &book), STATUS_OK);
	w->books[w->book_count] = book;
	w->spans[w->book_count++] = (struct rulebook_span){from_ms, book};
}

struct fence world_square(const char *id, const char *tag, int x0, int y0, int x1, int y1)
{
	struct fence f = {.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .when = SCHEDULE_ALWAYS};
	int32_t south = ORIGIN_LAT_E7 + y0 * CELL_E7, north = ORIGIN_LAT_E7 + (y1 + 1) * CELL_E7;
	int32_t west = ORIGIN_LON_E7 + x0 * CELL_E7, east = ORIGIN_LON_E7 + (x1 + 1) * CELL_E7;
	struct geo_point points[] = {{south, west}, {south, east}, {north, east}, {north, west}};
	uint32_t end = 4;
	snprintf(f.id, sizeof f.id, "%s", id);
	cr_assert_eq(tag_number(span_of_string(tag), &f.tags[0]), STATUS_OK);
	f.tag_count = 1;
	cr_assert_eq(fence_area_new(points, &end, 1, &f.area), STATUS_OK);
	return f;
}

void world_fence(struct step_world *w, const struct fence *f)
{
	struct fence_set *next;
	cr_assert_eq(fence_set_change(w->fences, f, 1, &next), STATUS_OK);
	fence_set_unref(w->fences);
	fence_area_unref(f->area);
	w->fences = next;
}

void world_permit(struct step_world *w, uint8_t kind, const char *fence, const char *hours)
{
	struct permit *p = &w->subject.permits[w->subject.permit_count++];
	snprintf(p->number, sizeof p->number, "P%u", w->subject.permit_count);
	p->kind = kind;
	p->valid_from_ms = NOON - 24 * HOUR;
	p->valid_to_ms = NOON + 24 * HOUR;
	cr_assert_eq(schedule_parse(span_of_string(hours), &p->hours, NULL), STATUS_OK);
	if (fence)
		snprintf(p->fences[p->fence_count++], sizeof p->fences[0], "%s", fence);
	w->later = w->subject;
}

void world_start(struct step_world *w)
{
	struct detect_context context = {.books = w->spans,
					 .book_count = w->book_count,
					 .fences = w->fences,
					 .subject = ask_subject,
					 .registry = w,
					 .dead_zone = ask_dead_zone,
					 .zones = w};
	detector_unref(w->detector);
	cr_assert_eq(detector_new(&context, &w->detector), STATUS_OK);
	if (!w->state)
		cr_assert_eq(detect_state_new(DEVICE, &w->state), STATUS_OK);
}

struct report report_at(int64_t time_ms, int x, int y, int speed_dkmh)
{
	return (struct report){.time_ms = time_ms,
			       .received_ms = RECEIVED_UNKNOWN,
			       .lat_e7 = ORIGIN_LAT_E7 + y * CELL_E7 + CELL_E7 / 2,
			       .lon_e7 = ORIGIN_LON_E7 + x * CELL_E7 + CELL_E7 / 2,
			       .status = STATUS_BIT_FIX | STATUS_BIT_ACC,
			       .mileage_hm = MILEAGE_UNKNOWN,
			       .speed_dkmh = (uint16_t)speed_dkmh,
			       .course_deg = COURSE_UNKNOWN,
			       .altitude_m = ALTITUDE_UNKNOWN};
}

void world_send(struct step_world *w, struct report r)
{
	r.hash = ++w->hash;
	r.flags |= report_flags_of_status(r.status);
	cr_assert_eq(detect_step(w->state, w->detector, &r, &w->sink), STATUS_OK);
}

void world_restart(struct step_world *w)
{
	struct buf bytes = buf_init(1 << 20), again = buf_init(1 << 20);
	struct detect_state *copy;
	cr_assert_eq(detect_state_encode(w->state, &bytes), STATUS_OK);
	cr_assert_eq(detect_state_decode(buf_view(&bytes), &copy), STATUS_OK);
	cr_assert_eq(detect_state_encode(copy, &again), STATUS_OK);
	cr_assert(span_equal(buf_view(&bytes), buf_view(&again)));
	detect_state_free(w->state);
	w->state = copy;
	buf_deinit(&bytes);
	buf_deinit(&again);
}

void world_forget(struct step_world *w)
{
	w->finding_count = w->fact_count = 0;
}

static size_t count_findings(const struct step_world *w, const char *rule, bool open)
{
	size_t n = 0;
	for (size_t i = 0; i < w->finding_count; i++)
		n += w->findings[i].f.open == open && strcmp(w->findings[i].f.rule, rule) == 0;
	return n;
}

size_t ended(const struct step_world *w, const char *rule)
{
	return count_findings(w, rule, false);
}

size_t opened(const struct step_world *w, const char *rule)
{
	return count_findings(w, rule, true);
}

const struct finding *ended_at(const struct step_world *w, const char *rule, size_t n)
{
	for (size_t i = 0; i < w->finding_count; i++)
		if (!w->findings[i].f.open && strcmp(w->findings[i].f.rule, rule) == 0 && n-- == 0)
			return &w->findings[i].f;
	cr_assert_fail("no such finding of %s", rule);
	return NULL;
}

size_t facts_of(const struct step_world *w, unsigned kind, bool open)
{
	size_t n = 0;
	for (size_t i = 0; i < w->fact_count; i++)
		n += w->facts[i].kind == kind && w->facts[i].open == open;
	return n;
}

const struct fact *fact_at(const struct step_world *w, unsigned kind, bool open, size_t n)
{
	for (size_t i = 0; i < w->fact_count; i++)
		if (w->facts[i].kind == kind && w->facts[i].open == open && n-- == 0)
			return &w->facts[i];
	cr_assert_fail("no such fact of kind %u", kind);
	return NULL;
}
