/* fatigue.c -- how long a driver has driven, whatever he drove, against the limits of the law.
 *
 *   facts      ├──── A ────┤├─ A ─┤     ├─ A ─┤          FACT_DRIVE of vehicles A and B
 *                                    ├── B ──┤           FACT_GAP of A: ~
 *   legs       ├──────── A ───────┤~~├──B────┤           joined where they touch, vehicle by vehicle
 *   stretches  ├──────────────────┤  ├─┼A+B┼─┤           the union; within one, the same vehicles of the same classes
 *
 * What counts (rules.md's sources: implementing regulations of the road traffic safety law, art. 62(7); measures for
 * dynamic supervision of road transport vehicles, 2014 no. 5 as amended; safety norms for passenger transport, art.
 * 38):
 *
 *   continuous  time spent driving since the last valid rest. A rest is valid when it lasts `rest` or longer in one
 *               piece; a shorter stop stops the clock and does not turn it back. So stops are not driving, but four
 * hours of driving in pieces are four hours. night       the same within one night (`night_hours`, UTC+8): driving
 * before and after it does not count. day, week   driving in the 24 h, the 7 days before each instant: the window
 * slides, exactly.
 *
 * A limit is exceeded by one millisecond more than it. A FACT_GAP is neither driving nor rest: it cuts a rest in two.
 * All driving of the subject counts; a finding is made only while a vehicle is driven whose class the rule binds, under
 * the version of the rule that holds then. A new version of a rule is a new finding; the clocks go on. Two vehicles at
 * once (a card in two readers) count once.
 *
 * A finding begins with the driving that is counted: of continuous and night the first since the rest, of day and week
 * the first within the window at `found_ms`; but not before the version of the rule holds, nor before the finding
 * before it has ended. It is found when the clock passes the limit, and ends with the last driving above it.
 * Confidence: HIGH; LOW without a card (the vehicle is judged); one step less when two vehicles moved at once or when a
 * gap may hide a valid rest. Positions are those where the legs of its ends begin and end. Of a rule's head, `classes`
 * applies; a limit says itself when and how long. */
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/detect/stage2.h"

#define DAY_WINDOW_MS MS_PER_DAY
#define WEEK_WINDOW_MS (7 * MS_PER_DAY)

enum code { CODE_CONTINUOUS = 1, CODE_NIGHT, CODE_DAY, CODE_WEEK };

struct piece {
	int64_t from_ms, to_ms;
	uint32_t class_bit;
	size_t leg;
};

struct stretch {
	int64_t from_ms, to_ms;
	int64_t driven_before_ms;
	size_t doubled_before; /* stretches before this one with two vehicles */
	size_t leg;            /* the one that began first */
	uint32_t classes;      /* bits of all vehicles driven */
	bool doubled;
};

struct life {
	uint64_t subject, driver;
	int64_t as_of_ms;
	struct fact *legs; /* in order of (from, device) */
	size_t leg_count, leg_capacity;
	struct fact *gaps; /* apart from each other, ascending */
	size_t gap_count, gap_capacity;
	struct piece *pieces;
	size_t piece_count, piece_capacity;
	struct stretch *stretches; /* ascending, apart or touching */
	size_t stretch_count;
};

/* --- facts to legs and gaps --- */

static int compare_facts(const void *a, const void *b)
{
	return fact_compare(a, b);
}

static int compare_by_device(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return fact_compare(x, y);
}

/* The facts of `kind` that are the subject's, as of now: what began later is not there, what goes on is open. */
static enum status pick(struct life *l, const struct fact *facts, size_t count, unsigned kind, struct fact **out,
			size_t *out_count, size_t *out_capacity)
{
	for (size_t i = 0; i < count; i++) {
		struct fact f = facts[i];
		bool his = f.driver == l->subject || (f.driver == 0 && f.device == l->subject);
		if (f.kind != kind || !his || !fact_judged(&f))
			continue;
		if (f.to_ms > l->as_of_ms) {
			f.to_ms = l->as_of_ms;
			f.open = true;
		}
		if (f.from_ms >= f.to_ms)
			continue;
		if (!array_grow((void **)out, out_capacity, *out_count, sizeof **out))
			return STATUS_NO_MEMORY;
		(*out)[(*out_count)++] = f;
	}
	return STATUS_OK;
}

