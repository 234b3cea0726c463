/* powercut_journal.c -- the journal loses nothing it called durable, whichever sync the power fails at and
 * wherever it is killed.
 *
 *   powercut_journal write DIR PROMISES POLICY    the program under the shim: DIR/j is the journal
 *   powercut_journal SHIM WORK                    the driver
 *
 * What survives is said before it is tested: PROMISES, outside the watched folder, holds the position that
 * was called durable and the position that trimming was asked for. After the cut the shadow must open, hold
 * every position from the trimmed one to at least the durable one exactly once with its own content, and go
 * on from there. Under JOURNAL_OS nothing is promised but that what is left is a whole run of entries. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/store/journal.h"
#include "tests/crash/powercut_drive.h"

#define BATCHES 20
#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

struct promises {
	uint64_t durable, trimmed;
};

/* An entry's content is a function of its position, and hardly compressible. */
static struct span content_of(uint64_t position, uint8_t out[400])
{
	uint64_t x = position * 0x9e3779b97f4a7c15u;
	size_t size = 8 + x % 390;
	for (size_t i = 0; i < size; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		out[i] = (uint8_t)(x >> 56);
	}
	return span_of(out, size);
}

static void add_entry(struct journal *j)
{
	uint8_t bytes[400];
	uint64_t expected = journal_last(j) + 1, position;
	struct span part = content_of(expected, bytes);
	REQUIRE(journal_add(j, (uint8_t)expected, &part, 1, &position) == STATUS_OK);
	REQUIRE(position == expected);
}

static struct journal *open_small(const char *dir, enum journal_durability durability)
{
	struct journal *j;
	struct journal_options options = {.dir = dir, .durability = durability, .segment_bytes = 1500};
	REQUIRE(journal_open(&options, &j) == STATUS_OK);
	return j;
}

/* --- the program --- */

static int promises_fd;

static void promise(uint64_t durable, uint64_t trimmed)
{
	struct promises p = {durable, trimmed};
	REQUIRE(pwrite(promises_fd, &p, sizeof p, 0) == (ssize_t)sizeof p);
}

/* Trims to the start of the last segment but one each time a segment begins, and waits until that is done, so
 * that every run makes the same syncs in the same order. */
struct trimmer {
	uint64_t segments, newest_start, trimmed;
};

static void trim_if_begun(struct trimmer *t, struct journal *j, uint64_t batch_first, uint64_t last)
{
	struct journal_stats stats;
	journal_stats(j, &stats);
	bool begun = stats.segments > t->segments;
	t->segments = stats.segments;
	if (!begun)
		return;
	uint64_t before_newest = t->newest_start;
	t->newest_start = batch_first;
	if (!before_newest || stats.segments < 3)
		return;
	t->trimmed = before_newest;
	promise(last, t->trimmed);
	REQUIRE(journal_trim(j, t->trimmed) == STATUS_OK);
	while (stats.segments > 2) {
		sched_yield();
		journal_stats(j, &stats);
	}
	t->segments = stats.segments;
}

static void write_generation(const char *dir, enum journal_durability durability, uint64_t *trimmed)
{
	struct journal *j = open_small(dir, durability);
	struct journal_stats stats;
	journal_stats(j, &stats);
	struct trimmer t = {.segments = stats.segments, .trimmed = *trimmed};
	for (int batch = 0; batch < BATCHES; batch++) {
		uint64_t first = journal_last(j) + 1;
		for (int i = 0; i <= batch % 4; i++)
			add_entry(j);
		uint64_t last = journal_last(j);
		journal_commit(j);
		while (journal_durable(j) < last)
			sched_yield();
		promise(last, t.trimmed);
		trim_if_begun(&t, j, first, last);
	}
	*trimmed = t.trimmed;
	journal_close(j);
}

static int write_journal(const char *dir, const char *promises_path, enum journal_durability durability)
{
	char path[PATH_MAX];
	uint64_t trimmed = 1;
	snprintf(path, sizeof path, "%s/j", dir);
	promises_fd = open(promises_path, O_CREAT | O_RDWR | O_TRUNC, 0644);
	REQUIRE(promises_fd >= 0);
	promise(0, 1);
	write_generation(path, durability, &trimmed);
	write_generation(path, durability, &trimmed);
	return 0;
}

/* --- the driver --- */

struct found {
	uint64_t first, last;
	bool wrong;
};

static enum status look(void *context, uint64_t position, uint8_t kind, struct span payload)
{
	struct found *found = context;
	uint8_t bytes[400];
	if (!found->first)
		found->first = position;
	else if (position != found->last + 1)
		found->wrong = true;
	found->last = position;
	if (kind != (uint8_t)position || !span_equal(payload, content_of(position, bytes)))
		found->wrong = true;
	return STATUS_OK;
}

