#include "engine/fleet/changes.h"

#include <stdatomic.h>

#include "engine/core/clock.h"

#define CHANGE_TAG 0x04
#define CHANGE_KEY_SIZE 9
#define CHANGE_ROW_SIZE 16

static struct span change_key(uint64_t number, uint8_t key[CHANGE_KEY_SIZE])
{
	key[0] = CHANGE_TAG;
	store_be64(key + 1, number);
	return span_of(key, CHANGE_KEY_SIZE);
}

uint64_t change_put(struct store_batch *b, uint64_t device, int64_t from_ms)
{
	/* of one process they differ by the count, of two by the clock */
	static _Atomic uint64_t count;
	uint8_t key[CHANGE_KEY_SIZE], row[CHANGE_ROW_SIZE];
	uint64_t number = (uint64_t)clock_now_ms() << 20 | (atomic_fetch_add(&count, 1) & 0xfffff);
	store_be64(row, device);
	store_be64(row + 8, (uint64_t)from_ms);
	store_batch_put(b, STORE_STATE, change_key(number, key), span_of(row, sizeof row));
	return number;
}

void change_drop(struct store_batch *b, uint64_t number)
{
	uint8_t key[CHANGE_KEY_SIZE];
	store_batch_delete(b, STORE_STATE, change_key(number, key));
}

struct changes_walk {
	change_visit *visit;
	void *context;
};

static enum status visit_row(void *context, struct span key, struct span value)
{
	const struct changes_walk *walk = context;
	if (key.size != CHANGE_KEY_SIZE || value.size != CHANGE_ROW_SIZE)
		return STATUS_CORRUPT;
	return walk->visit(walk->context, load_be64(key.data + 1), load_be64(value.data),
			   (int64_t)load_be64(value.data + 8));
}

enum status changes_read(struct store *s, change_visit *visit, void *context)
{
	static const uint8_t prefix[1] = {CHANGE_TAG};
	struct changes_walk walk = {visit, context};
	return store_scan(s, STORE_STATE, span_of(prefix, sizeof prefix), visit_row, &walk);
}
