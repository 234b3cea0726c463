#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/series/value_block.h"
#include "engine/store/store_state.h"

/* --- info --- */

/* Ids of devices, sorted and made unique whenever the room is used up. 128 MiB hold 16 million. */
#define DEVICES_BYTES_MAX (128u << 20)

struct gather {
	struct store *store;
	struct store_info *info;
	struct buf devices;
	size_t unique; /* of the ids, those sorted and unique */
	uint64_t device;
	int64_t device_until_ms; /* latest end of its blocks so far, in this family */
	bool has_device;
};

static int compare_devices(const void *a, const void *b)
{
	uint64_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

static void make_unique(struct gather *g)
{
	uint64_t *ids = (uint64_t *)(void *)g->devices.data;
	size_t count = g->devices.size / sizeof *ids, kept = 0;
	if (!count)
		return;
	qsort(ids, count, sizeof *ids, compare_devices);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || ids[i] != ids[kept - 1])
			ids[kept++] = ids[i];
	g->devices.size = kept * sizeof *ids;
	g->unique = kept;
}

static enum status add_device(struct gather *g, uint64_t device)
{
	size_t count = g->devices.size / sizeof device;
	if (count >= 4096 && count >= 2 * g->unique)
		make_unique(g);
	return buf_append(&g->devices, &device, sizeof device);
}

static enum status add_summary(struct gather *g, uint64_t device, const struct block_summary *s)
{
	struct store_info *info = g->info;
	if (info->blocks == 0 || s->time_first_ms < info->time_first_ms)
		info->time_first_ms = s->time_first_ms;
	if (info->blocks == 0 || s->time_last_ms > info->time_last_ms)
		info->time_last_ms = s->time_last_ms;
	info->blocks++;
	info->reports += s->count;
	if (g->has_device && g->device == device) {
		if (s->time_first_ms <= g->device_until_ms)
			info->overlap_blocks++;
		if (s->time_last_ms > g->device_until_ms)
			g->device_until_ms = s->time_last_ms;
		return STATUS_OK;
	}
	g->device = device;
	g->has_device = true;
	g->device_until_ms = s->time_last_ms;
	return add_device(g, device);
}

static enum status add_parts(struct gather *g, struct span block)
{
	size_t parts[BLOCK_PART_COUNT];
	enum status status = block_parts(block, parts);
	if (status != STATUS_OK)
		return status;
	for (size_t i = 0; i < BLOCK_PART_COUNT; i++)
		g->info->part_bytes[i] += parts[i];
	g->info->block_bytes += block.size;
	return STATUS_OK;
}

typedef enum status gather_row(struct gather *g, struct span key, struct span value);

static enum status track_row(struct gather *g, struct span key, struct span value)
{
	(void)key;
	return add_parts(g, value);
}

static enum status summary_row(struct gather *g, struct span key, struct span value)
{
	struct block_key parsed;
	struct block_summary summary;
	struct block_hours hours;
	enum status status = key_block_parse(key, &parsed);
	if (status == STATUS_OK)
		status = block_row_decode(value, &summary, &hours);
	return status == STATUS_OK ? add_summary(g, parsed.device, &summary) : status;
}

static enum status message_row(struct gather *g, struct span key, struct span value)
{
	(void)key, (void)value;
	g->info->messages++;
	return STATUS_OK;
}

static enum status values_row(struct gather *g, struct span key, struct span value)
{
	struct value_block_header header;
	(void)key;
	enum status status = value_block_header(value, &header);
	if (status != STATUS_OK)
		return status;
	g->info->value_blocks++;
	g->info->values += header.count;
	g->info->value_bytes += value.size;
	return STATUS_OK;
}

static enum status held_row(struct gather *g, struct span key, struct span value)
{
	struct held_block_key block;
	struct block_summary summary;
	if (key.size && key.data[0] == HELD_MESSAGE)
		return message_row(g, key, value);
	if (key.size && key.data[0] == HELD_VALUES)
		return values_row(g, key, value);
	if (!key.size || key.data[0] != HELD_BLOCK)
		return STATUS_OK;
	enum status status = key_held_block_parse(key, HELD_BLOCK, &block);
	if (status == STATUS_OK)
		status = block_summarise(value, &summary);
	if (status == STATUS_OK)
		status = add_summary(g, block.block.device, &summary);
	return status == STATUS_OK ? add_parts(g, value) : status;
}

static enum status quarantine_row(struct gather *g, struct span key, struct span value)
{
	(void)key, (void)value;
	g->info->quarantined++;
	return STATUS_OK;
}

static enum status gather_rows(struct gather *g, struct rocks_family *handle, gather_row *add)
{
	struct rocks_range range = {.sweep = true};
	struct rocks_iter *it;
	struct span key, value;
	g->has_device = false;
	if (!handle)
		return STATUS_OK;
	enum status status = rocks_iter_open(g->store->families.rocks, handle, &range, &it);
	if (status != STATUS_OK)
		return status;
	while ((status = rocks_iter_row(it, &key, &value)) == STATUS_OK) {
		status = add(g, key, value);
		if (status != STATUS_OK)
			break;
		rocks_iter_next(it);
	}
	rocks_iter_close(it);
	return status == STATUS_END ? STATUS_OK : status;
}

