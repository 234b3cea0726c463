#include "engine/store/holds.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/hash.h"
#include "engine/series/value_block.h"

/* bytes of all hold rows in memory: some 180,000 holds */
#define HOLDS_BYTES_MAX (16u << 20)
/* copies gathered in one write */
#define COPY_BYTES_MAX (8u << 20)

/* --- the list --- */

static enum status collect(void *context, struct span key, struct span value)
{
	struct hold_key hold;
	(void)value;
	enum status status = key_hold_parse(key, &hold);
	return status == STATUS_OK ? buf_append(context, &hold, sizeof hold) : status;
}

static int by_device(const void *a, const void *b)
{
	uint64_t x = ((const struct hold_key *)a)->device, y = ((const struct hold_key *)b)->device;
	return (x > y) - (x < y);
}

enum status hold_list_load(struct store *s, struct hold_list *out)
{
	static const uint8_t tag = HELD_HOLD;
	struct buf rows = buf_init(HOLDS_BYTES_MAX);
	enum status status = store_scan(s, STORE_HELD, span_of(&tag, 1), collect, &rows);
	if (status != STATUS_OK) {
		buf_deinit(&rows);
		return status;
	}
	*out = (struct hold_list){(struct hold_key *)(void *)rows.data, rows.size / sizeof *out->items};
	if (out->count)
		qsort(out->items, out->count, sizeof *out->items, by_device);
	return STATUS_OK;
}

void hold_list_free(struct hold_list *list)
{
	free(list->items);
	*list = (struct hold_list){NULL, 0};
}

struct hold_walk {
	store_hold_visit *visit;
	void *context;
};

static enum status walk_hold(void *context, struct span key, struct span value)
{
	struct hold_walk *w = context;
	struct hold_key hold;
	(void)value;
	if (key.size && key.data[0] != HELD_HOLD)
		return STATUS_END; /* the copies come behind the holds */
	enum status status = key_hold_parse(key, &hold);
	return status ? status : w->visit(w->context, &hold);
}

enum status store_holds(struct store *s, const struct hold_key *after, store_hold_visit *visit, void *context)
{
	struct hold_walk w = {visit, context};
	uint8_t start[KEY_HOLD_MAX + 1] = {HELD_HOLD};
	size_t size = after ? key_hold(after, start) : 0;
	start[size] = after ? 0 : HELD_HOLD; /* the next key there can be */
	enum status status = store_scan_from(s, STORE_HELD, span_of(start, size + 1), walk_hold, &w);
	return status == STATUS_END ? STATUS_OK : status;
}

/* Whether a hold other than those of `except` (NULL: none) covers a moment of [from_ms, to_ms]. */
static bool covers(const struct hold_list *holds, const char *except, uint64_t device, int64_t from_ms, int64_t to_ms)
{
	for (size_t i = 0; i < holds->count; i++) {
		const struct hold_key *h = &holds->items[i];
		if (h->device == device && h->from_ms <= to_ms && h->to_ms >= from_ms &&
		    !(except && strcmp(h->case_number, except) == 0))
			return true;
	}
	return false;
}

/* --- ranges: of holds and of what is kept --- */

static int by_range(const void *a, const void *b)
{
	const struct store_range *x = a, *y = b;
	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return (x->from_ms > y->from_ms) - (x->from_ms < y->from_ms);
}

/* Returns how many are left when those that overlap are one. */
static size_t join_ranges(struct store_range *list, size_t count)
{
	size_t joined = 0;
	if (count)
		qsort(list, count, sizeof *list, by_range);
	for (size_t i = 0; i < count; i++) {
		struct store_range *last = joined ? &list[joined - 1] : NULL;
		if (!last || last->device != list[i].device || last->to_ms < list[i].from_ms)
			list[joined++] = list[i];
		else if (last->to_ms < list[i].to_ms)
			last->to_ms = list[i].to_ms;
	}
	return joined;
}

/* `kept` holds struct store_range. The caller frees the list. */
static enum status ranges_of(const struct hold_list *holds, struct span kept, struct store_range **out, size_t *count)
{
	size_t kept_count = kept.size / sizeof **out;
	struct store_range *list = malloc((holds->count + kept_count + 1) * sizeof *list);
	if (!list)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < holds->count; i++)
		list[i] = (struct store_range){holds->items[i].device, holds->items[i].from_ms, holds->items[i].to_ms};
	if (kept_count)
		memcpy(list + holds->count, kept.data, kept_count * sizeof *list);
	*count = join_ranges(list, holds->count + kept_count);
	*out = list;
	return STATUS_OK;
}

