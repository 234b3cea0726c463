#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/series/block_items.h"
#include "engine/series/block_layout.h"
#include "engine/series/run_column.h"

/* The reports turned into columns, and room for residuals: four alternatives at most are compared. */
struct encoder {
	const struct report *reports;
	size_t count;
	struct block_summary summary;
	int64_t time[INT_COLUMN_ROOM];
	int32_t lat_e7[INT_COLUMN_ROOM], lon_e7[INT_COLUMN_ROOM];
	uint32_t lat[INT_COLUMN_ROOM], lon[INT_COLUMN_ROOM]; /* in units */
	uint16_t speed[INT_COLUMN_ROOM], course[INT_COLUMN_ROOM];
	int16_t altitude[INT_COLUMN_ROOM];
	uint32_t alarm[INT_COLUMN_ROOM], status[INT_COLUMN_ROOM], mileage[INT_COLUMN_ROOM];
	uint32_t flags[INT_COLUMN_ROOM], body[INT_COLUMN_ROOM]; /* flags: beyond those that follow from status */
	uint32_t words[INT_COLUMN_ROOM];
	uint32_t residuals[4][INT_COLUMN_ROOM];
	struct reckoning reckoning;
};

static uint32_t residual(uint32_t value, uint32_t expected)
{
	return zigzag32((int32_t)(value - expected));
}

enum status block_put_column(const uint32_t *values, size_t count, struct buf *out)
{
	enum status status = buf_reserve(out, INT_COLUMN_BYTES_MAX);
	if (!status)
		out->size += int_column_encode(values, count, out->data + out->size);
	return status;
}

/* The varint of a size is known only behind what it measures: 3 bytes are left for it and closed up. */
#define SIZE_ROOM 3

static enum status close_sized(size_t at, struct buf *out)
{
	uint8_t size[10];
	size_t length = out->size - at - SIZE_ROOM, n = varint_store(size, length);
	if (n > SIZE_ROOM)
		return STATUS_FULL;
	memcpy(out->data + at, size, n);
	memmove(out->data + at + n, out->data + at + SIZE_ROOM, length);
	out->size = at + n + length;
	return STATUS_OK;
}

enum status block_put_sized_column(const uint32_t *values, size_t count, struct buf *out)
{
	size_t at = out->size;
	enum status status = buf_append(out, (uint8_t[SIZE_ROOM]){0}, SIZE_ROOM);
	if (!status)
		status = block_put_column(values, count, out);
	return status ? status : close_sized(at, out);
}

enum status block_put_sized_runs(const uint32_t *values, size_t count, struct buf *out)
{
	size_t at = out->size;
	enum status status = buf_append(out, (uint8_t[SIZE_ROOM]){0}, SIZE_ROOM);
	if (!status)
		status = run_column_encode(values, count, out);
	return status ? status : close_sized(at, out);
}

unsigned block_cheapest(const uint32_t (*residuals)[INT_COLUMN_ROOM], unsigned alternatives, size_t count)
{
	unsigned best = 0;
	size_t best_cost = SIZE_MAX;
	for (unsigned a = 0; a < alternatives; a++) {
		size_t cost = int_column_cost(residuals[a], count);
		if (cost < best_cost) {
			best_cost = cost;
			best = a;
		}
	}
	return best;
}

/* --- time --- */

/* A value that more than half of the steps have, if there is one (Boyer and Moore 1981). */
static uint32_t usual_step(const uint32_t *steps, size_t count)
{
	uint32_t candidate = 0;
	size_t votes = 0;
	for (size_t i = 1; i < count; i++) {
		if (votes == 0)
			candidate = steps[i];
		votes += steps[i] == candidate ? 1 : (size_t)-1;
	}
	return candidate;
}

/* Fills `steps` in seconds if that loses nothing, else in milliseconds. */
static bool time_steps(const struct encoder *e, uint32_t *steps)
{
	uint32_t rest = 0;
	steps[0] = 0;
	for (size_t i = 1; i < e->count; i++) {
		uint32_t ms = (uint32_t)(e->time[i] - e->time[i - 1]);
		steps[i] = ms / 1000;
		rest |= ms % 1000;
	}
	for (size_t i = 1; i < e->count && rest; i++)
		steps[i] = (uint32_t)(e->time[i] - e->time[i - 1]);
	return rest == 0;
}

