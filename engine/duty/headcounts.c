#include "engine/duty/headcounts.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/duty/duty_keys.h"
#include "engine/store/keys.h"

#define KEY_SIZE 25
#define PREFIX_SIZE 9

static const struct record_field fields[] = {
	RECORD(1, headcount, device, HEX, 0),
	RECORD(2, headcount, fence, TEXT, 0),
	RECORD(3, headcount, at_ms, TIME, RECORD_GIVEN),
	RECORD(4, headcount, aboard, SIGNED, RECORD_GIVEN),
	RECORD(5, headcount, ashore, SIGNED, RECORD_GIVEN),
	RECORD(6, headcount, evacuated, SIGNED, RECORD_GIVEN),
	RECORD(7, headcount, due_ms, TIME, RECORD_GIVEN),
	RECORD(8, headcount, note, TEXT, RECORD_GIVEN),
	RECORD(9, headcount, who, TEXT, 0),
	RECORD(10, headcount, said_ms, TIME, 0),
};
const struct record_kind headcount_kind = RECORD_KIND(headcount, fields);

/* `subjects`: those of whom anything was ever said, so that most of a fleet is not asked of the store. */
struct headcounts {
	struct store *store;
	pthread_mutex_t lock;
	uint64_t *subjects; /* ascending */
	size_t count, capacity;
	uint64_t number; /* of the row said last */
};

void headcount_clear(struct headcount *h)
{
	record_clear(&headcount_kind, h);
	h->aboard = h->ashore = h->evacuated = PERSONS_UNKNOWN;
}

static uint64_t subject_of(uint64_t device, const char *fence)
{
	return device ? device : hash64(span_of_string(fence));
}

static void make_key(uint64_t subject, int64_t at_ms, uint64_t number, uint8_t out[KEY_SIZE])
{
	out[0] = DUTY_HEADCOUNTS;
	store_be64(out + 1, subject);
	store_be64(out + 9, ~time_bias(at_ms));
	store_be64(out + 17, ~number);
}

/* The first subject not below it. */
static size_t lower_bound(const struct headcounts *h, uint64_t subject)
{
	size_t from = 0, until = h->count;
	while (from < until) {
		size_t middle = from + (until - from) / 2;
		if (h->subjects[middle] < subject)
			from = middle + 1;
		else
			until = middle;
	}
	return from;
}

static enum status note_subject(struct headcounts *h, uint64_t subject)
{
	size_t i = lower_bound(h, subject);
	if (i < h->count && h->subjects[i] == subject)
		return STATUS_OK;
	if (h->count == h->capacity) {
		size_t capacity = h->capacity ? 2 * h->capacity : 64;
		uint64_t *grown = realloc(h->subjects, capacity * sizeof *grown);
		if (!grown)
			return STATUS_NO_MEMORY;
		h->subjects = grown;
		h->capacity = capacity;
	}
	memmove(h->subjects + i + 1, h->subjects + i, (h->count++ - i) * sizeof *h->subjects);
	h->subjects[i] = subject;
	return STATUS_OK;
}

static enum status load_row(void *context, struct span key, struct span value)
{
	struct headcounts *h = context;
	(void)value;
	if (key.size != KEY_SIZE)
		return STATUS_CORRUPT;
	uint64_t number = ~load_be64(key.data + 17);
	h->number = number > h->number ? number : h->number;
	return note_subject(h, load_be64(key.data + 1));
}

enum status headcounts_open(struct store *s, struct headcounts **out)
{
	static const uint8_t tag = DUTY_HEADCOUNTS;
	struct headcounts *h = calloc(1, sizeof *h);
	if (!h)
		return STATUS_NO_MEMORY;
	h->store = s;
	pthread_mutex_init(&h->lock, NULL);
	enum status status = store_scan(s, STORE_DUTY, span_of(&tag, 1), load_row, h);
	if (status)
		headcounts_close(h);
	else
		*out = h;
	return status;
}

void headcounts_close(struct headcounts *h)
{
	if (!h)
		return;
	pthread_mutex_destroy(&h->lock);
	free(h->subjects);
	free(h);
}

static bool person_count(int32_t n)
{
	return n >= PERSONS_UNKNOWN && n <= PERSONS_MAX;
}

static enum status write_row(struct headcounts *h, const struct headcount *said)
{
	uint8_t key[KEY_SIZE];
	struct buf value = buf_init(BOOK_ROW_MAX);
	struct store_batch *b = NULL;
	enum status status = record_encode(&headcount_kind, said, &value);
	if (!status)
		status = store_batch_new(h->store, &b);
	if (!status) {
		make_key(subject_of(said->device, said->fence), said->at_ms, h->number + 1, key);
		store_batch_log(b, STORE_DUTY, span_of(key, sizeof key), buf_view(&value));
		status = store_commit(h->store, b, true);
	}
	store_batch_free(b);
	buf_deinit(&value);
	return status;
}

enum status headcounts_say(struct headcounts *h, const struct headcount *said)
{
	if (!said->device == !*said->fence || !*said->who || said->at_ms == INT64_MIN)
		return STATUS_INVALID;
	if (!person_count(said->aboard) || !person_count(said->ashore) || !person_count(said->evacuated))
		return STATUS_OUT_OF_RANGE;
	pthread_mutex_lock(&h->lock);
	enum status status = note_subject(h, subject_of(said->device, said->fence));
	if (!status)
		status = write_row(h, said);
	h->number += status == STATUS_OK;
	pthread_mutex_unlock(&h->lock);
	return status;
}

static enum status take_row(void *context, struct span key, struct span value)
{
	(void)key;
	enum status status = record_decode(&headcount_kind, value, context);
	return status ? status : STATUS_END;
}

enum status headcounts_at(struct headcounts *h, uint64_t device, const char *fence, int64_t at_ms,
			  struct headcount *out)
{
	uint64_t subject = subject_of(device, fence);
	uint8_t start[KEY_SIZE];
	pthread_mutex_lock(&h->lock);
	size_t i = lower_bound(h, subject);
	bool any = i < h->count && h->subjects[i] == subject;
	pthread_mutex_unlock(&h->lock);
	if (!any)
		return STATUS_NOT_FOUND;
	make_key(subject, at_ms, UINT64_MAX, start);
	enum status status = store_scan_within(h->store, STORE_DUTY, span_of(start, PREFIX_SIZE),
					       span_of(start, sizeof start), take_row, out);
	return status == STATUS_END ? STATUS_OK : status ? status : STATUS_NOT_FOUND;
}
