/* bench_roll_call.c -- what does a roll-call cost, of now and of any past instant of a season?
 *
 *   bench_roll_call DIR [boats] [days] [questions]          defaults: 1500 boats, 92 days, 200 questions
 *
 * Makes DIR when it is not there: boats that report every ten minutes by a beacon of their own, days at sea and days in
 * one of twelve harbours, classes and villages as a county has them: 1500 * 92 * 144 = 19.9 million positions; settled.
 * Past instants are drawn from the whole season, each question another one, by one thread and by two.
 *
 * Envelope: a block or two of a boat, some 430 rows of six columns: 10 us to find and 5 us to open, so 1500 boats take
 * some 25 ms of one core. Now is read from the heads: a cache line or two a boat, and 12 fences: under 3 ms.
 * Wall time and CPU time of the process, both: a busy machine stretches the first. Prints one JSON object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/duty/roll_call.h"

#define T0 INT64_C(1777564800000) /* 2026-04-30T16:00:00Z */
#define PACE_MS (10 * MS_PER_MINUTE)
#define HARBOURS 12
#define QUESTIONS_MAX 10000

static uint64_t state = 0x5ea;

static uint64_t next(void)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void ok(enum status status, const char *what)
{
	if (!status)
		return;
	fprintf(stderr, "bench_roll_call: %s: %s\n", what, status_text(status));
	exit(1);
}

/* --- the season --- */

static struct geo_point harbour_at(unsigned h)
{
	return (struct geo_point){248000000 + (int32_t)h * 300000, 1186000000 + (int32_t)(h % 4) * 700000};
}

static void make_harbours(struct engine *e)
{
	for (unsigned h = 0; h < HARBOURS; h++) {
		struct geo_point a = harbour_at(h), corners[4] = {a, a, a, a};
		struct fence f = {.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .tag_count = 1};
		uint32_t end = 4;
		corners[1].lon_e7 += 100000;
		corners[2].lon_e7 += 100000;
		corners[2].lat_e7 += 100000;
		corners[3].lat_e7 += 100000;
		snprintf(f.id, sizeof f.id, "harbour-%02u", h);
		ok(tag_number(span_of_string(HARBOUR_TAG), &f.tags[0]), "tag");
		ok(fence_area_new(corners, &end, 1, &f.area), "area");
		ok(context_put_fences(engine_context(e), &f, 1), "fence");
		fence_area_unref(f.area);
	}
}

static void say(struct engine *e, uint64_t device, enum device_kind kind, const struct registry_change *changes,
		size_t count)
{
	ok(registry_apply_bulk(engine_registry(e), device, kind, changes, count, VALID_ALWAYS_FROM, "bench"),
	   "registry");
}

static uint64_t make_boat(struct engine *e, unsigned b)
{
	static const char *const classes[] = {"fishing-small", "fishing-medium", "fishing-large", "township"};
	static const char *const villages[] = {"白奇", "里春", "莲埭", "后海", "下埭"};
	char plate[32], card[16], port[16];
	snprintf(plate, sizeof plate, "boat:闽狮渔%05u", b);
	snprintf(card, sizeof card, "%06u", 300000 + b);
	snprintf(port, sizeof port, "harbour-%02u", b % HARBOURS);
	uint64_t boat = device_id(DEVICE_KIND_BOAT, span_of_string(plate));
	uint64_t beacon = device_id(DEVICE_KIND_BEIDOU, span_of_string(card));
	say(e, boat, DEVICE_KIND_BOAT,
	    (const struct registry_change[]){{DEVICE_FIELD_PLATE, span_of_string(plate)},
					     {DEVICE_FIELD_CLASS, span_of_string(classes[b % 4])},
					     {DEVICE_FIELD_VILLAGE, span_of_string(villages[b % 5])},
					     {DEVICE_FIELD_HOME_PORT, span_of_string(port)}},
	    4);
	say(e, beacon, DEVICE_KIND_BEIDOU,
	    (const struct registry_change[]){{DEVICE_FIELD_BEIDOU_CARD, span_of_string(card)},
					     {DEVICE_FIELD_VEHICLE, span_of_string(plate)}},
	    2);
	return beacon;
}

