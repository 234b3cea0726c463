/* state.c -- a device's state: made, copied, measured, and brought under a context. */
#include <stdlib.h>

#include "engine/detect/detect_step.h"

enum status detect_state_new(uint64_t device, struct detect_state **out)
{
	struct detect_state *s = calloc(1, sizeof *s);
	if (!s)
		return STATUS_NO_MEMORY;
	s->device = device;
	s->last.time_ms = s->fix.time_ms = s->stand_ms = s->ticked_ms = TIME_NONE;
	s->drive.from_ms = s->drive.last_ms = s->drive.told_ms = s->anchor.time_ms = TIME_NONE;
	*out = s;
	return STATUS_OK;
}

/* What was taken up from a context is left behind: the copy takes it up anew. */
enum status detect_state_copy(const struct detect_state *s, struct detect_state **out)
{
	struct detect_state *copy = malloc(sizeof *copy);
	if (!copy)
		return STATUS_NO_MEMORY;
	*copy = *s;
	copy->serial = 0;
	copy->plan = NULL;
	copy->subject = (struct subject_view){0};
	copy->capacity = copy->count;
	copy->episodes = NULL;
	if (copy->count) {
		copy->episodes = malloc(copy->count * sizeof *copy->episodes);
		if (!copy->episodes) {
			free(copy);
			return STATUS_NO_MEMORY;
		}
		memcpy(copy->episodes, s->episodes, copy->count * sizeof *copy->episodes);
	}
	*out = copy;
	return STATUS_OK;
}

void detect_state_free(struct detect_state *s)
{
	if (!s)
		return;
	free(s->subject.permits);
	free(s->episodes);
	free(s);
}

size_t detect_state_memory(const struct detect_state *s)
{
	return sizeof *s + s->capacity * sizeof *s->episodes + s->subject.permit_count * sizeof *s->subject.permits;
}

int64_t detect_state_time(const struct detect_state *s)
{
	return s->last.time_ms;
}

uint64_t detect_state_hash(const struct detect_state *s)
{
	return s->last.hash;
}

/* --- under a context --- */

static void view_permit(const struct permit *in, struct permit_view *out)
{
	out->kind = in->kind;
	out->valid_from_ms = in->valid_from_ms;
	out->valid_to_ms = in->valid_to_ms;
	out->hours = in->hours;
	out->fence_count = in->fence_count < PERMIT_FENCES_MAX ? in->fence_count : PERMIT_FENCES_MAX;
	for (unsigned i = 0; i < out->fence_count; i++)
		out->places[i] = place_number(span_of(in->fences[i], strnlen(in->fences[i], FENCE_ID_MAX)));
}

static enum status view_permits(const struct detect_subject *in, struct subject_view *out)
{
	unsigned count = in->permit_count < SUBJECT_PERMITS_MAX ? in->permit_count : SUBJECT_PERMITS_MAX;
	free(out->permits);
	out->permits = NULL;
	out->permit_count = 0;
	if (!count)
		return STATUS_OK;
	out->permits = calloc(count, sizeof *out->permits);
	if (!out->permits)
		return STATUS_NO_MEMORY;
	out->permit_count = (uint8_t)count;
	for (unsigned i = 0; i < count; i++)
		view_permit(&in->permits[i], &out->permits[i]);
	return STATUS_OK;
}