/* `b` touches or overlaps `a`, which began before. */
static void join(struct fact *a, const struct fact *b)
{
	if (b->to_ms > a->to_ms) {
		a->to_ms = b->to_ms;
		a->to_lat_e7 = b->to_lat_e7;
		a->to_lon_e7 = b->to_lon_e7;
		a->open = b->open;
	} else if (b->to_ms == a->to_ms) {
		a->open = a->open && b->open;
	}
}

static size_t join_all(struct fact *facts, size_t count, bool across_devices)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		struct fact *last = kept ? &facts[kept - 1] : NULL;
		if (last && (across_devices || last->device == facts[i].device) && facts[i].from_ms <= last->to_ms)
			join(last, &facts[i]);
		else
			facts[kept++] = facts[i];
	}
	return kept;
}

static enum status take_facts(struct life *l, const struct fact *facts, size_t count)
{
	enum status status = pick(l, facts, count, FACT_DRIVE, &l->legs, &l->leg_count, &l->leg_capacity);
	if (!status)
		status = pick(l, facts, count, FACT_GAP, &l->gaps, &l->gap_count, &l->gap_capacity);
	if (status || !l->leg_count)
		return status;
	qsort(l->legs, l->leg_count, sizeof *l->legs, compare_by_device);
	l->leg_count = join_all(l->legs, l->leg_count, false);
	qsort(l->legs, l->leg_count, sizeof *l->legs, compare_facts);
	if (l->gap_count)
		qsort(l->gaps, l->gap_count, sizeof *l->gaps, compare_facts);
	l->gap_count = join_all(l->gaps, l->gap_count, true);
	l->driver = l->legs[0].driver;
	return STATUS_OK;
}

/* --- legs to stretches --- */

/* Legs cut where the registry says something else of the vehicle. */
static enum status cut_legs(struct life *l, const struct detect_context *context)
{
	for (size_t i = 0; i < l->leg_count; i++) {
		const struct fact *leg = &l->legs[i];
		for (int64_t from = leg->from_ms; from < leg->to_ms;) {
			struct detect_subject subject;
			context->subject(context->registry, leg->device, from, &subject);
			int64_t to = subject.to_ms > from && subject.to_ms < leg->to_ms ? subject.to_ms : leg->to_ms;
			if (!array_grow((void **)&l->pieces, &l->piece_capacity, l->piece_count, sizeof *l->pieces))
				return STATUS_NO_MEMORY;
			l->pieces[l->piece_count++] =
				(struct piece){from, to, UINT32_C(1) << (subject.class_code & 31), i};
			from = to;
		}
	}
	return STATUS_OK;
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	if (x->from_ms != y->from_ms)
		return x->from_ms < y->from_ms ? -1 : 1;
	return (x->leg > y->leg) - (x->leg < y->leg);
}

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void add_stretch(struct life *l, const struct piece *const *now, size_t now_count, int64_t from, int64_t to)
{
	struct stretch s = {.from_ms = from, .to_ms = to, .leg = now[0]->leg, .doubled = now_count > 1};
	for (size_t i = 0; i < now_count; i++) {
		s.classes |= now[i]->class_bit;
		if (now[i]->leg < s.leg)
			s.leg = now[i]->leg;
	}
	if (l->stretch_count) {
		const struct stretch *last = &l->stretches[l->stretch_count - 1];
		s.driven_before_ms = last->driven_before_ms + last->to_ms - last->from_ms;
		s.doubled_before = last->doubled_before + last->doubled;
	}
	l->stretches[l->stretch_count++] = s;
}

/* `times`: every beginning and end of a piece, ascending; `now`: room for all pieces. */
static void sweep(struct life *l, const int64_t *times, const struct piece **now)
{
	size_t now_count = 0, next = 0;
	for (size_t i = 0; i + 1 < 2 * l->piece_count; i++) {
		size_t kept = 0;
		for (size_t k = 0; k < now_count; k++)
			if (now[k]->to_ms > times[i])
				now[kept++] = now[k];
		now_count = kept;
		while (next < l->piece_count && l->pieces[next].from_ms <= times[i])
			now[now_count++] = &l->pieces[next++];
		if (now_count && times[i] < times[i + 1])
			add_stretch(l, now, now_count, times[i], times[i + 1]);
	}
}

