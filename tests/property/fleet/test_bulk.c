/* A bulk load that dies at any point: what was promised is there, nothing is said of what is not, and going on from the
 * checkpoint gives what one run would have given. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/limits.h"
#include "engine/fleet/engine.h"
#include "rig.h"

#define DEVICES 3u
#define REPORTS_MAX 24000u

static uint64_t seed_of(const char *test)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : UINT64_C(0x5eedb017);
	printf("%s: ZAYTON_SEED=%" PRIu64 "\n", test, seed);
	return seed;
}

static uint64_t next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* What is taken in, in this order: by listening, then by bulk with a checkpoint before `promised`, then nothing more.
 */
struct story {
	size_t live, promised, count;
	bool clean; /* the listener was closed, or killed */
	unsigned device[REPORTS_MAX];
	struct sent sent[REPORTS_MAX];
};

/* Time goes on from report to report; some are late by up to what a head holds, some by more, some stand still. */
static struct story *make_story(uint64_t *state)
{
	struct story *s = calloc(1, sizeof *s);
	int64_t now_ms[DEVICES];
	cr_assert_not_null(s);
	s->count = 1 + next(state) % REPORTS_MAX;
	s->live = next(state) % 3 ? 0 : next(state) % (s->count < 3000 ? s->count : 3000);
	s->promised = s->live + next(state) % (s->count - s->live + 1);
	s->clean = next(state) & 1;
	int64_t late = next(state) & 1 ? 500 : 5000;
	for (unsigned d = 0; d < DEVICES; d++)
		now_ms[d] = INT64_C(1767196800000);
	for (size_t i = 0; i < s->count; i++) {
		unsigned d = s->device[i] = (unsigned)(next(state) % DEVICES);
		int64_t back = next(state) % 16 ? 0 : (int64_t)(next(state) % (uint64_t)late) * 1000;
		now_ms[d] += (int64_t)(next(state) % 3) * 1000;
		/* without items: those go through batches */
		s->sent[i] = rig_report(rig_device(d), now_ms[d] - back, next(state) & ~UINT64_C(12));
	}
	return s;
}

/* Copies the folder as it is at one instant: RocksDB goes on merging files and dropping them after everybody has
 * stopped, and a copy taken meanwhile has a list of files without the files. So it counts only when nothing changed
 * under it. */
static bool copy_at_rest(const char *from, const char *to)
{
	char command[512];
	snprintf(command, sizeof command,
		 "seen() { find %s -type f -printf '%%p %%s %%T@\n' 2>/dev/null | sort; }; before=$(seen); "
		 "rm -rf %s; cp -r %s %s 2>/dev/null && [ \"$before\" = \"$(seen)\" ]",
		 from, to, from, to);
	return system(command) == 0;
}

/* What a dead process leaves: the files as they are. The engine that lives goes on with the files it was opened with,
 * and is closed; `r` stands on the copy. */
static void die(struct rig *r)
{
	char left[80];
	snprintf(left, sizeof left, "%s-dead", r->dir);
	/* the loops and the judge first: they write as long as they run */
	engine_stop(r->engine);
	while (!copy_at_rest(r->dir, left))
		;
	engine_close(r->engine);
	rig_deinit(r);
	cr_assert_eq(rename(left, r->dir), 0);
}

static void listen_and_die(struct rig *r, const struct story *s)
{
	rig_open(r);
	if (s->live)
		rig_submit(r, 0, s->sent, s->live);
	if (s->clean)
		rig_close(r);
	else
		die(r);
}

static void add(struct bulk *b, const struct sent *sent)
{
	struct report report;
	cr_assert_eq(report_from_jt808(span_of(sent->body, sent->size), &report), STATUS_OK);
	report.received_ms = sent->received_ms;
	cr_assert_eq(bulk_add(b, sent->device, &report), STATUS_OK);
}

static void load_and_die(struct rig *r, const struct story *s)
{
	struct bulk *b;
	cr_assert_eq(engine_open(&r->options, &r->engine), STATUS_OK);
	cr_assert_eq(bulk_open(r->engine, &b), STATUS_OK);
	for (size_t i = s->live; i <= s->count; i++) {
		if (i == s->promised)
			cr_assert_eq(bulk_checkpoint(b, span_of_string("f"), span_of_string("1")), STATUS_OK);
		if (i < s->count)
			add(b, &s->sent[i]);
	}
	cr_assert_eq(bulk_close(b), STATUS_OK); /* the writer has done all it was given; no checkpoint */
	die(r);
}