static void view_boat(const struct detect_subject *in, struct subject_view *out)
{
	out->source = in->source;
	out->gears = in->gears;
	out->navigation = in->navigation < AREA_COUNT ? in->navigation : AREA_UNKNOWN;
	out->wind_rating = in->wind_rating;
	out->certified_persons = in->certified_persons;
	out->persons_aboard = in->persons_aboard;
	out->laid_up = in->laid_up;
	out->crew_count = in->crew_count;
	out->misstated = in->misstated;
	out->said_type = in->said_type;
	out->said_length_m = in->said_length_m;
	out->length_dm = in->length_dm;
	out->area_count = in->area_count < SUBJECT_AREAS_MAX ? in->area_count : SUBJECT_AREAS_MAX;
	for (unsigned i = 0; i < out->area_count; i++)
		out->areas[i] = place_number(span_of(in->areas[i], strnlen(in->areas[i], FENCE_ID_MAX)));
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static void view_have(struct subject_view *v)
{
	v->have = (v->registered ? 0 : NEED_STRANGER) | (v->has_video ? 0 : NEED_NO_VIDEO);
	v->have |= v->laid_up ? NEED_LAID_UP : 0;
	v->have |= v->certified_persons && v->persons_aboard > v->certified_persons ? NEED_CROWD : 0;
	v->have |= v->misstated || (v->said_length_m && v->length_dm) ? NEED_MISSTATED : 0;
	v->have |= v->crew_count && v->persons_aboard && v->crew_count != v->persons_aboard ? NEED_CREW : 0;
	v->due_first_ms = INT64_MAX;
	for (unsigned i = 0; i < DUE_COUNT; i++)
		v->due_first_ms = earlier(v->due_first_ms, v->due_ms[i]);
	for (unsigned i = 0; i < v->permit_count; i++) {
		if (v->permits[i].kind == PERMIT_BUSINESS)
			v->due_first_ms = earlier(v->due_first_ms, v->permits[i].valid_to_ms);
		else if (v->permits[i].kind == PERMIT_ROUTE && v->permits[i].fence_count)
			v->have |= NEED_ROUTE;
	}
}

/* Apart, so that the large answer is on the stack only while it is asked for. */
static __attribute__((noinline)) enum status take_subject(struct detect_state *s, const struct detector *d,
							  int64_t time_ms)
{
	struct detect_subject subject = {0};
	struct subject_view *v = &s->subject;
	d->context.subject(d->context.registry, s->device, time_ms, &subject);
	v->from_ms = subject.from_ms;
	v->to_ms = subject.to_ms;
	v->class_code = subject.class_code < DEVICE_CLASS_COUNT ? subject.class_code : DEVICE_CLASS_OTHER;
	v->registered = subject.registered;
	v->has_video = subject.has_video;
	v->joined_ms = subject.joined_ms;
	v->due_ms[DUE_METROLOGY] = subject.metrology_due_ms;
	v->due_ms[DUE_INSPECTION] = subject.inspection_due_ms;
	v->due_ms[DUE_SCRAP] = subject.scrap_due_ms;
	v->due_ms[DUE_SURVEY] = subject.survey_due_ms;
	v->due_ms[DUE_LICENCE] = subject.licence_due_ms;
	v->due_ms[DUE_NATIONALITY] = subject.nationality_due_ms;
	view_boat(&subject, v);
	v->driver = subject.driver;
	enum status status = view_permits(&subject, v);
	view_have(v);
	return status;
}

/* Episodes find their rules again by id; those without one, or with one of another kind, end where they last held. */
static void take_plan(struct detect_state *s, const struct detector *d, const struct plan *plan,
		      struct detect_sink *sink)
{
	uint32_t i = 0;
	while (i < s->count) {
		struct episode *e = &s->episodes[i];
		if (!e->kind) {
			e->rule = RULE_OF_VISIT;
			i++;
			continue;
		}
		const struct rule *r = plan->book ? rulebook_find(plan->book, e->rule_id) : NULL;
		if (!r || r->kind != e->kind) {
			episode_finish(s, i, detector_rule(d, e->rule_id), sink);
			continue;
		}
		e->rule = (uint16_t)(r - plan->book->rules);
		i++;
	}
	s->plan = plan;
}

enum status state_take_up(struct detect_state *s, const struct detector *d, int64_t time_ms, struct detect_sink *sink)
{
	bool other = s->serial != d->serial;
	s->serial = 0; /* until it is whole */
	if (other || time_ms < s->subject.from_ms || time_ms >= s->subject.to_ms) {
		enum status status = take_subject(s, d, time_ms);
		if (status != STATUS_OK)
			return status;
	}
	if (other || time_ms < s->plan->from_ms || time_ms >= s->plan->to_ms)
		take_plan(s, d, detector_plan(d, time_ms), sink);
	s->serial = d->serial;
	return STATUS_OK;
}
