/* skim.c -- reports at which nothing happens, taken in from columns.
 *
 *   rows   . . . . . . . x . . . x x . . .       .  nothing is told, no rule has anything to say: skimmed here
 *          └── skim ──┘ step └skim┘              x  detect_step()
 *
 * A skimmed report leaves the state exactly as detect_step() would; but for its hash, and its mileage where the column
 * is missing, which nobody asks for before detect_recall(). What is skimmed: a report with a position that may be
 * judged, close enough to the last one, of a device without episodes, when every rule that might be asked is idle and
 * no fact is to be told.
 *
 *   calm block   no pause, no place to look for, the load never changed: rows of one kind of speed are one stretch,
 *                taken in at once
 *   others       row by row
 *   passed       a block whose summary alone shows that every row would be skimmed */
#include "engine/detect/detect_step.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define FLAGS_NOT_JUDGED (REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET | REPORT_FLAG_FUTURE)

struct skim {
	struct detect_state *s;
	const struct detector *d;
	const struct class_plan *cls;
	const struct block_columns *c;
	const struct rule_input *load; /* NULL: the status word does not say */
	int64_t until_ms;              /* what the state has taken up holds before it */
	int64_t pause_ms;              /* a longer one is not skimmed */
	bool places, all_places;       /* to be looked for; whatever their bits */
	bool tracks;                   /* a rule needs the fix before, or where it stood, or what lies between */
	bool facts;
	/* of rows that have this: rules that may speak outside every place, and within one */
	uint32_t have;
	bool paced;
	uint64_t asked, asked_placed;
	/* no fence that a rule looks for, whatever the time, holds a position within the box */
	bool is_clear;
	struct box clear;
};

