#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/series/block_items.h"
#include "engine/series/block_layout.h"
#include "engine/series/run_column.h"

const char *const block_part_names[BLOCK_PART_COUNT] = {
	[BLOCK_PART_HEADER] = "header",     [BLOCK_PART_TIME] = "time",   [BLOCK_PART_RECEIVED] = "received",
	[BLOCK_PART_POSITION] = "position", [BLOCK_PART_SPEED] = "speed", [BLOCK_PART_COURSE] = "course",
	[BLOCK_PART_ALTITUDE] = "altitude", [BLOCK_PART_ALARM] = "alarm", [BLOCK_PART_STATUS] = "status",
	[BLOCK_PART_MILEAGE] = "mileage",   [BLOCK_PART_FLAGS] = "flags", [BLOCK_PART_ITEMS] = "items",
};

struct span block_take_sized(struct cursor *c)
{
	uint64_t size = cursor_varint(c);
	return cursor_take(c, size > SIZE_MAX ? SIZE_MAX : (size_t)size);
}

/* --- the frame of a block --- */

enum status block_open(struct span block, struct block_view *out)
{
	struct block_view v;
	uint64_t sizes[BLOCK_PART_COUNT];
	if (block.size < 1 + BLOCK_CHECKSUM_BYTES)
		return STATUS_CORRUPT;
	if (block.data[0] != BLOCK_VERSION)
		return STATUS_BAD_VERSION;
	struct cursor c = cursor_of(span_of(block.data + 1, block.size - 1 - BLOCK_CHECKSUM_BYTES));
	enum status status = block_summary_take(&c, &v.summary);
	if (status)
		return status;
	for (int part = BLOCK_PART_TIME; part < BLOCK_PART_COUNT; part++)
		sizes[part] = cursor_varint(&c);
	v.sections[BLOCK_PART_HEADER] = span_of(block.data, (size_t)(c.at - block.data));
	for (int part = BLOCK_PART_TIME; part < BLOCK_PART_COUNT; part++)
		v.sections[part] = cursor_take(&c, sizes[part]);
	if (c.failed || cursor_left(&c))
		return STATUS_CORRUPT;
	*out = v;
	return STATUS_OK;
}

enum status block_summarise(struct span block, struct block_summary *out)
{
	struct block_view v;
	enum status status = block_open(block, &v);
	if (!status)
		*out = v.summary;
	return status;
}

enum status block_parts(struct span block, size_t bytes[BLOCK_PART_COUNT])
{
	struct block_view v;
	enum status status = block_open(block, &v);
	if (status)
		return status;
	for (int part = 0; part < BLOCK_PART_COUNT; part++)
		bytes[part] = v.sections[part].size;
	bytes[BLOCK_PART_HEADER] += BLOCK_CHECKSUM_BYTES;
	return STATUS_OK;
}

/* --- columns ---
 *
 * A column may need others: position needs time, speed and course; altitude speed; mileage time and speed; received
 * time; flags status. */

struct decoder {
	const struct block_view *view;
	const struct series_kernels *kernels;
	size_t count;
	int64_t even_ms;                            /* between any two neighbours, -1 when it varies */
	int64_t longest_ms;                         /* of them */
	int64_t *time, own_time[BLOCK_REPORTS_MAX]; /* the caller's room, or our own */
	uint16_t speed[INT_COLUMN_ROOM], course[INT_COLUMN_ROOM];
	uint32_t words[INT_COLUMN_ROOM], more[INT_COLUMN_ROOM];
	struct reckoning reckoning;
};

static enum status take_rest(struct decoder *d, struct cursor *c, uint32_t *out)
{
	if (c->failed)
		return STATUS_CORRUPT;
	return int_column_decode(d->kernels, cursor_take(c, cursor_left(c)), d->count, out);
}

static struct cursor section(const struct decoder *d, enum block_part part)
{
	return cursor_of(d->view->sections[part]);
}

/* Every step is the interval: no column to read. */
static enum status decode_even_time(struct decoder *d, int64_t step_ms)
{
	int64_t at = d->view->summary.time_first_ms;
	if (step_ms > BLOCK_SPAN_MAX_MS)
		return STATUS_CORRUPT;
	for (size_t i = 0; i < d->count; i++, at += step_ms)
		d->time[i] = at;
	d->even_ms = step_ms;
	d->longest_ms = d->count > 1 ? step_ms : 0;
	return STATUS_OK;
}

