/* outbox_rows.h -- rows of the family `outbox`, as outbox.h draws them; pure but for reading. */
#ifndef ZAYTON_QUERY_OUTBOX_ROWS_H
#define ZAYTON_QUERY_OUTBOX_ROWS_H

#include "engine/store/store.h"
#include "query/outbox/outbox_send.h"

#define OUTBOX_NEWS_MAX (512u << 10)

enum outbox_tag { OUTBOX_ITEM = 1, OUTBOX_WAITING = 2, OUTBOX_POSITION = 3, OUTBOX_PARKED = 4 };

struct outbox_key {
	uint8_t bytes[17];
	size_t size;
};
static inline struct span outbox_key_view(const struct outbox_key *k)
{
	return span_of(k->bytes, k->size);
}
static inline struct outbox_key outbox_key_of(enum outbox_tag tag, uint64_t number)
{
	struct outbox_key k = {.bytes = {(uint8_t)tag}, .size = 9};
	store_be64(k.bytes + 1, number);
	return k;
}
static inline struct outbox_key outbox_key_at(enum outbox_tag tag, uint64_t destination, uint64_t item)
{
	struct outbox_key k = outbox_key_of(tag, destination);
	store_be64(k.bytes + 9, item);
	k.size = 17;
	return k;
}

struct outbox_position {
	uint64_t item;     /* given last */
	uint64_t sequence; /* of the register, taken last */
	uint64_t feed;     /* row of the findings' feed, taken last */
	uint64_t notice;   /* of the calendar, taken last */
	bool has_notice;   /* false: written by a version that took none in */
};
void outbox_position_put(struct store_batch *b, const struct outbox_position *p);
/* STATUS_NOT_FOUND, STATUS_CORRUPT. */
STATUS_CHECKED enum status outbox_position_get(struct store *s, struct outbox_position *out);

STATUS_CHECKED enum status outbox_item_put(struct store_batch *b, uint64_t item, const struct outbox_news *n);
/* `room` keeps the bytes that `out` views. STATUS_NOT_FOUND, STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status outbox_item_get(struct store *s, uint64_t item, struct buf *room, struct outbox_news *out);
STATUS_CHECKED enum status outbox_item_decode(struct span row, struct outbox_news *out);

/* Whose news "hazard-7-3", "finding-12-88" or "task-0123456789abcdef-2" is: the subject that keeps its order; the top
 * bits keep the three kinds apart. STATUS_CORRUPT. */
#define OUTBOX_SUBJECT_FINDING (UINT64_C(1) << 63)
#define OUTBOX_SUBJECT_TASK (UINT64_C(3) << 62)
STATUS_CHECKED enum status outbox_subject_of(const char *id, uint64_t *out);

#endif
