#include "engine/store/rocks.h"

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "engine/store/keys.h"

struct rocks {
	rocksdb_t *db;
	rocksdb_options_t *db_options;
	rocksdb_options_t *profiles[ROCKS_PROFILE_COUNT];
	rocksdb_cache_t *cache;
	rocksdb_writeoptions_t *write_plain, *write_sync;
	rocksdb_readoptions_t *read_plain;
	_Atomic uint64_t last_error; /* hash of the text logged last */
};

struct rocks_iter {
	rocksdb_iterator_t *it;
	rocksdb_readoptions_t *options;
	struct rocks *rocks;
	uint8_t *bounds; /* RocksDB borrows them as long as the iterator lives */
};

/* The handles of the C API under the names of this header. */
static rocksdb_column_family_handle_t *handle_of(struct rocks_family *f)
{
	return (rocksdb_column_family_handle_t *)f;
}
static rocksdb_writebatch_t *batch_of(struct rocks_batch *b)
{
	return (rocksdb_writebatch_t *)b;
}

/* --- errors --- */

static enum status status_of_text(const char *text)
{
	if (strstr(text, "No space left"))
		return STATUS_NO_SPACE;
	if (strncmp(text, "Corruption", 10) == 0)
		return STATUS_CORRUPT;
	if (strncmp(text, "Memory limit", 12) == 0)
		return STATUS_NO_MEMORY;
	if (strstr(text, "lock hold by") || strstr(text, "/LOCK:"))
		return STATUS_BUSY;
	return STATUS_IO;
}

/* Takes `error` (NULL: success). `r` may be NULL while nothing is open. */
static enum status take_error(struct rocks *r, const char *doing, char *error)
{
	if (!error)
		return STATUS_OK;
	enum status status = status_of_text(error);
	uint64_t hash = hash64(span_of_string(error));
	if (!r || r->last_error != hash)
		log_error("store", "%s: %s", doing, error);
	if (r)
		r->last_error = hash;
	rocksdb_free(error);
	return status;
}

/* --- settings --- */

/* How the rows of each profile are kept.
 * Blocks come in order of time and lie in order of device, so every flush overlaps every older file. Tiered
 * (universal) compaction rewrites a month about twice where levels would rewrite it at each of theirs; a size
 * amplification that is never reached keeps it from rewriting the whole month again and again. */
static const struct profile {
	size_t write_buffer_bytes, arena_bytes, data_block_bytes;
	uint64_t file_bytes;
	int compression, bottommost;
	int runs; /* sorted runs before a compaction */
	bool tiered;
	bool by_device; /* filters hold devices instead of whole keys */
} profiles[ROCKS_PROFILE_COUNT] = {
	[ROCKS_ROWS] = {4 << 20, 64 << 10, 8 << 10, 16 << 20, rocksdb_lz4_compression, rocksdb_zstd_compression, 4,
			false, false},
	[ROCKS_OVERWRITE] = {16 << 20, 256 << 10, 16 << 10, 32 << 20, rocksdb_lz4_compression, rocksdb_lz4_compression,
			     4, false, false},
	[ROCKS_BLOCKS] = {32 << 20, 256 << 10, 16 << 10, 128 << 20, rocksdb_no_compression, rocksdb_no_compression, 8,
			  true, true},
	[ROCKS_TIMED] = {4 << 20, 64 << 10, 16 << 10, 32 << 20, rocksdb_lz4_compression, rocksdb_zstd_compression, 8,
			 true, true},
};

#define WAL_BYTES_MAX (UINT64_C(128) << 20)
#define INFO_LOG_BYTES_MAX (1u << 20)
#define OPEN_FILES_MAX 512
#define BLOOM_BITS_PER_KEY 10

