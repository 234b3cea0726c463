/* cmd_store.c -- `check` and `info`: looking into a store that no one serves. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/core/clock.h"
#include "engine/fleet/day_chain.h"
#include "engine/fleet/engine.h"
#include "engine/register/hazards.h"
#include "query/cli/cli.h"

static int usage(const char *name)
{
	fprintf(stderr, "usage: zayton %s DIR\n", name);
	return 2;
}

static enum status open_read_only(const char *dir, struct store **out)
{
	struct store_options options = {.dir = dir, .read_only = true};
	return store_open(&options, out);
}

static void say(const struct buf *text)
{
	if (text->size)
		fwrite(text->data, 1, text->size, stdout);
}

/* Journals of every epoch and shard under `dir`. */
static enum status check_journals(const char *dir, struct buf *complaints, uint64_t *entries)
{
	char path[4096];
	struct stat seen;
	enum status worst = STATUS_OK;
	for (unsigned epoch = 1, missing = 0; missing < 64; epoch++) {
		snprintf(path, sizeof path, "%s/journal-%u", dir, epoch);
		if (stat(path, &seen)) {
			missing++;
			continue;
		}
		missing = 0;
		for (unsigned shard = 0; shard < SHARDS_MAX; shard++) {
			uint64_t count = 0;
			snprintf(path, sizeof path, "%s/journal-%u/%03u", dir, epoch, shard);
			if (stat(path, &seen))
				continue;
			enum status status = journal_verify(path, &count, complaints);
			worst = status ? status : worst;
			*entries += count;
		}
	}
	return worst;
}

/* The signed days, by the folder's key if it is there. */
static enum status check_days(const char *dir, struct store *store, struct buf *complaints, struct days_checked *days)
{
	struct sign_key *key = NULL;
	enum status status = sign_key_open(dir, false, &key);
	if (!status || status == STATUS_NOT_FOUND)
		status = days_check(store, key, complaints, days);
	sign_key_free(key);
	return status;
}

int cmd_check(int argc, char **argv)
{
	struct days_checked days = {0};
	struct store *store;
	struct buf complaints = buf_init(64u << 20);
	uint64_t entries = 0;
	if (argc != 2 || argv[1][0] == '-')
		return usage("check");
	enum status status = open_read_only(argv[1], &store);
	if (status) {
		fprintf(stderr, "%s: %s\n", argv[1], status_text(status));
		return 1;
	}
	enum status blocks = store_check(store, &complaints);
	enum status hazards = hazards_check(store, &complaints);
	enum status signed_days = check_days(argv[1], store, &complaints, &days);
	store_close(store);
	enum status journals = check_journals(argv[1], &complaints, &entries);
	say(&complaints);
	buf_deinit(&complaints);
	if (blocks || hazards || journals || signed_days) {
		printf("damaged 有损坏: store %s, register %s, journal %s, signed days %s\n", status_text(blocks),
		       status_text(hazards), status_text(journals), status_text(signed_days));
		return 1;
	}
	printf("sound 完好; journal entries %" PRIu64 "; signed days 签名日 %" PRIu64 ", rows 记录 %" PRIu64 "\n",
	       entries, days.days, days.rows);
	return 0;
}

static void print_info(const struct store_info *i, const struct engine_stats *now)
{
	uint64_t in_heads = now->head_reports;
	char first[TIME_TEXT_MAX] = "-", last[TIME_TEXT_MAX] = "-";
	if (i->blocks) {
		time_format(i->time_first_ms, CHINA_OFFSET_MS, first);
		time_format(i->time_last_ms, CHINA_OFFSET_MS, last);
	}
	printf("devices 设备        %" PRIu64 "\nblocks 块           %" PRIu64 " (%" PRIu64 " overlapping)\n"
	       "points 点           %" PRIu64 "\nin heads 待封       %" PRIu64 "\nmessages 消息       %" PRIu64
	       "\nquarantined 隔离    %" PRIu64 "\n"
	       "span 时间范围       %s .. %s\nfamilies 列族       %u\ndisk 磁盘           %" PRIu64 " bytes\n"
	       "memory 内存         %" PRIu64 " bytes of heads 待封, %" PRIu64 " of the registry 登记\n",
	       i->devices, i->blocks, i->overlap_blocks, i->reports + in_heads, in_heads, i->messages, i->quarantined,
	       first, last, i->families, i->disk_bytes, now->head_bytes, now->registry_bytes);
	if (i->values)
		printf("values 监测值       %" PRIu64 " in %" PRIu64 " blocks, %.3f bytes each 字节/值\n", i->values,
		       i->value_blocks, (double)i->value_bytes / (double)i->values);
	if (!i->reports)
		return;
	double points = (double)i->reports;
	printf("bytes/point 字节/点 %.3f on disk, %.3f in blocks:\n",
	       (double)i->disk_bytes / (points + (double)in_heads), (double)i->block_bytes / points);
	for (int part = 0; part < BLOCK_PART_COUNT; part++)
		printf("  %-10s %.4f\n", block_part_names[part], (double)i->part_bytes[part] / points);
}

int cmd_info(int argc, char **argv)
{
	struct engine *engine;
	struct store_info info;
	struct engine_stats stats;
	if (argc != 2 || argv[1][0] == '-')
		return usage("info");
	struct engine_options options = engine_options_default(argv[1]);
	options.create = false;
	options.read_only = true;
	enum status status = engine_open(&options, &engine);
	if (!status) {
		status = store_info(engine_store(engine), &info);
		engine_stats(engine, &stats);
		engine_close(engine);
	}
	if (status) {
		fprintf(stderr, "%s: %s\n", argv[1], status_text(status));
		return 1;
	}
	print_info(&info, &stats);
	return 0;
}
