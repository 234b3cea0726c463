/* skim.c -- reports at which nothing happens, taken in from columns.
 *
 *   rows   . . . . . . . x . . . x x . . .       .  nothing is told, no rule has anything to say: skimmed here
 *          └── skim ──┘ step └skim┘              x  detect_step()
 *
 * A skimmed report leaves the state exactly as detect_step() would; but for its hash, which nobody asks for before the
 * next step. What is skimmed: a report with a position that may be judged, in no place that counts, close enough to the
 * last one, of a device without episodes, when no rule is asked (rules_asked()) and no fact is to be told. */
#include "engine/detect/detect_step.h"

struct skim {
	struct detect_state *s;
	const struct detector *d;
	const struct class_plan *cls;
	const struct rulebook *book;
	int64_t until_ms; /* what the state has taken up holds before it */
	int64_t pause_ms; /* a longer one is not skimmed */
	uint32_t have;    /* that `asked` is of */
	bool paced, places, asked;
};

static int64_t less(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool skim_begin(struct skim *k, struct detect_state *s, const struct detector *d)
{
	if (s->count || s->serial != d->serial || s->last.time_ms == TIME_NONE)
		return false;
	const struct class_plan *cls = &s->plan->classes[s->subject.class_code];
	if (cls->rule_count > ASKED_MAX)
		return false;
	*k = (struct skim){.s = s,
			   .d = d,
			   .cls = cls,
			   .book = s->plan->book,
			   .until_ms = less(less(s->plan->to_ms, s->subject.to_ms), TIME_MAX_MS),
			   .pause_ms = less(less(cls->silent_ms - 1, cls->pause_ms), cls->fact_gap_ms),
			   .have = UINT32_MAX};
	k->places = d->slot_count && (cls->place_bits || (cls->by_permit && s->subject.permit_count));
	return true;
}

static enum tristate loaded_of(const struct skim *k, uint32_t status)
{
	const struct rule_input *load = k->book ? &k->book->inputs.load : NULL;
	if (!load || !load->known || load->of_item)
		return EITHER;
	return input_of_status(load, status);
}

/* Whether a rule may have something to say. The last answer is mostly this one's too. */
static bool is_asked(struct skim *k, uint32_t have, uint16_t speed_dkmh)
{
	bool paced = (int32_t)speed_dkmh > k->cls->pace_dkmh;
	if (have != k->have || paced != k->paced) {
		k->have = have;
		k->paced = paced;
		k->asked = rules_asked(k->cls, have, false, speed_dkmh) != 0;
	}
	return k->asked;
}

static bool tells_drive(const struct detect_state *s, enum tristate moving, int64_t now)
{
	const struct drive *v = &s->drive;
	if (v->from_ms == TIME_NONE)
		return false;
	if (moving == YES)
		return now - v->told_ms >= FACT_DRIVE_STEP_MS;
	return moving == NO && s->stand_ms != TIME_NONE && now - s->stand_ms >= FACT_STAND_MS;
}

static bool is_placed(struct skim *k, const struct report *r)
{
	struct places places;
	bool all = k->cls->by_permit && k->s->subject.permit_count;
	/* without memory the step will find out */
	if (places_find(k->d, &k->s->cursor, (struct geo_point){r->lat_e7, r->lon_e7}, r->time_ms, k->cls->place_bits,
			all, &places) != STATUS_OK)
		return true;
	bool placed = places.count > 0;
	places_free(&places);
	return placed;
}

static bool is_quiet(struct skim *k, const struct report *r, enum tristate moving, enum tristate loaded)
{
	const struct detect_state *s = k->s;
	if (r->time_ms >= k->until_ms || r->time_ms - s->last.time_ms > k->pause_ms || !report_is_judged(r->flags) ||
	    r->flags & REPORT_FLAG_FUTURE || tells_drive(s, moving, r->time_ms))
		return false;
	uint32_t have = s->subject.have | NEED_JUDGED | (moving == YES ? NEED_MOVING : 0) |
			(loaded == YES ? NEED_LOADED : 0) | (r->alarm ? NEED_ALARM : 0) |
			(r->time_ms >= s->subject.due_first_ms ? NEED_DUE : 0) |
			((s->last.loaded == YES && loaded == NO) || k->cls->tips_unseen ? NEED_TIPPED : 0) |
			(fix_may_leap(&s->fix, r->lat_e7, r->lon_e7, r->time_ms, k->cls->leap_dkmh) ? NEED_LEAP : 0) |
			(anchor_may_be_frozen(&s->anchor, r) ? NEED_ANCHOR : 0);
	return !is_asked(k, have, r->speed_dkmh) && !(k->places && is_placed(k, r));
}

/* What facts_step() and the end of a step leave behind. */
static void take_in(struct skim *k, const struct report *r, enum tristate moving, enum tristate loaded)
{
	struct detect_state *s = k->s;
	if (moving == YES)
		drive_grow(s, r->time_ms, r->lat_e7, r->lon_e7);
	state_remember(s, r, k->cls->anchored, moving, loaded);
}

size_t detect_skim(struct detect_state *s, const struct detector *d, const struct block_columns *c, size_t from,
		   size_t until)
{
	struct skim k;
	if (!skim_begin(&k, s, d))
		return from;
	for (; from < until; from++) {
		struct report r = {.time_ms = c->time_ms[from],
				   .lat_e7 = c->lat_e7[from],
				   .lon_e7 = c->lon_e7[from],
				   .alarm = c->alarm[from],
				   .status = c->status[from],
				   .mileage_hm = c->mileage_hm[from],
				   .speed_dkmh = c->speed_dkmh[from],
				   .flags = c->flags[from]};
		enum tristate moving = moving_of(r.speed_dkmh), loaded = loaded_of(&k, r.status);
		if (!is_quiet(&k, &r, moving, loaded))
			return from;
		take_in(&k, &r, moving, loaded);
	}
	return from;
}
