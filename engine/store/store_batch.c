/* A batch is a list of operations in one buffer, bound to families only when it is committed: retention may
 * drop a family between store_batch_block and store_commit, and then the commit makes it anew.
 *
 *   op:  target 4 | kind 1 | key size 4 | value size 4 | key | value        little-endian
 *   target of a lasting family: LASTING | enum store_family; of a time family: kind, class and month packed */
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/store/store_state.h"

#define TARGET_LASTING (UINT32_C(1) << 31)
#define OP_HEAD_SIZE 13
/* bytes of a summary row: some twenty integers */
#define SUMMARY_BYTES_MAX 512

enum op_kind { OP_PUT, OP_DELETE, OP_LOG };

struct store_batch {
	struct store *store;
	struct buf ops;
	struct rocks_batch *rocks;
	enum status failed; /* of a put that could not say so itself */
};

_Static_assert(MONTH_LAST < 1 << 18, "a month takes 18 bits of a target");

static uint32_t target_of(struct family_id id)
{
	return (uint32_t)id.kind << 26 | (uint32_t)id.class_code << 18 | id.month;
}

static struct family_id id_of(uint32_t target)
{
	return (struct family_id){(uint8_t)(target >> 26), (uint8_t)(target >> 18), target & ((1u << 18) - 1)};
}

enum status store_batch_new(struct store *s, struct store_batch **out)
{
	struct store_batch *b = calloc(1, sizeof *b);
	if (!b)
		return STATUS_NO_MEMORY;
	b->store = s;
	b->ops = buf_init(STORE_BATCH_MAX);
	b->rocks = rocks_batch_new();
	*out = b;
	return STATUS_OK;
}

void store_batch_free(struct store_batch *b)
{
	if (!b)
		return;
	buf_deinit(&b->ops);
	rocks_batch_free(b->rocks);
	free(b);
}

void store_batch_clear(struct store_batch *b)
{
	buf_clear(&b->ops);
	b->failed = STATUS_OK;
}

static enum status op_append(struct store_batch *b, uint32_t target, enum op_kind kind, struct span key,
			     struct span value)
{
	uint8_t head[OP_HEAD_SIZE];
	if (key.size > STORE_BATCH_MAX || value.size > STORE_BATCH_MAX)
		return STATUS_FULL;
	store_le32(head, target);
	head[4] = (uint8_t)kind;
	store_le32(head + 5, (uint32_t)key.size);
	store_le32(head + 9, (uint32_t)value.size);
	size_t before = b->ops.size;
	enum status status = buf_reserve(&b->ops, sizeof head + key.size + value.size);
	if (status == STATUS_OK)
		status = buf_append(&b->ops, head, sizeof head);
	if (status == STATUS_OK && key.size)
		status = buf_append(&b->ops, key.data, key.size);
	if (status == STATUS_OK && value.size)
		status = buf_append(&b->ops, value.data, value.size);
	if (status != STATUS_OK)
		b->ops.size = before;
	return status;
}

/* Makes the family now, so that a lack of room shows here and not in the commit. */
static enum status timed_put(struct store_batch *b, struct family_id id, struct span key, struct span value)
{
	struct family *family;
	enum status status = families_ensure(&b->store->families, id, &family);
	if (status != STATUS_OK)
		return status;
	family_unref(family);
	return op_append(b, target_of(id), OP_PUT, key, value);
}

static bool month_for(uint8_t class_code, int64_t time_ms, bool odd, uint32_t *out_month)
{
	if (class_code >= DEVICE_CLASS_COUNT || (!odd && store_time_is_odd(time_ms, RECEIVED_UNKNOWN)))
		return false;
	*out_month = odd ? MONTH_ODD : month_of(time_ms);
	return true;
}