static enum status make_stretches(struct life *l)
{
	size_t ends = 2 * l->piece_count;
	int64_t *times = malloc(ends * sizeof *times);
	const struct piece **now = malloc(l->piece_count * sizeof *now);
	l->stretches = calloc(ends, sizeof *l->stretches);
	enum status status = times && now && l->stretches ? STATUS_OK : STATUS_NO_MEMORY;
	if (!status) {
		for (size_t i = 0; i < l->piece_count; i++) {
			times[2 * i] = l->pieces[i].from_ms;
			times[2 * i + 1] = l->pieces[i].to_ms;
		}
		qsort(times, ends, sizeof *times, compare_times);
		qsort(l->pieces, l->piece_count, sizeof *l->pieces, compare_pieces);
		sweep(l, times, now);
	}
	free(times);
	free(now);
	return status;
}

static void life_deinit(struct life *l)
{
	free(l->legs);
	free(l->gaps);
	free(l->pieces);
	free(l->stretches);
}

/* Whether [from, to), in which nothing was driven, holds `rest` without a gap. */
static bool rested(const struct life *l, int64_t from, int64_t to, int64_t rest)
{
	size_t low = 0, high = l->gap_count; /* the first gap that ends after `from` */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (l->gaps[middle].to_ms > from)
			high = middle;
		else
			low = middle + 1;
	}
	for (; low < l->gap_count && l->gaps[low].from_ms < to; low++) {
		if (l->gaps[low].from_ms - from >= rest)
			return true;
		from = l->gaps[low].to_ms;
	}
	return from < to && to - from >= rest;
}

/* --- one limit --- */

struct trial {
	const struct life *life;
	const struct tenure *tenure;
	enum code code;
	int64_t limit_ms;
	struct finding_list *findings;
	int64_t free_ms; /* a finding begins here or later: the rule holds, and the finding before is over */
	/* the episode under way */
	bool found, unsure;
	int64_t start_ms, found_ms, end_ms, peak_ms;
	size_t first, last; /* stretches */
};

/* Driving above the limit within one stretch. */
struct excess {
	size_t at; /* the stretch */
	int64_t from_ms, to_ms;
	int64_t peak_ms;  /* what is measured at to_ms */
	bool rising;      /* it has grown as time went; else it stood */
	int64_t start_ms; /* where what is measured begins ... */
	size_t first;     /* ... and in which stretch */
	bool unsure;
};

/* Kept as far as the rule binds. */
static void exceed(struct trial *t, struct excess e)
{
	const struct tenure *tenure = t->tenure;
	if (e.to_ms > tenure->to_ms) {
		e.peak_ms -= e.rising ? e.to_ms - tenure->to_ms : 0;
		e.to_ms = tenure->to_ms;
	}
	if (e.from_ms < tenure->from_ms)
		e.from_ms = tenure->from_ms;
	if (e.from_ms >= e.to_ms || !(t->life->stretches[e.at].classes & tenure->rule->classes))
		return;
	if (!t->found) {
		t->found = true;
		t->found_ms = e.from_ms;
		t->start_ms = e.start_ms > t->free_ms ? e.start_ms : t->free_ms;
		t->first = e.first;
		t->peak_ms = e.peak_ms;
	}
	t->unsure |= e.unsure;
	t->end_ms = e.to_ms;
	t->last = e.at;
	if (e.peak_ms > t->peak_ms)
		t->peak_ms = e.peak_ms;
}

static int confidence(const struct trial *t)
{
	if (!t->life->driver)
		return CONFIDENCE_LOW;
	return t->unsure ? CONFIDENCE_MEDIUM : CONFIDENCE_HIGH;
}

/* The episode is over, or goes on after `as_of`. */
static enum status conclude(struct trial *t, bool open)
{
	if (!t->found)
		return STATUS_OK;
	struct finding *f = finding_list_add(t->findings, t->tenure->rule);
	if (!f)
		return STATUS_NO_MEMORY;
	const struct life *l = t->life;
	const struct fact *first = &l->legs[l->stretches[t->first].leg], *last = &l->legs[l->stretches[t->last].leg];
	f->subject = l->subject;
	f->device = first->device;
	f->driver = l->driver;
	f->confidence = (uint8_t)confidence(t);
	f->open = open && t->tenure->to_ms > l->as_of_ms;
	f->start_ms = t->start_ms;
	f->end_ms = t->end_ms;
	f->found_ms = t->found_ms;
	f->start_lat_e7 = first->from_lat_e7;
	f->start_lon_e7 = first->from_lon_e7;
	f->end_lat_e7 = last->to_lat_e7;
	f->end_lon_e7 = last->to_lon_e7;
	f->numbers[FINDING_LIMIT] = t->limit_ms;
	f->numbers[FINDING_PEAK] = t->peak_ms;
	f->numbers[FINDING_DURATION] = t->end_ms - t->start_ms;
	f->numbers[FINDING_CODE] = t->code;
	f->numbers[FINDING_LEVEL] = 1 + (t->peak_ms - t->limit_ms) / MS_PER_HOUR;
	t->found = t->unsure = false;
	t->free_ms = t->end_ms;
	return STATUS_OK;
}

