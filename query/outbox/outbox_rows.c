#include "query/outbox/outbox_rows.h"

#include <stdio.h>
#include <string.h>

#define VERSION 1
#define POSITION_SIZE 32
/* without the calendar's */
#define POSITION_SIZE_BEFORE 24

void outbox_position_put(struct store_batch *b, const struct outbox_position *p)
{
	struct outbox_key key = outbox_key_of(OUTBOX_POSITION, 0);
	uint8_t value[POSITION_SIZE];
	store_be64(value, p->item);
	store_be64(value + 8, p->sequence);
	store_be64(value + 16, p->feed);
	store_be64(value + 24, p->notice);
	store_batch_put(b, STORE_OUTBOX, outbox_key_view(&key), span_of(value, sizeof value));
}

enum status outbox_position_get(struct store *s, struct outbox_position *out)
{
	struct outbox_key key = outbox_key_of(OUTBOX_POSITION, 0);
	struct buf value = buf_init(POSITION_SIZE);
	enum status status = store_get(s, STORE_OUTBOX, outbox_key_view(&key), &value);
	bool whole = value.size == POSITION_SIZE;
	if (!status && (whole || value.size == POSITION_SIZE_BEFORE))
		*out = (struct outbox_position){load_be64(value.data), load_be64(value.data + 8),
						load_be64(value.data + 16), whole ? load_be64(value.data + 24) : 0,
						whole};
	else if (!status)
		status = STATUS_CORRUPT;
	buf_deinit(&value);
	return status;
}

enum status outbox_item_put(struct store_batch *b, uint64_t item, const struct outbox_news *n)
{
	struct outbox_key key = outbox_key_of(OUTBOX_ITEM, item);
	struct buf row = buf_init(OUTBOX_NEWS_MAX + 128);
	enum status status = buf_append_u8(&row, VERSION);
	if (!status)
		status = buf_append_be64(&row, (uint64_t)n->at_ms);
	if (!status)
		status = buf_append_u8(&row, (uint8_t)strlen(n->id));
	if (!status)
		status = buf_append(&row, n->id, strlen(n->id));
	if (!status)
		status = buf_append(&row, n->body.data, n->body.size);
	if (!status)
		store_batch_put(b, STORE_OUTBOX, outbox_key_view(&key), buf_view(&row));
	buf_deinit(&row);
	return status;
}

enum status outbox_item_decode(struct span row, struct outbox_news *out)
{
	struct cursor c = cursor_of(row);
	*out = (struct outbox_news){.at_ms = 0};
	if (cursor_u8(&c) != VERSION)
		return row.size ? STATUS_BAD_VERSION : STATUS_CORRUPT;
	out->at_ms = (int64_t)cursor_be64(&c);
	struct span id = cursor_take(&c, cursor_u8(&c));
	if (c.failed || !id.size || id.size > OUTBOX_ID_MAX)
		return STATUS_CORRUPT;
	for (size_t i = 0; i < id.size; i++) /* it ends in headers */
		if (id.data[i] <= 0x20 || id.data[i] >= 0x7f)
			return STATUS_CORRUPT;
	memcpy(out->id, id.data, id.size);
	out->body = cursor_take(&c, cursor_left(&c));
	return STATUS_OK;
}

enum status outbox_item_get(struct store *s, uint64_t item, struct buf *room, struct outbox_news *out)
{
	struct outbox_key key = outbox_key_of(OUTBOX_ITEM, item);
	buf_clear(room);
	enum status status = store_get(s, STORE_OUTBOX, outbox_key_view(&key), room);
	return status ? status : outbox_item_decode(buf_view(room), out);
}

enum status outbox_subject_of(const char *id, uint64_t *out)
{
	unsigned long long subject;
	unsigned number;
	int size = 0;
	uint64_t mark = 0;
	if (sscanf(id, "hazard-%llu-%u%n", &subject, &number, &size) != 2) {
		unsigned long long row;
		if (sscanf(id, "finding-%llu-%llu%n", &subject, &row, &size) == 2)
			mark = OUTBOX_SUBJECT_FINDING;
		else if (sscanf(id, "task-%16llx-%u%n", &subject, &number, &size) == 2)
			mark = OUTBOX_SUBJECT_TASK;
		else
			return STATUS_CORRUPT;
	}
	*out = subject | mark;
	return id[size] ? STATUS_CORRUPT : STATUS_OK;
}
