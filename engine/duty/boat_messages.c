#include "engine/duty/boat_messages.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/charset.h"
#include "engine/core/crash.h"
#include "engine/core/limits.h"
#include "engine/duty/duty_keys.h"

#define OPEN_KEY_SIZE 9
#define NUMBER_MODULO 1000
#define WHO_GATEWAY "gateway"

const struct record_word boat_message_state_words[] = {
	{"queued", "待发送"}, {"sent", "已发出"},    {"delivered", "已送达"}, {"acknowledged", "已回执"},
	{"failed", "失败"},   {"expired", "已过期"}, {"cancelled", "已取消"}, {NULL, NULL}};

static const struct record_field fields[] = {
	BOOK_FIELDS(boat_message),
	RECORD(3, boat_message, device, HEX, 0),
	RECORD(4, boat_message, card, NUMBER, 0),
	RECORD_TYPED(5, boat_message, state, TOKEN, 0, boat_message_state_words),
	RECORD(6, boat_message, tries, NUMBER, 0),
	RECORD(7, boat_message, ended, FLAG, 0),
	RECORD(8, boat_message, warning, NUMBER, RECORD_GIVEN),
	RECORD(9, boat_message, incident, NUMBER, RECORD_GIVEN),
	RECORD(10, boat_message, created_ms, TIME, 0),
	RECORD(11, boat_message, expires_ms, TIME, RECORD_GIVEN),
	RECORD(12, boat_message, sent_ms, TIME, 0),
	RECORD(13, boat_message, delivered_ms, TIME, 0),
	RECORD(14, boat_message, acknowledged_ms, TIME, 0),
	RECORD(15, boat_message, hull, TEXT, 0),
	RECORD(16, boat_message, text, TEXT, RECORD_NEEDED),
	RECORD(17, boat_message, answer, TEXT, 0),
	RECORD(18, boat_message, reason, TEXT, 0),
	RECORD(19, boat_message, who, TEXT, 0),
};
const struct record_kind boat_message_kind = RECORD_KIND(boat_message, fields);

/* What is open, as the queue needs it. */
struct waiting {
	uint64_t id;
	uint32_t card;
	uint8_t state;
	int64_t next_ms; /* QUEUED: not before; SENT: when the station is given up */
	int64_t sent_ms; /* INT64_MIN: never */
	int64_t expires_ms;
};

struct boat_messages {
	pthread_mutex_t lock; /* one step at a time; guards what follows */
	struct book book;
	struct waiting *waiting; /* ascending by id */
	size_t count, capacity;
};

static void open_key(uint64_t id, uint8_t out[OPEN_KEY_SIZE])
{
	out[0] = DUTY_MESSAGES_OPEN;
	store_be64(out + 1, id);
}

static struct waiting *find(const struct boat_messages *m, uint64_t id)
{
	size_t from = 0, until = m->count;
	while (from < until) {
		size_t middle = from + (until - from) / 2;
		if (m->waiting[middle].id < id)
			from = middle + 1;
		else
			until = middle;
	}
	return from < m->count && m->waiting[from].id == id ? &m->waiting[from] : NULL;
}

static enum status room_for_one(struct boat_messages *m)
{
	if (m->count == BOAT_MESSAGES_OPEN_MAX)
		return STATUS_FULL;
	if (m->count < m->capacity)
		return STATUS_OK;
	size_t capacity = m->capacity ? 2 * m->capacity : 64;
	struct waiting *grown = realloc(m->waiting, capacity * sizeof *grown);
	if (!grown)
		return STATUS_NO_MEMORY;
	m->waiting = grown;
	m->capacity = capacity;
	return STATUS_OK;
}

/* After a step that is durable: the queue says what the row says. */
static void note(struct boat_messages *m, const struct boat_message *row, int64_t next_ms)
{
	struct waiting *w = find(m, row->row.id);
	if (!w && !row->ended) {
		w = &m->waiting[m->count++];
		w->id = row->row.id;
	}
	if (!w)
		return;
	if (row->ended) {
		memmove(w, w + 1, (size_t)(m->waiting + --m->count - w) * sizeof *w);
		return;
	}
	w->card = row->card;
	w->state = row->state;
	w->next_ms = next_ms;
	w->sent_ms = row->sent_ms;
	w->expires_ms = row->expires_ms;
}

