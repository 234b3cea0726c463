/* book.h -- numbered records with their histories, as the duty room keeps alarms, incidents, messages and its log.
 *
 *   family `duty`   tag | ~id 8                 what stands (record.h): newest first
 *                   tag + 1 | id 8 | number 4   one event of its history, never rewritten
 * `tag` is one of duty_keys.h. A step is one synced batch: what stands after it and its event.
 *
 * Every record begins with struct book_row. Threads: any but an event loop; steps of one book are taken by whoever
 * holds the duty room's lock. */
#ifndef ZAYTON_DUTY_BOOK_H
#define ZAYTON_DUTY_BOOK_H

#include "engine/duty/record.h"
#include "engine/store/store.h"

#define BOOK_ROW_MAX 65536 /* bytes of an encoded record */
#define BOOK_WHO_MAX 63
#define BOOK_TEXT_MAX 1000

struct book_row {
	uint64_t id;     /* 1, 2, ... */
	uint32_t events; /* of its history */
};

struct book_event {
	uint32_t number; /* 1, 2, ... */
	int64_t at_ms;   /* wall clock */
	char who[BOOK_WHO_MAX + 1];
	char what[32]; /* a word: "raised", "acknowledged" ... */
	char text[BOOK_TEXT_MAX + 1];
};
extern const struct record_kind book_event_kind;

/* The first two rows of a record's table; its struct begins with `struct book_row row`. */
#define BOOK_FIELDS(of)                                                                                                \
	{1, RECORD_NUMBER, 0, "id", offsetof(struct of, row.id), sizeof(uint64_t), NULL},                              \
	{                                                                                                              \
		2, RECORD_NUMBER, 0, "events", offsetof(struct of, row.events), sizeof(uint32_t), NULL                 \
	}

struct book {
	struct store *store;
	const struct record_kind *kind;
	uint64_t last; /* id given last, 0: none */
	uint8_t tag;
};

/* Finds the last id. STATUS_CORRUPT, STATUS_IO. */
STATUS_CHECKED enum status book_open(struct store *s, uint8_t tag, const struct record_kind *kind, struct book *out);

/* What of an event is given; its number is the record's next. */
struct book_said {
	int64_t at_ms;
	const char *who, *what, *text; /* cut to what there is room for, at a character */
};
/* Put what stands and its event into `b`, which may hold more; `row` gets its next event counted, and with id 0 the
 * next id of the book. The caller commits: nothing is seen before. */
STATUS_CHECKED enum status book_put(struct book *k, struct store_batch *b, void *row, const struct book_said *said);
/* The same, committed and synced. A failure leaves `row` and the book as they were. */
STATUS_CHECKED enum status book_step(struct book *k, void *row, const struct book_said *said);

/* STATUS_NOT_FOUND, STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status book_get(const struct book *k, uint64_t id, void *row);
/* Newest first from before `before` (exclusive; 0: from the newest). `row` is room for one record, filled for each
 * visit. `visit` may stop with a status, which is returned; STATUS_END is then STATUS_OK. */
typedef enum status book_visit(void *context, const void *row);
STATUS_CHECKED enum status book_list(const struct book *k, uint64_t before, void *row, book_visit *visit,
				     void *context);
/* Oldest first. */
typedef enum status book_event_visit(void *context, const struct book_event *e);
STATUS_CHECKED enum status book_history(const struct book *k, uint64_t id, book_event_visit *visit, void *context);

/* A text into room for `size` bytes, cut at a character. */
void book_text_copy(char *out, size_t size, const char *text);

#endif
