/* powercut_rocksdb.c -- the shim with a program that is not ours: a synced write to RocksDB survives.
 *
 *   powercut_rocksdb write DIR PROMISES     the program under the shim: DIR/db
 *   powercut_rocksdb SHIM WORK              the driver
 *
 * It holds the shim to RocksDB's ways (preallocation, sync_file_range, its manifest's rename, two families,
 * flushes, a second opening), and RocksDB to its word: after any cut the store opens and has every key up to
 * the last synced one, in both families or, unsynced, in neither. */
#include <fcntl.h>
#include <limits.h>
#include <rocksdb/c.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/powercut_drive.h"

#define KEYS 24
#define VALUE 700
#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

struct db {
	rocksdb_t *db;
	rocksdb_options_t *options;
	rocksdb_column_family_handle_t *family[2];
};

static char *error;

static struct db db_open(const char *dir)
{
	static const char *const names[2] = {"default", "second"};
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/db", dir);
	struct db d = {.options = rocksdb_options_create()};
	rocksdb_options_set_create_if_missing(d.options, 1);
	rocksdb_options_set_create_missing_column_families(d.options, 1);
	rocksdb_options_set_write_buffer_size(d.options, 64 << 10);
	const rocksdb_options_t *both[2] = {d.options, d.options};
	d.db = rocksdb_open_column_families(d.options, path, 2, names, both, d.family, &error);
	if (error)
		fprintf(stderr, "%s\n", error);
	REQUIRE(!error);
	return d;
}

static void db_close(struct db *d)
{
	for (int i = 0; i < 2; i++)
		rocksdb_column_family_handle_destroy(d->family[i]);
	rocksdb_close(d->db);
	rocksdb_options_destroy(d->options);
}

static void value_of(uint32_t key, char value[VALUE])
{
	for (size_t i = 0; i < VALUE; i++)
		value[i] = (char)((key + 1) * 2654435761u >> (i % 24));
}

static void db_put(struct db *d, uint32_t key, int sync)
{
	char value[VALUE];
	value_of(key, value);
	rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
	for (int i = 0; i < 2; i++)
		rocksdb_writebatch_put_cf(batch, d->family[i], (const char *)&key, sizeof key, value, VALUE);
	rocksdb_writeoptions_t *options = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(options, (unsigned char)sync);
	rocksdb_write(d->db, options, batch, &error);
	REQUIRE(!error);
	rocksdb_writeoptions_destroy(options);
	rocksdb_writebatch_destroy(batch);
}

static int has(struct db *d, int family, uint32_t key)
{
	char expected[VALUE];
	size_t size = 0;
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();
	char *value = rocksdb_get_cf(d->db, options, d->family[family], (const char *)&key, sizeof key, &size, &error);
	rocksdb_readoptions_destroy(options);
	REQUIRE(!error);
	value_of(key, expected);
	REQUIRE(!value || (size == VALUE && memcmp(value, expected, VALUE) == 0));
	free(value);
	return value != NULL;
}

/* --- the program --- */

/* RocksDB syncs its own folder and never the folder above it: whoever calls it must, or the whole store may
 * have no name after a power cut. */
static void make_durable_folder(const char *dir)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/db", dir);
	REQUIRE(mkdir(path, 0755) == 0);
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	REQUIRE(fd >= 0 && fsync(fd) == 0);
	close(fd);
}

static int write_keys(const char *dir, const char *promises_path)
{
	make_durable_folder(dir);
	int promises = open(promises_path, O_CREAT | O_RDWR | O_TRUNC, 0644);
	struct db d = db_open(dir);
	for (uint32_t key = 0; key < KEYS; key++) {
		int sync = key % 3 == 2;
		db_put(&d, key, sync);
		uint32_t safe = key + 1;
		if (sync)
			REQUIRE(pwrite(promises, &safe, sizeof safe, 0) == (ssize_t)sizeof safe);
		if (key == KEYS / 2) {
			rocksdb_flushoptions_t *flush = rocksdb_flushoptions_create();
			rocksdb_flush_cf(d.db, flush, d.family[0], &error);
			REQUIRE(!error);
			rocksdb_flushoptions_destroy(flush);
			db_close(&d);
			d = db_open(dir);
		}
	}
	db_close(&d);
	return 0;
}

/* --- the driver --- */

static long checks;

static void check_shadow(const struct powercut_run *run, const char *promises_path)
{
	uint32_t safe = 0, found = 0;
	int fd = open(promises_path, O_RDONLY);
	if (fd >= 0) {
		REQUIRE(read(fd, &safe, sizeof safe) >= 0);
		close(fd);
	}
	struct db d = db_open(run->shadow);
	while (has(&d, 0, found))
		found++;
	REQUIRE(found >= safe);
	for (uint32_t key = 0; key < KEYS; key++)
		REQUIRE(has(&d, 0, key) == (key < found) && has(&d, 1, key) == (key < found));
	db_close(&d);
	checks++;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "write") == 0)
		return write_keys(argv[2], argv[3]);
	if (argc != 3)
		return 2;
	char work[PATH_MAX / 4], dir[PATH_MAX / 2], shadow[PATH_MAX / 2], promises[PATH_MAX / 2], self[PATH_MAX];
	snprintf(work, sizeof work, "%s/powercut_rocksdb_XXXXXX", argv[2]);
	REQUIRE(mkdtemp(work));
	snprintf(dir, sizeof dir, "%s/dir", work);
	snprintf(shadow, sizeof shadow, "%s/shadow", work);
	snprintf(promises, sizeof promises, "%s/promises", work);
	REQUIRE(realpath("/proc/self/exe", self));
	const char *const program[] = {self, "write", dir, promises, NULL};
	struct powercut_run run = {.shim = argv[1], .dir = dir, .shadow = shadow, .argv = program};
	for (run.torn = 0; run.torn < 3; run.torn++) {
		run.as_ext4 = run.torn == 2;
		run.at = 0;
		unlink(promises);
		long syncs = powercut_count(&run);
		check_shadow(&run, promises);
		REQUIRE(syncs > KEYS / 3);
		for (run.at = 1; run.at <= syncs; run.at++) {
			unlink(promises);
			/* a background thread's sync may come after the program's end in another run */
			int status = powercut_run(&run);
			REQUIRE(status == 128 + SIGKILL || status == 0);
			check_shadow(&run, promises);
		}
	}
	folder_remove(work);
	printf("%ld states of the disk checked\n", checks);
	return 0;
}
