/* Random lives of one driver against an oracle that walks them minute by minute, with arrays and no intervals; and the
 * same life told in another way (in another order, twice, in pieces, with earlier tellings left in) must be the same
 * findings, byte for byte. All times are whole minutes, so that a minute is never divided. The seed is printed;
 * FATIGUE_SEED repeats it. */
#include <time.h>

#include "unit/detect/stage2_world.h"

#define WANG DRIVER_WANG
#define MINUTES (16 * 1440)
#define DEVICES 3
#define FACTS_MAX 4096

static uint64_t state;

static uint32_t next_random(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

/* --- the life --- */

struct life {
	bool driven[DEVICES][MINUTES], gap[MINUTES];
	int later_minute, book_minute; /* classes change; another book holds */
	int as_of;
	struct fact facts[FACTS_MAX];
	size_t count;
};
static struct life life;
static struct world w;
static struct rule second_rules[1];

static int64_t ms(int minute)
{
	return MONDAY + minute * MINUTE;
}

static void random_rule(struct rule *r)
{
	static const int rests[] = {1, 20, 20, 30};
	*r = fatigue_rule();
	r->version = next_random(1000);
	r->classes = next_random(4) ? 1u << DEVICE_CLASS_COACH : 1u << DEVICE_CLASS_COACH | 1u << DEVICE_CLASS_TRUCK;
	r->params[PARAM_FATIGUE_REST] = rests[next_random(4)] * MINUTE;
	r->params[PARAM_FATIGUE_CONTINUOUS] = next_random(3) ? (60 + next_random(240)) * MINUTE : 0;
	r->params[PARAM_FATIGUE_NIGHT] = next_random(3) ? (1 + next_random(180)) * MINUTE : 0;
	if (next_random(2))
		r->params[PARAM_FATIGUE_NIGHT_HOURS] =
			(int64_t)next_random(1440) * 60 << 32 | (1 + next_random(1440)) * 60;
	r->params[PARAM_FATIGUE_DAY] = next_random(3) ? (1 + next_random(900)) * MINUTE : 0;
	r->params[PARAM_FATIGUE_WEEK] = next_random(3) ? (1 + next_random(4000)) * MINUTE : 0;
}

static void random_world(void)
{
	world_init(&w, 1);
	random_rule(&w.rules[0]);
	random_rule(&second_rules[0]);
	life.book_minute = (int)next_random(2 * MINUTES);
	w.books[1] = (struct rulebook){.rules = second_rules, .count = next_random(5) ? 1 : 0, .references = 1};
	w.spans[1] = (struct rulebook_span){ms(life.book_minute), &w.books[1]};
	w.context.book_count = 2;
	life.later_minute = (int)next_random(2 * MINUTES);
	w.later_ms = ms(life.later_minute);
	for (unsigned i = 0; i < DEVICES; i++) {
		w.classes[i + 1] = next_random(3) ? DEVICE_CLASS_COACH : DEVICE_CLASS_TRUCK;
		w.later_classes[i + 1] = next_random(3) ? DEVICE_CLASS_COACH : DEVICE_CLASS_TRUCK;
	}
}

/* Shifts of one vehicle: driving, stops around the length of a rest, long pauses, gaps in some of them. */
static void random_shifts(unsigned device, unsigned idle)
{
	int at = (int)next_random(1440);
	while (at < MINUTES) {
		int driving = 1 + (int)next_random(next_random(4) ? 200 : 700);
		int stop = next_random(3) ? (int)next_random(45) + 1 : (int)next_random(idle);
		for (int i = at; i < at + driving && i < MINUTES; i++)
			life.driven[device][i] = true;
		at += driving;
		if (next_random(3) == 0) {
			int from = at + (int)next_random((uint32_t)stop + 10), to = from + (int)next_random(40);
			for (int i = from > 10 ? from - 10 : 0; i < to && i < MINUTES; i++)
				life.gap[i] = true;
		}
		at += stop;
	}
}

static void random_life(void)
{
	memset(&life, 0, sizeof life);
	unsigned devices = 1 + next_random(DEVICES);
	for (unsigned i = 0; i < devices; i++)
		random_shifts(i, i ? 20000 : 1500);
	life.as_of = next_random(2) ? MINUTES : (int)next_random(MINUTES);
	random_world();
}

/* --- the life as facts, in one of many ways --- */

static void add(struct fact f)
{
	cr_assert_lt(life.count, FACTS_MAX);
	life.facts[life.count++] = f;
}

static void tell_run(unsigned kind, uint64_t device, int from, int to, bool pieces)
{
	while (from < to) {
		int till = pieces && next_random(2) ? from + 1 + (int)next_random((uint32_t)(to - from)) : to;
		struct fact f = {.kind = (uint8_t)kind,
				 .device = device,
				 .driver = WANG,
				 .from_ms = ms(from),
				 .to_ms = ms(till)};
		add(f);
		if (pieces && next_random(4) == 0) { /* as it was told when it was still going on */
			f.to_ms = ms(from + (int)next_random((uint32_t)(till - from) + 1));
			f.open = f.to_ms < ms(till);
			add(f);
		}
		if (pieces && next_random(8) == 0)
			add(f);
		from = till;
	}
}

static void tell_runs(unsigned kind, uint64_t device, const bool *minutes, bool pieces)
{
	for (int i = 0; i < MINUTES; i++) {
		int to = i;
		while (to < MINUTES && minutes[to])
			to++;
		if (to > i)
			tell_run(kind, device, i, to, pieces);
		i = to > i ? to : i;
	}
}

static void shuffle(void)
{
	for (size_t i = life.count; i > 1; i--) {
		size_t k = next_random((uint32_t)i);
		struct fact f = life.facts[i - 1];
		life.facts[i - 1] = life.facts[k];
		life.facts[k] = f;
	}
}

static void make_facts(bool pieces)
{
	life.count = 0;
	for (unsigned i = 0; i < DEVICES; i++)
		tell_runs(FACT_DRIVE, i + 1, life.driven[i], pieces);
	tell_runs(FACT_GAP, 1 + (pieces ? next_random(DEVICES) : 0), life.gap, pieces);
	add(drive(1, 99, ms(0), ms(MINUTES))); /* somebody else, and what is no driving */
	add(visit(1, "gate", ms(5), ms(6)));
	add(drive(1, WANG, ms(7), ms(7)));
	if (pieces)
		shuffle();
}

static void judge(struct told *told)
{
	struct detect_sink sink = {.context = told, .finding = keep};
	told->count = 0;
	cr_assert_eq(fatigue_judge(&w.context, WANG, life.facts, life.count, ms(life.as_of), &sink), STATUS_OK);
	for (size_t i = 1; i < told->count; i++)
		cr_assert_lt(finding_compare(&told->findings[i - 1], &told->findings[i]), 0);
}

/* --- the oracle --- */

struct expected {
	const struct rule *rule;
	int from, to; /* minutes in which the rule holds */
	int code;
	int64_t limit;
	bool found, unsure;
	int start, found_at, end, peak;
	int free; /* the finding before ended here */
	unsigned device;
};

static struct told oracle;

static bool driving(int minute)
{
	bool any = false;
	for (unsigned i = 0; i < DEVICES; i++)
		any |= life.driven[i][minute];
	return any && minute < life.as_of;
}

static bool doubled(int minute)
{
	int n = 0;
	for (unsigned i = 0; i < DEVICES; i++)
		n += life.driven[i][minute];
	return n > 1;
}

static bool bound(const struct rule *r, int minute)
{
	for (unsigned i = 0; i < DEVICES; i++)
		if (life.driven[i][minute]) {
			const uint8_t *classes = minute >= life.later_minute ? w.later_classes : w.classes;
			if (r->classes & 1u << classes[i + 1])
				return true;
		}
	return false;
}

/* Which vehicle: the one that set out first. */
static unsigned vehicle(int minute)
{
	unsigned best = 0;
	int best_from = MINUTES;
	for (unsigned i = 0; i < DEVICES; i++) {
		int from = minute;
		while (from >= 0 && life.driven[i][from])
			from--;
		if (life.driven[i][minute] && from < best_from) {
			best_from = from;
			best = i + 1;
		}
	}
	return best;
}

static void oracle_conclude(struct expected *e, bool open)
{
	if (e->found) {
		cr_assert_lt(oracle.count, 256);
		struct finding *f = &oracle.findings[oracle.count++];
		memset(f, 0, sizeof *f);
		f->device = e->device;
		f->start_ms = ms(e->start > e->free ? e->start : e->free);
		f->end_ms = ms(e->end);
		f->found_ms = ms(e->found_at);
		f->open = open && e->to > life.as_of;
		f->confidence = e->unsure ? CONFIDENCE_MEDIUM : CONFIDENCE_HIGH;
		f->rule_version = e->rule->version;
		for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
			f->numbers[i] = NUMBER_UNKNOWN;
		f->numbers[FINDING_LIMIT] = e->limit;
		f->numbers[FINDING_PEAK] = e->peak * MINUTE;
		f->numbers[FINDING_DURATION] = f->end_ms - f->start_ms;
		f->numbers[FINDING_CODE] = e->code;
		f->numbers[FINDING_LEVEL] = 1 + (e->peak * MINUTE - e->limit) / HOUR;
		memcpy(f->rule, e->rule->id, sizeof f->rule);
	}
	if (e->found)
		e->free = e->end;
	e->found = e->unsure = false;
}

static void oracle_excess(struct expected *e, int minute, int peak, int start, bool unsure)
{
	if (minute < e->from || minute >= e->to || !bound(e->rule, minute))
		return;
	if (!e->found) {
		e->found = true;
		e->found_at = minute;
		e->start = start;
		e->peak = peak;
		e->device = vehicle(start);
	}
	e->unsure |= unsure;
	e->end = minute + 1;
	if (peak > e->peak)
		e->peak = peak;
}

static bool at_night(const struct rule *r, int minute)
{
	int64_t hours = r->params[PARAM_FATIGUE_NIGHT_HOURS];
	int of_day = minute % 1440, from = (int)(hours >> 32) / 60, to = (int)(hours & UINT32_MAX) / 60;
	return from < to ? of_day >= from && of_day < to : of_day >= from || of_day < to;
}

/* Whether a night begins with this minute: the clock of the night is another's. */
static bool night_begins(const struct rule *r, int minute)
{
	int from = (int)(r->params[PARAM_FATIGUE_NIGHT_HOURS] >> 32) / 60;
	return minute % 1440 == from;
}

static void oracle_clock(struct expected *e)
{
	const struct rule *r = e->rule;
	int rest = (int)(r->params[PARAM_FATIGUE_REST] / MINUTE);
	int clock = 0, start = -1, standing = 0, apart = 0; /* standing without a gap; since the last driving */
	bool unsure = false, rested = false, ended = false;
	for (int i = 0; i < life.as_of; i++) {
		bool counts = e->code == 1 || at_night(r, i);
		if (e->code == 2 && (night_begins(r, i) || !counts) && start >= 0) {
			oracle_conclude(e, false);
			clock = 0;
			start = -1;
		}
		if (!driving(i)) {
			standing = life.gap[i] ? 0 : standing + 1;
			apart++;
			rested |= standing >= rest;
			continue;
		}
		if (rested) {
			oracle_conclude(e, false);
			clock = 0;
			start = -1;
		} else if (apart >= rest && start >= 0) {
			unsure = true;
		}
		standing = apart = 0;
		rested = false;
		if (!counts)
			continue;
		if (start < 0) {
			start = i;
			unsure = false;
		}
		unsure |= doubled(i);
		clock++;
		if (clock * MINUTE > e->limit)
			oracle_excess(e, i, clock, start, unsure);
	}
	if (e->code == 2 && life.as_of > 0)
		ended = !at_night(r, life.as_of) || night_begins(r, life.as_of);
	/* a drive that went on beyond as_of, or was cut by it, is told as open */
	bool told = false;
	for (unsigned i = 0; i < DEVICES; i++)
		told |= life.as_of > 0 && life.as_of < MINUTES && life.driven[i][life.as_of - 1] &&
			life.driven[i][life.as_of];
	oracle_conclude(e, !ended && (told || !rested));
}

static void oracle_window(struct expected *e, int width)
{
	static int sum[MINUTES + 1], twice[MINUTES + 1];
	for (int i = 0; i < MINUTES; i++) {
		sum[i + 1] = sum[i] + driving(i);
		twice[i + 1] = twice[i] + (driving(i) && doubled(i));
	}
#define BEHIND(i) ((i) > width ? (i)-width : 0)
	for (int i = 0; i <= life.as_of; i++) {
		if ((sum[i] - sum[BEHIND(i)]) * MINUTE <= e->limit)
			oracle_conclude(e, false);
		if (i == life.as_of || !driving(i))
			continue;
		int peak = sum[i + 1] - sum[BEHIND(i + 1)];
		int start = BEHIND(i);
		while (!driving(start))
			start++;
		/* vehicles at once anywhere in what was counted while this minute went by */
		bool unsure = twice[i + 1] > twice[BEHIND(i)];
		if (peak * MINUTE > e->limit)
			oracle_excess(e, i, peak, start, unsure);
	}
	oracle_conclude(e, true);
}

static void oracle_rule(const struct rule *r, int from, int to)
{
	static const unsigned params[] = {PARAM_FATIGUE_CONTINUOUS, PARAM_FATIGUE_NIGHT, PARAM_FATIGUE_DAY,
					  PARAM_FATIGUE_WEEK};
	for (int code = 1; code <= 4; code++) {
		struct expected e = {.rule = r,
				     .from = from,
				     .free = from,
				     .to = to,
				     .code = code,
				     .limit = r->params[params[code - 1]]};
		if (!e.limit)
			continue;
		if (code <= 2)
			oracle_clock(&e);
		else
			oracle_window(&e, code == 3 ? 1440 : 7 * 1440);
	}
}

static int compare_findings(const void *a, const void *b)
{
	return finding_compare(a, b);
}

static void ask_oracle(void)
{
	bool same = w.books[1].count && second_rules[0].version == w.rules[0].version;
	oracle.count = 0;
	oracle_rule(&w.rules[0], -1, same ? 10 * MINUTES : life.book_minute);
	if (!same && w.books[1].count)
		oracle_rule(&second_rules[0], life.book_minute, 10 * MINUTES);
	qsort(oracle.findings, oracle.count, sizeof oracle.findings[0], compare_findings);
}

static void hold_against_oracle(const struct told *told, uint64_t round)
{
	cr_assert_eq(told->count, oracle.count, "round %lu: %zu findings, expected %zu", (unsigned long)round,
		     told->count, oracle.count);
	for (size_t i = 0; i < told->count; i++) {
		const struct finding *is = &told->findings[i], *should = &oracle.findings[i];
		long at = (long)((should->start_ms - MONDAY) / MINUTE);
		int code = (int)should->numbers[FINDING_CODE];
#define SAME(field)                                                                                                    \
	cr_assert_eq(is->field, should->field, "round %lu, code %d from minute %ld: " #field " %lld, expected %lld",   \
		     (unsigned long)round, code, at, (long long)is->field, (long long)should->field)
		SAME(start_ms);
		SAME(found_ms);
		SAME(end_ms);
		SAME(device);
		SAME(rule_version);
		SAME(confidence);
		SAME(open);
		for (unsigned k = 0; k < FINDING_NUMBER_COUNT; k++)
			SAME(numbers[k]);
	}
}

static void hold_equal(const struct told *a, const struct told *b)
{
	cr_assert_eq(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		struct buf x = buf_init(4096), y = buf_init(4096);
		cr_assert_eq(finding_encode(&a->findings[i], &x), STATUS_OK);
		cr_assert_eq(finding_encode(&b->findings[i], &y), STATUS_OK);
		cr_assert(span_equal(buf_view(&x), buf_view(&y)));
		buf_deinit(&x);
		buf_deinit(&y);
	}
}

Test(fatigue_oracle, every_life_is_judged_as_minute_by_minute, .timeout = 600)
{
	static struct told first, again;
	const char *given = getenv("FATIGUE_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("FATIGUE_SEED=%llu\n", (unsigned long long)seed);
	state = seed;
	size_t findings = 0, opened = 0, codes[5] = {0};
	for (uint64_t round = 0; round < 250; round++) {
		random_life();
		make_facts(false);
		judge(&first);
		ask_oracle();
		hold_against_oracle(&first, round);
		make_facts(true);
		judge(&again);
		hold_equal(&first, &again);
		findings += first.count;
		for (size_t i = 0; i < first.count; i++) {
			codes[first.findings[i].numbers[FINDING_CODE]]++;
			opened += first.findings[i].open;
		}
	}
	for (int code = 1; code <= 4; code++)
		cr_assert_gt(codes[code], 50, "lives in which limit %d is hardly met prove little", code);
	cr_assert_gt(opened, 20);
	printf("%zu findings\n", findings);
}