static enum status put_time(struct encoder *e, struct buf *out)
{
	uint32_t *steps = e->words;
	bool seconds = time_steps(e, steps);
	uint32_t interval[2] = {usual_step(steps, e->count), e->count > 1 ? steps[1] : 0};
	e->residuals[0][0] = e->residuals[1][0] = 0;
	for (size_t i = 1; i < e->count; i++) {
		e->residuals[0][i] = residual(steps[i], interval[0]);
		e->residuals[1][i] = residual(steps[i], i > 1 ? steps[i - 1] : interval[1]);
	}
	unsigned best = block_cheapest(e->residuals, 2, e->count);
	uint8_t mode = (seconds ? BLOCK_TIME_SECONDS : 0) | (best ? BLOCK_TIME_SECOND_DIFFERENCES : 0);
	enum status status = buf_append_u8(out, mode);
	if (!status)
		status = buf_append_varint(out, interval[best]);
	return status ? status : block_put_column(e->residuals[best], e->count, out);
}

/* --- receipt --- */

static enum status put_received_raw(struct encoder *e, struct buf *out)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < e->count && !status; i++) {
		uint8_t bytes[8];
		store_le64(bytes, (uint64_t)e->reports[i].received_ms);
		if (e->words[i])
			status = buf_append(out, bytes, sizeof bytes);
	}
	return status;
}

struct lags {
	int64_t first, least, most;
};

/* Lags of the reports whose receipt is known (words[i]); differences beyond 64 bits count as unbounded. */
static struct lags lags_of(const struct encoder *e)
{
	struct lags l = {0, INT64_MAX, INT64_MIN};
	for (size_t i = 0; i < e->count; i++) {
		int64_t lag;
		if (!e->words[i])
			continue;
		if (__builtin_sub_overflow(e->reports[i].received_ms, e->time[i], &lag))
			return (struct lags){0, INT64_MIN, INT64_MAX};
		if (l.least > l.most)
			l.first = lag;
		l.least = lag < l.least ? lag : l.least;
		l.most = lag > l.most ? lag : l.most;
	}
	return l;
}

static size_t received_residuals(struct encoder *e, struct lags l)
{
	size_t n = 0;
	int64_t lag_before = l.first, before = 0;
	for (size_t i = 0; i < e->count; i++) {
		if (!e->words[i])
			continue;
		int64_t received = e->reports[i].received_ms, lag = received - e->time[i];
		e->residuals[0][n] = (uint32_t)(lag - l.least);
		e->residuals[1][n] = zigzag32((int32_t)(lag - lag_before));
		e->residuals[2][n] = zigzag32((int32_t)(n ? received - before : 0));
		lag_before = lag;
		before = received;
		n++;
	}
	return n;
}

static enum status put_received(struct encoder *e, struct buf *out)
{
	size_t known = 0;
	for (size_t i = 0; i < e->count; i++)
		known += e->words[i] = e->reports[i].received_ms != RECEIVED_UNKNOWN;
	if (!known)
		return STATUS_OK;
	struct lags l = lags_of(e);
	uint64_t spread = (uint64_t)l.most - (uint64_t)l.least;
	bool raw = l.most < l.least || spread >= UINT64_C(1) << 29;
	unsigned best = 0;
	if (!raw) {
		size_t n = received_residuals(e, l);
		best = block_cheapest(e->residuals, 3, n);
	}
	enum status status = buf_append_u8(out, raw ? BLOCK_RECEIVED_RAW : (uint8_t)(BLOCK_RECEIVED_LAG + best));
	if (!status)
		status = block_put_sized_runs(e->words, e->count, out);
	if (status || raw)
		return status ? status : put_received_raw(e, out);
	status = buf_append_varint(out, zigzag64(best ? l.first : l.least));
	return status ? status : block_put_column(e->residuals[best], known, out);
}