/* Units since the first report: 32 bits hold them in every honest block. */
static enum status decode_uneven_time(struct decoder *d, struct cursor *c, uint8_t mode, uint32_t interval)
{
	uint32_t *sums = d->words, passed = 0;
	int64_t unit = mode & BLOCK_TIME_SECONDS ? MS_PER_SECOND : 1, first = d->view->summary.time_first_ms;
	enum status status = take_rest(d, c, sums);
	if (status)
		return status;
	d->kernels->sum(sums, d->count, 0);
	d->time[0] = first;
	d->longest_ms = 0;
	for (size_t i = 1; i < d->count; i++) {
		passed = mode & BLOCK_TIME_SECOND_DIFFERENCES ? passed + interval + sums[i]
							      : (uint32_t)i * interval + sums[i];
		d->time[i] = first + (int64_t)passed * unit;
		int64_t step_ms = d->time[i] - d->time[i - 1];
		d->longest_ms = step_ms > d->longest_ms ? step_ms : d->longest_ms;
	}
	d->even_ms = -1;
	return STATUS_OK;
}

static enum status decode_time(struct decoder *d)
{
	struct cursor c = section(d, BLOCK_PART_TIME);
	uint8_t mode = cursor_u8(&c);
	uint32_t interval = (uint32_t)cursor_varint(&c);
	if (c.failed || mode > (BLOCK_TIME_SECONDS | BLOCK_TIME_SECOND_DIFFERENCES))
		return STATUS_CORRUPT;
	enum status status =
		cursor_left(&c)
			? decode_uneven_time(d, &c, mode, interval)
			: decode_even_time(d, (int64_t)interval * (mode & BLOCK_TIME_SECONDS ? MS_PER_SECOND : 1));
	if (status)
		return status;
	return d->time[d->count - 1] == d->view->summary.time_last_ms ? STATUS_OK : STATUS_CORRUPT;
}

static enum status decode_speed(struct decoder *d)
{
	struct cursor c = section(d, BLOCK_PART_SPEED);
	uint32_t first = (uint32_t)cursor_varint(&c);
	enum status status = take_rest(d, &c, d->words);
	if (status)
		return status;
	d->kernels->sum(d->words, d->count, first);
	d->kernels->narrow(d->words, d->count, d->speed);
	return STATUS_OK;
}

static enum status decode_course(struct decoder *d)
{
	struct cursor c = section(d, BLOCK_PART_COURSE);
	uint8_t circle = cursor_u8(&c);
	uint32_t first = (uint32_t)cursor_varint(&c);
	if (circle > 1)
		return STATUS_CORRUPT;
	enum status status = take_rest(d, &c, d->words);
	if (status)
		return status;
	/* turns stay within 180 degrees a report: from so many whole circles no sum goes below 0 */
	d->kernels->sum(d->words, d->count, first + (circle ? 360u * BLOCK_REPORTS_MAX : 0));
	if (circle && d->kernels->circle(d->words, d->count) >> 20)
		return STATUS_CORRUPT;
	d->kernels->narrow(d->words, d->count, d->course);
	return STATUS_OK;
}

static enum status decode_position(struct decoder *d, int32_t *lat_e7, int32_t *lon_e7)
{
	struct cursor c = section(d, BLOCK_PART_POSITION);
	uint8_t mode = cursor_u8(&c);
	unsigned exponent = mode >> 4;
	if ((mode & 15) > BLOCK_POSITION_RECKONED || exponent >= BLOCK_UNITS)
		return STATUS_CORRUPT;
	int32_t unit = (int32_t)block_units[exponent];
	uint32_t lat = (uint32_t)d->view->summary.lat_min_e7 + (uint32_t)unzigzag32((uint32_t)cursor_varint(&c));
	uint32_t lon = (uint32_t)d->view->summary.lon_min_e7 + (uint32_t)unzigzag32((uint32_t)cursor_varint(&c));
	struct span lats = block_take_sized(&c);
	enum status status = c.failed ? STATUS_CORRUPT : int_column_decode(d->kernels, lats, d->count, d->words);
	if (!status)
		status = take_rest(d, &c, d->more);
	if (status)
		return status;
	if (mode & BLOCK_POSITION_RECKONED)
		reckon(d->kernels, d->time, d->even_ms, d->speed, d->course, d->count, (int32_t)lat, (uint32_t)unit,
		       &d->reckoning);
	else
		memset(&d->reckoning, 0, sizeof d->reckoning);
	d->kernels->sum_steps(d->words, d->reckoning.north, d->count, (uint32_t)((int32_t)lat / unit), (uint32_t)unit,
			      lat_e7);
	d->kernels->sum_steps(d->more, d->reckoning.east, d->count, (uint32_t)((int32_t)lon / unit), (uint32_t)unit,
			      lon_e7);
	return STATUS_OK;
}

