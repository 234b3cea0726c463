#include "engine/fleet/weighings.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"

#define TAG_RECORD 0x01
#define TAG_TICKET 0x02
#define RECORD_KEY 25
#define RECORD_MAX (20 + WEIGHING_TEXT_COUNT * (WEIGHING_TEXT_MAX + 1))
#define FLAG_TRAIN 1u
#define FLAG_SINGLE 2u
#define FLAG_TARE 4u
#define BIAS (UINT64_C(1) << 63)
#define YEAR_2000_MS INT64_C(946684800000)

static const struct {
	const char *token, *chinese;
	bool required;
} texts[WEIGHING_TEXT_COUNT] = {
#define X(NAME, token, chinese, required) {token, chinese, required},
	WEIGHING_TEXT_TABLE(X)
#undef X
};

const char *weighing_text_token(enum weighing_text t)
{
	return texts[t].token;
}

bool weighing_text_required(enum weighing_text t)
{
	return texts[t].required;
}

enum status weighing_text_parse(struct span name, enum weighing_text *out)
{
	for (unsigned i = 0; i < WEIGHING_TEXT_COUNT; i++)
		if (span_equal(name, span_of_string(texts[i].token)) ||
		    span_equal(name, span_of_string(texts[i].chinese))) {
			*out = (enum weighing_text)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

enum status weighing_text_set(struct weighing *w, enum weighing_text t, struct span text)
{
	char value[DEVICE_VALUE_MAX + 1];
	unsigned field = t == WEIGHING_PLATE  ? DEVICE_FIELD_PLATE
			 : t == WEIGHING_SITE ? DEVICE_FIELD_SITE
					      : DEVICE_FIELD_NAME;
	enum status status = device_value_normalise(field, text, value);
	if (!status && strlen(value) > WEIGHING_TEXT_MAX)
		status = STATUS_TOO_LONG;
	if (!status)
		memcpy(w->texts[t], value, strlen(value) + 1);
	return status;
}

enum status weighing_check(const struct weighing *w, const char **field)
{
	for (unsigned i = 0; i < WEIGHING_TEXT_COUNT; i++) {
		*field = texts[i].token;
		if (texts[i].required && !w->texts[i][0])
			return STATUS_INVALID;
	}
	const char *plate = w->texts[WEIGHING_PLATE];
	*field = "plate";
	if (plate[0] < '0' || plate[0] > '9' || plate[1 + (plate[1] >= '0' && plate[1] <= '9')] != ':')
		return STATUS_INVALID;
	*field = "axles";
	if (w->axles < 2 || w->axles > WEIGHING_AXLES_MAX)
		return STATUS_OUT_OF_RANGE;
	*field = "gross_kg";
	if (!w->gross_kg || w->gross_kg > WEIGHING_KG_MAX)
		return STATUS_OUT_OF_RANGE;
	*field = "tare_kg";
	if (w->tare_kg >= w->gross_kg)
		return STATUS_OUT_OF_RANGE;
	*field = "time";
	return w->time_ms < YEAR_2000_MS || w->time_ms > w->received_ms + MS_PER_DAY ? STATUS_OUT_OF_RANGE : STATUS_OK;
}

/* --- rows --- */

static uint64_t site_of(const struct weighing *w)
{
	return site_id(span_of_string(w->texts[WEIGHING_SITE]));
}

static void record_key(const struct weighing_place *p, uint8_t out[RECORD_KEY])
{
	out[0] = TAG_RECORD;
	store_be64(out + 1, (uint64_t)p->time_ms ^ BIAS);
	store_be64(out + 9, p->site);
	store_be64(out + 17, p->ticket);
}

static size_t record_encode(const struct weighing *w, uint8_t out[RECORD_MAX])
{
	uint8_t *at = out + 19;
	out[0] = 1;
	out[1] = w->axles;
	out[2] = (uint8_t)((w->is_train ? FLAG_TRAIN : 0) | (w->single_drive ? FLAG_SINGLE : 0) |
			   (w->tare_kg ? FLAG_TARE : 0));
	store_le32(out + 3, w->gross_kg);
	store_le32(out + 7, w->tare_kg);
	store_le64(out + 11, (uint64_t)w->received_ms);
	for (unsigned i = 0; i < WEIGHING_TEXT_COUNT; i++) {
		size_t size = strlen(w->texts[i]);
		*at++ = (uint8_t)size;
		memcpy(at, w->texts[i], size);
		at += size;
	}
	return (size_t)(at - out);
}

static enum status record_decode(int64_t time_ms, struct span row, struct weighing *out)
{
	struct cursor c = cursor_of(row);
	*out = (struct weighing){.time_ms = time_ms};
	if (cursor_u8(&c) != 1)
		return STATUS_BAD_VERSION;
	out->axles = cursor_u8(&c);
	uint8_t flags = cursor_u8(&c);
	out->is_train = flags & FLAG_TRAIN;
	out->single_drive = flags & FLAG_SINGLE;
	out->gross_kg = cursor_le32(&c);
	out->tare_kg = cursor_le32(&c);
	out->received_ms = (int64_t)cursor_le64(&c);
	for (unsigned i = 0; i < WEIGHING_TEXT_COUNT; i++) {
		struct span text = cursor_take(&c, cursor_u8(&c));
		if (text.size > WEIGHING_TEXT_MAX)
			return STATUS_CORRUPT;
		memcpy(out->texts[i], text.data, text.size);
	}
	return c.failed || cursor_left(&c) ? STATUS_CORRUPT : STATUS_OK;
}

/* What makes two records the same: all but when they were received. */
static uint64_t record_hash(const struct weighing *w)
{
	uint8_t row[RECORD_MAX];
	struct weighing alike = *w;
	alike.received_ms = 0;
	return hash64_seeded(span_of(row, record_encode(&alike, row)), (uint64_t)w->time_ms);
}

/* --- keeping --- */

/* Looking a ticket up and writing it must not be divided; tickets are few, and the store's lock is not ours to hold. */
static pthread_mutex_t keeping = PTHREAD_MUTEX_INITIALIZER;

struct ticket_row {
	uint8_t key[9 + WEIGHING_TEXT_MAX];
	size_t size;
	uint8_t value[16];
};

static void ticket_make(const struct weighing *w, struct ticket_row *out)
{
	size_t size = strlen(w->texts[WEIGHING_TICKET]);
	out->key[0] = TAG_TICKET;
	store_be64(out->key + 1, site_of(w));
	memcpy(out->key + 9, w->texts[WEIGHING_TICKET], size);
	out->size = 9 + size;
	store_be64(out->value, (uint64_t)w->time_ms ^ BIAS);
	store_be64(out->value + 8, record_hash(w));
}

static enum status keep_one(struct store *s, struct store_batch *b, const struct weighing *w,
			    enum weighing_outcome *outcome)
{
	struct ticket_row t;
	struct buf before = buf_init(64);
	uint8_t key[RECORD_KEY], row[RECORD_MAX];
	ticket_make(w, &t);
	enum status status = store_get(s, STORE_WEIGHING, span_of(t.key, t.size), &before);
	if (status == STATUS_OK)
		*outcome = span_equal(buf_view(&before), span_of(t.value, sizeof t.value)) ? WEIGHING_REPEATED
											   : WEIGHING_CONFLICT;
	buf_deinit(&before);
	if (status != STATUS_NOT_FOUND)
		return status;
	const struct weighing_place place = {w->time_ms, site_of(w), hash64(span_of_string(w->texts[WEIGHING_TICKET]))};
	record_key(&place, key);
	store_batch_put(b, STORE_WEIGHING, span_of(key, sizeof key), span_of(row, record_encode(w, row)));
	store_batch_put(b, STORE_WEIGHING, span_of(t.key, t.size), span_of(t.value, sizeof t.value));
	*outcome = WEIGHING_TAKEN;
	return STATUS_OK;
}

/* A ticket that the list itself names before: not in the store yet. */
static const struct weighing *twin_of(const struct weighing *list, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(list[k].texts[WEIGHING_TICKET], list[i].texts[WEIGHING_TICKET]) == 0 &&
		    strcmp(list[k].texts[WEIGHING_SITE], list[i].texts[WEIGHING_SITE]) == 0)
			return &list[k];
	return NULL;
}

enum status weighings_keep(struct store *s, const struct weighing *list, size_t count, enum weighing_outcome *outcomes)
{
	struct store_batch *b = NULL;
	enum status status = store_batch_new(s, &b);
	if (status)
		return status;
	pthread_mutex_lock(&keeping);
	for (size_t i = 0; i < count && !status; i++) {
		const struct weighing *twin = twin_of(list, i);
		if (twin)
			outcomes[i] =
				record_hash(twin) == record_hash(&list[i]) ? WEIGHING_REPEATED : WEIGHING_CONFLICT;
		else
			status = keep_one(s, b, &list[i], &outcomes[i]);
	}
	if (!status)
		status = store_commit(s, b, true);
	pthread_mutex_unlock(&keeping);
	store_batch_free(b);
	return status;
}

enum status weighing_values(const struct weighing *w, weighing_value_visit *visit, void *context)
{
	const struct span plate = span_of_string(w->texts[WEIGHING_PLATE]), none = {NULL, 0};
	struct value v = {.time_ms = w->time_ms};
	value_set_decimal(&v, w->gross_kg, 0);
	enum status status = visit(context, "weighing.gross", "kg", &v, none);
	value_set_decimal(&v, w->axles, 0);
	if (!status)
		status = visit(context, "weighing.axles", "", &v, none);
	value_set_decimal(&v, w->tare_kg, 0);
	if (!status && w->tare_kg)
		status = visit(context, "weighing.tare", "kg", &v, none);
	v = (struct value){.time_ms = w->time_ms, .type = VALUE_TEXT, .bits = (int64_t)value_text_hash(plate)};
	return status ? status : visit(context, "weighing.plate", "", &v, plate);
}

/* --- reading --- */

struct walk {
	int64_t to_ms;
	const struct weighing_place *after;
	weighing_visit *visit;
	void *context;
};

static enum status visit_row(void *context, struct span key, struct span value)
{
	struct walk *k = context;
	struct weighing w;
	if (key.size != RECORD_KEY)
		return STATUS_CORRUPT;
	const struct weighing_place place = {(int64_t)(load_be64(key.data + 1) ^ BIAS), load_be64(key.data + 9),
					     load_be64(key.data + 17)};
	if (place.time_ms > k->to_ms)
		return STATUS_END;
	if (k->after && place.time_ms == k->after->time_ms && place.site == k->after->site &&
	    place.ticket == k->after->ticket)
		return STATUS_OK;
	enum status status = record_decode(place.time_ms, value, &w);
	return status ? status : k->visit(k->context, &place, &w);
}

enum status weighings_visit(struct store *s, int64_t from_ms, int64_t to_ms, const struct weighing_place *after,
			    weighing_visit *visit, void *context)
{
	const uint8_t tag = TAG_RECORD;
	uint8_t start[RECORD_KEY];
	const struct weighing_place first = {from_ms, 0, 0};
	struct walk walk = {to_ms, after, visit, context};
	record_key(after ? after : &first, start);
	enum status status =
		store_scan_within(s, STORE_WEIGHING, span_of(&tag, 1), span_of(start, sizeof start), visit_row, &walk);
	return status == STATUS_END ? STATUS_OK : status;
}

/* --- overload --- */

static const struct {
	uint8_t axles;
	bool is_train;
	uint32_t limit_kg;
} limits[] = {{2, false, 18000}, {3, false, 25000}, {3, true, 27000}, {4, false, 31000},
	      {4, true, 36000},  {5, true, 43000},  {6, true, 49000}};
#define SIX_AXLES_SINGLE_DRIVE_KG 46000u

/* Two axles and five and more have one limit, whatever the vehicle is. */
uint32_t weighing_limit_kg(const struct weighing *w)
{
	uint8_t axles = w->axles > 6 ? 6 : w->axles;
	bool is_train = axles >= 5 || (axles > 2 && w->is_train);
	if (axles == 6 && w->single_drive)
		return SIX_AXLES_SINGLE_DRIVE_KG;
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		if (limits[i].axles == axles && limits[i].is_train == is_train)
			return limits[i].limit_kg;
	return limits[0].limit_kg;
}

uint32_t weighing_over_kg(const struct weighing *w)
{
	uint32_t limit_kg = weighing_limit_kg(w);
	return w->gross_kg > limit_kg ? w->gross_kg - limit_kg : 0;
}

unsigned weighing_points(const struct weighing *w)
{
	uint64_t over = (uint64_t)weighing_over_kg(w) * 100, limit_kg = weighing_limit_kg(w);
	return !over ? 0 : over < 30 * limit_kg ? 1 : over < 50 * limit_kg ? 3 : 6;
}
