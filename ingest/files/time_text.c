#include "ingest/files/time_text.h"

#include <stdbool.h>

#include "engine/core/clock.h"

/* 0001-01-01 and 10000-01-01, ms UTC */
#define TIME_MIN_MS INT64_C(-62135596800000)
#define TIME_END_MS INT64_C(253402300800000)
#define EPOCH_S_END INT64_C(100000000000)

enum status time_form_parse(struct span text, enum time_form *out)
{
	static const char *const names[TIME_FORM_COUNT] = {
#define X(NAME, text_) text_,
		TIME_FORM_TABLE(X)
#undef X
	};
	for (unsigned i = 0; i < TIME_FORM_COUNT; i++)
		if (span_equal(text, span_of_string(names[i]))) {
			*out = (enum time_form)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

struct time_reader time_reader_init(enum time_form form, int64_t zone_ms)
{
	return (struct time_reader){.form = form,
				    .zone_ms = zone_ms,
				    .seconds = number_scale_of(NUMBER_SECONDS),
				    .whole_ones = number_scale_of(NUMBER_AS_IS)};
}

static bool digits_at(const uint8_t *at, unsigned count, unsigned *out)
{
	unsigned v = 0;
	for (unsigned i = 0; i < count; i++) {
		unsigned digit = (unsigned)at[i] - '0';
		if (digit > 9)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

static enum status date_midnight(struct time_reader *t, const uint8_t date[10], int64_t *out_ms)
{
	if (memcmp(t->date, date, sizeof t->date) != 0) {
		uint8_t whole[20];
		memcpy(whole, date, 10);
		memcpy(whole + 10, "T00:00:00Z", 10);
		enum status status = time_parse(span_of(whole, sizeof whole), 0, &t->date_ms);
		if (status)
			return status;
		memcpy(t->date, date, sizeof t->date);
	}
	*out_ms = t->date_ms;
	return STATUS_OK;
}

static bool clock_time(const uint8_t *hour, const uint8_t *minute, const uint8_t *second, int64_t *out_ms)
{
	unsigned h, m, s;
	if (!digits_at(hour, 2, &h) || !digits_at(minute, 2, &m) || !digits_at(second, 2, &s) || h > 23 || m > 59 ||
	    s > 59)
		return false;
	*out_ms = (h * 3600 + m * 60 + s) * MS_PER_SECOND;
	return true;
}

/* One or two digits into two; how many were there, 0 for none. */
static size_t pad_two(const uint8_t *at, const uint8_t *end, uint8_t *out)
{
	bool one = at < end && at[0] >= '0' && at[0] <= '9';
	bool two = one && at + 1 < end && at[1] >= '0' && at[1] <= '9';
	out[0] = two ? at[0] : '0';
	out[1] = two ? at[1] : one ? at[0] : '0';
	return (size_t)one + two;
}

/* What spreadsheets make of it: "2026/5/28 8:26", "2026-05-28 08:26:40". The rest is copied as it is. */
static enum status loose_text(struct span text, int64_t zone_ms, int64_t *out_ms)
{
	static const char separators[] = {0, 0, ' ', ':', ':'};
	uint8_t full[48] = "0000-00-00T00:00:00";
	static const uint8_t places[] = {0, 5, 8, 11, 14, 17};
	const uint8_t *at = text.data, *end = at + text.size;
	unsigned year;
	if (text.size < 8 || !digits_at(at, 4, &year) || (at[4] != '-' && at[4] != '/'))
		return STATUS_BAD_TIME;
	uint8_t between = at[4];
	memcpy(full, at, 4);
	at += 4;
	for (unsigned part = 1; part < 6; part++) {
		uint8_t wanted = separators[part - 1] ? (uint8_t)separators[part - 1] : between;
		if (part == 5 && (at == end || *at != ':'))
			break; /* no seconds */
		if (at == end || (*at != wanted && !(part == 3 && *at == 'T')))
			return STATUS_BAD_TIME;
		size_t used = pad_two(at + 1, end, full + places[part]);
		if (!used)
			return STATUS_BAD_TIME;
		at += 1 + used;
	}
	size_t rest = (size_t)(end - at);
	if (rest > sizeof full - 19)
		return STATUS_BAD_TIME;
	memcpy(full + 19, at, rest);
	return time_parse(span_of(full, 19 + rest), zone_ms, out_ms);
}

static enum status text_time(struct time_reader *t, struct span text, int64_t *out_ms)
{
	const uint8_t *at = text.data;
	int64_t date_ms, clock_ms;
	if (text.size != 19 || at[4] != '-' || at[7] != '-' || (at[10] != ' ' && at[10] != 'T') || at[13] != ':' ||
	    at[16] != ':' || !clock_time(at + 11, at + 14, at + 17, &clock_ms))
		return loose_text(text, t->zone_ms, out_ms);
	enum status status = date_midnight(t, at, &date_ms);
	if (!status)
		*out_ms = date_ms + clock_ms - t->zone_ms;
	return status;
}

static enum status compact_time(struct time_reader *t, struct span text, int64_t *out_ms)
{
	const uint8_t *at = text.data;
	int64_t date_ms, clock_ms;
	if (text.size != 14 || !clock_time(at + 8, at + 10, at + 12, &clock_ms))
		return STATUS_BAD_TIME;
	uint8_t date[10] = {at[0], at[1], at[2], at[3], '-', at[4], at[5], '-', at[6], at[7]};
	enum status status = date_midnight(t, date, &date_ms);
	if (!status)
		*out_ms = date_ms + clock_ms - t->zone_ms;
	return status;
}

static enum status epoch_time(struct span text, const struct number_scale *scale, int64_t *out_ms)
{
	enum status status = number_scaled(text, scale, out_ms);
	return status && status != STATUS_EMPTY ? STATUS_BAD_TIME : status;
}

static enum status auto_time(struct time_reader *t, struct span text, int64_t *out_ms)
{
	if (text.size > 4 && (text.data[4] == '-' || text.data[4] == '/'))
		return text_time(t, text, out_ms);
	if (text.size == 14 && !memchr(text.data, '.', text.size))
		return compact_time(t, text, out_ms);
	enum status status = epoch_time(text, &t->seconds, out_ms);
	if (!status && *out_ms >= EPOCH_S_END * MS_PER_SECOND)
		return epoch_time(text, &t->whole_ones, out_ms);
	return status;
}

static enum status take_form(struct time_reader *t, struct span text, int64_t *out_ms)
{
	switch (t->form) {
	case TIME_FORM_EPOCH_S:
		return epoch_time(text, &t->seconds, out_ms);
	case TIME_FORM_EPOCH_MS:
		return epoch_time(text, &t->whole_ones, out_ms);
	case TIME_FORM_TEXT:
		return text_time(t, text, out_ms);
	case TIME_FORM_COMPACT:
		return compact_time(t, text, out_ms);
	default:
		return auto_time(t, text, out_ms);
	}
}

static struct span trim(struct span text)
{
	while (text.size && text.data[0] == ' ')
		text = span_of(text.data + 1, text.size - 1);
	while (text.size && text.data[text.size - 1] == ' ')
		text.size--;
	return text;
}

enum status time_reader_take(struct time_reader *t, struct span text, int64_t *out_ms)
{
	if (text.size && text.size == t->whole_size && memcmp(text.data, t->whole, text.size) == 0) {
		*out_ms = t->whole_ms;
		return STATUS_OK;
	}
	struct span inner = trim(text);
	if (!inner.size)
		return STATUS_EMPTY;
	int64_t ms;
	enum status status = take_form(t, inner, &ms);
	if (status)
		return status;
	if (ms < TIME_MIN_MS || ms >= TIME_END_MS)
		return STATUS_BAD_TIME;
	if (text.size <= sizeof t->whole) {
		memcpy(t->whole, text.data, text.size);
		t->whole_size = (uint8_t)text.size;
		t->whole_ms = ms;
	}
	*out_ms = ms;
	return STATUS_OK;
}

enum status zone_parse(struct span text, int64_t *out_ms)
{
	unsigned hours, minutes = 0;
	const uint8_t *at = text.data;
	if (span_equal(text, span_of_string("Z")) || span_equal(text, span_of_string("UTC"))) {
		*out_ms = 0;
		return STATUS_OK;
	}
	bool colon = text.size == 6 && at[3] == ':';
	if ((text.size != 3 && text.size != 5 && !colon) || (at[0] != '+' && at[0] != '-') ||
	    !digits_at(at + 1, 2, &hours) || (text.size > 3 && !digits_at(at + 3 + colon, 2, &minutes)) || hours > 14 ||
	    minutes > 59)
		return STATUS_MALFORMED;
	int64_t ms = hours * MS_PER_HOUR + minutes * MS_PER_MINUTE;
	*out_ms = at[0] == '-' ? -ms : ms;
	return STATUS_OK;
}