static enum status step(struct boat_messages *m, struct boat_message *row, const struct book_said *said,
			int64_t next_ms)
{
	uint8_t key[OPEN_KEY_SIZE];
	struct store_batch *b;
	enum status status = store_batch_new(m->book.store, &b);
	if (status)
		return status;
	status = book_put(&m->book, b, row, said);
	if (!status) {
		open_key(row->row.id, key);
		if (row->ended)
			store_batch_delete(b, STORE_DUTY, span_of(key, sizeof key));
		else if (row->row.events == 1)
			store_batch_put(b, STORE_DUTY, span_of(key, sizeof key), span_of(NULL, 0));
		status = store_commit(m->book.store, b, true);
	}
	crash_point("boat_message_step");
	store_batch_free(b);
	if (!status)
		note(m, row, next_ms);
	return status;
}

/* --- opening --- */

/* What was sent when the process ended is sent again. */
static enum status load_open(void *context, struct span key, struct span value)
{
	struct boat_messages *m = context;
	struct boat_message row;
	(void)value;
	if (key.size != OPEN_KEY_SIZE)
		return STATUS_CORRUPT;
	enum status status = room_for_one(m);
	if (!status)
		status = book_get(&m->book, load_be64(key.data + 1), &row);
	if (status)
		return status;
	if (row.state == BOAT_MESSAGE_SENT)
		row.state = BOAT_MESSAGE_QUEUED;
	note(m, &row, INT64_MIN);
	return STATUS_OK;
}

enum status boat_messages_open(struct store *s, struct boat_messages **out)
{
	static const uint8_t tag = DUTY_MESSAGES_OPEN;
	struct boat_messages *m = calloc(1, sizeof *m);
	if (!m)
		return STATUS_NO_MEMORY;
	pthread_mutex_init(&m->lock, NULL);
	enum status status = book_open(s, DUTY_MESSAGES, &boat_message_kind, &m->book);
	if (!status)
		status = store_scan(s, STORE_DUTY, span_of(&tag, 1), load_open, m);
	if (status)
		boat_messages_close(m);
	else
		*out = m;
	return status;
}

void boat_messages_close(struct boat_messages *m)
{
	if (!m)
		return;
	pthread_mutex_destroy(&m->lock);
	free(m->waiting);
	free(m);
}

/* --- asking for them --- */

static enum status check(const struct boat_message *in, int64_t now_ms)
{
	struct buf gbk = buf_init(4 * BOAT_MESSAGE_TEXT_MAX);
	if (!in->card || !*in->text || !*in->who || in->expires_ms <= now_ms)
		return STATUS_INVALID;
	enum status status = charset_utf8_to_gbk(span_of_string(in->text), &gbk);
	if (!status && gbk.size > BOAT_MESSAGE_GBK_MAX)
		status = STATUS_TOO_LONG;
	buf_deinit(&gbk);
	return status;
}

enum status boat_messages_add(struct boat_messages *m, struct boat_message *in, int64_t now_ms)
{
	enum status status = check(in, now_ms);
	if (status)
		return status;
	in->state = BOAT_MESSAGE_QUEUED;
	in->ended = false;
	in->created_ms = now_ms;
	pthread_mutex_lock(&m->lock);
	status = room_for_one(m);
	if (!status)
		status = step(m, in, &(struct book_said){now_ms, in->who, "queued", in->text}, now_ms);
	pthread_mutex_unlock(&m->lock);
	return status;
}

static enum status end_as(struct boat_messages *m, struct boat_message *row, uint8_t state, const char *who,
			  const char *text, int64_t now_ms)
{
	row->state = state;
	row->ended = true;
	return step(m, row, &(struct book_said){now_ms, who, boat_message_state_words[state].token, text}, 0);
}