/* --- speed, course --- */

static enum status put_speed(struct encoder *e, struct buf *out)
{
	e->residuals[0][0] = 0;
	for (size_t i = 1; i < e->count; i++)
		e->residuals[0][i] = residual(e->speed[i], e->speed[i - 1]);
	enum status status = buf_append_varint(out, e->speed[0]);
	return status ? status : block_put_column(e->residuals[0], e->count, out);
}

static enum status put_course(struct encoder *e, struct buf *out)
{
	bool circle = true;
	for (size_t i = 0; i < e->count; i++)
		circle &= e->course[i] < 360;
	e->residuals[0][0] = 0;
	for (size_t i = 1; i < e->count; i++) {
		int32_t turn = e->course[i] - e->course[i - 1];
		if (circle)
			turn += turn < -180 ? 360 : turn >= 180 ? -360 : 0;
		e->residuals[0][i] = zigzag32(turn);
	}
	enum status status = buf_append_u8(out, circle);
	if (!status)
		status = buf_append_varint(out, e->course[0]);
	return status ? status : block_put_column(e->residuals[0], e->count, out);
}

/* --- position --- */

static inline __attribute__((always_inline)) bool all_divide(const struct encoder *e, int32_t unit)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->lat_e7[i] % unit || e->lon_e7[i] % unit)
			return false;
	return true;
}

static inline __attribute__((always_inline)) unsigned divide_by(struct encoder *e, int32_t unit)
{
	for (size_t i = 0; i < e->count; i++) {
		e->lat[i] = (uint32_t)(e->lat_e7[i] / unit);
		e->lon[i] = (uint32_t)(e->lon_e7[i] / unit);
	}
	return 0;
}

/* Fills `lat` and `lon` in the coarsest unit that loses nothing; its exponent. Constants, so that nothing divides. */
static unsigned scale_positions(struct encoder *e)
{
	if (!all_divide(e, 10))
		return divide_by(e, 1);
	if (!all_divide(e, 100))
		return 1 + divide_by(e, 10);
	if (!all_divide(e, 1000))
		return 2 + divide_by(e, 100);
	return 3 + divide_by(e, 1000);
}

static void staying_residuals(const struct encoder *e, uint32_t *lat, uint32_t *lon)
{
	lat[0] = lon[0] = 0;
	for (size_t i = 1; i < e->count; i++) {
		lat[i] = residual(e->lat[i], e->lat[i - 1]);
		lon[i] = residual(e->lon[i], e->lon[i - 1]);
	}
}

static void reckoned_residuals(struct encoder *e, uint32_t unit, uint32_t *lat, uint32_t *lon)
{
	reckon(series_kernels_best(), e->time, -1, e->speed, e->course, e->count, e->lat_e7[0], unit, &e->reckoning);
	lat[0] = lon[0] = 0;
	for (size_t i = 1; i < e->count; i++) {
		lat[i] = residual(e->lat[i], e->lat[i - 1] + (uint32_t)e->reckoning.north[i]);
		lon[i] = residual(e->lon[i], e->lon[i - 1] + (uint32_t)e->reckoning.east[i]);
	}
}

static bool ever_moves(const struct encoder *e)
{
	bool moves = false;
	for (size_t i = 0; i < e->count; i++)
		moves |= e->speed[i] != 0 && e->speed[i] <= RECKON_SPEED_MAX;
	return moves;
}

/* Index of the first of the two residual arrays of the better prediction: 0 staying, 2 reckoned. */
static unsigned choose_prediction(struct encoder *e, uint32_t unit)
{
	uint32_t(*r)[INT_COLUMN_ROOM] = e->residuals;
	staying_residuals(e, r[0], r[1]);
	if (!ever_moves(e))
		return 0;
	reckoned_residuals(e, unit, r[2], r[3]);
	size_t staying = int_column_cost(r[0], e->count) + int_column_cost(r[1], e->count);
	size_t reckoned = int_column_cost(r[2], e->count) + int_column_cost(r[3], e->count);
	return reckoned < staying ? 2 : 0;
}