struct key {
	int64_t time_ms;
	uint64_t hash;
};

static int by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	if (x->time_ms != y->time_ms)
		return x->time_ms < y->time_ms ? -1 : 1;
	return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Sorted keys of what device `d` was sent of [0, end); `out_count` may count one twice. */
static struct key *keys_of(const struct story *s, unsigned d, size_t end, size_t *out_count)
{
	struct key *keys = malloc((end + 1) * sizeof *keys);
	size_t n = 0;
	for (size_t i = 0; i < end; i++) {
		struct report report;
		if (s->device[i] != d)
			continue;
		cr_assert_eq(report_from_jt808(span_of(s->sent[i].body, s->sent[i].size), &report), STATUS_OK);
		keys[n++] = (struct key){report.time_ms, report.hash};
	}
	qsort(keys, n, sizeof *keys, by_key);
	*out_count = n;
	return keys;
}

/* The track holds all of the first `promised` reports and none but the first `sent`; `last` is its end. */
static void check_device(struct rig *r, const struct story *s, unsigned d, size_t promised, size_t sent)
{
	size_t wanted_count, known_count, at = 0;
	struct key *wanted = keys_of(s, d, promised, &wanted_count), *known = keys_of(s, d, sent, &known_count);
	struct track *t;
	struct report report, end = {0};
	struct last last;
	enum status status;
	size_t found = 0;
	cr_assert_eq(track_open(r->engine, rig_device(d), INT64_MIN, INT64_MAX, &t), STATUS_OK);
	while ((status = track_next(t, &report)) == STATUS_OK) {
		struct key key = {report.time_ms, report.hash};
		cr_assert_not_null(bsearch(&key, known, known_count, sizeof *known, by_key), "never sent");
		cr_assert(at == wanted_count || by_key(&key, &wanted[at]) <= 0, "device %u: a promised report is lost",
			  d);
		while (at < wanted_count && by_key(&key, &wanted[at]) == 0)
			at++;
		end = report;
		found++;
	}
	cr_assert_eq(status, STATUS_END);
	cr_assert_eq(at, wanted_count, "device %u: %zu of %zu promised reports", d, at, wanted_count);
	track_close(t);
	status = engine_last(r->engine, rig_device(d), &last);
	cr_assert_eq(status, found ? STATUS_OK : STATUS_NOT_FOUND);
	cr_assert(!found || (last.report.time_ms == end.time_ms && last.report.hash == end.hash),
		  "the last position is not the end of the track");
	cr_assert(!found || last.reports >= found);
	if (promised == sent && found)
		cr_assert_geq(last.reports, wanted_count);
	free(wanted);
	free(known);
}

static void check_all(struct rig *r, const struct story *s, size_t promised, size_t sent)
{
	for (unsigned d = 0; d < DEVICES; d++)
		check_device(r, s, d, promised, sent);
}

static void go_on(struct rig *r, const struct story *s)
{
	struct bulk *b;
	cr_assert_eq(bulk_open(r->engine, &b), STATUS_OK);
	for (size_t i = s->promised; i < s->count; i++)
		add(b, &s->sent[i]);
	cr_assert_eq(bulk_checkpoint(b, span_of_string("f"), span_of_string("2")), STATUS_OK);
	cr_assert_eq(bulk_close(b), STATUS_OK);
}

static void check_story(const struct story *s)
{
	struct rig r;
	rig_init(&r);
	listen_and_die(&r, s);
	load_and_die(&r, s);
	cr_assert_eq(engine_open(&r.options, &r.engine), STATUS_OK);
	check_all(&r, s, s->promised, s->count);
	go_on(&r, s);
	check_all(&r, s, s->count, s->count);
	engine_close(r.engine);
	cr_assert_eq(engine_open(&r.options, &r.engine), STATUS_OK);
	check_all(&r, s, s->count, s->count);
	engine_close(r.engine);
	rig_deinit(&r);
}

Test(bulk, a_load_that_dies_keeps_what_its_checkpoint_promised, .timeout = 300)
{
	uint64_t state = seed_of("a_load_that_dies");
	for (int round = 0; round < 16; round++) {
		struct story *s = make_story(&state);
		check_story(s);
		free(s);
	}
}