enum status boat_messages_cancel(struct boat_messages *m, uint64_t id, const char *who, int64_t now_ms)
{
	struct boat_message row;
	pthread_mutex_lock(&m->lock);
	enum status status = book_get(&m->book, id, &row);
	if (!status && (row.ended || row.state != BOAT_MESSAGE_QUEUED))
		status = STATUS_CONFLICT;
	if (!status)
		status = end_as(m, &row, BOAT_MESSAGE_CANCELLED, who, "", now_ms);
	pthread_mutex_unlock(&m->lock);
	return status;
}

/* --- the gateway's side --- */

/* Whether the card hears nothing else now. */
static bool card_is_free(const struct boat_messages *m, uint32_t card, int64_t now_ms)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct waiting *w = &m->waiting[i];
		if (w->card == card && (w->state == BOAT_MESSAGE_SENT ||
					(w->sent_ms != INT64_MIN && w->sent_ms > now_ms - CARD_INTERVAL_MS)))
			return false;
	}
	return true;
}

static const struct waiting *first_due(const struct boat_messages *m, int64_t now_ms)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct waiting *w = &m->waiting[i];
		if (w->state == BOAT_MESSAGE_QUEUED && w->next_ms <= now_ms && w->expires_ms > now_ms &&
		    card_is_free(m, w->card, now_ms))
			return w;
	}
	return NULL;
}

enum status boat_messages_next(struct boat_messages *m, int64_t now_ms, struct boat_message_next *out)
{
	struct boat_message row;
	pthread_mutex_lock(&m->lock);
	const struct waiting *w = first_due(m, now_ms);
	enum status status = w ? book_get(&m->book, w->id, &row) : STATUS_NOT_FOUND;
	pthread_mutex_unlock(&m->lock);
	if (status)
		return status;
	out->id = row.row.id;
	out->card = row.card;
	snprintf(out->text, sizeof out->text, "%s#%u", row.text, (unsigned)(row.row.id % NUMBER_MODULO));
	return STATUS_OK;
}

enum status boat_messages_sent(struct boat_messages *m, uint64_t id, int64_t now_ms)
{
	struct boat_message row;
	pthread_mutex_lock(&m->lock);
	const struct waiting *w = find(m, id);
	enum status status = w ? book_get(&m->book, id, &row) : STATUS_NOT_FOUND;
	if (!status) {
		row.state = BOAT_MESSAGE_SENT;
		row.sent_ms = now_ms;
		row.tries++;
		status = step(m, &row, &(struct book_said){now_ms, WHO_GATEWAY, "sent", ""}, now_ms + BOAT_FEEDBACK_MS);
	}
	pthread_mutex_unlock(&m->lock);
	return status;
}

/* Not this time. */
static enum status put_back(struct boat_messages *m, struct boat_message *row, const char *reason, int64_t again_ms,
			    int64_t now_ms)
{
	book_text_copy(row->reason, sizeof row->reason, reason);
	if (row->tries >= BOAT_TRIES_MAX)
		return end_as(m, row, BOAT_MESSAGE_FAILED, WHO_GATEWAY, reason, now_ms);
	row->state = BOAT_MESSAGE_QUEUED;
	return step(m, row, &(struct book_said){now_ms, WHO_GATEWAY, "refused", reason}, again_ms);
}

enum status boat_messages_feedback(struct boat_messages *m, uint64_t id, bool delivered, const char *reason,
				   int64_t again_ms, int64_t now_ms)
{
	struct boat_message row;
	pthread_mutex_lock(&m->lock);
	const struct waiting *w = find(m, id);
	enum status status = w && w->state == BOAT_MESSAGE_SENT ? book_get(&m->book, id, &row) : STATUS_NOT_FOUND;
	if (!status && delivered) {
		row.state = BOAT_MESSAGE_DELIVERED;
		row.delivered_ms = now_ms;
		status = step(m, &row, &(struct book_said){now_ms, WHO_GATEWAY, "delivered", ""}, 0);
	} else if (!status) {
		status = put_back(m, &row, reason, again_ms, now_ms);
	}
	pthread_mutex_unlock(&m->lock);
	return status;
}