/* Bytes that the files below an open folder take on the disk, as du counts them. Takes over `fd`. */
static uint64_t folder_bytes(int fd)
{
	uint64_t bytes = 0;
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	if (!folder)
		return 0;
	for (struct dirent *entry; (entry = readdir(folder));) {
		struct stat about;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    fstatat(fd, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		bytes += (uint64_t)about.st_blocks * 512;
		if (S_ISDIR(about.st_mode))
			bytes += folder_bytes(openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	}
	closedir(folder);
	return bytes;
}

enum status store_info(struct store *s, struct store_info *out)
{
	static gather_row *const rows[FAMILY_KIND_COUNT] = {[FAMILY_TRACK] = track_row,
							    [FAMILY_SUMMARY] = summary_row,
							    [FAMILY_MESSAGE] = message_row,
							    [FAMILY_SERIES] = values_row};
	struct gather g = {.store = s, .info = out, .devices = buf_init(DEVICES_BYTES_MAX)};
	struct family_list list;
	memset(out, 0, sizeof *out);
	enum status status = families_list(&s->families, FAMILY_KIND_COUNT, MONTH_FIRST, MONTH_LAST, &list);
	if (status != STATUS_OK)
		return status;
	for (size_t i = 0; i < list.count && status == STATUS_OK; i++)
		status = gather_rows(&g, list.items[i]->handle, rows[list.items[i]->id.kind]);
	if (status == STATUS_OK)
		status = gather_rows(&g, s->families.lasting[STORE_HELD], held_row);
	if (status == STATUS_OK)
		status = gather_rows(&g, s->families.lasting[STORE_QUARANTINE], quarantine_row);
	make_unique(&g);
	out->devices = g.unique;
	out->families = (uint32_t)list.count;
	out->disk_bytes = folder_bytes(open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	family_list_release(&list);
	buf_deinit(&g.devices);
	return status;
}

/* --- metrics --- */

static const char *const family_properties[] = {
	"rocksdb.cur-size-all-mem-tables",           "rocksdb.total-sst-files-size",       "rocksdb.estimate-num-keys",
	"rocksdb.estimate-pending-compaction-bytes", "rocksdb.estimate-table-readers-mem",
};
#define FAMILY_PROPERTIES (sizeof family_properties / sizeof *family_properties)

static void add_properties(struct store *s, struct rocks_family *handle, uint64_t sums[FAMILY_PROPERTIES])
{
	for (size_t i = 0; handle && i < FAMILY_PROPERTIES; i++) {
		uint64_t value;
		if (rocks_property(s->families.rocks, handle, family_properties[i], &value))
			sums[i] += value;
	}
}

static enum status print_properties(struct store *s, struct buf *out)
{
	uint64_t sums[FAMILY_PROPERTIES] = {0}, cache = 0;
	struct family_list list;
	enum status status = families_list(&s->families, FAMILY_KIND_COUNT, MONTH_FIRST, MONTH_LAST, &list);
	if (status != STATUS_OK)
		return status;
	add_properties(s, s->families.own, sums);
	for (size_t i = 0; i < STORE_FAMILY_COUNT; i++)
		add_properties(s, s->families.lasting[i], sums);
	for (size_t i = 0; i < list.count; i++)
		add_properties(s, list.items[i]->handle, sums);
	status = buf_printf(out, "rocksdb.families %zu\n", list.count);
	family_list_release(&list);
	for (size_t i = 0; i < FAMILY_PROPERTIES && status == STATUS_OK; i++)
		status = buf_printf(out, "%s %" PRIu64 "\n", family_properties[i], sums[i]);
	if (status == STATUS_OK && rocks_property(s->families.rocks, NULL, "rocksdb.block-cache-usage", &cache))
		status = buf_printf(out, "rocksdb.block-cache-usage %" PRIu64 "\n", cache);
	return status;
}

/* Lines "name COUNT : value" become "name value"; histograms have more than that and are left out. */
static enum status print_counters(struct store *s, struct buf *out)
{
	char *text = rocks_counters(s->families.rocks), *rest = text;
	enum status status = STATUS_OK;
	for (char *line; status == STATUS_OK && (line = strsep(&rest, "\n"));) {
		char name[128];
		uint64_t value;
		int end = 0;
		if (sscanf(line, "%127s COUNT : %" SCNu64 "%n", name, &value, &end) == 2 && line[end] == 0)
			status = buf_printf(out, "%s %" PRIu64 "\n", name, value);
	}
	free(text);
	return status;
}

enum status store_metrics(struct store *s, struct buf *out)
{
	enum status status = print_properties(s, out);
	return status == STATUS_OK ? print_counters(s, out) : status;
}
