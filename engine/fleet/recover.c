/* recover.c -- bringing every head to where it was.
 *
 *   meta "engine"        version 1, epoch u32, shards u16         (little-endian)
 *   meta "cp" epoch shard   position: every entry of that journal up to it is in the store
 *   DIR/journal-EPOCH/SHARD/...
 *
 * 1. Every `head` row gives a device's state, its unsealed reports, and the position up to which the store holds it.
 * 2. Each journal is replayed behind its checkpoint; an entry at or before its device's own position is skipped.
 * 3. Connections that are still open were lost (connections.h).
 * The work grows with the journal and the number of devices, not with the store.
 *
 * Another number of shards: the old journals are replayed into the new shards, every row is written under the next
 * epoch, and only then does `meta` name that epoch and the old journals go. A row of the next epoch under the old
 * one (a crash in between) already holds all that the old journals have for its device; it says so only as long
 * as nothing more goes into those journals, so such a change is completed before anything is taken in. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/log.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/streams_shard.h"
#include "engine/store/folder.h"

#define PATH_BYTES 4096
#define ENGINE_ROW_VERSION 1

static const char engine_key[] = "engine";

/* --- meta --- */

static enum status read_engine_row(struct engine *e, uint32_t *epoch, uint16_t *shards)
{
	struct buf value = buf_init(64);
	enum status status = store_get(e->store, STORE_META, span_of_string(engine_key), &value);
	if (!status && (value.size != 7 || value.data[0] != ENGINE_ROW_VERSION))
		status = STATUS_BAD_VERSION;
	if (!status) {
		*epoch = load_le32(value.data + 1);
		*shards = load_le16(value.data + 5);
		if (!*shards || *shards > SHARDS_MAX)
			status = STATUS_CORRUPT;
	}
	buf_deinit(&value);
	return status;
}

static enum status write_engine_row(struct engine *e, uint32_t epoch, uint16_t shards)
{
	struct store_batch *batch;
	uint8_t value[7] = {ENGINE_ROW_VERSION};
	store_le32(value + 1, epoch);
	store_le16(value + 5, shards);
	enum status status = store_batch_new(e->store, &batch);
	if (status)
		return status;
	store_batch_put(batch, STORE_META, span_of_string(engine_key), span_of(value, sizeof value));
	status = store_commit(e->store, batch, true);
	store_batch_free(batch);
	return status;
}

static enum status read_checkpoint(struct engine *e, uint32_t epoch, uint16_t shard, uint64_t *position)
{
	uint8_t key[CHECKPOINT_KEY_SIZE];
	struct buf value = buf_init(64);
	checkpoint_key(epoch, shard, key);
	*position = 0;
	enum status status = store_get(e->store, STORE_META, span_of(key, sizeof key), &value);
	if (status == STATUS_NOT_FOUND)
		status = STATUS_OK;
	else if (!status && value.size != 8)
		status = STATUS_CORRUPT;
	else if (!status)
		*position = load_le64(value.data);
	buf_deinit(&value);
	return status;
}

/* --- folders --- */

static void journal_path(const struct engine *e, uint32_t epoch, unsigned shard, char out[PATH_BYTES])
{
	snprintf(out, PATH_BYTES, "%s/journal-%u/%03u", e->options.dir, epoch, shard);
}

/* A journal's syncs are worth nothing while the names of its folders are not on the disk. */
static enum status make_journal_folders(const struct engine *e, uint32_t epoch, unsigned shards)
{
	char parent[PATH_BYTES], path[PATH_BYTES];
	snprintf(parent, sizeof parent, "%s/journal-%u", e->options.dir, epoch);
	enum status status = folder_make(parent);
	for (unsigned i = 0; !status && i < shards; i++) {
		journal_path(e, epoch, i, path);
		status = folder_make(path);
	}
	return status;
}