static void set_tables(struct rocks *r, rocksdb_options_t *o, const struct profile *p)
{
	rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();
	rocksdb_block_based_options_set_block_cache(t, r->cache);
	rocksdb_block_based_options_set_block_size(t, p->data_block_bytes);
	rocksdb_block_based_options_set_cache_index_and_filter_blocks(t, 1);
	rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(t, 1);
	rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(t, 1);
	rocksdb_block_based_options_set_format_version(t, 5);
	rocksdb_block_based_options_set_filter_policy(t, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS_PER_KEY));
	rocksdb_block_based_options_set_whole_key_filtering(t, !p->by_device);
	rocksdb_options_set_block_based_table_factory(o, t);
	rocksdb_block_based_options_destroy(t);
	if (p->by_device)
		rocksdb_options_set_prefix_extractor(o, rocksdb_slicetransform_create_fixed_prefix(KEY_DEVICE_SIZE));
}

static void set_tiered(rocksdb_options_t *o)
{
	rocksdb_universal_compaction_options_t *u = rocksdb_universal_compaction_options_create();
	rocksdb_universal_compaction_options_set_max_size_amplification_percent(u, 1000000);
	rocksdb_universal_compaction_options_set_min_merge_width(u, 4);
	rocksdb_options_set_compaction_style(o, rocksdb_universal_compaction);
	rocksdb_options_set_universal_compaction_options(o, u);
	rocksdb_universal_compaction_options_destroy(u);
}

static rocksdb_options_t *profile_options(struct rocks *r, const struct profile *p)
{
	rocksdb_options_t *o = rocksdb_options_create();
	rocksdb_options_set_write_buffer_size(o, p->write_buffer_bytes);
	rocksdb_options_set_arena_block_size(o, p->arena_bytes);
	rocksdb_options_set_max_write_buffer_number(o, 3);
	rocksdb_options_set_target_file_size_base(o, p->file_bytes);
	rocksdb_options_set_compression(o, p->compression);
	rocksdb_options_set_bottommost_compression(o, p->bottommost);
	rocksdb_options_set_level0_file_num_compaction_trigger(o, p->runs);
	rocksdb_options_set_level0_slowdown_writes_trigger(o, p->runs * 5);
	rocksdb_options_set_level0_stop_writes_trigger(o, p->runs * 8);
	if (p->tiered)
		set_tiered(o);
	set_tables(r, o, p);
	return o;
}

static rocksdb_options_t *folder_options(const struct rocks_options *options)
{
	rocksdb_options_t *o = rocksdb_options_create(), *full = rocksdb_options_create();
	rocksdb_options_set_create_if_missing(o, options->create);
	rocksdb_options_set_create_missing_column_families(o, !options->read_only);
	rocksdb_options_set_paranoid_checks(o, 1);
	rocksdb_options_set_db_write_buffer_size(o, options->write_buffer_bytes);
	rocksdb_options_set_max_total_wal_size(o, WAL_BYTES_MAX);
	rocksdb_options_set_wal_recovery_mode(o, rocksdb_point_in_time_recovery);
	rocksdb_options_set_recycle_log_file_num(o, 0);
	rocksdb_options_set_keep_log_file_num(o, 2);
	rocksdb_options_set_max_log_file_size(o, INFO_LOG_BYTES_MAX);
	rocksdb_options_set_info_log_level(o, 2 /* warnings */);
	rocksdb_options_set_stats_dump_period_sec(o, 0);
	rocksdb_options_set_stats_persist_period_sec(o, 0);
	rocksdb_options_set_manifest_preallocation_size(o, 4096);
	rocksdb_options_set_max_manifest_file_size(o, 16u << 20);
	rocksdb_options_set_max_open_files(o, OPEN_FILES_MAX);
	rocksdb_options_set_skip_stats_update_on_db_open(o, 1);
	rocksdb_options_set_max_background_jobs(o, 4);
	rocksdb_options_set_bytes_per_sync(o, 1u << 20);
	/* without preallocation the folder is what is in it; an append changes the file's size anyway, so a sync
	 * costs the same */
	char *error = NULL;
	rocksdb_get_options_from_string(o, "allow_fallocate=false", full, &error);
	if (error) {
		(void)take_error(NULL, "options", error);
		rocksdb_options_destroy(full);
		full = o;
	} else {
		rocksdb_options_destroy(o);
	}
	rocksdb_options_enable_statistics(full);
	return full;
}

