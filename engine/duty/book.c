#include "engine/duty/book.h"

#define ROW_KEY_SIZE 9
#define EVENT_KEY_SIZE 13

static const struct record_field event_fields[] = {
	RECORD(1, book_event, at_ms, TIME, 0),
	RECORD(2, book_event, who, TEXT, 0),
	RECORD(3, book_event, what, TEXT, 0),
	RECORD(4, book_event, text, TEXT, 0),
};
const struct record_kind book_event_kind = RECORD_KIND(book_event, event_fields);

static void row_key(const struct book *k, uint64_t id, uint8_t out[ROW_KEY_SIZE])
{
	out[0] = k->tag;
	store_be64(out + 1, ~id);
}

static void event_key(const struct book *k, uint64_t id, uint32_t number, uint8_t out[EVENT_KEY_SIZE])
{
	out[0] = k->tag + 1;
	store_be64(out + 1, id);
	store_be32(out + 9, number);
}

void book_text_copy(char *out, size_t size, const char *text)
{
	size_t n = strnlen(text, size);
	if (n == size)
		for (n--; n && ((uint8_t)text[n] & 0xc0) == 0x80;)
			n--;
	memcpy(out, text, n);
	memset(out + n, 0, size - n);
}

/* --- opening --- */

static enum status take_first(void *context, struct span key, struct span value)
{
	(void)value;
	if (key.size != ROW_KEY_SIZE)
		return STATUS_CORRUPT;
	*(uint64_t *)context = ~load_be64(key.data + 1);
	return STATUS_END;
}

enum status book_open(struct store *s, uint8_t tag, const struct record_kind *kind, struct book *out)
{
	*out = (struct book){.store = s, .kind = kind, .tag = tag};
	enum status status = store_scan(s, STORE_DUTY, span_of(&tag, 1), take_first, &out->last);
	return status == STATUS_END ? STATUS_OK : status;
}

/* --- writing --- */

static enum status put_event(struct book *k, struct store_batch *b, const struct book_row *row,
			     const struct book_said *said, struct buf *scratch)
{
	uint8_t key[EVENT_KEY_SIZE];
	struct book_event e = {.at_ms = said->at_ms};
	book_text_copy(e.who, sizeof e.who, said->who);
	book_text_copy(e.what, sizeof e.what, said->what);
	book_text_copy(e.text, sizeof e.text, said->text ? said->text : "");
	event_key(k, row->id, row->events, key);
	buf_clear(scratch);
	enum status status = record_encode(&book_event_kind, &e, scratch);
	if (!status)
		store_batch_log(b, STORE_DUTY, span_of(key, sizeof key), buf_view(scratch));
	return status;
}

enum status book_put(struct book *k, struct store_batch *b, void *row, const struct book_said *said)
{
	struct book_row *head = row, before = *head;
	struct buf scratch = buf_init(BOOK_ROW_MAX);
	uint8_t key[ROW_KEY_SIZE];
	bool is_new = !head->id;
	if (is_new)
		head->id = k->last + 1;
	head->events++;
	enum status status = record_encode(k->kind, row, &scratch);
	if (!status) {
		row_key(k, head->id, key);
		store_batch_put(b, STORE_DUTY, span_of(key, sizeof key), buf_view(&scratch));
		status = put_event(k, b, head, said, &scratch);
	}
	buf_deinit(&scratch);
	if (status)
		*head = before;
	else if (is_new)
		k->last = head->id;
	return status;
}

enum status book_step(struct book *k, void *row, const struct book_said *said)
{
	struct book_row before = *(struct book_row *)row;
	uint64_t last = k->last;
	struct store_batch *b;
	enum status status = store_batch_new(k->store, &b);
	if (status)
		return status;
	status = book_put(k, b, row, said);
	if (!status)
		status = store_commit(k->store, b, true);
	store_batch_free(b);
	if (status) {
		*(struct book_row *)row = before;
		k->last = last;
	}
	return status;
}

/* --- reading --- */

/* Identity and count lead every record of a book. */
static enum status decode_row(const struct book *k, struct span key, struct span value, void *row)
{
	enum status status = key.size == ROW_KEY_SIZE ? record_decode(k->kind, value, row) : STATUS_CORRUPT;
	return !status && ((struct book_row *)row)->id != ~load_be64(key.data + 1) ? STATUS_CORRUPT : status;
}

enum status book_get(const struct book *k, uint64_t id, void *row)
{
	uint8_t key[ROW_KEY_SIZE];
	struct buf value = buf_init(BOOK_ROW_MAX);
	row_key(k, id, key);
	enum status status = store_get(k->store, STORE_DUTY, span_of(key, sizeof key), &value);
	if (!status)
		status = decode_row(k, span_of(key, sizeof key), buf_view(&value), row);
	buf_deinit(&value);
	return status;
}

struct listing {
	const struct book *book;
	void *row;
	book_visit *visit;
	void *context;
};

static enum status list_row(void *context, struct span key, struct span value)
{
	struct listing *l = context;
	enum status status = decode_row(l->book, key, value, l->row);
	return status ? status : l->visit(l->context, l->row);
}

enum status book_list(const struct book *k, uint64_t before, void *row, book_visit *visit, void *context)
{
	struct listing l = {k, row, visit, context};
	uint8_t start[ROW_KEY_SIZE];
	if (before == 1)
		return STATUS_OK;
	row_key(k, before ? before - 1 : UINT64_MAX, start);
	enum status status =
		store_scan_within(k->store, STORE_DUTY, span_of(start, 1), span_of(start, sizeof start), list_row, &l);
	return status == STATUS_END ? STATUS_OK : status;
}

struct history {
	book_event_visit *visit;
	void *context;
};

static enum status history_row(void *context, struct span key, struct span value)
{
	struct history *h = context;
	struct book_event e;
	enum status status = key.size == EVENT_KEY_SIZE ? record_decode(&book_event_kind, value, &e) : STATUS_CORRUPT;
	if (status)
		return status;
	e.number = load_be32(key.data + 9);
	return h->visit(h->context, &e);
}

enum status book_history(const struct book *k, uint64_t id, book_event_visit *visit, void *context)
{
	struct history h = {visit, context};
	uint8_t prefix[EVENT_KEY_SIZE];
	event_key(k, id, 0, prefix);
	enum status status = store_scan(k->store, STORE_DUTY, span_of(prefix, 9), history_row, &h);
	return status == STATUS_END ? STATUS_OK : status;
}