static enum status decode_altitude(struct decoder *d, int16_t *out)
{
	struct cursor c = section(d, BLOCK_PART_ALTITUDE);
	unsigned choice = cursor_u8(&c);
	int16_t altitude = (int16_t)cursor_varint(&c);
	if (choice >= BLOCK_ALTITUDE_CHOICES)
		return STATUS_CORRUPT;
	enum status status = take_rest(d, &c, d->words);
	if (status)
		return status;
	int32_t mean16 = altitude * 16;
	out[0] = altitude;
	for (size_t i = 1; i < d->count; i++) {
		altitude = (int16_t)((uint32_t)block_altitude_expected(mean16) + (uint32_t)unzigzag32(d->words[i]));
		mean16 = block_altitude_next(mean16, altitude, block_altitude_shift(choice, d->speed[i]));
		out[i] = altitude;
	}
	return STATUS_OK;
}

static enum status decode_mileage(struct decoder *d, uint32_t *out)
{
	struct cursor c = section(d, BLOCK_PART_MILEAGE);
	uint8_t travelled = cursor_u8(&c);
	struct block_travel t = {(uint32_t)cursor_varint(&c), 0};
	if (travelled > 1)
		return STATUS_CORRUPT;
	enum status status = take_rest(d, &c, d->words);
	if (status)
		return status;
	out[0] = t.mileage_hm;
	for (size_t i = 1; i < d->count; i++) {
		uint32_t step = 0;
		if (travelled)
			step = block_travel_step(d->speed[i - 1], d->speed[i], d->time[i] - d->time[i - 1]);
		uint32_t expected = block_travel_next(&t, step);
		out[i] = expected + (uint32_t)unzigzag32(d->words[i]);
		block_travel_correct(&t, expected, out[i]);
	}
	return STATUS_OK;
}

/* --- receipt --- */

static enum status decode_received_raw(struct decoder *d, struct cursor *c, int64_t *out)
{
	for (size_t i = 0; i < d->count; i++)
		out[i] = d->more[i] ? (int64_t)cursor_le64(c) : RECEIVED_UNKNOWN;
	return c->failed || cursor_left(c) ? STATUS_CORRUPT : STATUS_OK;
}

/* Sums wrap: what an honest block holds does not, and another's may hold anything. */
static void sum_received(const struct decoder *d, uint8_t mode, uint64_t first, int64_t *out)
{
	const uint32_t *values = d->words;
	uint64_t lag = first, received = 0;
	bool begun = false;
	for (size_t i = 0; i < d->count; i++) {
		if (!d->more[i]) {
			out[i] = RECEIVED_UNKNOWN;
			continue;
		}
		uint32_t value = *values++;
		uint64_t time = (uint64_t)d->time[i], change = (uint64_t)(int64_t)unzigzag32(value);
		if (mode == BLOCK_RECEIVED_LAG)
			received = time + first + value;
		else if (mode == BLOCK_RECEIVED_LAG_STEP)
			received = time + (lag += change);
		else
			received = (begun ? received : time + first) + change;
		begun = true;
		out[i] = (int64_t)received;
	}
}

static enum status decode_received(struct decoder *d, int64_t *out)
{
	struct cursor c = section(d, BLOCK_PART_RECEIVED);
	if (cursor_left(&c) == 0) {
		for (size_t i = 0; i < d->count; i++)
			out[i] = RECEIVED_UNKNOWN;
		return STATUS_OK;
	}
	uint8_t mode = cursor_u8(&c);
	struct span runs = block_take_sized(&c);
	enum status status = c.failed ? STATUS_CORRUPT : run_column_decode(runs, d->count, d->more);
	if (status || mode < BLOCK_RECEIVED_LAG || mode > BLOCK_RECEIVED_RAW)
		return STATUS_CORRUPT;
	if (mode == BLOCK_RECEIVED_RAW)
		return decode_received_raw(d, &c, out);
	size_t known = 0;
	for (size_t i = 0; i < d->count; i++)
		known += d->more[i] != 0;
	uint64_t first = (uint64_t)unzigzag64(cursor_varint(&c));
	if (c.failed || known == 0)
		return STATUS_CORRUPT;
	status = int_column_decode(d->kernels, cursor_take(&c, cursor_left(&c)), known, d->words);
	if (!status)
		sum_received(d, mode, first, out);
	return status;
}

/* --- words --- */

static enum status decode_words(struct decoder *d, enum block_part part, uint32_t *out)
{
	return run_column_decode(d->view->sections[part], d->count, out);
}

