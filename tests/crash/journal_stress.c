/* journal_stress.c -- one owner and the committer at full speed, for ThreadSanitizer (a plain main, because
 * Criterion does not run under it) and as a quick check anywhere.
 *
 *   journal_stress DIR [SECONDS]      every policy in turn; exits 1 when anything is lost, doubled or late
 *
 * The owner adds entries of varying size, trims behind what is durable and asks for figures all the while;
 * another thread reads `durable` and the health; at the end the journal is reopened and read back. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/store/journal.h"

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

struct watch {
	struct journal *journal;
	_Atomic uint64_t durable_calls;
	_Atomic bool done;
};

static void on_durable(void *context)
{
	struct watch *watch = context;
	atomic_fetch_add(&watch->durable_calls, 1);
}

static void *read_along(void *context)
{
	struct watch *watch = context;
	uint64_t before = 0;
	while (!atomic_load(&watch->done)) {
		uint64_t durable = journal_durable(watch->journal);
		REQUIRE(durable >= before);
		REQUIRE(journal_health(watch->journal) == STATUS_OK);
		before = durable;
		sched_yield();
	}
	return NULL;
}

static enum status check_entry(void *context, uint64_t position, uint8_t kind, struct span payload)
{
	uint64_t *next = context;
	REQUIRE(*next == 0 || position == *next);
	REQUIRE(kind == (uint8_t)position);
	REQUIRE(payload.size == 8 + position % 90 && load_le64(payload.data) == position);
	*next = position + 1;
	return STATUS_OK;
}

static void add_entries(struct journal *j, int64_t until_ns)
{
	uint8_t payload[100] = {0};
	struct journal_stats stats;
	for (uint64_t next = journal_last(j) + 1; clock_monotonic_ns() < until_ns;) {
		uint64_t position;
		store_le64(payload, next);
		struct span part = span_of(payload, 8 + next % 90);
		enum status status = journal_add(j, (uint8_t)next, &part, 1, &position);
		REQUIRE(status == STATUS_OK || status == STATUS_BUSY);
		if (!status) {
			REQUIRE(position == next);
			next++;
		}
		if (status || next % 17 == 0)
			journal_commit(j);
		if (next % 1009 == 0) {
			journal_stats(j, &stats);
			REQUIRE(journal_trim(j, journal_durable(j) / 2) == STATUS_OK);
		}
	}
}

static void run(const char *dir, enum journal_durability durability, int64_t ns)
{
	struct watch watch = {.journal = NULL};
	struct journal_options options = {.dir = dir,
					  .durability = durability,
					  .interval_ms = 5,
					  .gather_us = 300,
					  .segment_bytes = 128u << 10,
					  .pending_max = 64u << 10,
					  .on_durable = on_durable,
					  .context = &watch};
	uint64_t next = 0;
	REQUIRE(journal_open(&options, &watch.journal) == STATUS_OK);
	REQUIRE(journal_replay(watch.journal, 1, check_entry, &next) == STATUS_OK);
	uint64_t before = journal_last(watch.journal);
	REQUIRE(next == 0 || next == before + 1);
	pthread_t reader;
	REQUIRE(pthread_create(&reader, NULL, read_along, &watch) == 0);
	add_entries(watch.journal, clock_monotonic_ns() + ns);
	uint64_t last = journal_last(watch.journal);
	journal_commit(watch.journal);
	while (journal_durable(watch.journal) < last)
		sched_yield();
	atomic_store(&watch.done, true);
	pthread_join(reader, NULL);
	REQUIRE(atomic_load(&watch.durable_calls) > 0);
	journal_close(watch.journal);
	printf("policy %d: %llu entries, %llu rounds\n", (int)durability, (unsigned long long)(last - before),
	       (unsigned long long)watch.durable_calls);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	int64_t ns = (argc > 2 ? atoll(argv[2]) : 3) * 1000000000 / 3;
	run(argv[1], JOURNAL_SYNC, ns);
	run(argv[1], JOURNAL_INTERVAL, ns);
	run(argv[1], JOURNAL_OS, ns);
	uint64_t entries;
	REQUIRE(journal_verify(argv[1], &entries, NULL) == STATUS_OK);
	return 0;
}