/* --- continuous and night: a clock that a rest turns back --- */

struct span_ms {
	int64_t from_ms, to_ms;
};

/* The night that holds `time_ms`, or the next one. `hours` as UNIT_HOURS; equal ends are a whole day. */
static struct span_ms night_at(int64_t hours, int64_t time_ms)
{
	int64_t from = (hours >> 32) * MS_PER_SECOND, to = (int64_t)(uint32_t)hours * MS_PER_SECOND;
	if (to <= from)
		to += MS_PER_DAY;
	int64_t day = (time_ms + CHINA_OFFSET_MS) / MS_PER_DAY * MS_PER_DAY - CHINA_OFFSET_MS - MS_PER_DAY;
	while (day + to <= time_ms)
		day += MS_PER_DAY;
	return (struct span_ms){day + from, day + to};
}

struct clock {
	int64_t driven_ms, start_ms;
	size_t first;
	bool running, unsure;
};

/* Stretch `at` was driven from `from` to `to`. */
static void clock_run(struct clock *c, struct trial *t, size_t at, int64_t from, int64_t to)
{
	if (!c->running)
		*c = (struct clock){.running = true, .start_ms = from, .first = at};
	c->unsure |= t->life->stretches[at].doubled;
	int64_t left = t->limit_ms - c->driven_ms;
	c->driven_ms += to - from;
	if (c->driven_ms > t->limit_ms)
		exceed(t, (struct excess){at, left > 0 ? from + left : from, to, c->driven_ms, true, c->start_ms,
					  c->first, c->unsure});
}

/* Whether nothing says that the driving behind the last stretch is over as of now. */
static bool still_driving(const struct life *l, int64_t rest)
{
	for (size_t i = 0; i < l->leg_count; i++)
		if (l->legs[i].open && l->as_of_ms - l->legs[i].to_ms <= FACT_DRIVE_STEP_MS)
			return true;
	return !rested(l, l->stretches[l->stretch_count - 1].to_ms, l->as_of_ms, rest);
}

static enum status judge_clock(struct trial *t)
{
	const struct life *l = t->life;
	const int64_t *params = t->tenure->rule->params;
	int64_t rest = params[PARAM_FATIGUE_REST];
	struct span_ms window = {INT64_MIN, INT64_MAX};
	struct clock clock = {0};
	enum status status = STATUS_OK;
	for (size_t i = 0; !status && i < l->stretch_count; i++) {
		const struct stretch *s = &l->stretches[i];
		bool turned = i && rested(l, s[-1].to_ms, s->from_ms, rest);
		bool hidden = i && !turned && s->from_ms - s[-1].to_ms >= rest;
		for (int64_t at = s->from_ms; !status && at < s->to_ms; at = window.to_ms) {
			struct span_ms w = window;
			if (t->code == CODE_NIGHT)
				w = night_at(params[PARAM_FATIGUE_NIGHT_HOURS], at);
			if (turned || w.from_ms != window.from_ms) {
				status = conclude(t, false);
				clock.running = turned = false;
			}
			window = w;
			clock.unsure |= hidden;
			if (!status && w.from_ms < s->to_ms)
				clock_run(&clock, t, i, at > w.from_ms ? at : w.from_ms,
					  s->to_ms < w.to_ms ? s->to_ms : w.to_ms);
		}
	}
	return status ? status : conclude(t, l->as_of_ms < window.to_ms && still_driving(l, rest));
}

/* --- day and week: a sum over a sliding window --- */

/* Driving within the window of `window` ms that ends at `time_ms`, which lies at or behind the beginning of stretch
 * `at`; `tail` is the first stretch that ends within the window. */
