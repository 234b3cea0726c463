#include "engine/store/keys.h"

#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/series/device_class.h"
#include "engine/series/report.h"
#include "engine/store/store.h"

static const char *const kind_names[FAMILY_KIND_COUNT] = {"track", "summary", "message", "series"};

void key_block(const struct block_key *k, uint8_t out[KEY_BLOCK_SIZE])
{
	store_be64(out, k->device);
	store_be64(out + 8, time_bias(k->time_first_ms));
	store_be32(out + 16, k->seq);
}

void key_message(const struct message_key *k, uint8_t out[KEY_MESSAGE_SIZE])
{
	store_be64(out, k->device);
	store_be64(out + 8, time_bias(k->time_ms));
	store_be64(out + 16, k->hash);
}

void key_held_block(const struct held_block_key *k, enum held_tag tag, uint8_t out[KEY_HELD_BLOCK_SIZE])
{
	out[0] = (uint8_t)tag;
	key_block(&k->block, out + 1);
	out[21] = k->class_code;
	out[22] = k->odd;
	store_be64(out + 23, k->hash);
}

void key_held_message(const struct held_message_key *k, uint8_t out[KEY_HELD_MESSAGE_SIZE])
{
	out[0] = HELD_MESSAGE;
	key_message(&k->message, out + 1);
	out[25] = k->class_code;
}

void key_kept(const struct kept_key *k, uint8_t out[KEY_KEPT_SIZE])
{
	out[0] = HELD_KEPT;
	store_be64(out + 1, k->device);
	store_be64(out + 9, time_bias(k->from_ms));
	store_be64(out + 17, time_bias(k->to_ms));
}

size_t key_hold(const struct hold_key *k, uint8_t out[KEY_HOLD_MAX])
{
	size_t length = strlen(k->case_number);
	out[0] = HELD_HOLD;
	memcpy(out + 1, k->case_number, length + 1);
	uint8_t *tail = out + 2 + length;
	store_be64(tail, k->device);
	store_be64(tail + 8, time_bias(k->from_ms));
	store_be64(tail + 16, time_bias(k->to_ms));
	return 2 + length + KEY_HOLD_TAIL_SIZE;
}

enum status key_block_parse(struct span key, struct block_key *out)
{
	struct cursor c = cursor_of(key);
	out->device = cursor_be64(&c);
	out->time_first_ms = time_unbias(cursor_be64(&c));
	out->seq = cursor_be32(&c);
	return key.size == KEY_BLOCK_SIZE ? STATUS_OK : STATUS_CORRUPT;
}

enum status key_message_parse(struct span key, struct message_key *out)
{
	struct cursor c = cursor_of(key);
	out->device = cursor_be64(&c);
	out->time_ms = time_unbias(cursor_be64(&c));
	out->hash = cursor_be64(&c);
	return key.size == KEY_MESSAGE_SIZE ? STATUS_OK : STATUS_CORRUPT;
}

enum status key_held_block_parse(struct span key, enum held_tag tag, struct held_block_key *out)
{
	if (key.size != KEY_HELD_BLOCK_SIZE || key.data[0] != tag || key.data[22] > 1)
		return STATUS_CORRUPT;
	out->class_code = key.data[21];
	out->odd = key.data[22];
	out->hash = load_be64(key.data + 23);
	return key_block_parse(span_of(key.data + 1, KEY_BLOCK_SIZE), &out->block);
}

enum status key_held_message_parse(struct span key, struct held_message_key *out)
{
	if (key.size != KEY_HELD_MESSAGE_SIZE || key.data[0] != HELD_MESSAGE)
		return STATUS_CORRUPT;
	out->class_code = key.data[25];
	return key_message_parse(span_of(key.data + 1, KEY_MESSAGE_SIZE), &out->message);
}

enum status key_kept_parse(struct span key, struct kept_key *out)
{
	if (key.size != KEY_KEPT_SIZE || key.data[0] != HELD_KEPT)
		return STATUS_CORRUPT;
	out->device = load_be64(key.data + 1);
	out->from_ms = time_unbias(load_be64(key.data + 9));
	out->to_ms = time_unbias(load_be64(key.data + 17));
	return STATUS_OK;
}

enum status key_hold_parse(struct span key, struct hold_key *out)
{
	const size_t around = 2 + KEY_HOLD_TAIL_SIZE;
	if (key.size <= around || key.size > around + CASE_NUMBER_MAX || key.data[0] != HELD_HOLD)
		return STATUS_CORRUPT;
	size_t length = key.size - around;
	if (memchr(key.data + 1, 0, length) || key.data[1 + length] != 0)
		return STATUS_CORRUPT;
	memcpy(out->case_number, key.data + 1, length + 1);
	const uint8_t *tail = key.data + 2 + length;
	out->device = load_be64(tail);
	out->from_ms = time_unbias(load_be64(tail + 8));
	out->to_ms = time_unbias(load_be64(tail + 16));
	return STATUS_OK;
}

