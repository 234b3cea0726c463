/* bench_register.c -- a register of a million hazards: how long is a page of a list, and how long does it take to open?
 *
 *   bench_register DIR HAZARDS SEED [repetitions]
 *
 *   page     hazards_page() of 100, each read from the store and written as JSON: what GET /api/v1/hazards does
 *            limit: one walk over HAZARDS rows of 56 bytes at some 5 GB/s = 11 ms a million, and 100 point reads
 *   counts   one walk; groups: the same by village
 *   open     every row that stands decoded once
 *
 * The store is filled with histories of 1 to 7 steps, folded as the register folds them, in batches without a sync; all
 * six lists are asked in each order, from their beginning and from their middle, overdue and by village too. Every page
 * is checked: it is full, in order, and each hazard belongs. Thread CPU time, warm; the slowest median is `value`.
 * Prints one JSON object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/register/hazards_row.h"
#include "engine/store/store.h"
#include "query/export/export_hazards.h"

#define PAGE 100
#define REPETITIONS_MAX 64
#define QUESTIONS_MAX 128
#define BATCH 2000
/* 2026-01-01 in UTC */
#define BEGIN_MS INT64_C(1767225600000)

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_register: %s\n", what);
	exit(1);
}

static void ok(enum status status, const char *what)
{
	if (status)
		fprintf(stderr, "bench_register: %s\n", status_text(status));
	must(!status, what);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static double thread_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double resident_mib(void)
{
	char line[200];
	double kib = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmRSS: %lf", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib / 1024;
}

/* --- filling --- */

struct filling {
	struct store *store;
	struct store_batch *batch;
	uint64_t random, sequence;
	struct buf bytes, row;
};

static const char *const villages[] = {"白奇", "里春", "莲埭", "后海", "下埭"};
static const char *const sectors[] = {"消防", "道路交通", "渔业船舶", "渣土运输", "建设工程", "危险化学品"};

static void put(struct filling *f, struct hazards_key key, struct span value)
{
	store_batch_put(f->batch, STORE_HAZARD, hazards_key_view(&key), value);
}

static void take(struct filling *f, struct hazard *h, unsigned step, const struct hazard_change *changes, size_t count)
{
	uint8_t digest[HAZARD_DIGEST_SIZE], place[HAZARDS_LOG_VALUE_SIZE];
	struct hazard_event e = {.number = h->events + 1,
				 .step = (uint8_t)step,
				 .role = HAZARD_ROLE_OFFICE,
				 .at_ms = BEGIN_MS + (int64_t)(h->id % 31536000) * 100 + h->events * MS_PER_DAY,
				 .who = span_of_string("林安"),
				 .unit = span_of_string("乡安办"),
				 .note = span_of_string("说明"),
				 .changes = changes,
				 .change_count = count};
	memcpy(e.before, h->chain, sizeof e.before);
	buf_clear(&f->bytes);
	ok(hazard_event_encode(&e, &f->bytes), "an event");
	ok(hazard_event_digest(buf_view(&f->bytes), digest), "a digest");
	ok(hazard_fold(h, &e, digest), "a step");
	store_be64(place, h->id);
	store_be32(place + 8, e.number);
	put(f, hazards_key_event(h->id, e.number), buf_view(&f->bytes));
	put(f, hazards_key_number(HAZARDS_LOG, ++f->sequence), span_of(place, sizeof place));
}

static void date_text(int64_t ms, char out[16])
{
	struct civil c;
	civil_from_ms(ms, &c);
	snprintf(out, 16, "%04u-%02u-%02u", (unsigned)c.year % 10000, c.month, c.day);
}

static void fill_one(struct filling *f, uint64_t id)
{
	static const uint8_t way[] = {HAZARD_STEP_REGISTER, HAZARD_STEP_ASSIGN, HAZARD_STEP_START,
				      HAZARD_STEP_APPLY,    HAZARD_STEP_ACCEPT, HAZARD_STEP_CLOSE};
	char company[40], found[TIME_TEXT_MAX], deadline[16];
	uint64_t r = next_random(&f->random);
	struct hazard h;
	hazard_init(&h, id);
	int64_t found_ms = BEGIN_MS + (int64_t)(r % 31536000) * 1000;
	snprintf(company, sizeof company, "企业%04u", (unsigned)(r >> 20) % 3000);
	time_format(found_ms, 0, found);
	date_text(found_ms + (int64_t)(r >> 40 & 63) * MS_PER_DAY, deadline);
	const struct hazard_change first[] = {
		{HAZARD_FIELD_SOURCE, span_of_string("inspection")},
		{HAZARD_FIELD_FOUND, span_of_string(found)},
		{HAZARD_FIELD_COMPANY, span_of_string(company)},
		{HAZARD_FIELD_VILLAGE, span_of_string(villages[r % 5])},
		{HAZARD_FIELD_SECTOR, span_of_string(sectors[(r >> 8) % 6])},
		{HAZARD_FIELD_DESCRIPTION, span_of_string("堆垛不规范，占用消防车通道，疏散指示标志损坏")},
		{HAZARD_FIELD_GRADE, span_of_string(r >> 13 & 15 ? "general" : "major")}};
	const struct hazard_change assigned[] = {{HAZARD_FIELD_UNIT, span_of_string(company)},
						 {HAZARD_FIELD_SUPERVISOR, span_of_string("企业服务中心")},
						 {HAZARD_FIELD_DEADLINE, span_of_string(deadline)}};
	take(f, &h, HAZARD_STEP_FIND, first, 7);
	unsigned steps = (unsigned)(r >> 50) % 7;
	for (unsigned i = 0; i < steps; i++)
		take(f, &h, way[i], assigned, way[i] == HAZARD_STEP_ASSIGN ? 3 : 0);
	if (steps && (r >> 55) % 8 == 0)
		take(f, &h, HAZARD_STEP_HAND_OVER, NULL, 0);
	if (steps && (r >> 58) % 8 == 0)
		take(f, &h, HAZARD_STEP_ACCOUNT, NULL, 0);
	buf_clear(&f->row);
	ok(hazard_encode(&h, &f->row), "a row");
	put(f, hazards_key_number(HAZARDS_STANDING, id), buf_view(&f->row));
	hazard_deinit(&h);
}

static void fill(const char *dir, uint64_t hazards, uint64_t seed)
{
	struct store_options options = {.dir = dir, .create = true};
	struct filling f = {.random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1,
			    .bytes = buf_init(HAZARD_EVENT_MAX),
			    .row = buf_init(HAZARD_EVENT_MAX)};
	uint8_t sequence[8];
	ok(store_open(&options, &f.store), dir);
	ok(store_batch_new(f.store, &f.batch), "a batch");
	for (uint64_t id = 1; id <= hazards; id++) {
		fill_one(&f, id);
		if (id % BATCH && id < hazards)
			continue;
		store_be64(sequence, f.sequence);
		put(&f, hazards_key_number(HAZARDS_SEQUENCE, 0), span_of(sequence, 8));
		ok(store_commit(f.store, f.batch, false), "a commit");
	}
	store_batch_free(f.batch);
	ok(store_settle(f.store), "settling");
	store_close(f.store);
	buf_deinit(&f.bytes);
	buf_deinit(&f.row);
}

/* --- asking --- */

struct asked {
	char name[80];
	double ms[REPETITIONS_MAX], median;
};

struct bench {
	struct hazards *hazards;
	unsigned repetitions;
	struct asked asked[QUESTIONS_MAX];
	size_t count;
	struct buf text;
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void settle(struct bench *b, struct asked *a)
{
	qsort(a->ms, b->repetitions, sizeof *a->ms, compare);
	a->median = a->ms[b->repetitions / 2];
}

static struct asked *question(struct bench *b, const char *name)
{
	must(b->count < QUESTIONS_MAX, "too many questions");
	struct asked *a = &b->asked[b->count++];
	snprintf(a->name, sizeof a->name, "%s", name);
	return a;
}

/* A page as the HTTP interface makes it; returns how many. */
static size_t page(struct bench *b, const struct hazard_filter *f, enum hazard_order_by order,
		   struct hazard_cursor *cursor)
{
	uint64_t ids[PAGE];
	size_t n = hazards_page(b->hazards, f, order, cursor, ids, PAGE);
	struct json_out j = json_out_init(&b->text);
	buf_clear(&b->text);
	int64_t last = INT64_MIN;
	for (size_t i = 0; i < n; i++) {
		struct hazard h;
		ok(hazards_get(b->hazards, ids[i], &h), "a hazard");
		int64_t value = order == HAZARD_BY_DEADLINE ? h.deadline_day
				: order == HAZARD_BY_ID     ? (int64_t)h.id
							    : -h.found_ms;
		must(value >= last, "a page is out of order");
		must(!f->overdue || export_hazard_is_overdue(&h, f->today), "a page has what does not belong");
		last = value;
		jout_open(&j, '{');
		export_hazard_members(&j, &h, f->today);
		jout_close(&j, '}');
		hazard_deinit(&h);
	}
	ok(j.status, "JSON");
	return n;
}

static void ask_page(struct bench *b, const char *name, const struct hazard_filter *f, enum hazard_order_by order,
		     struct hazard_cursor from)
{
	struct asked *a = question(b, name);
	for (unsigned i = 0; i <= b->repetitions; i++) { /* the first warms */
		struct hazard_cursor cursor = from;
		double begin = thread_ms();
		must(page(b, f, order, &cursor) == PAGE, "a page is not full");
		if (i)
			a->ms[i - 1] = thread_ms() - begin;
	}
	settle(b, a);
}

/* About the middle of the list in this order. */
static struct hazard_cursor middle(enum hazard_order_by order, uint64_t hazards)
{
	int64_t middle_ms = BEGIN_MS + INT64_C(31536000000) / 4;
	return (struct hazard_cursor){order == HAZARD_BY_DEADLINE ? hazard_day(middle_ms)
				      : order == HAZARD_BY_ID     ? 0
								  : -middle_ms,
				      hazards / 2};
}

static void ask_lists(struct bench *b, uint64_t hazards)
{
	static const char *const orders[] = {"deadline", "newest", "id"};
	int32_t today = hazard_day(BEGIN_MS + INT64_C(31536000000) / 2);
	char name[80];
	for (unsigned list = 0; list < HAZARD_LIST_COUNT; list++)
		for (unsigned order = 0; order < 3; order++) {
			struct hazard_filter f = {.list = (uint8_t)list, .today = today};
			snprintf(name, sizeof name, "%s/%s", hazard_list_token(list), orders[order]);
			ask_page(b, name, &f, (enum hazard_order_by)order, (struct hazard_cursor){0});
			snprintf(name, sizeof name, "%s/%s/middle", hazard_list_token(list), orders[order]);
			ask_page(b, name, &f, (enum hazard_order_by)order,
				 middle((enum hazard_order_by)order, hazards));
		}
	struct hazard_filter overdue = {.list = HAZARD_LIST_HAZARDS, .today = today, .overdue = true};
	ask_page(b, "overdue", &overdue, HAZARD_BY_DEADLINE, (struct hazard_cursor){0});
	struct hazard_filter village = {.list = HAZARD_LIST_HAZARDS, .today = today};
	village.words[HAZARD_WORD_VILLAGE] = span_of_string("里春");
	ask_page(b, "village", &village, HAZARD_BY_FOUND_NEWEST, (struct hazard_cursor){0});
	struct hazard_filter company = {.list = HAZARD_LIST_HAZARDS, .today = today};
	company.scope_unit = span_of_string("企业0007");
	ask_page(b, "enterprise", &company, HAZARD_BY_DEADLINE, (struct hazard_cursor){0});
}

static enum status add_up(void *context, struct span word, const struct hazard_counts *counts)
{
	(void)word;
	*(uint64_t *)context += counts->all;
	return STATUS_OK;
}

static void ask_counts(struct bench *b, uint64_t hazards)
{
	struct hazard_filter f = {.list = HAZARD_LIST_HAZARDS, .today = hazard_day(BEGIN_MS)};
	struct asked *counts = question(b, "counts"), *groups = question(b, "counts/village");
	for (unsigned i = 0; i < b->repetitions; i++) {
		struct hazard_counts c;
		uint64_t sum = 0;
		double begin = thread_ms();
		hazards_counts(b->hazards, &f, &c);
		counts->ms[i] = thread_ms() - begin;
		must(c.all == hazards, "the counts are wrong");
		begin = thread_ms();
		ok(hazards_groups(b->hazards, &f, HAZARD_WORD_VILLAGE, add_up, &sum), "groups");
		groups->ms[i] = thread_ms() - begin;
		must(sum == hazards, "the groups are wrong");
	}
	settle(b, counts);
	settle(b, groups);
}

int main(int argc, char **argv)
{
	must(argc == 4 || argc == 5, "usage: bench_register DIR HAZARDS SEED [repetitions]");
	uint64_t hazards = strtoull(argv[2], NULL, 10), seed = strtoull(argv[3], NULL, 10);
	struct bench *b = calloc(1, sizeof *b);
	struct hazard_policy law = hazard_policy_default();
	struct store_options options = {.dir = argv[1]};
	struct store *store;
	must(b && hazards >= 1000, "at least 1000 hazards");
	b->repetitions = argc == 5 ? (unsigned)atoi(argv[4]) : 9;
	must(b->repetitions >= 1 && b->repetitions <= REPETITIONS_MAX, "1 to 64 repetitions");
	b->text = buf_init(PAGE * (size_t)EXPORT_HAZARD_BYTES_MAX);
	fill(argv[1], hazards, seed);
	ok(store_open(&options, &store), argv[1]);
	double memory = resident_mib(), begin = thread_ms();
	ok(hazards_open(store, &law, &b->hazards), "opening");
	double open_ms = thread_ms() - begin;
	memory = resident_mib() - memory;
	ask_lists(b, hazards);
	ask_counts(b, hazards);
	const struct asked *worst = &b->asked[0];
	for (size_t i = 1; i < b->count; i++)
		worst = b->asked[i].median > worst->median ? &b->asked[i] : worst;
	for (size_t i = 0; i < b->count; i++)
		fprintf(stderr, "%-32s %.2f ms (%.2f..%.2f)\n", b->asked[i].name, b->asked[i].median, b->asked[i].ms[0],
			b->asked[i].ms[b->repetitions - 1]);
	printf("{\"value\":%.2f,\"slowest\":\"%s\",\"low\":%.2f,\"high\":%.2f,\"open_ms\":%.0f,\"memory_mib\":%.0f,"
	       "\"questions\":%zu,\"hazards\":%llu}\n",
	       worst->median, worst->name, worst->ms[0], worst->ms[b->repetitions - 1], open_ms, memory, b->count,
	       (unsigned long long)hazards);
	hazards_close(b->hazards);
	store_close(store);
	buf_deinit(&b->text);
	free(b);
	return 0;
}