static enum status put_position(struct encoder *e, struct buf *out)
{
	unsigned exponent = scale_positions(e);
	unsigned best = choose_prediction(e, block_units[exponent]);
	uint8_t mode = (uint8_t)((best ? BLOCK_POSITION_RECKONED : 0) | exponent << 4);
	uint32_t lat = residual((uint32_t)e->lat_e7[0], (uint32_t)e->summary.lat_min_e7);
	uint32_t lon = residual((uint32_t)e->lon_e7[0], (uint32_t)e->summary.lon_min_e7);
	enum status status = buf_append_u8(out, mode);
	if (!status)
		status = buf_append_varint(out, lat);
	if (!status)
		status = buf_append_varint(out, lon);
	if (!status)
		status = block_put_sized_column(e->residuals[best], e->count, out);
	return status ? status : block_put_column(e->residuals[best + 1], e->count, out);
}

/* --- altitude, mileage --- */

/* The means of all choices side by side: each waits for its own last step only. */
static void altitude_residuals(const struct encoder *e, uint32_t (*out)[INT_COLUMN_ROOM])
{
	int32_t mean16[BLOCK_ALTITUDE_CHOICES];
	for (unsigned c = 0; c < BLOCK_ALTITUDE_CHOICES; c++) {
		mean16[c] = e->altitude[0] * 16;
		out[c][0] = 0;
	}
	for (size_t i = 1; i < e->count; i++) {
		const int32_t altitude = e->altitude[i];
		const unsigned parked = e->speed[i] == 0;
#pragma GCC unroll 4
		for (unsigned c = 0; c < BLOCK_ALTITUDE_CHOICES; c++) {
			out[c][i] = zigzag32(altitude - block_altitude_expected(mean16[c]));
			mean16[c] = block_altitude_next(mean16[c], altitude, block_altitude_shifts[c][parked]);
		}
	}
}

static enum status put_altitude(struct encoder *e, struct buf *out)
{
	altitude_residuals(e, e->residuals);
	unsigned best = block_cheapest(e->residuals, BLOCK_ALTITUDE_CHOICES, e->count);
	enum status status = buf_append_u8(out, (uint8_t)best);
	if (!status)
		status = buf_append_varint(out, (uint16_t)e->altitude[0]);
	return status ? status : block_put_column(e->residuals[best], e->count, out);
}

static enum status put_mileage(struct encoder *e, struct buf *out)
{
	struct block_travel t = {e->mileage[0], 0};
	e->residuals[0][0] = e->residuals[1][0] = 0;
	for (size_t i = 1; i < e->count; i++) {
		uint32_t shown = e->mileage[i];
		uint32_t step = block_travel_step(e->speed[i - 1], e->speed[i], e->time[i] - e->time[i - 1]);
		e->residuals[0][i] = residual(shown, t.mileage_hm);
		uint32_t expected = block_travel_next(&t, step);
		e->residuals[1][i] = residual(shown, expected);
		block_travel_correct(&t, expected, shown);
	}
	unsigned best = block_cheapest(e->residuals, 2, e->count);
	enum status status = buf_append_u8(out, (uint8_t)best);
	if (!status)
		status = buf_append_varint(out, e->mileage[0]);
	return status ? status : block_put_column(e->residuals[best], e->count, out);
}

/* --- words --- */

static enum status put_alarm(struct encoder *e, struct buf *out)
{
	return run_column_encode(e->alarm, e->count, out);
}

static enum status put_status(struct encoder *e, struct buf *out)
{
	return run_column_encode(e->status, e->count, out);
}

static enum status put_flags(struct encoder *e, struct buf *out)
{
	enum status status = block_put_sized_runs(e->flags, e->count, out);
	return status ? status : run_column_encode(e->body, e->count, out);
}

static enum status put_items(struct encoder *e, struct buf *out)
{
	return block_items_encode(e->reports, e->count, out);
}

/* --- the whole --- */