static void remove_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	while (d && (entry = readdir(d))) {
		char inner[PATH_BYTES];
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < (int)sizeof inner)
			unlink(inner);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static void remove_journals(const struct engine *e, uint32_t epoch, unsigned shards)
{
	char path[PATH_BYTES];
	for (unsigned i = 0; i < shards; i++) {
		journal_path(e, epoch, i, path);
		remove_folder(path);
	}
	snprintf(path, sizeof path, "%s/journal-%u", e->options.dir, epoch);
	rmdir(path);
}

/* --- rows --- */

struct load {
	struct engine *e;
	struct report_list reports;
	bool unfinished; /* rows of the next epoch were met */
};

static enum status load_head(void *context, struct span key, struct span value)
{
	struct load *load = context;
	struct head_state state;
	if (key.size == VALUE_HEAD_KEY_SIZE)
		return shard_values_load(load->e, key, value, &load->unfinished);
	if (key.size != 8)
		return STATUS_CORRUPT;
	uint64_t device = load_be64(key.data);
	report_list_clear(&load->reports);
	enum status status = head_row_decode(value, &state, &load->reports);
	if (status) {
		log_error("recover", "head row of %016llx: %s", (unsigned long long)device, status_text(status));
		return status;
	}
	struct shard *s = engine_owner(load->e, device);
	if (state.epoch > load->e->epoch) {
		load->unfinished = true;
		state.epoch = load->e->epoch;
		state.position = UINT64_MAX;
	}
	for (size_t i = 0; !status && i < load->reports.count; i++)
		status = shard_apply_report(s, device, &load->reports.reports[i], 0);
	struct head *head = status ? NULL : heads_need(&s->heads, device);
	if (!head)
		return status ? status : STATUS_NO_MEMORY;
	head_state_set(head, &state);
	return STATUS_OK;
}

static enum status load_heads(struct engine *e, bool *unfinished)
{
	struct load load = {
		.e = e,
		.reports = report_list_init(4 * HEAD_REPORTS_MAX, (size_t)4 * HEAD_REPORTS_MAX * REPORT_BODY_MAX)};
	/* rows in memory count, but nothing is cut before each device's state is known */
	size_t bound = e->options.head_bytes_max;
	e->options.head_bytes_max = SIZE_MAX;
	enum status status = store_scan(e->store, STORE_HEAD, (struct span){NULL, 0}, load_head, &load);
	e->options.head_bytes_max = bound;
	report_list_deinit(&load.reports);
	*unfinished = load.unfinished;
	return status;
}

/* --- journals --- */

struct replay {
	struct engine *e;
	struct shard *shard; /* NULL: to whichever owns the device */
	uint64_t entries;
};

static enum status replay_entry(void *context, uint64_t position, uint8_t kind, struct span payload)
{
	struct replay *replay = context;
	struct intake in;
	struct report report;
	enum status status = intake_decode(kind, payload, &in, &report);
	if (status) {
		log_error("recover", "journal entry %llu: %s", (unsigned long long)position, status_text(status));
		return status;
	}
	struct shard *s = engine_owner(replay->e, in.device);
	replay->entries++;
	status = shard_apply(s, position, &in);
	if (replay->shard)
		replay->shard->applied = position;
	while (writer_backlog(s->writer) > WRITER_BACKLOG_MAX && !status)
		status = writer_wait(s->writer);
	return status;
}

/* The last position that the store has of this journal. */
static uint64_t last_applied(const struct shard *s, uint64_t checkpoint)
{
	uint64_t last = checkpoint;
	for (uint32_t i = 0; i < s->heads.count; i++) {
		const struct head *head = s->heads.all[i];
		if (head->epoch == s->engine->epoch && head->position > last)
			last = head->position;
	}
	for (uint32_t i = 0; i < s->values.count; i++) {
		const struct value_head_state *state = &s->values.all[i]->state;
		if (state->epoch == s->engine->epoch && state->position > last)
			last = state->position;
	}
	return last;
}