/* The number in "#17", or "17" alone; -1: none. */
static long number_in(const char *text)
{
	const char *hash = strrchr(text, '#');
	char *end;
	if (!hash && strspn(text, "0123456789") != strlen(text))
		return -1;
	const char *digits = hash ? hash + 1 : text;
	long n = strtol(digits, &end, 10);
	return end == digits || n < 0 || n >= NUMBER_MODULO ? -1 : n;
}

static const struct waiting *answered(const struct boat_messages *m, uint32_t card, const char *text)
{
	const struct waiting *best = NULL;
	long number = number_in(text);
	bool yes = strstr(text, "收到") || strcasestr(text, "ok");
	for (size_t i = 0; i < m->count; i++) {
		const struct waiting *w = &m->waiting[i];
		if (w->card != card || w->sent_ms == INT64_MIN)
			continue;
		if (number >= 0 ? (long)(w->id % NUMBER_MODULO) == number
				: yes && (!best || w->sent_ms > best->sent_ms))
			best = w;
	}
	return best;
}

enum status boat_messages_answer(struct boat_messages *m, uint32_t card, const char *text, int64_t now_ms,
				 uint64_t *out_id)
{
	struct boat_message row;
	pthread_mutex_lock(&m->lock);
	const struct waiting *w = answered(m, card, text);
	enum status status = w ? book_get(&m->book, w->id, &row) : STATUS_NOT_FOUND;
	if (!status) {
		*out_id = row.row.id;
		row.acknowledged_ms = now_ms;
		book_text_copy(row.answer, sizeof row.answer, text);
		status = end_as(m, &row, BOAT_MESSAGE_ACKNOWLEDGED, "boat", text, now_ms);
	}
	pthread_mutex_unlock(&m->lock);
	return status;
}

/* What was delivered and not answered stays delivered; what was never sent, or the station was silent about, is over.
 */
static enum status expire(struct boat_messages *m, uint64_t id, int64_t now_ms)
{
	struct boat_message row;
	enum status status = book_get(&m->book, id, &row);
	if (status)
		return status;
	bool delivered = row.state == BOAT_MESSAGE_DELIVERED;
	return end_as(m, &row, delivered ? BOAT_MESSAGE_DELIVERED : BOAT_MESSAGE_EXPIRED, WHO_GATEWAY,
		      delivered ? "nobody answered" : "", now_ms);
}

static enum status give_up(struct boat_messages *m, uint64_t id, int64_t now_ms)
{
	struct boat_message row;
	enum status status = book_get(&m->book, id, &row);
	return status ? status : put_back(m, &row, "the station said nothing", now_ms, now_ms);
}

enum status boat_messages_run(struct boat_messages *m, int64_t now_ms)
{
	enum status status = STATUS_OK;
	pthread_mutex_lock(&m->lock);
	for (size_t i = m->count; i-- && !status;) { /* from behind: what ends leaves the list */
		const struct waiting *w = &m->waiting[i];
		if (w->expires_ms <= now_ms)
			status = expire(m, w->id, now_ms);
		else if (w->state == BOAT_MESSAGE_SENT && w->next_ms <= now_ms)
			status = give_up(m, w->id, now_ms);
	}
	pthread_mutex_unlock(&m->lock);
	return status;
}

/* --- reading --- */

enum status boat_messages_get(struct boat_messages *m, uint64_t id, struct boat_message *out)
{
	return book_get(&m->book, id, out);
}

enum status boat_messages_list(struct boat_messages *m, uint64_t before, book_visit *visit, void *context)
{
	struct boat_message row;
	return book_list(&m->book, before, &row, visit, context);
}

enum status boat_messages_history(struct boat_messages *m, uint64_t id, book_event_visit *visit, void *context)
{
	return book_history(&m->book, id, visit, context);
}

size_t boat_messages_open_count(struct boat_messages *m)
{
	pthread_mutex_lock(&m->lock);
	size_t count = m->count;
	pthread_mutex_unlock(&m->lock);
	return count;
}