/* --- months --- */

static int64_t civil_month_start(int32_t year, unsigned month)
{
	struct civil c = {.year = year, .month = (uint8_t)month, .day = 1};
	return civil_to_ms(&c);
}

int64_t month_start(uint32_t month)
{
	return civil_month_start((int32_t)(month / 100), month % 100);
}

uint32_t month_of(int64_t time_ms)
{
	struct civil c;
	if (time_ms < month_start(MONTH_FIRST))
		return MONTH_FIRST;
	if (time_ms >= month_start(MONTH_LAST))
		return MONTH_LAST;
	civil_from_ms(time_ms, &c);
	return (uint32_t)c.year * 100 + c.month;
}

int64_t store_month_end(int64_t time_ms)
{
	struct civil c;
	civil_from_ms(time_ms, &c);
	if (c.month == 12)
		return civil_month_start(c.year + 1, 1);
	return civil_month_start(c.year, c.month + 1u);
}

/* three years with a leap day */
#define ODD_BEFORE_MS (1096 * MS_PER_DAY)
#define ODD_AFTER_MS MS_PER_DAY

bool store_time_is_odd(int64_t time_ms, int64_t received_ms)
{
	/* 2000-01-01 and 2100-01-01, UTC; asked once a report */
	const int64_t first = INT64_C(946684800000), end = INT64_C(4102444800000);
	if (time_ms < first || time_ms >= end)
		return true;
	if (received_ms == RECEIVED_UNKNOWN)
		return false;
	if (received_ms < first - ODD_AFTER_MS || received_ms > end + ODD_BEFORE_MS)
		return true;
	return time_ms < received_ms - ODD_BEFORE_MS || time_ms > received_ms + ODD_AFTER_MS;
}

/* --- families --- */

void family_name(struct family_id id, char out[FAMILY_NAME_MAX])
{
	const char *kind = kind_names[id.kind], *class_token = device_class_token(id.class_code);
	if (id.month == MONTH_ODD)
		snprintf(out, FAMILY_NAME_MAX, "%s.%s.odd", kind, class_token);
	else
		snprintf(out, FAMILY_NAME_MAX, "%s.%s.%06u", kind, class_token, (unsigned)id.month);
}

static enum status month_parse(struct span text, uint32_t *out)
{
	*out = MONTH_ODD;
	if (span_equal(text, span_of_string("odd")))
		return STATUS_OK;
	if (text.size != 6)
		return STATUS_NOT_FOUND;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return STATUS_NOT_FOUND;
		*out = *out * 10 + (text.data[i] - '0');
	}
	bool real = *out >= MONTH_FIRST && *out <= MONTH_LAST && *out % 100 >= 1 && *out % 100 <= 12;
	return real ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status family_name_parse(struct span name, struct family_id *out)
{
	const uint8_t *dot = name.size ? memchr(name.data, '.', name.size) : NULL;
	if (!dot)
		return STATUS_NOT_FOUND;
	struct span kind = span_of(name.data, (size_t)(dot - name.data));
	struct span rest = span_of(dot + 1, name.size - kind.size - 1);
	dot = rest.size ? memchr(rest.data, '.', rest.size) : NULL;
	if (!dot)
		return STATUS_NOT_FOUND;
	struct span class_token = span_of(rest.data, (size_t)(dot - rest.data));
	for (out->kind = 0; out->kind < FAMILY_KIND_COUNT; out->kind++)
		if (span_equal(kind, span_of_string(kind_names[out->kind])))
			break;
	if (out->kind == FAMILY_KIND_COUNT)
		return STATUS_NOT_FOUND;
	for (out->class_code = 0; out->class_code < DEVICE_CLASS_COUNT; out->class_code++)
		if (span_equal(class_token, span_of_string(device_class_token(out->class_code))))
			break;
	if (out->class_code == DEVICE_CLASS_COUNT)
		return STATUS_NOT_FOUND;
	return month_parse(span_of(dot + 1, rest.size - class_token.size - 1), &out->month);
}

static const uint8_t drop_tag[4] = {'d', 'r', 'o', 'p'};

void key_drop(struct family_id id, uint8_t out[KEY_DROP_SIZE])
{
	memcpy(out, drop_tag, sizeof drop_tag);
	out[4] = id.class_code;
	store_be32(out + 5, id.month);
}

enum status key_drop_parse(struct span key, struct family_id *out)
{
	if (key.size != KEY_DROP_SIZE || memcmp(key.data, drop_tag, sizeof drop_tag) != 0 ||
	    key.data[4] >= DEVICE_CLASS_COUNT)
		return STATUS_CORRUPT;
	*out = (struct family_id){FAMILY_TRACK, key.data[4], load_be32(key.data + 5)};
	return STATUS_OK;
}