static enum status replay_own(struct engine *e, struct shard *s)
{
	uint64_t position;
	char path[PATH_BYTES];
	journal_path(e, e->epoch, s->index, path);
	enum status status = read_checkpoint(e, e->epoch, (uint16_t)s->index, &position);
	if (!status)
		status = shard_open_journal(s, path);
	if (status)
		return status;
	struct replay replay = {e, s, 0};
	s->applied = s->trimmed = s->checkpoint.taken = position;
	status = journal_replay(s->journal, position + 1, replay_entry, &replay);
	if (replay.entries)
		log_info("recover", "shard %u: %llu journal entries replayed", s->index,
			 (unsigned long long)replay.entries);
	/* under a policy looser than sync the store may be ahead of its journal after a power cut */
	return status ? status : journal_skip(s->journal, last_applied(s, position));
}

static enum status replay_foreign(struct engine *e, unsigned old_shard)
{
	uint64_t position;
	struct journal *journal;
	char path[PATH_BYTES];
	journal_path(e, e->epoch, old_shard, path);
	if (access(path, F_OK))
		return STATUS_OK;
	struct journal_options options = {.dir = path, .segment_bytes = 1u << 20, .pending_max = 1u << 20};
	enum status status = read_checkpoint(e, e->epoch, (uint16_t)old_shard, &position);
	if (!status)
		status = journal_open(&options, &journal);
	if (status)
		return status;
	struct replay replay = {e, NULL, 0};
	status = journal_replay(journal, position + 1, replay_entry, &replay);
	journal_close(journal);
	return status;
}

static void begin_epoch(struct engine *e, uint32_t epoch)
{
	e->epoch = epoch;
	for (unsigned i = 0; i < e->shard_count; i++) {
		struct shard *s = &e->shards[i];
		s->applied = 0;
		for (uint32_t k = 0; k < s->heads.count; k++) {
			s->heads.all[k]->epoch = epoch;
			s->heads.all[k]->position = 0;
			s->heads.all[k]->dirty = true;
		}
		for (uint32_t k = 0; k < s->values.count; k++) {
			s->values.all[k]->state.epoch = epoch;
			s->values.all[k]->state.position = 0;
			s->values.all[k]->dirty = true;
		}
	}
}

static enum status change_shards(struct engine *e, uint16_t old_shards)
{
	uint32_t old_epoch = e->epoch;
	enum status status = STATUS_OK;
	log_info("recover", "from %u shards to %u", old_shards, e->shard_count);
	for (unsigned i = 0; !status && i < old_shards; i++)
		status = replay_foreign(e, i);
	/* what the replay already cut is committed under the old epoch, before rows of the next one */
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		status = writer_wait(e->shards[i].writer);
	if (status)
		return status;
	begin_epoch(e, old_epoch + 1);
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		status = shard_checkpoint_now(&e->shards[i]);
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		status = writer_wait(e->shards[i].writer);
	if (!status)
		status = make_journal_folders(e, e->epoch, e->shard_count);
	if (!status)
		status = write_engine_row(e, e->epoch, (uint16_t)e->shard_count);
	if (!status)
		remove_journals(e, old_epoch, old_shards);
	return status;
}

enum status engine_recover(struct engine *e)
{
	uint16_t old_shards = (uint16_t)e->shard_count;
	bool unfinished = false;
	enum status status = read_engine_row(e, &e->epoch, &old_shards);
	if (status == STATUS_NOT_FOUND) {
		e->epoch = 1;
		status = make_journal_folders(e, e->epoch, e->shard_count);
		if (!status)
			status = write_engine_row(e, e->epoch, (uint16_t)e->shard_count);
	}
	if (!status)
		status = load_heads(e, &unfinished);
	if (!status)
		status = connections_load(e);
	if (!status && (unfinished || old_shards != e->shard_count))
		status = change_shards(e, old_shards);
	if (!status)
		status = make_journal_folders(e, e->epoch, e->shard_count);
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		status = replay_own(e, &e->shards[i]);
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		status = connections_lose(&e->shards[i]);
	return status;
}

enum status engine_recover_read_only(struct engine *e)
{
	uint16_t shards;
	enum status status = read_engine_row(e, &e->epoch, &shards);
	bool unfinished;
	return status ? status : load_heads(e, &unfinished);
}