/* --- opening --- */

enum status rocks_names(const char *path, char ***out, size_t *out_count)
{
	rocksdb_options_t *o = rocksdb_options_create();
	char *error = NULL;
	*out = rocksdb_list_column_families(o, path, out_count, &error);
	rocksdb_options_destroy(o);
	return take_error(NULL, "reading the list of families", error);
}

void rocks_names_free(char **names, size_t count)
{
	if (names)
		rocksdb_list_column_families_destroy(names, count);
}

static struct rocks *rocks_new(const struct rocks_options *options)
{
	struct rocks *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->cache = rocksdb_cache_create_lru(options->cache_bytes);
	r->db_options = folder_options(options);
	for (size_t i = 0; i < ROCKS_PROFILE_COUNT; i++)
		r->profiles[i] = profile_options(r, &profiles[i]);
	r->write_plain = rocksdb_writeoptions_create();
	r->write_sync = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(r->write_sync, 1);
	r->read_plain = rocksdb_readoptions_create();
	return r;
}

enum status rocks_open(const struct rocks_options *options, const struct rocks_family_spec *specs, size_t count,
		       struct rocks_family **out_families, struct rocks **out)
{
	const char **names = calloc(count, sizeof *names);
	const rocksdb_options_t **family_options = calloc(count, sizeof *family_options);
	struct rocks *r = names && family_options ? rocks_new(options) : NULL;
	enum status status = STATUS_NO_MEMORY;
	if (!r)
		goto done;
	for (size_t i = 0; i < count; i++) {
		names[i] = specs[i].name;
		family_options[i] = r->profiles[specs[i].profile];
	}
	rocksdb_column_family_handle_t **handles = (rocksdb_column_family_handle_t **)out_families;
	char *error = NULL;
	if (options->read_only)
		r->db = rocksdb_open_for_read_only_column_families(r->db_options, options->path, (int)count, names,
								   family_options, handles, 0, &error);
	else
		r->db = rocksdb_open_column_families(r->db_options, options->path, (int)count, names, family_options,
						     handles, &error);
	status = take_error(NULL, "opening", error);
	if (status != STATUS_OK) {
		rocks_close(r);
		r = NULL;
	}
	*out = r;
done:
	free(names);
	free(family_options);
	return status;
}

void rocks_close(struct rocks *r)
{
	if (!r)
		return;
	if (r->db)
		rocksdb_close(r->db);
	for (size_t i = 0; i < ROCKS_PROFILE_COUNT; i++)
		rocksdb_options_destroy(r->profiles[i]);
	rocksdb_options_destroy(r->db_options);
	rocksdb_cache_destroy(r->cache);
	rocksdb_writeoptions_destroy(r->write_plain);
	rocksdb_writeoptions_destroy(r->write_sync);
	rocksdb_readoptions_destroy(r->read_plain);
	free(r);
}

enum status rocks_family_create(struct rocks *r, const struct rocks_family_spec *spec, struct rocks_family **out)
{
	char *error = NULL;
	*out = (struct rocks_family *)rocksdb_create_column_family(r->db, r->profiles[spec->profile], spec->name,
								   &error);
	return take_error(r, "making a family", error);
}

enum status rocks_family_drop(struct rocks *r, struct rocks_family *f)
{
	char *error = NULL;
	rocksdb_drop_column_family(r->db, handle_of(f), &error);
	return take_error(r, "dropping a family", error);
}

void rocks_family_release(struct rocks_family *f)
{
	if (f)
		rocksdb_column_family_handle_destroy(handle_of(f));
}

/* --- writing --- */

struct rocks_batch *rocks_batch_new(void)
{
	return (struct rocks_batch *)rocksdb_writebatch_create();
}

void rocks_batch_free(struct rocks_batch *b)
{
	if (b)
		rocksdb_writebatch_destroy(batch_of(b));
}

