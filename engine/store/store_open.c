#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/log.h"
#include "engine/store/folder.h"
#include "engine/store/store_state.h"

#define CACHE_BYTES_DEFAULT ((size_t)64 << 20)
#define WRITE_BUFFER_BYTES_DEFAULT ((size_t)128 << 20)

static const char format_key[] = "format";

/* The folder of RocksDB, and whether it holds anything. */
static enum status find_folder(const struct store_options *options, char **out_path, bool *out_exists)
{
	char *current = NULL;
	enum status status = STATUS_OK;
	if (asprintf(out_path, "%s/db", options->dir) < 0) {
		*out_path = NULL;
		return STATUS_NO_MEMORY;
	}
	if (asprintf(&current, "%s/CURRENT", *out_path) < 0)
		return STATUS_NO_MEMORY;
	*out_exists = access(current, F_OK) == 0;
	free(current);
	if (!*out_exists && (!options->create || options->read_only))
		return STATUS_NOT_FOUND;
	if (!*out_exists)
		status = folder_make(options->dir);
	return status == STATUS_OK && !*out_exists ? folder_make(*out_path) : status;
}

static enum status write_format(struct store *s)
{
	struct rocks_batch *b = rocks_batch_new();
	uint8_t version[4];
	store_le32(version, STORE_FORMAT);
	rocks_batch_put(b, s->families.own, span_of_string(format_key), span_of(version, sizeof version));
	enum status status = rocks_write(s->families.rocks, b, true);
	rocks_batch_free(b);
	return status;
}

/* A folder without the row was cut off while it was made. */
static enum status check_format(struct store *s)
{
	struct buf value = buf_init(64);
	enum status status = rocks_get(s->families.rocks, s->families.own, span_of_string(format_key), &value);
	if (status == STATUS_NOT_FOUND) {
		status = s->read_only ? STATUS_OK : write_format(s);
	} else if (status == STATUS_OK) {
		uint32_t version = value.size == 4 ? load_le32(value.data) : 0;
		status = version == STORE_FORMAT ? STATUS_OK : STATUS_BAD_VERSION;
		if (status != STATUS_OK)
			log_error("store", "%s has format %u, this program knows %u", s->dir, (unsigned)version,
				  STORE_FORMAT);
	}
	buf_deinit(&value);
	return status;
}

static void gate_init(pthread_rwlock_t *gate)
{
	pthread_rwlockattr_t attributes;
	pthread_rwlockattr_init(&attributes);
	/* or retention would wait as long as readers keep coming */
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(gate, &attributes);
	pthread_rwlockattr_destroy(&attributes);
}

static void store_free(struct store *s)
{
	families_close(&s->families);
	pthread_rwlock_destroy(&s->gate);
	pthread_mutex_destroy(&s->log_lock);
	free(s->dir);
	free(s);
}

static enum status open_families(struct store *s, const struct store_options *options)
{
	char *path = NULL;
	bool exists = false;
	enum status status = find_folder(options, &path, &exists);
	if (status == STATUS_OK) {
		struct rocks_options rocks = {
			.path = path,
			.create = options->create,
			.read_only = options->read_only,
			.cache_bytes = options->cache_bytes ? options->cache_bytes : CACHE_BYTES_DEFAULT,
			.write_buffer_bytes =
				options->write_buffer_bytes ? options->write_buffer_bytes : WRITE_BUFFER_BYTES_DEFAULT,
		};
		status = families_open(&s->families, &rocks, exists);
	}
	free(path);
	return status;
}

enum status store_open(const struct store_options *options, struct store **out)
{
	struct store *s = calloc(1, sizeof *s);
	if (!s)
		return STATUS_NO_MEMORY;
	s->read_only = options->read_only;
	s->dir = strdup(options->dir);
	gate_init(&s->gate);
	pthread_mutex_init(&s->log_lock, NULL);
	enum status status = s->dir ? open_families(s, options) : STATUS_NO_MEMORY;
	if (status != STATUS_OK) {
		pthread_rwlock_destroy(&s->gate);
		free(s->dir);
		free(s);
		return status;
	}
	status = check_format(s);
	if (status == STATUS_OK)
		status = store_finish_drops(s);
	if (status == STATUS_OK)
		status = store_log_open(s);
	if (status != STATUS_OK) {
		store_free(s);
		return status;
	}
	*out = s;
	return STATUS_OK;
}

/* Every family, lasting or timed, to `work`; the first failure is returned, all are visited. */
static enum status each_family(struct store *s, enum status (*work)(struct rocks *, struct rocks_family *))
{
	struct families *f = &s->families;
	struct family_list list;
	enum status status = families_list(f, FAMILY_KIND_COUNT, MONTH_FIRST, MONTH_LAST, &list);
	if (status != STATUS_OK)
		return status;
	status = work(f->rocks, f->own);
	for (size_t i = 0; i < STORE_FAMILY_COUNT + list.count; i++) {
		struct rocks_family *handle =
			i < STORE_FAMILY_COUNT ? f->lasting[i] : list.items[i - STORE_FAMILY_COUNT]->handle;
		enum status one = work(f->rocks, handle);
		if (status == STATUS_OK)
			status = one;
	}
	family_list_release(&list);
	return status;
}

/* Memtables are written out so that the next start replays nothing and the folder holds no dead log. */
void store_close(struct store *s)
{
	if (!s)
		return;
	if (!s->read_only && each_family(s, rocks_flush) != STATUS_OK)
		log_warn("store", "%s was closed without flushing; its log will be replayed", s->dir);
	store_free(s);
}

enum status store_sync(struct store *s)
{
	return s->read_only ? STATUS_OK : rocks_sync(s->families.rocks);
}

static enum status flush_and_compact(struct rocks *r, struct rocks_family *f)
{
	enum status status = rocks_flush(r, f);
	if (status == STATUS_OK)
		rocks_compact(r, f);
	return status;
}

enum status store_settle(struct store *s)
{
	return s->read_only ? STATUS_DENIED : each_family(s, flush_and_compact);
}

enum status store_backup(struct store *s, const char *to_dir)
{
	char *path = NULL;
	if (s->read_only)
		return STATUS_DENIED;
	enum status status = folder_make(to_dir);
	if (status != STATUS_OK)
		return status;
	if (asprintf(&path, "%s/db", to_dir) < 0)
		return STATUS_NO_MEMORY;
	if (access(path, F_OK) == 0) {
		status = STATUS_EXISTS;
	} else {
		/* no month is half dropped in the copy */
		pthread_rwlock_rdlock(&s->gate);
		status = rocks_checkpoint(s->families.rocks, path);
		pthread_rwlock_unlock(&s->gate);
	}
	free(path);
	return status;
}
