#include "engine/fleet/cards.h"

#include <stdlib.h>

#include "engine/store/keys.h"

#define CARD_TAG 0x02
#define DRIVER_TAG 0x03

void card_key(uint64_t device, int64_t time_ms, uint64_t driver, uint8_t out[CARD_KEY_SIZE])
{
	out[0] = CARD_TAG;
	store_be64(out + 1, device);
	store_be64(out + 9, time_bias(time_ms));
	store_be64(out + 17, driver);
}

void card_driver_key(uint64_t driver, uint8_t out[CARD_DRIVER_KEY_SIZE])
{
	out[0] = DRIVER_TAG;
	store_be64(out + 1, driver);
}

struct reading {
	int64_t to_ms;
	struct card_list *out;
};

static enum status read_card(void *context, struct span key, struct span value)
{
	const struct reading *r = context;
	struct card_list *l = r->out;
	(void)value;
	if (key.size != CARD_KEY_SIZE)
		return STATUS_CORRUPT;
	struct card c = {time_unbias(load_be64(key.data + 9)), load_be64(key.data + 17)};
	if (c.time_ms > r->to_ms)
		return STATUS_END;
	if (l->count == CARDS_MAX)
		return STATUS_FULL;
	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? l->capacity * 2 : 16;
		struct card *list = realloc(l->list, capacity * sizeof *list);
		if (!list)
			return STATUS_NO_MEMORY;
		l->list = list;
		l->capacity = capacity;
	}
	l->list[l->count++] = c;
	return STATUS_OK;
}

enum status cards_read(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms, struct card_list *out)
{
	uint8_t start[CARD_KEY_SIZE];
	struct reading r = {to_ms, out};
	card_key(device, from_ms, 0, start);
	enum status status =
		store_scan_within(s, STORE_CONTEXT, span_of(start, 9), span_of(start, sizeof start), read_card, &r);
	return status == STATUS_END ? STATUS_OK : status;
}

void cards_deinit(struct card_list *l)
{
	free(l->list);
	*l = (struct card_list){0};
}

enum status card_of_driver(struct store *s, uint64_t driver, uint64_t *out_device, int64_t *out_ms)
{
	uint8_t key[CARD_DRIVER_KEY_SIZE];
	struct buf value = buf_init(16);
	card_driver_key(driver, key);
	enum status status = store_get(s, STORE_CONTEXT, span_of(key, sizeof key), &value);
	if (!status && value.size != 16)
		status = STATUS_CORRUPT;
	if (!status) {
		*out_device = load_be64(value.data);
		*out_ms = (int64_t)load_be64(value.data + 8);
	}
	buf_deinit(&value);
	return status;
}
