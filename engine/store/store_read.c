#include <stdlib.h>
#include <string.h>

#include "engine/store/timeline.h"

enum status store_get(struct store *s, enum store_family family, struct span key, struct buf *out)
{
	struct rocks_family *handle = s->families.lasting[family];
	if (!handle)
		return STATUS_NOT_FOUND;
	return rocks_get(s->families.rocks, handle, key, out);
}

static enum status scan(struct store *s, enum store_family family, const struct rocks_range *range, store_visit *visit,
			void *context)
{
	struct rocks_family *handle = s->families.lasting[family];
	struct rocks_iter *it;
	struct span key, value;
	if (!handle)
		return STATUS_OK;
	enum status status = rocks_iter_open(s->families.rocks, handle, range, &it);
	if (status != STATUS_OK)
		return status;
	for (;;) {
		status = rocks_iter_row(it, &key, &value);
		if (status == STATUS_OK)
			status = visit(context, key, value);
		else if (status == STATUS_END)
			break;
		if (status != STATUS_OK) {
			rocks_iter_close(it);
			return status;
		}
		rocks_iter_next(it);
	}
	rocks_iter_close(it);
	return STATUS_OK;
}

/* The least key above every key that begins with `prefix`, into `out`; empty when there is none. */
static struct span after_prefix(struct span prefix, uint8_t *out)
{
	size_t size = prefix.size;
	while (size && prefix.data[size - 1] == 0xff)
		size--;
	if (size) {
		memcpy(out, prefix.data, size);
		out[size - 1]++;
	}
	return span_of(out, size);
}

enum status store_scan_within(struct store *s, enum store_family family, struct span prefix, struct span start,
			      store_visit *visit, void *context)
{
	uint8_t *upper = malloc(prefix.size + 1);
	if (!upper)
		return STATUS_NO_MEMORY;
	struct rocks_range range = {.lower = start, .upper = after_prefix(prefix, upper)};
	enum status status = scan(s, family, &range, visit, context);
	free(upper);
	return status;
}

enum status store_scan(struct store *s, enum store_family family, struct span prefix, store_visit *visit, void *context)
{
	return store_scan_within(s, family, prefix, prefix, visit, context);
}

enum status store_scan_from(struct store *s, enum store_family family, struct span start, store_visit *visit,
			    void *context)
{
	struct rocks_range range = {.lower = start};
	return scan(s, family, &range, visit, context);
}

struct message_walk {
	store_message_visit *visit;
	void *context;
	bool has_last;
	struct message_key last;
};

/* A message and its held copy are the same message. */
static enum status message_row(struct message_walk *w, const struct timeline_row *row)
{
	struct message_key key;
	if (row->key.size < KEY_MESSAGE_SIZE)
		return STATUS_CORRUPT;
	enum status status = key_message_parse(span_of(row->key.data, KEY_MESSAGE_SIZE), &key);
	if (status != STATUS_OK)
		return status;
	bool again = w->has_last && w->last.time_ms == key.time_ms && w->last.hash == key.hash;
	w->last = key;
	w->has_last = true;
	return again ? STATUS_OK : w->visit(w->context, key.time_ms, key.hash, row->value);
}

enum status store_messages(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms, store_message_visit *visit,
			   void *context)
{
	struct message_walk walk = {.visit = visit, .context = context};
	struct timeline *t;
	struct timeline_row row;
	if (from_ms > to_ms)
		return STATUS_INVALID;
	enum status status = timeline_open(s, FAMILY_MESSAGE, device, from_ms, to_ms, &t);
	if (status != STATUS_OK)
		return status;
	for (;;) {
		status = timeline_next(t, &row);
		bool ended = status == STATUS_END;
		if (status == STATUS_OK)
			status = message_row(&walk, &row);
		if (status != STATUS_OK) {
			timeline_close(t);
			return ended ? STATUS_OK : status;
		}
	}
}