static int64_t less(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool skim_begin(struct skim *k, struct detect_state *s, const struct detector *d, const struct detect_rows *rows)
{
	if (s->count || s->serial != d->serial || s->last.time_ms == TIME_NONE)
		return false;
	const struct class_plan *cls = &s->plan->classes[s->subject.class_code];
	const struct rule_input *load = s->plan->book ? &s->plan->book->inputs.load : NULL;
	if (cls->rule_count > ASKED_MAX || (rows->items && cls->reads_items))
		return false;
	*k = (struct skim){.s = s,
			   .d = d,
			   .cls = cls,
			   .c = rows->columns,
			   .load = load && load->known && !load->of_item ? load : NULL,
			   .until_ms = less(less(s->plan->to_ms, s->subject.to_ms), TIME_MAX_MS),
			   .pause_ms = less(cls->silent_ms - 1, cls->pause_ms),
			   .all_places = looks_everywhere(cls, &s->subject),
			   .tracks = cls->anchored || cls->leap_dkmh != INT64_MAX || cls->segment_bits,
			   .facts = rows->facts,
			   .have = UINT32_MAX};
	if (k->facts || cls->recalls) /* a gap ends a stand, too */
		k->pause_ms = less(k->pause_ms, cls->fact_gap_ms);
	k->places = d->slot_count && (cls->place_bits || k->all_places);
	return true;
}

/* --- which rules may speak --- */

/* The last answer is mostly this row's too. */
static inline void ask(struct skim *k, uint32_t have, uint16_t speed_dkmh)
{
	bool paced = (int32_t)speed_dkmh > k->cls->pace_dkmh;
	if (have == k->have && paced == k->paced)
		return;
	k->have = have;
	k->paced = paced;
	k->asked_placed = rules_asked(k->cls, have, true, speed_dkmh);
	k->asked = k->asked_placed & ~k->cls->placed;
}

/* Whether a rule's condition cannot hold: too slow for it, out of its places or hours, or inside what it wants to be
 * outside of. */
static bool is_idle(const struct plan_rule *p, const struct subject_view *subject, uint16_t speed_dkmh, int64_t now,
		    const struct places *places)
{
	if ((int32_t)speed_dkmh <= p->above_dkmh || (p->place_bits && !(p->place_bits & places->bits)))
		return true;
	if (!is_asked_for(p, subject))
		return true;
	if (!p->kind->judge) /* sections and detours begin whatever the hour */
		return false;
	if (p->rule->where_mode == WHERE_NOT_TAG && places_with_tag(places, p->rule->where_tag))
		return true;
	return !p->always && !schedule_active(&p->rule->when, now);
}

static bool all_idle(const struct skim *k, uint64_t asked, uint16_t speed_dkmh, int64_t now,
		     const struct places *places)
{
	for (; asked; asked &= asked - 1)
		if (!is_idle(&k->s->plan->rules[k->cls->rules[__builtin_ctzll(asked)]], &k->s->subject, speed_dkmh, now,
			     places))
			return false;
	return true;
}

/* Where the last answer, that of a position in no place, holds for good. */
static void note_clear(struct skim *k)
{
	const uint32_t *slots;
	size_t count;
	k->is_clear = !k->all_places && fence_cursor_answer(fence_set_index(k->d->context.fences), &k->s->cursor,
							    &k->clear, &slots, &count);
	for (size_t i = 0; k->is_clear && i < count; i++)
		k->is_clear = slots[i] < k->d->slot_count && !(k->d->slots[slots[i]].bits & k->cls->place_bits);
}

/* Whether a rule speaks, or a visit begins, at a row that was asked for. */
static bool speaks(struct skim *k, struct geo_point at, int64_t now, uint16_t speed_dkmh)
{
	static const struct places nowhere;
	struct places places;
	if (k->is_clear && box_contains(&k->clear, at.lat_e7, at.lon_e7))
		return !all_idle(k, k->asked, speed_dkmh, now, &nowhere);
	/* without memory the step will find out */
	if (places_find(k->d, &k->s->cursor, at, now, k->cls->place_bits, k->all_places, &places) != STATUS_OK)
		return true;
	uint64_t asked = places.bits & k->cls->place_bits ? k->asked_placed : k->asked;
	if (!places.count)
		note_clear(k);
	bool idle = !(places.count && k->cls->visit_tag_count) && all_idle(k, asked, speed_dkmh, now, &places);
	places_free(&places);
	return !idle;
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
static inline uint32_t have_of(const struct skim *k, size_t i, enum tristate moving, enum tristate loaded)
{
	const struct detect_state *s = k->s;
	bool gone = s->last.loaded == YES && loaded == NO;
	return s->subject.have | NEED_JUDGED | (moving == YES ? NEED_MOVING : 0) | (loaded == YES ? NEED_LOADED : 0) |
	       (k->c->alarm[i] ? NEED_ALARM : 0) | (k->c->time_ms[i] >= s->subject.due_first_ms ? NEED_DUE : 0) |
	       (gone || k->cls->tips_unseen ? NEED_TIPPED : 0);
}

/* --- row by row --- */

/* Whether facts_step() would tell a drive. */
static inline bool tells_drive(const struct skim *k, enum tristate moving, int64_t now)
{
	const struct drive *v = &k->s->drive;
	if (!k->facts || v->from_ms == TIME_NONE || moving == EITHER)
		return false;
	return moving == YES ? now - v->told_ms >= FACT_DRIVE_STEP_MS
			     : k->s->stand_ms != TIME_NONE && now - k->s->stand_ms >= FACT_STAND_MS;
}

/* Whether the fix before, or the place where it stood, may make a rule speak. */
static bool track_speaks(const struct skim *k, const struct report *r)
{
	return fix_may_leap(&k->s->fix, r->lat_e7, r->lon_e7, r->time_ms, k->cls->leap_dkmh) ||
	       anchor_may_be_frozen(&k->s->anchor, r);
}

static inline void take_motion(struct skim *k, size_t first, size_t last, enum tristate moving)
{
	const struct block_columns *c = k->c;
	struct detect_state *s = k->s;
	if (moving == YES) {
		drive_grow(s, c->time_ms[first], c->lat_e7[first], c->lon_e7[first]);
		drive_grow(s, c->time_ms[last], c->lat_e7[last], c->lon_e7[last]);
		s->stand_ms = TIME_NONE;
	} else if (moving == NO && s->stand_ms == TIME_NONE) {
		s->stand_ms = c->time_ms[first];
	}
}

/* One row; false when it must be stepped, and then nothing has changed. */
static inline bool skim_row(struct skim *k, size_t i)
{
	const struct block_columns *c = k->c;
	struct detect_state *s = k->s;
	uint16_t speed_dkmh = c->speed_dkmh[i];
	enum tristate moving = moving_of(speed_dkmh);
	enum tristate loaded = k->load ? input_of_status(k->load, c->status[i]) : EITHER;
	struct report r = {.time_ms = c->time_ms[i], .lat_e7 = c->lat_e7[i], .lon_e7 = c->lon_e7[i]};
	if (r.time_ms >= k->until_ms || r.time_ms - s->last.time_ms > k->pause_ms || c->flags[i] & FLAGS_NOT_JUDGED ||
	    tells_drive(k, moving, r.time_ms))
		return false;
	if (k->tracks) {
		r.mileage_hm = c->mileage_hm[i];
		if (track_speaks(k, &r) ||
		    (k->places && is_crossed(k, (struct geo_point){r.lat_e7, r.lon_e7}, r.time_ms)))
			return false;
	}
	ask(k, have_of(k, i, moving, loaded), speed_dkmh);
	if ((k->asked_placed || k->cls->visit_tag_count) &&
	    speaks(k, (struct geo_point){r.lat_e7, r.lon_e7}, r.time_ms, speed_dkmh))
		return false;
	if (k->tracks) {
		s->fix = (struct fix){r.time_ms, r.lat_e7, r.lon_e7, speed_dkmh};
		anchor_step(&s->anchor, k->cls->anchored, &r);
	}
	take_motion(k, i, i, moving);
	s->last.time_ms = r.time_ms;
	s->last.loaded = (uint8_t)loaded;
	return true;
}

/* --- calm blocks --- */

/* What the status words of all rows say; EITHER: not all the same. */
static enum tristate loaded_throughout(const struct rule_input *load, const struct block_summary *b)
{
	enum tristate any = input_of_status(load, b->status_or), all = input_of_status(load, b->status_and);
	return any == NO ? NO : all == YES ? YES : EITHER;
}

/* Whether rows from `i` on differ by their speeds alone, but for what makes a rule be asked: `*out_have` is what any of
 * them has when it stands. */
static bool is_calm(const struct skim *k, const struct block_summary *b, size_t i, uint32_t *out_have)
{
	const struct detect_state *s = k->s;
	enum tristate loaded = k->load ? loaded_throughout(k->load, b) : EITHER;
	if (k->tracks || k->places || b->flags_or & FLAGS_NOT_JUDGED || k->c->longest_ms > k->pause_ms ||
	    k->c->time_ms[i] - s->last.time_ms > k->pause_ms || b->time_last_ms >= k->until_ms ||
	    (k->load && loaded == EITHER) || loaded != s->last.loaded)
		return false;
	*out_have = have_of(k, i, NO, loaded) | (b->alarm_or ? NEED_ALARM : 0) |
		    (b->time_last_ms >= s->subject.due_first_ms ? NEED_DUE : 0);
	return true;
}

/* The end of the rows from `i` on whose values lie within [low, high]. */
static size_t run_end(const uint16_t *values, size_t i, size_t until, uint16_t low, uint16_t high)
{
#if defined(__SSE2__)
	__m128i lows = _mm_set1_epi16((int16_t)low), highs = _mm_set1_epi16((int16_t)high);
	for (; i + 8 <= until; i += 8) {
		__m128i v = _mm_loadu_si128((const __m128i *)(values + i));
		__m128i off = _mm_or_si128(_mm_subs_epu16(lows, v), _mm_subs_epu16(v, highs));
		unsigned in = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi16(off, _mm_setzero_si128()));
		if (in != 0xffff)
			return i + (size_t)__builtin_ctz(~in) / 2;
	}
#endif
	while (i < until && values[i] >= low && values[i] <= high)
		i++;
	return i;
}

/* The first of rows [from, until) at or after `time_ms`. */
static size_t row_at(const int64_t *times, size_t from, size_t until, int64_t time_ms)
{
	if (from == until || times[until - 1] < time_ms)
		return until;
	while (from < until) {
		size_t middle = from + (until - from) / 2;
		if (times[middle] < time_ms)
			from = middle + 1;
		else
			until = middle;
	}
	return from;
}

/* The first of rows [i, until), which all move or all stand, at which a drive is told. */
static size_t told_at(const struct skim *k, size_t i, size_t until, enum tristate moving)
{
	const struct detect_state *s = k->s;
	const int64_t *times = k->c->time_ms;
	bool drives = s->drive.from_ms != TIME_NONE;
	if (!k->facts || moving == EITHER || (moving == NO && !drives))
		return until;
	if (moving == YES)
		return row_at(times, i, until, (drives ? s->drive.told_ms : times[i]) + FACT_DRIVE_STEP_MS);
	return row_at(times, i, until, (s->stand_ms != TIME_NONE ? s->stand_ms : times[i]) + FACT_STAND_MS);
}

/* Rows of a calm block, a stretch of one kind of speed at a time; returns the first that must be stepped. */
static size_t skim_calm(struct skim *k, uint32_t have, size_t i, size_t until)
{
	const struct block_columns *c = k->c;
	while (i < until) {
		uint16_t speed_dkmh = c->speed_dkmh[i];
		enum tristate moving = moving_of(speed_dkmh);
		int32_t pace = k->cls->pace_dkmh;
		int32_t low = moving == NO ? 0 : moving == YES ? MOVING_DKMH : SPEED_UNKNOWN;
		int32_t high = moving == NO ? MOVING_DKMH - 1 : moving == YES ? SPEED_UNKNOWN - 1 : SPEED_UNKNOWN;
		if ((int32_t)speed_dkmh > pace)
			low = low > pace ? low : pace + 1;
		else
			high = high < pace ? high : pace;
		ask(k, have | (moving == YES ? NEED_MOVING : 0), speed_dkmh);
		if (k->asked) { /* the row may have nothing to say for all that */
			if (!skim_row(k, i))
				return i;
			i++;
			continue;
		}
		size_t end = run_end(c->speed_dkmh, i, until, (uint16_t)low, (uint16_t)high);
		size_t told = told_at(k, i, end, moving);
		if (told > i)
			take_motion(k, i, told - 1, moving);
		if (told < end)
			return told;
		i = end;
	}
	return i;
}

/* --- blocks --- */

/* What only the last row leaves behind. */
static void skim_end(struct skim *k, size_t last)
{
	const struct block_columns *c = k->c;
	struct report r = {.time_ms = c->time_ms[last],
			   .lat_e7 = c->lat_e7[last],
			   .lon_e7 = c->lon_e7[last],
			   .status = c->status[last],
			   .mileage_hm = c->mileage_hm ? c->mileage_hm[last] : MILEAGE_UNKNOWN,
			   .speed_dkmh = c->speed_dkmh[last],
			   .flags = c->flags[last]};
	state_remember(k->s, &r, k->cls->anchored, moving_of(r.speed_dkmh), k->s->last.loaded);
}

size_t detect_skim(struct detect_state *s, const struct detector *d, const struct detect_rows *rows)
{
	struct skim k;
	uint32_t have;
	size_t i = rows->from;
	if (i == rows->until || !skim_begin(&k, s, d, rows))
		return i;
	if (is_calm(&k, rows->block, i, &have))
		i = skim_calm(&k, have, i, rows->until);
	else if (skim_row(&k, i) && ++i < rows->until && is_calm(&k, rows->block, i, &have))
		i = skim_calm(&k, have, i, rows->until);
	else if (i > rows->from)
		while (i < rows->until && skim_row(&k, i))
			i++;
	if (i > rows->from)
		skim_end(&k, i - 1);
	return i;
}

/* The plan of the device's class, when it holds for all of the time. */
static const struct class_plan *class_until(const struct detect_state *s, const struct detector *d, int64_t time_ms)
{
	if (s->serial != d->serial || s->last.time_ms == TIME_NONE || time_ms >= s->plan->to_ms ||
	    time_ms >= s->subject.to_ms || time_ms >= TIME_MAX_MS)
		return NULL;
	return &s->plan->classes[s->subject.class_code];
}

bool detect_needs_mileage(const struct detect_state *s, const struct detector *d, int64_t time_ms)
{
	const struct class_plan *cls = class_until(s, d, time_ms);
	return !cls || cls->recalls;
}

bool detect_ignores_items(const struct detect_state *s, const struct detector *d, int64_t time_ms)
{
	const struct class_plan *cls = class_until(s, d, time_ms);
	return cls && !cls->reads_items;
}

bool detect_looks_back(const struct detect_state *s, const struct detector *d, int64_t time_ms, uint16_t flags)
{
	const struct class_plan *cls = class_until(s, d, time_ms);
	if (!cls || flags & FLAGS_NOT_JUDGED || time_ms <= s->last.time_ms)
		return true;
	int64_t pause_ms = less(less(cls->silent_ms - 1, cls->pause_ms), cls->fact_gap_ms);
	return time_ms - s->last.time_ms > pause_ms;
}

/* What the rows of a block may have, all of them judged. */
static uint32_t have_of_block(const struct detect_state *s, const struct block_summary *b)
{
	bool moves = b->speed_max_dkmh != SPEED_UNKNOWN && b->speed_max_dkmh >= MOVING_DKMH;
	const uint32_t unseen = NEED_ITEMS | NEED_ASSIST | NEED_BLIND | NEED_LOADED | NEED_TIPPED | NEED_PAUSE |
				NEED_LEAP | NEED_ANCHOR;
	return s->subject.have | unseen | NEED_JUDGED | (moves ? NEED_MOVING : 0) | (b->alarm_or ? NEED_ALARM : 0) |
	       (b->time_last_ms >= s->subject.due_first_ms ? NEED_DUE : 0);
}

bool detect_pass(struct detect_state *s, const struct detector *d, const struct block_summary *block)
{
	const struct class_plan *cls = class_until(s, d, block->time_last_ms);
	if (!cls || s->count || cls->recalls || cls->visit_tag_count || cls->rule_count > ASKED_MAX ||
	    block->flags_or & FLAGS_NOT_JUDGED || block->time_first_ms <= s->last.time_ms)
		return false;
	/* rules that ask for a speed above one say nothing of a report without */
	uint16_t speed_dkmh = block->speed_max_dkmh == SPEED_UNKNOWN ? 0 : block->speed_max_dkmh;
	if (rules_asked(cls, have_of_block(s, block), cls->place_bits || cls->by_permit, speed_dkmh))
		return false;
	s->last.time_ms = block->time_last_ms;
	s->ticked_ms = TIME_NONE;
	return true;
}

void detect_recall(struct detect_state *s, const struct report *r)
{
	const struct rulebook *book = s->plan->book;
	const struct class_plan *cls = &s->plan->classes[s->subject.class_code];
	const struct rule_input *load =
		book && book->inputs.load.known && !book->inputs.load.of_item ? &book->inputs.load : NULL;
	enum tristate loaded = load ? input_of_status(load, r->status) : s->last.loaded;
	state_remember(s, r, cls->anchored, moving_of(r->speed_dkmh), loaded);
}