/* Whether one of the ranges has a moment of [from_ms, to_ms]. */
static bool ranges_cover(const struct store_range *list, size_t count, uint64_t device, int64_t from_ms, int64_t to_ms)
{
	size_t low = 0, high = count; /* the first of the device that does not end before */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (list[middle].device < device || (list[middle].device == device && list[middle].to_ms < from_ms))
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && list[low].device == device && list[low].from_ms <= to_ms;
}

/* --- copying --- */

struct copying {
	struct store *store;
	struct store_range *ranges; /* ascending by (device, from), apart from each other */
	size_t range_count;
	struct rocks_batch *batch;
	size_t bytes;
	struct buf block;
	uint64_t blocks;
	bool any;
};

static enum status copy_write(struct copying *c, bool sync)
{
	enum status status = rocks_write(c->store->families.rocks, c->batch, sync);
	rocks_batch_clear(c->batch);
	c->bytes = 0;
	return status;
}

static enum status copy_put(struct copying *c, struct span key, struct span value)
{
	rocks_batch_put(c->batch, c->store->families.lasting[STORE_HELD], key, value);
	c->bytes += key.size + value.size;
	c->any = true;
	return c->bytes >= COPY_BYTES_MAX ? copy_write(c, false) : STATUS_OK;
}

/* A summary row of the month: copies its block when a hold covers it. */
static enum status copy_block(struct copying *c, struct family *track, struct span key, struct span value)
{
	struct held_block_key held = {.class_code = track->id.class_code, .odd = track->id.month == MONTH_ODD};
	struct block_summary summary;
	struct block_hours hours;
	uint8_t held_key[KEY_HELD_BLOCK_SIZE];
	enum status status = key_block_parse(key, &held.block);
	if (status == STATUS_OK)
		status = block_row_decode(value, &summary, &hours);
	if (status != STATUS_OK)
		return status;
	if (!ranges_cover(c->ranges, c->range_count, held.block.device, held.block.time_first_ms, summary.time_last_ms))
		return STATUS_OK;
	status = rocks_get(c->store->families.rocks, track->handle, key, &c->block);
	if (status != STATUS_OK)
		return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
	held.hash = hash64(buf_view(&c->block));
	key_held_block(&held, HELD_BLOCK, held_key);
	c->blocks++;
	return copy_put(c, span_of(held_key, sizeof held_key), buf_view(&c->block));
}

static enum status copy_values(struct copying *c, struct family *series, struct span key, struct span value)
{
	struct held_block_key held = {
		.class_code = series->id.class_code, .odd = series->id.month == MONTH_ODD, .hash = hash64(value)};
	struct value_block_header header = {0};
	uint8_t held_key[KEY_HELD_BLOCK_SIZE];
	enum status status = key_block_parse(key, &held.block);
	if (status == STATUS_OK)
		status = value_block_header(value, &header);
	if (status != STATUS_OK ||
	    !ranges_cover(c->ranges, c->range_count, held.block.device, held.block.time_first_ms, header.time_last_ms))
		return status;
	key_held_block(&held, HELD_VALUES, held_key);
	c->blocks++;
	return copy_put(c, span_of(held_key, sizeof held_key), value);
}

static enum status copy_message(struct copying *c, struct family *message, struct span key, struct span value)
{
	struct held_message_key held = {.class_code = message->id.class_code};
	uint8_t held_key[KEY_HELD_MESSAGE_SIZE];
	enum status status = key_message_parse(key, &held.message);
	if (status != STATUS_OK ||
	    !ranges_cover(c->ranges, c->range_count, held.message.device, held.message.time_ms, held.message.time_ms))
		return status;
	key_held_message(&held, held_key);
	return copy_put(c, span_of(held_key, sizeof held_key), value);
}

typedef enum status copy_row(struct copying *c, struct family *family, struct span key, struct span value);

/* Every row of `device` in `rows` to `copy`, which is told `family`. */
static enum status copy_device(struct copying *c, struct family *rows, struct family *family, uint64_t device,
			       copy_row *copy)
{
	uint8_t lower[KEY_DEVICE_SIZE], upper[KEY_DEVICE_SIZE + 17];
	struct rocks_iter *it;
	struct span key, value;
	store_be64(lower, device);
	memset(upper, 0xff, sizeof upper);
	memcpy(upper, lower, sizeof lower);
	struct rocks_range range = {.lower = span_of(lower, sizeof lower),
				    .upper = span_of(upper, sizeof upper),
				    .one_device = true,
				    .sweep = true};
	enum status status = rocks_iter_open(c->store->families.rocks, rows->handle, &range, &it);
	if (status != STATUS_OK)
		return status;
	while ((status = rocks_iter_row(it, &key, &value)) == STATUS_OK) {
		status = copy(c, family, key, value);
		if (status != STATUS_OK)
			break;
		rocks_iter_next(it);
	}
	rocks_iter_close(it);
	return status == STATUS_END ? STATUS_OK : status;
}