enum status store_batch_block(struct store_batch *b, const struct store_block_id *id, struct span block,
			      const struct block_summary *summary)
{
	uint32_t month;
	uint8_t key[KEY_BLOCK_SIZE];
	if (!month_for(id->class_code, id->time_first_ms, id->odd, &month) ||
	    summary->time_first_ms != id->time_first_ms ||
	    (!id->odd && summary->time_last_ms >= store_month_end(id->time_first_ms)))
		return STATUS_INVALID;
	if (block.size > BLOCK_BYTES_MAX)
		return STATUS_TOO_LONG;
	key_block(&(struct block_key){id->device, id->time_first_ms, id->seq}, key);
	struct buf row = buf_init(SUMMARY_BYTES_MAX);
	size_t before = b->ops.size;
	enum status status = block_row_encode(summary, block, &row);
	if (status == STATUS_OK)
		status = timed_put(b, (struct family_id){FAMILY_TRACK, id->class_code, month}, span_of(key, sizeof key),
				   block);
	if (status == STATUS_OK)
		status = timed_put(b, (struct family_id){FAMILY_SUMMARY, id->class_code, month},
				   span_of(key, sizeof key), buf_view(&row));
	if (status != STATUS_OK)
		b->ops.size = before;
	buf_deinit(&row);
	return status;
}

enum status store_batch_block_delete(struct store_batch *b, const struct store_block_id *id)
{
	uint32_t month;
	uint8_t key[KEY_BLOCK_SIZE];
	if (!month_for(id->class_code, id->time_first_ms, id->odd, &month))
		return STATUS_INVALID;
	key_block(&(struct block_key){id->device, id->time_first_ms, id->seq}, key);
	struct span none = {NULL, 0}, at = span_of(key, sizeof key);
	size_t before = b->ops.size;
	enum status status =
		op_append(b, target_of((struct family_id){FAMILY_TRACK, id->class_code, month}), OP_DELETE, at, none);
	if (status == STATUS_OK)
		status = op_append(b, target_of((struct family_id){FAMILY_SUMMARY, id->class_code, month}), OP_DELETE,
				   at, none);
	if (status != STATUS_OK)
		b->ops.size = before;
	return status;
}

enum status store_batch_values(struct store_batch *b, const struct store_block_id *id, struct span block)
{
	uint32_t month;
	uint8_t key[KEY_BLOCK_SIZE];
	struct value_block_header header;
	if (block.size > VALUE_BLOCK_BYTES_MAX)
		return STATUS_TOO_LONG;
	enum status status = value_block_header(block, &header);
	if (status != STATUS_OK)
		return status;
	if (!month_for(id->class_code, id->time_first_ms, id->odd, &month) ||
	    header.time_first_ms != id->time_first_ms ||
	    (!id->odd && header.time_last_ms >= store_month_end(id->time_first_ms)))
		return STATUS_INVALID;
	key_block(&(struct block_key){id->device, id->time_first_ms, id->seq}, key);
	return timed_put(b, (struct family_id){FAMILY_SERIES, id->class_code, month}, span_of(key, sizeof key), block);
}

enum status store_batch_values_delete(struct store_batch *b, const struct store_block_id *id)
{
	uint32_t month;
	uint8_t key[KEY_BLOCK_SIZE];
	if (!month_for(id->class_code, id->time_first_ms, id->odd, &month))
		return STATUS_INVALID;
	key_block(&(struct block_key){id->device, id->time_first_ms, id->seq}, key);
	return op_append(b, target_of((struct family_id){FAMILY_SERIES, id->class_code, month}), OP_DELETE,
			 span_of(key, sizeof key), (struct span){NULL, 0});
}

enum status store_batch_message(struct store_batch *b, uint64_t device, uint8_t class_code, bool odd, int64_t time_ms,
				uint64_t hash, struct span value)
{
	uint32_t month;
	uint8_t key[KEY_MESSAGE_SIZE];
	if (!month_for(class_code, time_ms, odd, &month))
		return STATUS_INVALID;
	key_message(&(struct message_key){device, time_ms, hash}, key);
	return timed_put(b, (struct family_id){FAMILY_MESSAGE, class_code, month}, span_of(key, sizeof key), value);
}

static void lasting_op(struct store_batch *b, enum store_family family, enum op_kind kind, struct span key,
		       struct span value)
{
	enum status status = op_append(b, TARGET_LASTING | family, kind, key, value);
	if (b->failed == STATUS_OK)
		b->failed = status;
}

void store_batch_put(struct store_batch *b, enum store_family family, struct span key, struct span value)
{
	lasting_op(b, family, OP_PUT, key, value);
}

void store_batch_delete(struct store_batch *b, enum store_family family, struct span key)
{
	lasting_op(b, family, OP_DELETE, key, (struct span){NULL, 0});
}