void rocks_batch_clear(struct rocks_batch *b)
{
	rocksdb_writebatch_clear(batch_of(b));
}

void rocks_batch_put(struct rocks_batch *b, struct rocks_family *f, struct span key, struct span value)
{
	rocksdb_writebatch_put_cf(batch_of(b), handle_of(f), (const char *)key.data, key.size, (const char *)value.data,
				  value.size);
}

void rocks_batch_delete(struct rocks_batch *b, struct rocks_family *f, struct span key)
{
	rocksdb_writebatch_delete_cf(batch_of(b), handle_of(f), (const char *)key.data, key.size);
}

enum status rocks_write(struct rocks *r, struct rocks_batch *b, bool sync)
{
	char *error = NULL;
	rocksdb_write(r->db, sync ? r->write_sync : r->write_plain, batch_of(b), &error);
	return take_error(r, "writing", error);
}

enum status rocks_sync(struct rocks *r)
{
	char *error = NULL;
	rocksdb_flush_wal(r->db, 1, &error);
	return take_error(r, "syncing", error);
}

/* --- reading --- */

enum status rocks_get(struct rocks *r, struct rocks_family *f, struct span key, struct buf *out)
{
	char *error = NULL;
	buf_clear(out);
	rocksdb_pinnableslice_t *pinned =
		rocksdb_get_pinned_cf(r->db, r->read_plain, handle_of(f), (const char *)key.data, key.size, &error);
	enum status status = take_error(r, "reading", error);
	if (status == STATUS_OK && !pinned)
		return STATUS_NOT_FOUND;
	if (status == STATUS_OK) {
		size_t size;
		const char *value = rocksdb_pinnableslice_value(pinned, &size);
		status = buf_append(out, value, size);
	}
	if (pinned)
		rocksdb_pinnableslice_destroy(pinned);
	return status;
}

uint64_t rocks_writes(struct rocks *r)
{
	return rocksdb_get_latest_sequence_number(r->db);
}

const struct rocks_snapshot *rocks_snapshot_take(struct rocks *r)
{
	return (const struct rocks_snapshot *)rocksdb_create_snapshot(r->db);
}

void rocks_snapshot_release(struct rocks *r, const struct rocks_snapshot *snapshot)
{
	if (snapshot)
		rocksdb_release_snapshot(r->db, (const rocksdb_snapshot_t *)snapshot);
}

#define SWEEP_READAHEAD_BYTES (1u << 20)

static void set_reading(rocksdb_readoptions_t *o, const struct rocks_range *range, const uint8_t *bounds)
{
	const char *lower = (const char *)bounds, *upper = lower + range->lower.size;
	if (range->lower.size && !range->open_ended)
		rocksdb_readoptions_set_iterate_lower_bound(o, lower, range->lower.size);
	if (range->upper.size && !range->open_ended)
		rocksdb_readoptions_set_iterate_upper_bound(o, upper, range->upper.size);
	if (range->snapshot)
		rocksdb_readoptions_set_snapshot(o, (const rocksdb_snapshot_t *)range->snapshot);
	rocksdb_readoptions_set_total_order_seek(o, !range->one_device);
	rocksdb_readoptions_set_prefix_same_as_start(o, range->one_device);
	rocksdb_readoptions_set_verify_checksums(o, 1);
	if (range->sweep) {
		rocksdb_readoptions_set_fill_cache(o, 0);
		rocksdb_readoptions_set_readahead_size(o, SWEEP_READAHEAD_BYTES);
	}
}