static struct found read_back(struct journal *j)
{
	struct found found = {0, 0, false};
	REQUIRE(journal_replay(j, 1, look, &found) == STATUS_OK);
	return found;
}

static struct promises read_promises(const char *path)
{
	struct promises p = {0, 1};
	int fd = open(path, O_RDONLY);
	REQUIRE(fd >= 0 && read(fd, &p, sizeof p) == (ssize_t)sizeof p);
	close(fd);
	return p;
}

static long checks;

static void check_folder(const char *dir, const char *promises_path, enum journal_durability durability)
{
	struct promises p = read_promises(promises_path);
	char path[PATH_MAX];
	uint64_t entries;
	snprintf(path, sizeof path, "%s/j", dir);
	enum status verified = journal_verify(path, &entries, NULL);
	REQUIRE(verified == STATUS_OK || verified == STATUS_NOT_FOUND);
	struct journal *j = open_small(path, JOURNAL_SYNC);
	struct found found = read_back(j);
	REQUIRE(!found.wrong);
	if (durability == JOURNAL_SYNC) {
		REQUIRE(found.last >= p.durable);
		REQUIRE(p.durable == 0 || found.first <= p.trimmed);
	}
	/* it goes on: nothing of what was cut off comes back */
	for (int i = 0; i < 3; i++)
		add_entry(j);
	uint64_t last = journal_last(j);
	REQUIRE(found.last == 0 || last == found.last + 3);
	journal_close(j);
	j = open_small(path, JOURNAL_SYNC);
	found = read_back(j);
	REQUIRE(!found.wrong && found.last == last);
	journal_close(j);
	checks++;
}

static void cut_everywhere(struct powercut_run run, const char *promises_path, enum journal_durability durability)
{
	long syncs = powercut_count(&run);
	check_folder(run.shadow, promises_path, durability);
	REQUIRE(read_promises(promises_path).durable > 60);
	for (run.at = 1; run.at <= syncs; run.at++)
		for (int after = 0; after < 2; after++) {
			run.after = after;
			REQUIRE(powercut_run(&run) == 128 + SIGKILL);
			check_folder(run.shadow, promises_path, durability);
		}
}

/* `kill -9` at every pass of every point of the journal: what was written is there, synced or not. */
static void kill_everywhere(struct powercut_run run, const char *promises_path)
{
#ifdef ZAYTON_CRASH_POINTS
	static const char *const points[] = {"journal_write", "journal_sync", "trim"};
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		long kills = 0;
		for (;; kills++) {
			char crash[64];
			snprintf(crash, sizeof crash, "%s:%ld", points[i], kills + 1);
			run.crash = crash;
			int status = powercut_run(&run);
			check_folder(run.dir, promises_path, JOURNAL_SYNC);
			if (status == 0)
				break;
			REQUIRE(status == 128 + SIGKILL);
		}
		printf("%s: %ld kills\n", points[i], kills);
		REQUIRE(kills >= 20);
	}
#else
	(void)run, (void)promises_path;
#endif
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "write") == 0)
		return write_journal(argv[2], argv[3], (enum journal_durability)atoi(argv[4]));
	if (argc != 3)
		return 2;
	char work[PATH_MAX / 4], dir[PATH_MAX / 2], shadow[PATH_MAX / 2], promises[PATH_MAX / 2], self[PATH_MAX];
	snprintf(work, sizeof work, "%s/powercut_journal_XXXXXX", argv[2]);
	REQUIRE(mkdtemp(work));
	snprintf(dir, sizeof dir, "%s/dir", work);
	snprintf(shadow, sizeof shadow, "%s/shadow", work);
	snprintf(promises, sizeof promises, "%s/promises", work);
	REQUIRE(realpath("/proc/self/exe", self));
	const char *const killed[] = {self, "write", dir, promises, "0", NULL};
	kill_everywhere((struct powercut_run){.dir = dir, .shadow = shadow, .argv = killed}, promises);
	for (int durability = JOURNAL_SYNC; durability <= JOURNAL_OS; durability += JOURNAL_OS - JOURNAL_SYNC) {
		const char *const program[] = {self, "write", dir, promises, durability == JOURNAL_SYNC ? "0" : "2",
					       NULL};
		struct powercut_run run = {.shim = argv[1], .dir = dir, .shadow = shadow, .argv = program};
		for (int as_ext4 = 0; as_ext4 < 2; as_ext4++)
			for (run.torn = 0; run.torn < 3; run.torn++) {
				run.as_ext4 = as_ext4;
				cut_everywhere(run, promises, (enum journal_durability)durability);
			}
	}
	folder_remove(work);
	printf("%ld states of the disk checked\n", checks);
	return 0;
}
