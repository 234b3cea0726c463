#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/core/hash.h"
#include "engine/core/limits.h"
#include "engine/core/log.h"
#include "engine/store/journal.h"
#include "engine/store/journal_segment.h"

/* --- a disk whose syncs fail on demand: stands before libc's --- */

static _Atomic int failing_syncs_errno;
static _Atomic long sync_calls;

int fdatasync(int fd)
{
	atomic_fetch_add(&sync_calls, 1);
	if (atomic_load(&failing_syncs_errno)) {
		errno = atomic_load(&failing_syncs_errno);
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* --- a journal in a temporary folder --- */

static char dir[64];
static struct journal *journal;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void note(void *context)
{
	(void)context;
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void wait_durable(uint64_t position)
{
	pthread_mutex_lock(&lock);
	while (journal_durable(journal) < position)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void wait_health(enum status wanted)
{
	pthread_mutex_lock(&lock);
	while (journal_health(journal) != wanted)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static struct journal_options options_for_test(void)
{
	return (struct journal_options){.dir = dir, .segment_bytes = 1u << 20, .on_durable = note};
}

static void open_journal(void)
{
	struct journal_options options = options_for_test();
	cr_assert_eq(journal_open(&options, &journal), STATUS_OK);
}

static void close_journal(void)
{
	journal_close(journal);
	journal = NULL;
}

static void make_dir(void)
{
	log_set_level(LOG_OFF);
	snprintf(dir, sizeof dir, "/tmp/test_journal_XXXXXX");
	cr_assert(mkdtemp(dir));
}

static void remove_dir(void)
{
	close_journal();
	DIR *d = opendir(dir);
	struct dirent *entry;
	while (d && (entry = readdir(d)))
		unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

TestSuite(journal, .init = make_dir, .fini = remove_dir, .timeout = 120);

static uint64_t add(uint8_t kind, const void *data, size_t size)
{
	uint64_t position = 0;
	struct span part = span_of(data, size);
	cr_assert_eq(journal_add(journal, kind, &part, 1, &position), STATUS_OK);
	return position;
}

static uint64_t add_text(const char *text)
{
	return add(1, text, strlen(text));
}

static void add_durable(const char *text)
{
	uint64_t position = add_text(text);
	journal_commit(journal);
	wait_durable(position);
}

/* Each add a batch of its own. */
static void fill_batches(int from, int to)
{
	char text[32];
	for (int i = from; i < to; i++) {
		snprintf(text, sizeof text, "entry %d", i);
		add_durable(text);
	}
}

struct seen {
	char text[16384];
	size_t size;
	uint64_t first, last, count;
	enum status answer;
	uint64_t answer_at;
};

static enum status see(void *context, uint64_t position, uint8_t kind, struct span payload)
{
	struct seen *seen = context;
	(void)kind;
	if (seen->answer && position == seen->answer_at)
		return seen->answer;
	if (!seen->count++)
		seen->first = position;
	else
		cr_assert_eq(position, seen->last + 1);
	seen->last = position;
	if (payload.size < 40 && seen->size + payload.size + 1 < sizeof seen->text) {
		memcpy(seen->text + seen->size, payload.data, payload.size);
		seen->size += payload.size;
		seen->text[seen->size++] = '|';
	}
	return STATUS_OK;
}

static struct seen replay(uint64_t from)
{
	struct seen seen = {.count = 0};
	cr_assert_eq(journal_replay(journal, from, see, &seen), STATUS_OK);
	return seen;
}

static void segment_path(char out[128], unsigned number)
{
	snprintf(out, 128, "%s/%08u.journal", dir, number);
}

static off_t size_of_segment(unsigned number)
{
	char path[128];
	struct stat st;
	segment_path(path, number);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void flip_byte(unsigned number, off_t offset)
{
	char path[128];
	uint8_t byte;
	segment_path(path, number);
	int fd = open(path, O_RDWR);
	cr_assert_geq(fd, 0);
	cr_assert_eq(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x40;
	cr_assert_eq(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

/* --- the way there and back --- */

Test(journal, what_was_durable_comes_back_in_order)
{
	open_journal();
	cr_expect_eq(journal_last(journal), 0);
	struct span parts[3] = {span_of_string("one"), span_of(NULL, 0), span_of_string(" thing")};
	uint64_t position;
	cr_assert_eq(journal_add(journal, 7, parts, 3, &position), STATUS_OK);
	cr_expect_eq(position, 1);
	cr_expect_eq(add_text("another"), 2);
	cr_expect_eq(add_text(""), 3);
	journal_commit(journal);
	wait_durable(3);
	close_journal();
	open_journal();
	struct seen seen = replay(1);
	cr_expect_str_eq(seen.text, "one thing|another||");
	cr_expect_eq(journal_last(journal), 3);
	cr_expect_eq(journal_durable(journal), 3);
	cr_expect_eq(add_text("more"), 4);
}

Test(journal, closing_writes_what_was_never_committed)
{
	open_journal();
	add_text("a");
	add_text("b");
	close_journal();
	open_journal();
	cr_expect_str_eq(replay(1).text, "a|b|");
}

Test(journal, replay_begins_where_it_is_told)
{
	open_journal();
	for (int i = 0; i < 10; i++)
		add_text("x");
	close_journal();
	open_journal();
	struct seen seen = replay(7);
	cr_expect_eq(seen.first, 7);
	cr_expect_eq(seen.count, 4);
	cr_expect_eq(replay(11).count, 0);
}

Test(journal, a_visitors_refusal_ends_the_replay_and_is_returned)
{
	open_journal();
	for (int i = 0; i < 10; i++)
		add_text("x");
	close_journal();
	open_journal();
	struct seen seen = {.answer = STATUS_CANCELLED, .answer_at = 5};
	cr_expect_eq(journal_replay(journal, 1, see, &seen), STATUS_CANCELLED);
	cr_expect_eq(seen.count, 4);
}

Test(journal, sync_is_asked_for_before_anything_is_durable)
{
	open_journal();
	long before = atomic_load(&sync_calls);
	add_durable("x");
	cr_expect_gt(atomic_load(&sync_calls), before);
}

Test(journal, the_operating_system_policy_never_syncs_a_batch)
{
	struct journal_options options = options_for_test();
	options.durability = JOURNAL_OS;
	cr_assert_eq(journal_open(&options, &journal), STATUS_OK);
	long before = atomic_load(&sync_calls);
	fill_batches(0, 20);
	cr_expect_eq(atomic_load(&sync_calls), before);
}

Test(journal, the_interval_policy_is_durable_after_the_write_and_syncs_later)
{
	struct journal_options options = options_for_test();
	options.durability = JOURNAL_INTERVAL;
	options.interval_ms = 3600 * 1000;
	cr_assert_eq(journal_open(&options, &journal), STATUS_OK);
	fill_batches(0, 1); /* synced: the first after a rest */
	long before = atomic_load(&sync_calls);
	fill_batches(1, 20);
	cr_expect_leq(atomic_load(&sync_calls), before + 1);
	before = atomic_load(&sync_calls);
	close_journal();
	cr_expect_eq(atomic_load(&sync_calls), before + 1);
}

Test(journal, what_arrives_within_the_gather_time_shares_a_sync)
{
	struct journal_options options = options_for_test();
	options.gather_us = 3600u * 1000 * 1000;
	cr_assert_eq(journal_open(&options, &journal), STATUS_OK);
	add_durable("at once");
	long before = atomic_load(&sync_calls);
	for (int i = 0; i < 100; i++) {
		add_text("later");
		journal_commit(journal);
	}
	cr_expect_eq(journal_durable(journal), 1);
	close_journal();
	cr_expect_eq(atomic_load(&sync_calls), before + 1);
	open_journal();
	cr_expect_eq(replay(1).count, 101);
}

/* --- bounds --- */

Test(journal, a_full_pending_space_says_busy_and_takes_nothing)
{
	struct journal_options options = options_for_test();
	options.pending_max = 1000;
	cr_assert_eq(journal_open(&options, &journal), STATUS_OK);
	uint8_t payload[98] = {0};
	struct span part = span_of(payload, sizeof payload);
	uint64_t position = 0;
	for (int i = 0; i < 10; i++)
		cr_assert_eq(journal_add(journal, 1, &part, 1, &position), STATUS_OK);
	uint64_t untouched = 77;
	cr_expect_eq(journal_add(journal, 1, &part, 1, &untouched), STATUS_BUSY);
	cr_expect_eq(untouched, 77);
	cr_expect_eq(journal_last(journal), 10);
	journal_commit(journal);
	wait_durable(10);
	cr_expect_eq(journal_add(journal, 1, &part, 1, &position), STATUS_OK);
	cr_expect_eq(position, 11);
}

Test(journal, an_entry_larger_than_the_pending_space_passes_alone)
{
	struct journal_options options = options_for_test();
	options.pending_max = 1000;
	cr_assert_eq(journal_open(&options, &journal), STATUS_OK);
	uint8_t *large = calloc(1, JOURNAL_ENTRY_MAX);
	struct span part = span_of(large, 5000);
	uint64_t position;
	add_text("first");
	cr_expect_eq(journal_add(journal, 1, &part, 1, &position), STATUS_BUSY);
	journal_commit(journal);
	wait_durable(1);
	cr_expect_eq(journal_add(journal, 1, &part, 1, &position), STATUS_OK);
	free(large);
}

Test(journal, the_largest_entry_is_taken_and_one_byte_more_is_too_long)
{
	open_journal();
	uint8_t *large = calloc(1, JOURNAL_ENTRY_MAX);
	size_t payload = JOURNAL_ENTRY_MAX - 4;
	cr_assert_eq(journal_entry_size(payload), JOURNAL_ENTRY_MAX);
	struct span part = span_of(large, payload + 1);
	uint64_t position;
	cr_expect_eq(journal_add(journal, 1, &part, 1, &position), STATUS_TOO_LONG);
	part.size = payload;
	cr_expect_eq(journal_add(journal, 1, &part, 1, &position), STATUS_OK);
	free(large);
	close_journal();
	open_journal();
	cr_expect_eq(replay(1).count, 1);
}

Test(journal, more_than_a_batch_holds_becomes_several_batches)
{
	struct journal_options options = options_for_test();
	options.pending_max = 4 * JOURNAL_BATCH_MAX;
	cr_assert_eq(journal_open(&options, &journal), STATUS_OK);
	uint8_t *payload = calloc(1, 700000);
	for (int i = 0; i < 30; i++)
		add(1, payload, 700000);
	free(payload);
	close_journal();
	open_journal();
	cr_expect_eq(replay(1).count, 30);
}

Test(journal, a_compressed_batch_is_stored_smaller_and_read_back_whole)
{
	struct journal_options options = options_for_test();
	options.compress_min = 512;
	cr_assert_eq(journal_open(&options, &journal), STATUS_OK);
	uint8_t payload[60] = {1, 2, 3};
	for (int i = 0; i < 1000; i++)
		add(1, payload, sizeof payload);
	journal_commit(journal);
	wait_durable(1000);
	struct journal_stats stats;
	journal_stats(journal, &stats);
	cr_expect_eq(stats.raw_bytes, 62000);
	cr_expect_lt(stats.stored_bytes, 6200);
	cr_expect_eq(stats.pending_bytes, 0);
	close_journal();
	open_journal();
	cr_expect_eq(replay(1).count, 1000);
}

/* --- segments and trimming --- */

static void fill_segments(uint64_t segment_bytes, int entries)
{
	struct journal_options options = options_for_test();
	options.segment_bytes = segment_bytes;
	cr_assert_eq(journal_open(&options, &journal), STATUS_OK);
	fill_batches(0, entries);
}

static void wait_segments(uint64_t count)
{
	struct journal_stats stats;
	do {
		sched_yield();
		journal_stats(journal, &stats);
	} while (stats.segments != count);
}

Test(journal, segments_are_trimmed_only_when_all_of_them_is_below)
{
	fill_segments(1, 10); /* a batch each */
	struct journal_stats stats;
	journal_stats(journal, &stats);
	cr_expect_eq(stats.segments, 10);
	cr_expect_eq(journal_trim(journal, 4), STATUS_OK);
	wait_segments(7);
	close_journal();
	cr_expect_eq(size_of_segment(3), -1);
	cr_expect_gt(size_of_segment(4), 0);
	open_journal();
	struct seen seen = replay(1);
	cr_expect_eq(seen.first, 4);
	cr_expect_eq(seen.last, 10);
	journal_stats(journal, &stats);
	cr_expect_eq(stats.first_position, 4);
}

Test(journal, positions_continue_after_everything_was_trimmed)
{
	fill_segments(1, 10);
	cr_expect_eq(journal_trim(journal, 1000), STATUS_OK);
	wait_segments(1);
	close_journal();
	open_journal();
	cr_expect_eq(journal_last(journal), 10);
	cr_expect_eq(replay(11).count, 0);
	cr_expect_eq(add_text("next"), 11);
}

Test(journal, skipped_positions_are_never_handed_out_again)
{
	fill_segments(1u << 20, 3);
	close_journal();
	open_journal();
	cr_assert_eq(journal_skip(journal, 2), STATUS_OK);
	cr_assert_eq(journal_skip(journal, 1000), STATUS_OK);
	cr_expect_eq(journal_durable(journal), 1000);
	add_durable("after");
	cr_expect_eq(journal_last(journal), 1001);
	close_journal();
	uint64_t entries;
	cr_expect_eq(journal_verify(dir, &entries, NULL), STATUS_OK);
	cr_expect_eq(entries, 4);
	open_journal();
	cr_expect_eq(journal_last(journal), 1001);
}

Test(journal, an_unfinished_segment_is_removed)
{
	fill_segments(1, 3);
	close_journal();
	char path[128];
	snprintf(path, sizeof path, "%s/00000004.new", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	open_journal();
	cr_expect_eq(access(path, F_OK), -1);
	cr_expect_eq(replay(1).count, 3);
}

Test(journal, a_folder_has_one_owner)
{
	open_journal();
	struct journal_options options = options_for_test();
	struct journal *second;
	cr_expect_eq(journal_open(&options, &second), STATUS_BUSY);
}

/* --- what a crash leaves --- */

Test(journal, a_torn_batch_ends_the_journal_before_it)
{
	open_journal();
	fill_batches(0, 2);
	close_journal();
	off_t whole = size_of_segment(1);
	open_journal();
	add_durable("the last one, which is longer than the others");
	close_journal();
	char path[128];
	segment_path(path, 1);
	for (off_t cut = size_of_segment(1) - 1; cut >= whole; cut--) {
		cr_assert_eq(truncate(path, cut), 0);
		if (cut % 2)
			cr_assert_eq(truncate(path, cut + 5000), 0); /* the rest is zeros, as room written ahead is */
		open_journal();
		/* cutting the padding alone tears nothing */
		cr_assert_eq(journal_last(journal) == 2 || cut > size_of_segment(1) - 8, true);
		if (journal_last(journal) == 3) {
			close_journal();
			continue;
		}
		cr_assert_str_eq(replay(1).text, "entry 0|entry 1|");
		close_journal();
		cr_assert_eq(size_of_segment(1), whole);
		open_journal();
		add_durable("the last one, which is longer than the others");
		close_journal();
	}
}

Test(journal, after_a_torn_batch_new_entries_take_its_place)
{
	open_journal();
	fill_batches(0, 3);
	close_journal();
	char path[128];
	segment_path(path, 1);
	cr_assert_eq(truncate(path, size_of_segment(1) - 9), 0);
	open_journal();
	cr_expect_eq(add_text("instead"), 3);
	close_journal();
	open_journal();
	cr_expect_str_eq(replay(1).text, "entry 0|entry 1|instead|");
}

Test(journal, damage_before_an_intact_batch_is_corruption)
{
	open_journal();
	fill_batches(0, 3);
	close_journal();
	off_t batch = (size_of_segment(1) - JOURNAL_SEGMENT_HEADER) / 3;
	for (off_t at = JOURNAL_SEGMENT_HEADER; at < JOURNAL_SEGMENT_HEADER + batch; at++) {
		flip_byte(1, at);
		struct journal_options options = options_for_test();
		enum status expected =
			at < JOURNAL_SEGMENT_HEADER + JOURNAL_BATCH_HEADER + 9 ? STATUS_CORRUPT : STATUS_OK;
		enum status status = journal_open(&options, &journal);
		cr_assert_eq(status, expected, "offset %ld: %s", (long)at, status_name(status));
		if (!status)
			close_journal();
		journal = NULL;
		flip_byte(1, at);
	}
	open_journal();
	cr_expect_eq(replay(1).count, 3);
}

Test(journal, unsynced_batches_after_a_torn_one_are_cut_off_with_it)
{
	struct journal_options options = options_for_test();
	options.durability = JOURNAL_OS;
	cr_assert_eq(journal_open(&options, &journal), STATUS_OK);
	fill_batches(0, 3);
	close_journal();
	off_t batch = (size_of_segment(1) - JOURNAL_SEGMENT_HEADER) / 3;
	flip_byte(1, JOURNAL_SEGMENT_HEADER + batch + 20);
	open_journal();
	cr_expect_str_eq(replay(1).text, "entry 0|");
	cr_expect_eq(journal_last(journal), 1);
}

Test(journal, damage_in_an_older_segment_is_found_by_replay_and_by_verify)
{
	fill_segments(1, 5);
	close_journal();
	flip_byte(2, JOURNAL_SEGMENT_HEADER + JOURNAL_BATCH_HEADER + 3);
	open_journal();
	struct seen seen = {.count = 0};
	cr_expect_eq(journal_replay(journal, 1, see, &seen), STATUS_CORRUPT);
	cr_expect_eq(seen.count, 1);
	cr_expect_eq(replay(3).count, 3);
	close_journal();
	uint64_t entries;
	struct buf complaints = buf_init(4096);
	cr_expect_eq(journal_verify(dir, &entries, &complaints), STATUS_CORRUPT);
	cr_assert_eq(buf_append_u8(&complaints, 0), STATUS_OK);
	cr_expect(strstr((char *)complaints.data, "00000002.journal: offset 40"));
	buf_deinit(&complaints);
}

Test(journal, a_segment_cut_short_before_another_is_corruption)
{
	fill_segments(1, 3);
	close_journal();
	char path[128];
	segment_path(path, 2);
	cr_assert_eq(truncate(path, JOURNAL_SEGMENT_HEADER), 0);
	uint64_t entries;
	cr_expect_eq(journal_verify(dir, &entries, NULL), STATUS_CORRUPT);
}

Test(journal, a_segment_missing_between_others_is_corruption)
{
	fill_segments(1, 3);
	close_journal();
	char path[128];
	segment_path(path, 2);
	cr_assert_eq(unlink(path), 0);
	struct journal_options options = options_for_test();
	cr_expect_eq(journal_open(&options, &journal), STATUS_CORRUPT);
	journal = NULL;
}

Test(journal, a_version_from_the_future_is_refused)
{
	open_journal();
	close_journal();
	char path[128];
	uint8_t header[JOURNAL_SEGMENT_HEADER];
	segment_path(path, 1);
	int fd = open(path, O_RDWR);
	cr_assert_eq(pread(fd, header, sizeof header, 0), (ssize_t)sizeof header);
	struct journal_segment_header decoded;
	cr_assert_eq(journal_segment_header_decode(span_of(header, sizeof header), &decoded), STATUS_OK);
	/* version 2, its checksum computed by the rule of journal_segment.h */
	store_le16(header + 4, 2);
	store_le64(header + 32, hash64(span_of(header, 32)));
	cr_assert_eq(pwrite(fd, header, sizeof header, 0), (ssize_t)sizeof header);
	close(fd);
	struct journal_options options = options_for_test();
	cr_expect_eq(journal_open(&options, &journal), STATUS_BAD_VERSION);
	journal = NULL;
}

/* --- what the disk may do --- */

static void limit_files_to(rlim_t bytes)
{
	struct rlimit limit;
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(journal, a_full_disk_stops_it_and_room_starts_it_again_with_nothing_lost_or_doubled)
{
	signal(SIGXFSZ, SIG_IGN);
	open_journal();
	fill_batches(0, 3);
	limit_files_to((rlim_t)size_of_segment(1) + 100);
	char text[40];
	uint8_t noise[3000];
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)(i * 2654435761u >> 13);
	/* room written ahead lies below the limit: go on until it is used up */
	uint64_t added = 3;
	enum status status;
	for (;;) {
		struct span parts[2] = {span_of(noise, sizeof noise), span_of_string(text)};
		uint64_t position;
		snprintf(text, sizeof text, "%d", (int)added);
		status = journal_add(journal, 1, parts, 2, &position);
		if (status && status != STATUS_BUSY)
			break;
		added += !status;
		journal_commit(journal);
	}
	cr_expect_eq(status, STATUS_NO_SPACE);
	cr_expect_eq(journal_health(journal), STATUS_NO_SPACE);
	cr_expect_lt(journal_durable(journal), added);
	limit_files_to(RLIM_INFINITY);
	wait_durable(added);
	cr_expect_eq(journal_health(journal), STATUS_OK);
	add_durable("again");
	close_journal();
	open_journal();
	struct seen seen = replay(1);
	cr_expect_eq(seen.count, added + 1);
	cr_expect_eq(seen.last, added + 1);
}

Test(journal, closing_on_a_full_disk_keeps_what_was_acknowledged)
{
	signal(SIGXFSZ, SIG_IGN);
	fill_segments(1, 3);
	limit_files_to(10);
	add_text("no room for this");
	journal_commit(journal);
	wait_health(STATUS_NO_SPACE);
	close_journal();
	limit_files_to(RLIM_INFINITY);
	open_journal();
	cr_expect_str_eq(replay(1).text, "entry 0|entry 1|entry 2|");
}

Test(journal, trimming_works_while_the_disk_is_full)
{
	signal(SIGXFSZ, SIG_IGN);
	fill_segments(1, 5);
	limit_files_to(10);
	add_text("waits");
	journal_commit(journal);
	wait_health(STATUS_NO_SPACE);
	cr_expect_eq(journal_trim(journal, 5), STATUS_OK);
	wait_segments(1);
	limit_files_to(RLIM_INFINITY);
	wait_durable(6);
	close_journal();
	open_journal();
	struct seen seen = replay(1);
	cr_expect_eq(seen.last, 6);
}

Test(journal, a_failed_sync_is_never_retried_and_never_acknowledged)
{
	open_journal();
	fill_batches(0, 3);
	atomic_store(&failing_syncs_errno, EIO);
	uint64_t position = add_text("not to be trusted");
	journal_commit(journal);
	wait_health(STATUS_IO);
	cr_expect_eq(journal_durable(journal), 3);
	atomic_store(&failing_syncs_errno, 0);
	long before = atomic_load(&sync_calls);
	struct span part = span_of_string("x");
	cr_expect_eq(journal_add(journal, 1, &part, 1, &position), STATUS_IO);
	journal_commit(journal);
	close_journal();
	cr_expect_eq(atomic_load(&sync_calls), before);
}