static struct family *find_kind(struct store *s, struct family_id id, enum family_kind kind)
{
	id.kind = (uint8_t)kind;
	return families_find(&s->families, id);
}

static enum status copy_devices(struct copying *c, struct family_id id)
{
	struct family *summary = find_kind(c->store, id, FAMILY_SUMMARY);
	struct family *track = find_kind(c->store, id, FAMILY_TRACK);
	struct family *message = find_kind(c->store, id, FAMILY_MESSAGE);
	struct family *series = find_kind(c->store, id, FAMILY_SERIES);
	enum status status = STATUS_OK;
	for (size_t i = 0; i < c->range_count && status == STATUS_OK; i++) {
		uint64_t device = c->ranges[i].device;
		if (i > 0 && c->ranges[i - 1].device == device)
			continue;
		if (summary && track)
			status = copy_device(c, summary, track, device, copy_block);
		if (status == STATUS_OK && message)
			status = copy_device(c, message, message, device, copy_message);
		if (status == STATUS_OK && series)
			status = copy_device(c, series, series, device, copy_values);
	}
	family_unref(summary);
	family_unref(track);
	family_unref(message);
	family_unref(series);
	return status;
}

static enum status put_kept(struct copying *c, struct span kept)
{
	const struct store_range *list = (const struct store_range *)(const void *)kept.data;
	enum status status = STATUS_OK;
	for (size_t i = 0; i < kept.size / sizeof *list && status == STATUS_OK; i++) {
		uint8_t key[KEY_KEPT_SIZE];
		key_kept(&(struct kept_key){list[i].device, list[i].from_ms, list[i].to_ms}, key);
		status = copy_put(c, span_of(key, sizeof key), (struct span){NULL, 0});
	}
	return status;
}

enum status hold_copy_month(struct store *s, const struct hold_list *holds, struct span kept, struct family_id id,
			    uint64_t *out_blocks)
{
	struct copying c = {.store = s, .block = buf_init(BLOCK_BYTES_MAX)};
	enum status status = ranges_of(holds, kept, &c.ranges, &c.range_count);
	if (status != STATUS_OK)
		return status;
	c.batch = rocks_batch_new();
	status = copy_devices(&c, id);
	if (status == STATUS_OK && c.blocks)
		status = put_kept(&c, kept);
	if (status == STATUS_OK && c.any)
		status = copy_write(&c, true);
	*out_blocks = c.blocks;
	rocks_batch_free(c.batch);
	buf_deinit(&c.block);
	free(c.ranges);
	return status;
}

/* --- holding and releasing --- */

static bool case_number_valid(const char *case_number)
{
	size_t length = strnlen(case_number, CASE_NUMBER_MAX + 1);
	return length >= 1 && length <= CASE_NUMBER_MAX;
}

static enum status write_closed(struct store *s, struct rocks_batch *b)
{
	return rocks_write(s->families.rocks, b, true);
}

enum status store_hold(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms, const char *case_number)
{
	struct hold_key hold = {.device = device, .from_ms = from_ms, .to_ms = to_ms};
	uint8_t key[KEY_HOLD_MAX];
	if (from_ms > to_ms || !case_number_valid(case_number))
		return STATUS_INVALID;
	if (s->read_only)
		return STATUS_DENIED;
	strcpy(hold.case_number, case_number);
	struct rocks_batch *b = rocks_batch_new();
	rocks_batch_put(b, s->families.lasting[STORE_HELD], span_of(key, key_hold(&hold, key)), (struct span){NULL, 0});
	pthread_rwlock_wrlock(&s->gate);
	enum status status = write_closed(s, b);
	pthread_rwlock_unlock(&s->gate);
	rocks_batch_free(b);
	return status;
}

struct releasing {
	struct store *store;
	const struct hold_list *holds;
	const char *case_number;
	struct rocks_batch *batch;
	struct buf kept; /* struct store_range of the device */
	size_t kept_count;
};

static enum status collect_kept(void *context, struct span key, struct span value)
{
	struct kept_key kept;
	(void)value;
	enum status status = key_kept_parse(key, &kept);
	if (status != STATUS_OK)
		return status;
	struct store_range range = {kept.device, kept.from_ms, kept.to_ms};
	return buf_append(context, &range, sizeof range);
}

/* What of the device stays without any case. */
static enum status load_kept(struct releasing *r, uint64_t device)
{
	uint8_t prefix[1 + KEY_DEVICE_SIZE] = {HELD_KEPT};
	store_be64(prefix + 1, device);
	buf_clear(&r->kept);
	enum status status = store_scan(r->store, STORE_HELD, span_of(prefix, sizeof prefix), collect_kept, &r->kept);
	r->kept_count =
		join_ranges((struct store_range *)(void *)r->kept.data, r->kept.size / sizeof(struct store_range));
	return status;
}

