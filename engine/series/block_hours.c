#include "engine/core/clock.h"
#include "engine/series/block_layout.h"

#define ROW_VERSION_HOURS 2
/* Reports an hour has at least where hours are kept: six bytes an hour are then a fifth of a byte a report at most, and
 * 0.02 bytes of one that comes every ten seconds. */
#define HOUR_REPORTS_MIN 32

int64_t block_hour_of(int64_t time_ms)
{
	int64_t hour = time_ms / MS_PER_HOUR;
	return hour - (time_ms % MS_PER_HOUR < 0);
}

static void add_speeds(const uint16_t *speed_dkmh, size_t count, struct block_hour *hour)
{
	uint32_t known = 0, sum = 0;
	for (size_t i = 0; i < count; i++) {
		bool is_known = speed_dkmh[i] != SPEED_UNKNOWN;
		known += is_known;
		sum += is_known ? speed_dkmh[i] : 0;
	}
	hour->count += known;
	hour->sum_dkmh += sum;
}

/* The first of [from, count) that is not before `time_ms`, by halves. */
static size_t first_from(const int64_t *time, size_t from, size_t count, int64_t time_ms)
{
	while (from < count) {
		size_t middle = from + (count - from) / 2;
		if (time[middle] < time_ms)
			from = middle + 1;
		else
			count = middle;
	}
	return from;
}

static enum status add_columns(const struct block_columns *c, int64_t from_ms, int64_t to_ms, struct block_hours *out)
{
	for (size_t i = first_from(c->time_ms, 0, c->count, from_ms); i < c->count && c->time_ms[i] <= to_ms;) {
		int64_t hour = block_hour_of(c->time_ms[i]), end_ms = (hour + 1) * MS_PER_HOUR;
		if (hour < out->first || hour - out->first >= out->count)
			return STATUS_CORRUPT;
		if (end_ms > to_ms)
			end_ms = to_ms + 1; /* no later than the end of the hour */
		size_t next = first_from(c->time_ms, i + 1, c->count, end_ms);
		add_speeds(c->speed_dkmh + i, next - i, &out->hours[hour - out->first]);
		i = next;
	}
	return STATUS_OK;
}

/* The hours a block touches, empty. */
static void hours_begin(const struct block_summary *s, struct block_hours *out)
{
	out->first = block_hour_of(s->time_first_ms);
	out->count = (uint32_t)(block_hour_of(s->time_last_ms) - out->first + 1);
	memset(out->hours, 0, out->count * sizeof *out->hours);
}

enum status block_hours(struct span block, int64_t from_ms, int64_t to_ms, struct block_hours *out)
{
	int64_t time[BLOCK_REPORTS_MAX];
	uint16_t speed[BLOCK_REPORTS_MAX];
	struct block_columns c = {.time_ms = time, .speed_dkmh = speed};
	struct block_summary summary;
	enum status status = block_summarise(block, &summary);
	if (!status)
		status = block_columns(block, &c);
	if (status)
		return status;
	hours_begin(&summary, out);
	return add_columns(&c, from_ms, to_ms, out);
}

/* --- rows --- */

static enum status put_hours(const struct block_hours *h, struct buf *out)
{
	enum status status = STATUS_OK;
	for (uint32_t i = 0; i < h->count && !status; i++) {
		status = buf_append_varint(out, h->hours[i].count);
		if (!status)
			status = buf_append_varint(out, h->hours[i].sum_dkmh);
	}
	return status;
}

enum status block_row_encode(const struct block_summary *s, struct span block, struct buf *out)
{
	struct block_hours h;
	size_t size = out->size;
	hours_begin(s, &h);
	enum status status = block_summary_encode(s, out);
	if (status || h.count * HOUR_REPORTS_MIN > s->count || block_hours(block, INT64_MIN, INT64_MAX, &h))
		return status;
	out->data[size] = ROW_VERSION_HOURS;
	status = put_hours(&h, out);
	if (status)
		out->size = size;
	return status;
}

static enum status take_hours(struct cursor *c, const struct block_summary *s, struct block_hours *out)
{
	hours_begin(s, out);
	for (uint32_t i = 0; i < out->count; i++) {
		uint64_t count = cursor_varint(c), sum = cursor_varint(c);
		if (c->failed || count > s->count || sum > count * SPEED_UNKNOWN)
			return STATUS_CORRUPT;
		out->hours[i] = (struct block_hour){(uint32_t)count, (uint32_t)sum};
	}
	return STATUS_OK;
}

enum status block_row_decode(struct span row, struct block_summary *out, struct block_hours *hours)
{
	struct cursor c = cursor_of(row);
	struct block_summary s;
	uint8_t version = cursor_u8(&c);
	if (c.failed)
		return STATUS_CORRUPT;
	if (version != BLOCK_VERSION && version != ROW_VERSION_HOURS)
		return STATUS_BAD_VERSION;
	enum status status = block_summary_take(&c, &s);
	hours->count = 0;
	if (!status && version == ROW_VERSION_HOURS)
		status = take_hours(&c, &s, hours);
	if (status || cursor_left(&c))
		return STATUS_CORRUPT;
	*out = s;
	return STATUS_OK;
}
