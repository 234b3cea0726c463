/* store_fixture.h -- a store in a temporary folder, and blocks to put into it. */
#ifndef ZAYTON_TESTS_STORE_FIXTURE_H
#define ZAYTON_TESTS_STORE_FIXTURE_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/store/store.h"

#define FIXTURE __attribute__((unused)) static

struct fixture {
	char dir[64];
	struct store *store;
};

#define ok(expression) cr_assert_eq(expression, STATUS_OK)

FIXTURE int fixture_unlink(const char *path, const struct stat *about, int kind, struct FTW *where)
{
	(void)about, (void)kind, (void)where;
	return remove(path);
}

FIXTURE void fixture_open(struct fixture *f, bool read_only)
{
	struct store_options options = {.dir = f->dir,
					.create = !read_only,
					.read_only = read_only,
					.cache_bytes = 4 << 20,
					.write_buffer_bytes = 16 << 20};
	ok(store_open(&options, &f->store));
}

/* The folder alone. A test that forks does so before it opens any store: RocksDB's threads do not survive a
 * fork. */
FIXTURE struct fixture fixture_folder(void)
{
	struct fixture f = {.dir = "/tmp/zayton-store-XXXXXX"};
	cr_assert_not_null(mkdtemp(f.dir));
	return f;
}

FIXTURE struct fixture fixture_new(void)
{
	struct fixture f = fixture_folder();
	fixture_open(&f, false);
	return f;
}

/* Run `work` on a store of this folder in a child that must end by SIGKILL. */
FIXTURE void fixture_killed(const struct fixture *f, void (*work)(struct store *s))
{
	pid_t child = fork();
	if (child == 0) {
		struct fixture mine = *f;
		fixture_open(&mine, false);
		work(mine.store);
		_exit(0);
	}
	int how;
	cr_assert_eq(waitpid(child, &how, 0), child);
	cr_assert(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL, "the child was not killed");
}

FIXTURE void fixture_reopen(struct fixture *f, bool read_only)
{
	store_close(f->store);
	fixture_open(f, read_only);
}

FIXTURE void fixture_remove(struct fixture *f)
{
	store_close(f->store);
	nftw(f->dir, fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

FIXTURE int64_t at(int year, int month, int day, int hour)
{
	struct civil c = {.year = year, .month = (uint8_t)month, .day = (uint8_t)day, .hour = (uint8_t)hour};
	return civil_to_ms(&c);
}

/* A block of `count` reports from `time_ms` on, one each `step_ms`; `salt` tells otherwise equal blocks apart. */
FIXTURE void block_make(int64_t time_ms, size_t count, int64_t step_ms, uint32_t salt, struct buf *out,
			struct block_summary *summary)
{
	struct report *reports = calloc(count, sizeof *reports);
	for (size_t i = 0; i < count; i++) {
		reports[i] = (struct report){.time_ms = time_ms + (int64_t)i * step_ms,
					     .received_ms = RECEIVED_UNKNOWN,
					     .lat_e7 = 248000000 + (int32_t)(i * 37 + salt % 1000),
					     .lon_e7 = 1186000000 + (int32_t)(i * 53),
					     .alarm = salt,
					     .status = 3,
					     .mileage_hm = 1000 + (uint32_t)i,
					     .speed_dkmh = (uint16_t)(300 + i % 50),
					     .course_deg = 90,
					     .altitude_m = 12,
					     .body = REPORT_BODY_ROW};
		report_row_seal(&reports[i]);
	}
	buf_clear(out);
	ok(block_encode(reports, count, out));
	ok(block_summarise(buf_view(out), summary));
	free(reports);
}

FIXTURE void batch_add(struct store_batch *b, struct store_block_id id, size_t count, int64_t step_ms, uint32_t salt)
{
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	struct block_summary summary;
	block_make(id.time_first_ms, count, step_ms, salt, &block, &summary);
	ok(store_batch_block(b, &id, buf_view(&block), &summary));
	buf_deinit(&block);
}

/* One block of ten reports, a minute apart, committed by itself. */
FIXTURE void put_block(struct store *s, struct store_block_id id, uint32_t salt)
{
	struct store_batch *b;
	ok(store_batch_new(s, &b));
	batch_add(b, id, 10, MS_PER_MINUTE, salt);
	ok(store_commit(s, b, false));
	store_batch_free(b);
}

FIXTURE void put_row(struct store *s, enum store_family family, const char *key, const char *value)
{
	struct store_batch *b;
	ok(store_batch_new(s, &b));
	store_batch_put(b, family, span_of_string(key), span_of_string(value));
	ok(store_commit(s, b, false));
	store_batch_free(b);
}

/* How many blocks a reader finds; each is checked. */
FIXTURE size_t count_blocks(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms)
{
	struct store_blocks *it;
	struct store_block b;
	enum status status;
	size_t count = 0;
	ok(store_blocks_open(s, device, from_ms, to_ms, false, &it));
	while ((status = store_blocks_next(it, &b)) == STATUS_OK) {
		ok(block_check(b.bytes));
		cr_assert_eq(b.id.device, device);
		count++;
	}
	cr_assert_eq(status, STATUS_END);
	store_blocks_close(it);
	return count;
}

/* A counter of store_metrics; 0 when it is not there. */
FIXTURE uint64_t metric(struct store *s, const char *name)
{
	struct buf text = buf_init(1 << 20);
	uint64_t value = 0;
	ok(store_metrics(s, &text));
	ok(buf_append_u8(&text, 0));
	for (char *rest = (char *)text.data, *line; (line = strsep(&rest, "\n"));)
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ' ')
			value = strtoull(line + strlen(name), NULL, 10);
	buf_deinit(&text);
	return value;
}

FIXTURE uint64_t disk_bytes(struct store *s)
{
	struct store_info info;
	ok(store_info(s, &info));
	return info.disk_bytes;
}

/* The store has no complaint. */
FIXTURE void assert_sound(struct store *s)
{
	struct buf complaints = buf_init(1 << 20);
	enum status status = store_check(s, &complaints);
	cr_assert_eq(status, STATUS_OK, "%.*s", (int)complaints.size, (char *)complaints.data);
	buf_deinit(&complaints);
}

#endif
