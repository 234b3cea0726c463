/* drive.c -- facts for stage 2: drives, gaps of knowledge, visits of fences. */
#include "engine/detect/detect_step.h"

static void tell(struct detect_sink *sink, const struct fact *f)
{
	if (sink && sink->fact)
		sink->fact(sink->context, f);
}

/* --- drives --- */

static void tell_drive(const struct detect_state *s, bool open, struct detect_sink *sink)
{
	const struct drive *v = &s->drive;
	struct fact f = {.kind = FACT_DRIVE,
			 .open = open,
			 .device = s->device,
			 .driver = v->driver,
			 .from_ms = v->from_ms,
			 .to_ms = v->last_ms,
			 .from_lat_e7 = v->from_lat_e7,
			 .from_lon_e7 = v->from_lon_e7,
			 .to_lat_e7 = v->last_lat_e7,
			 .to_lon_e7 = v->last_lon_e7};
	tell(sink, &f);
}

void drive_close(struct detect_state *s, struct detect_sink *sink)
{
	if (s->drive.from_ms == TIME_NONE)
		return;
	tell_drive(s, false, sink);
	s->drive = (struct drive){.from_ms = TIME_NONE, .last_ms = TIME_NONE, .told_ms = TIME_NONE};
}

static void drive_on(struct step *st)
{
	struct drive *v = &st->s->drive;
	drive_grow(st->s, st->now, st->lat_e7, st->lon_e7);
	if (v->last_ms - v->told_ms < FACT_DRIVE_STEP_MS)
		return;
	v->told_ms = v->last_ms;
	tell_drive(st->s, true, st->sink);
}

/* --- gaps: told unless position and odometer say that it stood --- */

static void gap_step(struct step *st)
{
	struct detect_state *s = st->s;
	const struct last_report *last = &s->last;
	bool compared = st->judged && s->fix.time_ms == last->time_ms;
	bool counted = last->mileage_hm != MILEAGE_UNKNOWN && st->r->mileage_hm != MILEAGE_UNKNOWN;
	int64_t moved_mm = compared ? step_leg(st) : 0;
	drive_close(s, st->sink);
	if (compared && moved_mm <= FACT_GAP_STILL_MM && (!counted || last->mileage_hm == st->r->mileage_hm))
		return;
	s->stand_ms = TIME_NONE;
	if (counted && ((int64_t)st->r->mileage_hm - last->mileage_hm) * 100000 > moved_mm)
		moved_mm = ((int64_t)st->r->mileage_hm - last->mileage_hm) * 100000;
	struct fact f = {.kind = FACT_GAP,
			 .device = s->device,
			 .driver = s->driver,
			 .from_ms = last->time_ms,
			 .to_ms = st->now,
			 .value = moved_mm,
			 .from_lat_e7 = compared ? s->fix.lat_e7 : last->lat_e7,
			 .from_lon_e7 = compared ? s->fix.lon_e7 : last->lon_e7,
			 .to_lat_e7 = st->lat_e7,
			 .to_lon_e7 = st->lon_e7};
	tell(st->sink, &f);
}

void facts_step(struct step *st)
{
	struct detect_state *s = st->s;
	if (s->last.time_ms != TIME_NONE && st->now - s->last.time_ms > st->cls->fact_gap_ms)
		gap_step(st);
	if (st->moving == YES)
		drive_on(st);
	else if (st->moving == NO && s->drive.from_ms != TIME_NONE && s->stand_ms != TIME_NONE &&
		 st->now - s->stand_ms >= FACT_STAND_MS)
		drive_close(s, st->sink);
}

/* --- visits: entries of kind 0, after those of all rules --- */

static void tell_visit(const struct detect_state *s, const struct episode *e, bool open, struct detect_sink *sink)
{
	struct fact f = {.kind = FACT_VISIT,
			 .open = open,
			 .device = s->device,
			 .driver = e->driver,
			 .place = place_number(span_of_string(e->fence_id)),
			 .from_ms = e->start_ms,
			 .to_ms = e->last_ms,
			 .from_lat_e7 = e->start_lat_e7,
			 .from_lon_e7 = e->start_lon_e7,
			 .to_lat_e7 = e->last_lat_e7,
			 .to_lon_e7 = e->last_lon_e7};
	tell(sink, &f);
}

static bool is_visited(const struct step *st, const struct fence *f)
{
	for (uint32_t i = 0; i < st->cls->visit_tag_count; i++)
		if (fence_has_tag(f, st->cls->visit_tags[i]))
			return true;
	return false;
}

/* The place that an entry is of, when the report is still in it and it still counts. */
static const struct fence *visit_goes_on(const struct step *st, const struct episode *e)
{
	for (uint32_t i = 0; i < st->places.count; i++) {
		const struct fence *f = st->places.at[i].fence;
		if (f->version == e->fence_version && strcmp(f->id, e->fence_id) == 0)
			return is_visited(st, f) ? f : NULL;
	}
	return NULL;
}

static enum status visit_begin(struct step *st, const struct fence *f)
{
	struct detect_state *s = st->s;
	struct episode e = {.rule = RULE_OF_VISIT, .fence_version = f->version, .driver = s->driver};
	uint32_t at;
	for (uint32_t i = st->entry; i < s->count; i++)
		if (s->episodes[i].fence_version == f->version && strcmp(s->episodes[i].fence_id, f->id) == 0)
			return STATUS_OK;
	memcpy(e.fence_id, f->id, sizeof e.fence_id);
	e.start_ms = e.last_ms = e.seen_ms = st->now;
	e.found_ms = e.fail_ms = TIME_NONE;
	e.start_lat_e7 = e.last_lat_e7 = st->lat_e7;
	e.start_lon_e7 = e.last_lon_e7 = st->lon_e7;
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
		e.numbers[i] = NUMBER_UNKNOWN;
	for (unsigned i = 0; i < BANDS; i++)
		e.bands[i].since_ms = TIME_NONE;
	tell_visit(s, &e, true, st->sink);
	return episode_insert(s, &e, &at);
}

enum status visits_step(struct step *st)
{
	struct detect_state *s = st->s;
	if (!st->judged || (st->entry >= s->count && !st->cls->visit_tag_count))
		return STATUS_OK;
	for (uint32_t i = st->entry; i < s->count;) {
		struct episode *e = &s->episodes[i];
		if (!visit_goes_on(st, e)) {
			tell_visit(s, e, false, st->sink);
			episode_remove(s, i);
			continue;
		}
		e->last_ms = e->seen_ms = st->now;
		e->last_lat_e7 = st->lat_e7;
		e->last_lon_e7 = st->lon_e7;
		i++;
	}
	enum status status = STATUS_OK;
	for (uint32_t i = 0; i < st->places.count && status == STATUS_OK; i++)
		if (is_visited(st, st->places.at[i].fence))
			status = visit_begin(st, st->places.at[i].fence);
	return status;
}

void facts_open(const struct detect_state *s, struct detect_sink *sink)
{
	if (s->drive.from_ms != TIME_NONE)
		tell_drive(s, true, sink);
	for (uint32_t i = 0; i < s->count; i++)
		if (!s->episodes[i].kind)
			tell_visit(s, &s->episodes[i], true, sink);
}