/* Two to six days out, one to four in; a tenth of the trips with a silence of hours. */
static void sail(struct bulk *bulk, uint64_t beacon, unsigned b, unsigned days)
{
	struct geo_point home = harbour_at(b % HARBOURS), at = home;
	int64_t turn_ms = T0, quiet_ms = 0;
	bool out = false;
	for (int64_t t = T0 + (int64_t)(next() % 600) * 1000; t < T0 + days * MS_PER_DAY; t += PACE_MS) {
		if (t >= turn_ms) {
			out = !out;
			turn_ms = t + (int64_t)(out ? 2 + next() % 5 : 1 + next() % 4) * MS_PER_DAY;
			quiet_ms = out && next() % 10 == 0 ? t + MS_PER_DAY : 0;
			at = home;
		}
		if (out) {
			at.lat_e7 -= (int32_t)(next() % 20000);
			at.lon_e7 += (int32_t)(next() % 30000) - 5000;
		}
		if (quiet_ms && t > quiet_ms && t < quiet_ms + 5 * MS_PER_HOUR)
			continue;
		struct report r = {.time_ms = t + (int64_t)(next() % 5) * 1000,
				   .received_ms = t + 60000,
				   .lat_e7 = at.lat_e7 + (int32_t)(next() % 900),
				   .lon_e7 = at.lon_e7 + (int32_t)(next() % 900),
				   .status = STATUS_BIT_FIX,
				   .speed_dkmh = out ? (uint16_t)(40 + next() % 60) : 0,
				   .course_deg = (uint16_t)(next() % 360),
				   .altitude_m = ALTITUDE_UNKNOWN,
				   .mileage_hm = MILEAGE_UNKNOWN,
				   .body = REPORT_BODY_ROW};
		report_row_seal(&r);
		ok(bulk_add(bulk, beacon, &r), "report");
	}
}

static void make_season(struct engine *e, unsigned boats, unsigned days)
{
	struct bulk *bulk;
	make_harbours(e);
	ok(bulk_open(e, &bulk), "bulk");
	for (unsigned b = 0; b < boats; b++)
		sail(bulk, make_boat(e, b), b, days);
	ok(bulk_close(bulk), "bulk");
	ok(engine_settle(e), "settling");
}

/* --- questions --- */

static int64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void ask(struct engine *e, const char *name, int64_t first_ms, int64_t span_ms, unsigned threads, unsigned count)
{
	static int64_t wall[QUESTIONS_MAX], cpu[QUESTIONS_MAX];
	uint64_t states[BOAT_STATE_COUNT] = {0};
	for (unsigned i = 0; i < count; i++) {
		struct roll_question q = roll_question_default(first_ms + (int64_t)(next() % (uint64_t)span_ms));
		struct roll_call *r;
		q.threads = threads;
		int64_t wall_ns = clock_monotonic_ns(), spent_ns = cpu_ns();
		ok(roll_call(e, NULL, &q, &r), "roll-call");
		wall[i] = clock_monotonic_ns() - wall_ns;
		cpu[i] = cpu_ns() - spent_ns;
		for (unsigned s = 0; s < BOAT_STATE_COUNT; s++)
			states[s] += r->all.states[s];
		roll_call_free(r);
	}
	qsort(wall, count, sizeof *wall, by_value);
	qsort(cpu, count, sizeof *cpu, by_value);
	printf(",\"%s\":{\"wall_ms\":{\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f},\"cpu_ms\":{\"p50\":%.2f,\"p99\":%.2f},"
	       "\"in\":%" PRIu64 ",\"sea\":%" PRIu64 ",\"dark\":%" PRIu64 ",\"unknown\":%" PRIu64 "}",
	       name, wall[count / 2] / 1e6, wall[count * 99 / 100] / 1e6, wall[count - 1] / 1e6, cpu[count / 2] / 1e6,
	       cpu[count * 99 / 100] / 1e6, states[0] / count, states[1] / count, states[2] / count, states[3] / count);
}

int main(int argc, char **argv)
{
	unsigned boats = argc > 2 ? (unsigned)atoi(argv[2]) : 1500, days = argc > 3 ? (unsigned)atoi(argv[3]) : 92;
	unsigned count = argc > 4 ? (unsigned)atoi(argv[4]) : 200;
	struct engine *e;
	if (argc < 2 || !boats || !days || !count || count > QUESTIONS_MAX) {
		fprintf(stderr, "usage: bench_roll_call DIR [boats] [days] [questions]\n");
		return 2;
	}
	struct engine_options o = engine_options_default(argv[1]);
	o.create = true;
	ok(engine_open(&o, &e), argv[1]);
	if (!registry_count(engine_registry(e)))
		make_season(e, boats, days);
	struct store_info info;
	ok(store_info(engine_store(e), &info), "info");
	printf("{\"boats\":%u,\"days\":%u,\"reports\":%" PRIu64 ",\"blocks\":%" PRIu64, boats, days, info.reports,
	       info.blocks);
	int64_t season_ms = days * MS_PER_DAY;
	ask(e, "past_1_thread", T0 + 3 * MS_PER_DAY, season_ms - 4 * MS_PER_DAY, 1, count);
	ask(e, "past_2_threads", T0 + 3 * MS_PER_DAY, season_ms - 4 * MS_PER_DAY, 2, count);
	ask(e, "now", T0 + season_ms, MS_PER_MINUTE, 1, count);
	ask(e, "half_a_year_later", T0 + season_ms + 60 * MS_PER_DAY, MS_PER_DAY, 1, count);
	printf("}\n");
	engine_close(e);
	return 0;
}