enum status rocks_iter_open(struct rocks *r, struct rocks_family *f, const struct rocks_range *range,
			    struct rocks_iter **out)
{
	struct rocks_iter *it = calloc(1, sizeof *it);
	if (it)
		it->bounds = malloc(range->lower.size + range->upper.size + 1);
	if (!it || !it->bounds) {
		free(it);
		return STATUS_NO_MEMORY;
	}
	if (range->lower.size)
		memcpy(it->bounds, range->lower.data, range->lower.size);
	if (range->upper.size)
		memcpy(it->bounds + range->lower.size, range->upper.data, range->upper.size);
	it->rocks = r;
	it->options = rocksdb_readoptions_create();
	set_reading(it->options, range, it->bounds);
	it->it = rocksdb_create_iterator_cf(r->db, it->options, handle_of(f));
	if (range->lower.size)
		rocksdb_iter_seek(it->it, (const char *)it->bounds, range->lower.size);
	else
		rocksdb_iter_seek_to_first(it->it);
	*out = it;
	return STATUS_OK;
}

void rocks_iter_close(struct rocks_iter *it)
{
	if (!it)
		return;
	rocksdb_iter_destroy(it->it);
	rocksdb_readoptions_destroy(it->options);
	free(it->bounds);
	free(it);
}

enum status rocks_iter_row(struct rocks_iter *it, struct span *key, struct span *value)
{
	if (!rocksdb_iter_valid(it->it)) {
		char *error = NULL;
		rocksdb_iter_get_error(it->it, &error);
		enum status status = take_error(it->rocks, "reading", error);
		return status == STATUS_OK ? STATUS_END : status;
	}
	size_t size;
	const char *data = rocksdb_iter_key(it->it, &size);
	*key = span_of(data, size);
	data = rocksdb_iter_value(it->it, &size);
	*value = span_of(data, size);
	return STATUS_OK;
}

void rocks_iter_next(struct rocks_iter *it)
{
	if (rocksdb_iter_valid(it->it))
		rocksdb_iter_next(it->it);
}

void rocks_iter_seek(struct rocks_iter *it, struct span key)
{
	rocksdb_iter_seek(it->it, (const char *)key.data, key.size);
}

/* --- looking after --- */

enum status rocks_flush(struct rocks *r, struct rocks_family *f)
{
	rocksdb_flushoptions_t *o = rocksdb_flushoptions_create();
	rocksdb_flushoptions_set_wait(o, 1);
	char *error = NULL;
	rocksdb_flush_cf(r->db, o, handle_of(f), &error);
	rocksdb_flushoptions_destroy(o);
	return take_error(r, "flushing", error);
}

/* A run at the last level alone needs no rewriting; RocksDB would rewrite a tiered family all the same. */
static bool is_compact(struct rocks *r, struct rocks_family *f)
{
	const int last = rocksdb_options_get_num_levels(r->profiles[0]) - 1;
	for (int level = 0; level < last; level++) {
		char name[48];
		snprintf(name, sizeof name, "rocksdb.num-files-at-level%d", level);
		char *text = rocksdb_property_value_cf(r->db, handle_of(f), name);
		bool some = text && strcmp(text, "0") != 0;
		rocksdb_free(text);
		if (some)
			return false;
	}
	return true;
}

void rocks_compact(struct rocks *r, struct rocks_family *f)
{
	if (is_compact(r, f))
		return;
	rocksdb_compactoptions_t *o = rocksdb_compactoptions_create();
	rocksdb_compactoptions_set_exclusive_manual_compaction(o, 0);
	rocksdb_compact_range_cf_opt(r->db, handle_of(f), o, NULL, 0, NULL, 0);
	rocksdb_compactoptions_destroy(o);
}

enum status rocks_checkpoint(struct rocks *r, const char *path)
{
	char *error = NULL;
	rocksdb_checkpoint_t *c = rocksdb_checkpoint_object_create(r->db, &error);
	if (!error)
		rocksdb_checkpoint_create(c, path, 0, &error);
	if (c)
		rocksdb_checkpoint_object_destroy(c);
	return take_error(r, "making a checkpoint", error);
}

bool rocks_property(struct rocks *r, struct rocks_family *f, const char *name, uint64_t *out)
{
	if (f)
		return rocksdb_property_int_cf(r->db, handle_of(f), name, out) == 0;
	return rocksdb_property_int(r->db, name, out) == 0;
}

char *rocks_counters(struct rocks *r)
{
	return rocksdb_options_statistics_get_string(r->db_options);
}
