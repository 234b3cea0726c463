/* Random lives of a journal against a model: what was added, what was called durable, what was trimmed, and after
 * each reopening what must still be there. The seed is printed; JOURNAL_SEED repeats it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/core/log.h"
#include "engine/store/journal.h"

static uint64_t state;

static uint32_t next_random(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

static char dir[64];

struct model {
	struct journal *journal;
	uint64_t last, trimmed;
};

/* Content by position: nothing need be remembered. */
static struct span content_of(uint64_t position, uint8_t out[70000])
{
	uint64_t x = position * 0x9e3779b97f4a7c15u;
	size_t size = x % 50 == 0 ? x % 69000 : x % 100;
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(position + i / (1 + x % 7));
	return span_of(out, size);
}

struct found {
	uint64_t first, last;
};

static enum status look(void *context, uint64_t position, uint8_t kind, struct span payload)
{
	static uint8_t expected[70000];
	struct found *found = context;
	cr_assert(found->last == 0 || position == found->last + 1);
	cr_assert_eq(kind, (uint8_t)(position * 7));
	cr_assert(span_equal(payload, content_of(position, expected)));
	if (!found->first)
		found->first = position;
	found->last = position;
	return STATUS_OK;
}

static void reopen(struct model *m)
{
	journal_close(m->journal);
	struct journal_options options = {
		.dir = dir,
		.durability = (enum journal_durability)next_random(3),
		.interval_ms = next_random(3),
		.gather_us = next_random(2) * 200,
		.segment_bytes = 1 + next_random(200000),
		.pending_max = 1 + next_random(300000),
		.compress_min = next_random(2) ? 1 + next_random(2000) : 0,
	};
	cr_assert_eq(journal_open(&options, &m->journal), STATUS_OK);
	cr_assert_eq(journal_last(m->journal), m->last);
	cr_assert_eq(journal_durable(m->journal), m->last);
	uint64_t from = 1 + next_random((uint32_t)m->last + 2);
	struct found found = {0, 0};
	cr_assert_eq(journal_replay(m->journal, from, look, &found), STATUS_OK);
	uint64_t oldest = from > m->trimmed ? from : m->trimmed;
	if (oldest <= m->last) {
		cr_assert_leq(found.first, oldest);
		cr_assert_geq(found.first, from);
		cr_assert_eq(found.last, m->last);
	}
}

static void add_some(struct model *m)
{
	static uint8_t bytes[70000];
	for (uint32_t n = next_random(200); n; n--) {
		struct span whole = content_of(m->last + 1, bytes);
		size_t cut = next_random((uint32_t)whole.size + 1);
		struct span parts[2] = {span_of(bytes, cut), span_of(bytes + cut, whole.size - cut)};
		uint64_t position;
		enum status status = journal_add(m->journal, (uint8_t)((m->last + 1) * 7), parts, 2, &position);
		if (status == STATUS_BUSY) {
			journal_commit(m->journal);
			sched_yield();
			continue;
		}
		cr_assert_eq(status, STATUS_OK);
		cr_assert_eq(position, ++m->last);
		if (next_random(10) == 0)
			journal_commit(m->journal);
	}
}

static void wait_durable(struct model *m)
{
	journal_commit(m->journal);
	while (journal_durable(m->journal) < m->last)
		sched_yield();
	struct journal_stats stats;
	journal_stats(m->journal, &stats);
	cr_assert_eq(stats.pending_bytes, 0);
}

static void trim(struct model *m)
{
	uint64_t position = 1 + next_random((uint32_t)m->last + 10);
	cr_assert_eq(journal_trim(m->journal, position), STATUS_OK);
	if (position > m->trimmed)
		m->trimmed = position;
}

Test(journal_model, any_life_of_a_journal_keeps_every_entry_once_and_in_order, .timeout = 300)
{
	const char *given = getenv("JOURNAL_SEED");
	state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("JOURNAL_SEED=%llu\n", (unsigned long long)state);
	log_set_level(LOG_OFF);
	snprintf(dir, sizeof dir, "/tmp/test_journal_model_XXXXXX");
	cr_assert(mkdtemp(dir));
	struct model m = {NULL, 0, 1};
	reopen(&m);
	for (int step = 0; step < 1500; step++) {
		uint32_t what = next_random(20);
		if (what < 14)
			add_some(&m);
		else if (what < 17)
			wait_durable(&m);
		else if (what < 19)
			trim(&m);
		else
			reopen(&m);
	}
	reopen(&m);
	journal_close(m.journal);
	uint64_t entries;
	cr_expect_eq(journal_verify(dir, &entries, NULL), STATUS_OK);
	char command[100];
	snprintf(command, sizeof command, "rm -r %s", dir);
	cr_expect_eq(system(command), 0);
}
