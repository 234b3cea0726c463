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
	const struct rule_input *load; /* NULL: the status word does not say */
	int64_t until_ms;              /* what the state has taken up holds before it */
	int64_t pause_ms;              /* a longer one is not skimmed */
	bool places, all_places;       /* to be looked for; whatever their bits */
	bool tracks;                   /* a rule needs the fix before, or where it stood, or what lies between */
	/* what `asked` is of */
	uint32_t have;
	bool paced, asked;
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
	const struct rule_input *load = s->plan->book ? &s->plan->book->inputs.load : NULL;
	if (cls->rule_count > ASKED_MAX)
		return false;
	*k = (struct skim){.s = s,
			   .d = d,
			   .cls = cls,
			   .load = load && load->known && !load->of_item ? load : NULL,
			   .until_ms = less(less(s->plan->to_ms, s->subject.to_ms), TIME_MAX_MS),
			   .pause_ms = less(less(cls->silent_ms - 1, cls->pause_ms), cls->fact_gap_ms),
			   .all_places = cls->by_permit && s->subject.permit_count,
			   .tracks = cls->anchored || cls->leap_dkmh != INT64_MAX || cls->segment_bits,
			   .have = UINT32_MAX};
	k->places = d->slot_count && (cls->place_bits || k->all_places);
	return true;
}

/* Whether a rule may have something to say. The last answer is mostly this one's too. */
static inline bool is_asked(struct skim *k, uint32_t have, uint16_t speed_dkmh)
{
	bool paced = (int32_t)speed_dkmh > k->cls->pace_dkmh;
	if (have != k->have || paced != k->paced) {
		k->have = have;
		k->paced = paced;
		k->asked = rules_asked(k->cls, have, false, speed_dkmh) != 0;
	}
	return k->asked;
}

/* Whether facts_step() would tell a drive. */
static inline bool tells_drive(const struct detect_state *s, enum tristate moving, int64_t now)
{
	const struct drive *v = &s->drive;
	if (v->from_ms == TIME_NONE || moving == EITHER)
		return false;
	return moving == YES ? now - v->told_ms >= FACT_DRIVE_STEP_MS
			     : s->stand_ms != TIME_NONE && now - s->stand_ms >= FACT_STAND_MS;
}

static bool is_placed(struct skim *k, struct geo_point at, int64_t time_ms)
{
	struct places places;
	/* without memory the step will find out */
	if (places_find(k->d, &k->s->cursor, at, time_ms, k->cls->place_bits, k->all_places, &places) != STATUS_OK)
		return true;
	bool placed = places.count > 0;
	places_free(&places);
	return placed;
}

static bool is_crossed(struct skim *k, struct geo_point at, int64_t time_ms)
{
	struct places crossed;
	if (!k->cls->segment_bits)
		return false;
	if (places_crossed(k->d, &k->s->cursor, &k->s->fix, at, time_ms, k->cls->segment_bits, &crossed) != STATUS_OK)
		return true;
	bool some = crossed.count > 0;
	places_free(&crossed);
	return some;
}

/* What rules ask beside the row itself. */
static inline uint32_t have_of(const struct skim *k, const struct block_columns *c, size_t i, enum tristate moving,
			       enum tristate loaded)
{
	const struct detect_state *s = k->s;
	bool gone = s->last.loaded == YES && loaded == NO;
	return s->subject.have | NEED_JUDGED | (moving == YES ? NEED_MOVING : 0) | (loaded == YES ? NEED_LOADED : 0) |
	       (c->alarm[i] ? NEED_ALARM : 0) | (c->time_ms[i] >= s->subject.due_first_ms ? NEED_DUE : 0) |
	       (gone || k->cls->tips_unseen ? NEED_TIPPED : 0);
}

/* The fix before and the place where it stood. False when a rule may have something to say of them. */
static bool track(struct skim *k, const struct block_columns *c, size_t i)
{
	struct detect_state *s = k->s;
	struct report r = {.time_ms = c->time_ms[i],
			   .lat_e7 = c->lat_e7[i],
			   .lon_e7 = c->lon_e7[i],
			   .mileage_hm = c->mileage_hm[i]};
	if (fix_may_leap(&s->fix, r.lat_e7, r.lon_e7, r.time_ms, k->cls->leap_dkmh) ||
	    anchor_may_be_frozen(&s->anchor, &r))
		return false;
	struct geo_point at = {r.lat_e7, r.lon_e7};
	if (k->places && (is_placed(k, at, r.time_ms) || is_crossed(k, at, r.time_ms)))
		return false;
	s->fix = (struct fix){r.time_ms, r.lat_e7, r.lon_e7, c->speed_dkmh[i]};
	anchor_step(&s->anchor, k->cls->anchored, &r);
	return true;
}

/* One row; false when it must be stepped, and then nothing has changed. */
static inline bool skim_row(struct skim *k, const struct block_columns *c, size_t i)
{
	struct detect_state *s = k->s;
	int64_t now = c->time_ms[i];
	uint16_t speed_dkmh = c->speed_dkmh[i];
	enum tristate moving = speed_dkmh == SPEED_UNKNOWN ? EITHER : speed_dkmh >= MOVING_DKMH ? YES : NO;
	enum tristate loaded = k->load ? input_of_status(k->load, c->status[i]) : EITHER;
	if (now >= k->until_ms || now - s->last.time_ms > k->pause_ms ||
	    c->flags[i] & (REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET | REPORT_FLAG_FUTURE) ||
	    tells_drive(s, moving, now) || is_asked(k, have_of(k, c, i, moving, loaded), speed_dkmh))
		return false;
	if (k->tracks ? !track(k, c, i)
		      : k->places && is_placed(k, (struct geo_point){c->lat_e7[i], c->lon_e7[i]}, now))
		return false;
	if (moving == YES) {
		drive_grow(s, now, c->lat_e7[i], c->lon_e7[i]);
		s->stand_ms = TIME_NONE;
	} else if (moving == NO && s->stand_ms == TIME_NONE) {
		s->stand_ms = now;
	}
	s->last.time_ms = now;
	s->last.loaded = (uint8_t)loaded;
	return true;
}

/* What only the last row leaves behind. */
static void skim_end(struct skim *k, const struct block_columns *c, size_t last)
{
	struct report r = {.time_ms = c->time_ms[last],
			   .lat_e7 = c->lat_e7[last],
			   .lon_e7 = c->lon_e7[last],
			   .status = c->status[last],
			   .mileage_hm = c->mileage_hm[last],
			   .speed_dkmh = c->speed_dkmh[last],
			   .flags = c->flags[last]};
	state_remember(k->s, &r, k->cls->anchored, moving_of(r.speed_dkmh), k->s->last.loaded);
}

size_t detect_skim(struct detect_state *s, const struct detector *d, const struct block_columns *c, size_t from,
		   size_t until)
{
	struct skim k;
	size_t i = from;
	if (!skim_begin(&k, s, d))
		return from;
	while (i < until && skim_row(&k, c, i))
		i++;
	if (i > from)
		skim_end(&k, c, i - 1);
	return i;
}