void store_batch_log(struct store_batch *b, enum store_family family, struct span key, struct span value)
{
	lasting_op(b, family, OP_LOG, key, value);
}

/* --- commit --- */

/* Time families of one commit: a batch of many blocks touches few of them. */
#define BOUND_MAX 8

struct binding_cache {
	uint32_t targets[BOUND_MAX];
	struct family *families[BOUND_MAX];
	size_t next;
};

static void unbind(struct binding_cache *c)
{
	for (size_t i = 0; i < BOUND_MAX; i++)
		family_unref(c->families[i]);
}

/* The family of a target. NULL with STATUS_OK: a row is to be deleted from a family that is not there. */
static enum status bind(struct store *s, struct binding_cache *c, uint32_t target, enum op_kind kind,
			struct rocks_family **out)
{
	if (target & TARGET_LASTING) {
		*out = s->families.lasting[target & ~TARGET_LASTING];
		return STATUS_OK;
	}
	for (size_t i = 0; i < BOUND_MAX; i++)
		if (c->families[i] && c->targets[i] == target) {
			*out = c->families[i]->handle;
			return STATUS_OK;
		}
	struct family *family = NULL;
	enum status status = STATUS_OK;
	if (kind == OP_DELETE)
		family = families_find(&s->families, id_of(target));
	else
		status = families_ensure(&s->families, id_of(target), &family);
	*out = NULL;
	if (status != STATUS_OK || !family)
		return status;
	size_t slot = c->next++ % BOUND_MAX;
	family_unref(c->families[slot]);
	c->families[slot] = family;
	c->targets[slot] = target;
	*out = family->handle;
	return STATUS_OK;
}

static enum status put_log(struct store_batch *b, uint32_t target, struct span logged)
{
	uint8_t key[LOG_KEY_SIZE];
	int64_t at_ms;
	struct span name = span_of_string(store_family_name((enum store_family)(target & ~TARGET_LASTING)));
	struct buf row = buf_init(LOG_ROW_HEAD + LOG_NAME_MAX + logged.size);
	log_key(store_log_next(b->store, &at_ms), key);
	enum status status = buf_append_be64(&row, (uint64_t)at_ms);
	if (status == STATUS_OK)
		status = buf_append_u8(&row, (uint8_t)name.size);
	if (status == STATUS_OK)
		status = buf_append(&row, name.data, name.size);
	if (status == STATUS_OK)
		status = buf_append(&row, logged.data, logged.size);
	if (status == STATUS_OK)
		rocks_batch_put(b->rocks, b->store->families.lasting[STORE_DIGEST], span_of(key, sizeof key),
				buf_view(&row));
	buf_deinit(&row);
	return status;
}

static enum status build(struct store_batch *b, struct binding_cache *c)
{
	struct cursor at = cursor_of(buf_view(&b->ops));
	rocks_batch_clear(b->rocks);
	while (cursor_left(&at)) {
		uint32_t target = cursor_le32(&at);
		enum op_kind kind = cursor_u8(&at);
		uint32_t key_size = cursor_le32(&at), value_size = cursor_le32(&at);
		struct span key = cursor_take(&at, key_size), value = cursor_take(&at, value_size);
		struct rocks_family *family;
		enum status status = bind(b->store, c, target, kind, &family);
		if (status != STATUS_OK)
			return status;
		if (family && kind == OP_DELETE)
			rocks_batch_delete(b->rocks, family, key);
		else if (family)
			rocks_batch_put(b->rocks, family, key, value);
		if (kind == OP_LOG)
			status = put_log(b, target, key);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

enum status store_commit(struct store *s, struct store_batch *b, bool sync)
{
	struct binding_cache bound = {0};
	if (s->read_only)
		return STATUS_DENIED;
	if (b->failed != STATUS_OK)
		return b->failed;
	crash_point("store_commit");
	pthread_rwlock_rdlock(&s->gate);
	enum status status = build(b, &bound);
	if (status == STATUS_OK)
		status = rocks_write(s->families.rocks, b->rocks, sync);
	unbind(&bound);
	pthread_rwlock_unlock(&s->gate);
	rocks_batch_clear(b->rocks);
	if (status == STATUS_OK)
		store_batch_clear(b);
	return status;
}
