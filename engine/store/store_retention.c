/* Retention. A month of a class is up to four families, and RocksDB drops one at a time, so the intent is a row:
 *
 *   copy what is held, synced ─> row "drop class month", synced ─> drop summary, track, message, series ─> delete the
 * row
 *
 * A crash before the row leaves copies that the next run writes again; after it, opening the store finishes
 * the drop. The gate is closed from the copying to the deletion of the row: a family made anew for data that
 * comes later still is never taken for the one that was to be dropped. */
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/log.h"
#include "engine/store/holds.h"

unsigned store_months(const struct retention_policy *policy, uint8_t class_code)
{
	unsigned months = policy ? policy->months[class_code] : 0;
	if (months == 0)
		months = device_class_months(class_code);
	return months < RETENTION_MONTHS_MIN ? RETENTION_MONTHS_MIN : months;
}

static bool is_expired(struct family_id id, const struct retention_policy *policy, int64_t now_ms)
{
	unsigned months = store_months(policy, id.class_code);
	if (id.month == MONTH_ODD || now_ms < month_start(MONTH_FIRST))
		return false;
	return (uint64_t)month_index(id.month) + 1 + months <= month_index(month_of(now_ms));
}

static enum status write_row(struct store *s, struct family_id id, bool put)
{
	uint8_t key[KEY_DROP_SIZE];
	struct rocks_batch *b = rocks_batch_new();
	key_drop(id, key);
	if (put)
		rocks_batch_put(b, s->families.own, span_of(key, sizeof key), (struct span){NULL, 0});
	else
		rocks_batch_delete(b, s->families.own, span_of(key, sizeof key));
	enum status status = rocks_write(s->families.rocks, b, true);
	rocks_batch_free(b);
	return status;
}

static uint64_t family_bytes(struct store *s, const struct family *family)
{
	uint64_t bytes = 0;
	if (!rocks_property(s->families.rocks, family->handle, "rocksdb.total-sst-files-size", &bytes))
		return 0;
	return bytes;
}

/* Drop what is there of the month, then the row. */
static enum status drop_month(struct store *s, struct family_id id, struct retention_result *result)
{
	static const uint8_t order[] = {FAMILY_SUMMARY, FAMILY_TRACK, FAMILY_MESSAGE, FAMILY_SERIES};
	for (size_t i = 0; i < sizeof order; i++) {
		id.kind = order[i];
		struct family *family = families_find(&s->families, id);
		if (!family)
			continue;
		uint64_t bytes = family_bytes(s, family);
		enum status status = families_drop(&s->families, family);
		if (status != STATUS_OK)
			return status;
		result->families_dropped++;
		result->bytes_freed += bytes;
		crash_point("expire_drop");
	}
	return s->read_only ? STATUS_OK : write_row(s, id, false);
}

static enum status expire_month(struct store *s, struct family_id id, struct span kept, struct retention_result *result)
{
	struct hold_list holds;
	uint64_t copied = 0;
	enum status status = hold_list_load(s, &holds);
	if (status != STATUS_OK)
		return status;
	status = hold_copy_month(s, &holds, kept, id, &copied);
	hold_list_free(&holds);
	crash_point("expire_copy");
	if (status == STATUS_OK)
		status = write_row(s, id, true);
	crash_point("expire_intent");
	if (status == STATUS_OK)
		status = drop_month(s, id, result);
	result->blocks_held += copied;
	return status;
}

/* The expired months, each once, as ids of kind TRACK; free `*out`. No family is referenced afterwards, since
 * files go with the last reference. */
static enum status expired_months(struct store *s, const struct retention_policy *policy, int64_t now_ms,
				  struct family_id **out, size_t *out_count)
{
	struct family_list list;
	*out_count = 0;
	enum status status = families_list(&s->families, FAMILY_KIND_COUNT, MONTH_FIRST, MONTH_LAST, &list);
	if (status != STATUS_OK)
		return status;
	*out = calloc(list.count + 1, sizeof **out);
	for (size_t i = 0; *out && i < list.count; i++) {
		struct family_id id = list.items[i]->id;
		bool listed = !is_expired(id, policy, now_ms);
		id.kind = FAMILY_TRACK;
		for (size_t j = 0; j < *out_count && !listed; j++)
			listed = family_id_equal((*out)[j], id);
		if (!listed)
			(*out)[(*out_count)++] = id;
	}
	family_list_release(&list);
	return *out ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Asked before the gate is closed: what is to be kept is found by reading the store. */
static enum status keep_and_expire(struct store *s, struct family_id id, const struct retention_policy *policy,
				   struct retention_result *out)
{
	struct buf kept = buf_init(KEPT_BYTES_MAX);
	int64_t from_ms = month_start(id.month);
	enum status status = STATUS_OK;
	if (policy && policy->keep)
		status = policy->keep(policy->keep_context, from_ms, store_month_end(from_ms) - 1, &kept);
	if (status == STATUS_OK) {
		pthread_rwlock_wrlock(&s->gate);
		status = expire_month(s, id, buf_view(&kept), out);
		pthread_rwlock_unlock(&s->gate);
	}
	buf_deinit(&kept);
	return status;
}

enum status store_expire(struct store *s, const struct retention_policy *policy, int64_t now_ms,
			 struct retention_result *out)
{
	struct family_id *months;
	size_t count;
	*out = (struct retention_result){0};
	if (s->read_only)
		return STATUS_DENIED;
	enum status status = expired_months(s, policy, now_ms, &months, &count);
	if (status != STATUS_OK)
		return status;
	for (size_t i = 0; i < count && status == STATUS_OK; i++)
		status = keep_and_expire(s, months[i], policy, out);
	free(months);
	if (out->families_dropped)
		log_info("store", "retention dropped %llu families, %llu bytes; %llu blocks are held",
			 (unsigned long long)out->families_dropped, (unsigned long long)out->bytes_freed,
			 (unsigned long long)out->blocks_held);
	return status;
}

/* --- after a crash --- */

enum status store_finish_drops(struct store *s)
{
	static const uint8_t prefix[] = {'d', 'r', 'o', 'p'}, after[] = {'d', 'r', 'o', 'q'};
	struct rocks_range range = {.lower = span_of(prefix, 4), .upper = span_of(after, 4)};
	struct retention_result ignored = {0};
	struct rocks_iter *it;
	struct span key, value;
	enum status status = rocks_iter_open(s->families.rocks, s->families.own, &range, &it);
	if (status != STATUS_OK)
		return status;
	while ((status = rocks_iter_row(it, &key, &value)) == STATUS_OK) {
		struct family_id id;
		status = key_drop_parse(key, &id);
		if (status == STATUS_OK)
			status = drop_month(s, id, &ignored);
		if (status != STATUS_OK)
			break;
		rocks_iter_next(it);
	}
	rocks_iter_close(it);
	return status == STATUS_END ? STATUS_OK : status;
}