static enum status decode_flags(struct decoder *d, const uint32_t *status_words, uint16_t *flags)
{
	struct cursor c = section(d, BLOCK_PART_FLAGS);
	struct span runs = block_take_sized(&c);
	const struct block_summary *b = &d->view->summary;
	uint32_t high = 0;
	/* mostly: every report has a fix, none the offset bit, and nothing else is flagged */
	if (!c.failed && !runs.size && !report_flags_of_status(b->status_or) &&
	    !report_flags_of_status(b->status_and)) {
		memset(flags, 0, d->count * sizeof *flags);
		return STATUS_OK;
	}
	enum status status = c.failed ? STATUS_CORRUPT : run_column_decode(runs, d->count, d->words);
	for (size_t i = 0; i < d->count && !status; i++) {
		high |= d->words[i];
		flags[i] = (uint16_t)d->words[i] ^ report_flags_of_status(status_words[i]);
	}
	return status || high <= UINT16_MAX ? status : STATUS_CORRUPT;
}

static enum status decode_body(struct decoder *d, uint16_t *body)
{
	struct cursor c = section(d, BLOCK_PART_FLAGS);
	block_take_sized(&c);
	enum status status = run_column_decode(cursor_take(&c, cursor_left(&c)), d->count, d->words);
	for (size_t i = 0; i < d->count && !status; i++) {
		if (d->words[i] > REPORT_BODY_ROW)
			return STATUS_CORRUPT;
		body[i] = (uint16_t)d->words[i];
	}
	return status;
}

/* --- what was asked for --- */

static enum status decode_prediction_columns(struct decoder *d, const struct block_columns *out)
{
	bool position = out->lat_e7 || out->lon_e7;
	enum status status = STATUS_OK;
	d->time = out->time_ms ? out->time_ms : d->own_time;
	if (out->time_ms || out->received_ms || out->mileage_hm || position)
		status = decode_time(d);
	if (!status && (out->speed_dkmh || out->altitude_m || out->mileage_hm || position))
		status = decode_speed(d);
	if (!status && (out->course_deg || position))
		status = decode_course(d);
	if (status)
		return status;
	if (out->speed_dkmh)
		memcpy(out->speed_dkmh, d->speed, d->count * sizeof *d->speed);
	if (out->course_deg)
		memcpy(out->course_deg, d->course, d->count * sizeof *d->course);
	return STATUS_OK;
}

static enum status decode_place(struct decoder *d, const struct block_columns *out)
{
	int32_t unwanted[BLOCK_REPORTS_MAX];
	if (!out->lat_e7 && !out->lon_e7)
		return STATUS_OK;
	return decode_position(d, out->lat_e7 ? out->lat_e7 : unwanted, out->lon_e7 ? out->lon_e7 : unwanted);
}

static enum status decode_status_and_flags(struct decoder *d, const struct block_columns *out, uint16_t *body)
{
	uint32_t own[BLOCK_REPORTS_MAX], *words = out->status ? out->status : own;
	if (!out->status && !out->flags)
		return STATUS_OK;
	enum status status = decode_words(d, BLOCK_PART_STATUS, words);
	if (!status && out->flags)
		status = decode_flags(d, words, out->flags);
	return status || !body ? status : decode_body(d, body);
}

static enum status decode_columns(struct decoder *d, struct block_columns *out, uint16_t *body)
{
	out->count = d->count;
	enum status status = decode_prediction_columns(d, out);
	out->longest_ms = d->longest_ms;
	if (!status)
		status = decode_place(d, out);
	if (!status && out->received_ms)
		status = decode_received(d, out->received_ms);
	if (!status && out->altitude_m)
		status = decode_altitude(d, out->altitude_m);
	if (!status && out->mileage_hm)
		status = decode_mileage(d, out->mileage_hm);
	if (!status && out->alarm)
		status = decode_words(d, BLOCK_PART_ALARM, out->alarm);
	return status ? status : decode_status_and_flags(d, out, body);
}

static void decoder_init(struct decoder *d, const struct block_view *v, const struct series_kernels *kernels)
{
	d->view = v;
	d->kernels = kernels;
	d->count = v->summary.count;
	d->longest_ms = 0;
	/* the kernels read whole vectors */
	memset(d->speed + d->count, 0, INT_COLUMN_FRAME * sizeof *d->speed);
	memset(d->course + d->count, 0, INT_COLUMN_FRAME * sizeof *d->course);
}

enum status block_all_columns(const struct block_view *v, struct block_columns *out, uint16_t *body)
{
	struct decoder d;
	decoder_init(&d, v, series_kernels_best());
	return decode_columns(&d, out, body);
}

enum status block_view_columns(const struct block_view *v, const struct series_kernels *kernels,
			       struct block_columns *out)
{
	struct decoder d;
	decoder_init(&d, v, kernels);
	return decode_columns(&d, out, NULL);
}

enum status block_columns(struct span block, struct block_columns *out)
{
	struct block_view v;
	enum status status = block_open(block, &v);
	return status ? status : block_view_columns(&v, series_kernels_best(), out);
}