/* Another case, or none, keeps a moment of [from_ms, to_ms]. */
static bool stays(const struct releasing *r, uint64_t device, int64_t from_ms, int64_t to_ms)
{
	return covers(r->holds, r->case_number, device, from_ms, to_ms) ||
	       ranges_cover((const struct store_range *)(const void *)r->kept.data, r->kept_count, device, from_ms,
			    to_ms);
}

static void release_row(struct releasing *r, struct span key)
{
	rocks_batch_delete(r->batch, r->store->families.lasting[STORE_HELD], key);
}

/* A copy whose end cannot be read is kept as long as it might be covered. */
static enum status release_block(void *context, struct span key, struct span value)
{
	struct releasing *r = context;
	struct held_block_key held;
	struct block_summary summary;
	enum status status = key_held_block_parse(key, HELD_BLOCK, &held);
	if (status != STATUS_OK)
		return status;
	int64_t first = held.block.time_first_ms, last;
	if (block_summarise(value, &summary) == STATUS_OK)
		last = summary.time_last_ms;
	else if (__builtin_add_overflow(first, BLOCK_SPAN_MAX_MS, &last))
		last = INT64_MAX;
	if (!stays(r, held.block.device, first, last))
		release_row(r, key);
	return STATUS_OK;
}

static enum status release_values(void *context, struct span key, struct span value)
{
	struct releasing *r = context;
	struct held_block_key held;
	struct value_block_header header;
	enum status status = key_held_block_parse(key, HELD_VALUES, &held);
	if (status != STATUS_OK)
		return status;
	int64_t first = held.block.time_first_ms, last;
	if (value_block_header(value, &header) == STATUS_OK)
		last = header.time_last_ms;
	else if (__builtin_add_overflow(first, VALUE_SPAN_MAX_MS, &last))
		last = INT64_MAX;
	if (!covers(r->holds, r->case_number, held.block.device, first, last))
		release_row(r, key);
	return STATUS_OK;
}

static enum status release_message(void *context, struct span key, struct span value)
{
	struct releasing *r = context;
	struct held_message_key held;
	(void)value;
	enum status status = key_held_message_parse(key, &held);
	if (status == STATUS_OK && !stays(r, held.message.device, held.message.time_ms, held.message.time_ms))
		release_row(r, key);
	return status;
}

static enum status release_hold(struct releasing *r, const struct hold_key *hold)
{
	uint8_t row[KEY_HOLD_MAX], prefix[1 + KEY_DEVICE_SIZE];
	release_row(r, span_of(row, key_hold(hold, row)));
	store_be64(prefix + 1, hold->device);
	prefix[0] = HELD_BLOCK;
	enum status status = load_kept(r, hold->device);
	if (status == STATUS_OK)
		status = store_scan(r->store, STORE_HELD, span_of(prefix, sizeof prefix), release_block, r);
	if (status != STATUS_OK)
		return status;
	prefix[0] = HELD_MESSAGE;
	status = store_scan(r->store, STORE_HELD, span_of(prefix, sizeof prefix), release_message, r);
	if (status != STATUS_OK)
		return status;
	prefix[0] = HELD_VALUES;
	return store_scan(r->store, STORE_HELD, span_of(prefix, sizeof prefix), release_values, r);
}

static enum status release_closed(struct store *s, const char *case_number)
{
	struct hold_list holds;
	size_t released = 0;
	enum status status = hold_list_load(s, &holds);
	if (status != STATUS_OK)
		return status;
	struct releasing r = {.store = s,
			      .holds = &holds,
			      .case_number = case_number,
			      .batch = rocks_batch_new(),
			      .kept = buf_init(KEPT_BYTES_MAX)};
	for (size_t i = 0; i < holds.count && status == STATUS_OK; i++) {
		if (strcmp(holds.items[i].case_number, case_number) != 0)
			continue;
		status = release_hold(&r, &holds.items[i]);
		released++;
	}
	if (status == STATUS_OK)
		status = released ? write_closed(s, r.batch) : STATUS_NOT_FOUND;
	rocks_batch_free(r.batch);
	buf_deinit(&r.kept);
	hold_list_free(&holds);
	return status;
}

enum status store_release(struct store *s, const char *case_number)
{
	if (!case_number_valid(case_number))
		return STATUS_INVALID;
	if (s->read_only)
		return STATUS_DENIED;
	pthread_rwlock_wrlock(&s->gate);
	enum status status = release_closed(s, case_number);
	pthread_rwlock_unlock(&s->gate);
	return status;
}