static int64_t sum_at(const struct life *l, size_t at, size_t tail, int64_t time_ms, int64_t window)
{
	const struct stretch *now = &l->stretches[at], *old = &l->stretches[tail];
	int64_t gone = time_ms - window > old->from_ms ? time_ms - window - old->from_ms : 0;
	int64_t till = time_ms < now->to_ms ? time_ms : now->to_ms;
	return now->driven_before_ms + till - now->from_ms - old->driven_before_ms - gone;
}

/* One stretch: the sum never falls while it is driven; it rises where nothing leaves the window at the other end. */
static enum status slide(struct trial *t, size_t at, size_t *tail, int64_t window)
{
	const struct life *l = t->life;
	const struct stretch *s = &l->stretches[at];
	for (int64_t time = s->from_ms; time < s->to_ms;) {
		while (l->stretches[*tail].to_ms <= time - window)
			++*tail;
		const struct stretch *old = &l->stretches[*tail];
		bool rising = time - window < old->from_ms;
		int64_t next = (rising ? old->from_ms : old->to_ms) + window;
		if (next > s->to_ms)
			next = s->to_ms;
		int64_t sum = sum_at(l, at, *tail, time, window);
		if (time == s->from_ms && sum <= t->limit_ms) {
			enum status status = conclude(t, false);
			if (status)
				return status;
		}
		int64_t peak = rising ? sum + next - time : sum;
		if (peak > t->limit_ms) {
			int64_t from = sum < t->limit_ms ? time + t->limit_ms - sum : time;
			if (from < t->tenure->from_ms)
				from = t->tenure->from_ms;
			int64_t start = old->from_ms > from - window ? old->from_ms : from - window;
			bool doubled = s->doubled_before + s->doubled > old->doubled_before;
			exceed(t, (struct excess){at, from, next, peak, rising, start, *tail, doubled});
		}
		time = next;
	}
	return STATUS_OK;
}

static enum status judge_window(struct trial *t, int64_t window)
{
	const struct life *l = t->life;
	size_t tail = 0, last = l->stretch_count - 1;
	enum status status = STATUS_OK;
	for (size_t i = 0; !status && i <= last; i++)
		status = slide(t, i, &tail, window);
	while (tail < last && l->stretches[tail].to_ms <= l->as_of_ms - window)
		tail++;
	bool empty = l->stretches[tail].to_ms <= l->as_of_ms - window;
	return status ? status : conclude(t, !empty && sum_at(l, last, tail, l->as_of_ms, window) > t->limit_ms);
}

/* --- all of it --- */

static enum status judge_rule(const struct life *l, const struct tenure *tenure, struct finding_list *findings)
{
	static const struct {
		enum code code;
		unsigned param;
		int64_t window_ms; /* 0: a clock */
	} limits[] = {{CODE_CONTINUOUS, PARAM_FATIGUE_CONTINUOUS, 0},
		      {CODE_NIGHT, PARAM_FATIGUE_NIGHT, 0},
		      {CODE_DAY, PARAM_FATIGUE_DAY, DAY_WINDOW_MS},
		      {CODE_WEEK, PARAM_FATIGUE_WEEK, WEEK_WINDOW_MS}};
	enum status status = STATUS_OK;
	for (unsigned i = 0; !status && i < sizeof limits / sizeof limits[0]; i++) {
		struct trial t = {.life = l, .tenure = tenure, .code = limits[i].code, .findings = findings};
		t.free_ms = tenure->from_ms;
		t.limit_ms = tenure->rule->params[limits[i].param];
		if (!t.limit_ms)
			continue;
		status = limits[i].window_ms ? judge_window(&t, limits[i].window_ms) : judge_clock(&t);
	}
	return status;
}

enum status fatigue_judge(const struct detect_context *context, uint64_t subject, const struct fact *facts,
			  size_t count, int64_t as_of_ms, struct detect_sink *sink)
{
	struct life l = {.subject = subject, .as_of_ms = as_of_ms};
	struct finding_list findings = {0};
	struct tenure_walk walk = {0};
	struct tenure tenure;
	enum status status = subject ? take_facts(&l, facts, count) : STATUS_INVALID;
	if (!status && l.leg_count) {
		status = cut_legs(&l, context);
		if (!status)
			status = make_stretches(&l);
		while (!status && tenure_next(context, RULE_FATIGUE, &walk, &tenure))
			status = judge_rule(&l, &tenure, &findings);
	}
	if (!status)
		finding_list_tell(&findings, sink);
	finding_list_deinit(&findings);
	life_deinit(&l);
	return status;
}