static enum status (*const put_section[BLOCK_PART_COUNT])(struct encoder *e, struct buf *out) = {
	[BLOCK_PART_TIME] = put_time,   [BLOCK_PART_RECEIVED] = put_received, [BLOCK_PART_POSITION] = put_position,
	[BLOCK_PART_SPEED] = put_speed, [BLOCK_PART_COURSE] = put_course,     [BLOCK_PART_ALTITUDE] = put_altitude,
	[BLOCK_PART_ALARM] = put_alarm, [BLOCK_PART_STATUS] = put_status,     [BLOCK_PART_MILEAGE] = put_mileage,
	[BLOCK_PART_FLAGS] = put_flags, [BLOCK_PART_ITEMS] = put_items,
};

static bool is_storable(const struct report *r)
{
	return r->time_ms >= -BLOCK_TIME_MAX_MS && r->time_ms <= BLOCK_TIME_MAX_MS && report_is_whole(r);
}

static enum status check_input(const struct report *reports, size_t count)
{
	if (count == 0)
		return STATUS_EMPTY;
	if (count > BLOCK_REPORTS_MAX)
		return STATUS_INVALID;
	for (size_t i = 0; i < count; i++)
		if (!is_storable(&reports[i]) || (i && report_compare(&reports[i - 1], &reports[i]) >= 0))
			return STATUS_INVALID;
	return reports[count - 1].time_ms - reports[0].time_ms > BLOCK_SPAN_MAX_MS ? STATUS_INVALID : STATUS_OK;
}

static void encoder_init(struct encoder *e, const struct report *reports, size_t count)
{
	e->reports = reports;
	e->count = count;
	for (size_t i = 0; i < count; i++) {
		const struct report *r = &reports[i];
		e->time[i] = r->time_ms;
		e->lat_e7[i] = r->lat_e7;
		e->lon_e7[i] = r->lon_e7;
		e->speed[i] = r->speed_dkmh;
		e->course[i] = r->course_deg;
		e->altitude[i] = r->altitude_m;
		e->alarm[i] = r->alarm;
		e->status[i] = r->status;
		e->mileage[i] = r->mileage_hm;
		e->flags[i] = r->flags ^ report_flags_of_status(r->status);
		e->body[i] = r->body;
	}
	/* the kernels read whole vectors */
	memset(e->speed + count, 0, INT_COLUMN_FRAME * sizeof *e->speed);
	memset(e->course + count, 0, INT_COLUMN_FRAME * sizeof *e->course);
	block_summary_of(reports, count, &e->summary);
}

/* Sections behind room for a header, then the header, then the sections moved up to it. */
static enum status encode(struct encoder *e, struct buf *out)
{
	size_t start = out->size, sizes[BLOCK_PART_COUNT] = {0};
	enum status status = buf_reserve(out, BLOCK_HEADER_MAX);
	if (status)
		return status;
	out->size += BLOCK_HEADER_MAX;
	for (int part = BLOCK_PART_TIME; part < BLOCK_PART_COUNT; part++) {
		size_t at = out->size;
		status = put_section[part](e, out);
		if (status)
			return status;
		sizes[part] = out->size - at;
	}
	size_t end = out->size;
	out->size = start;
	status = block_summary_encode(&e->summary, out);
	for (int part = BLOCK_PART_TIME; part < BLOCK_PART_COUNT && !status; part++)
		status = buf_append_varint(out, sizes[part]);
	if (status)
		return status;
	size_t sections = start + BLOCK_HEADER_MAX;
	memmove(out->data + out->size, out->data + sections, end - sections);
	out->size += end - sections;
	if (out->size - start + BLOCK_CHECKSUM_BYTES > BLOCK_BYTES_MAX)
		return STATUS_FULL;
	uint8_t checksum[BLOCK_CHECKSUM_BYTES];
	store_le64(checksum, hash64(span_of(out->data + start, out->size - start)));
	return buf_append(out, checksum, sizeof checksum);
}

enum status block_encode(const struct report *reports, size_t count, struct buf *out)
{
	size_t size = out->size;
	enum status status = check_input(reports, count);
	if (status)
		return status;
	struct encoder e;
	encoder_init(&e, reports, count);
	status = encode(&e, out);
	if (status)
		out->size = size;
	return status;
}
