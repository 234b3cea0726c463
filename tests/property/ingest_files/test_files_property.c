#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ingest/files/number_fast.h"
#include "ingest/files/tracks_csv.h"

/* ZAYTON_SEED repeats a run. */
static uint64_t seed_of_run(void)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
	printf("seed %" PRIu64 "\n", seed);
	return seed ? seed : 1;
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du;
}

static uint64_t below(uint64_t *state, uint64_t bound)
{
	return next(state) % bound;
}

/* A value of 0..18 decimal digits, small ones as likely as large ones. */
static int64_t some_value(uint64_t *state)
{
	uint64_t bound = 1;
	for (uint64_t digits = below(state, 18); digits; digits--)
		bound *= 10;
	int64_t v = (int64_t)below(state, bound);
	return below(state, 2) ? -v : v;
}

static size_t print_fixed(char *out, size_t size, int64_t v, int decimals)
{
	uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v, scale = 1;
	for (int i = 0; i < decimals; i++)
		scale *= 10;
	if (!decimals)
		return (size_t)snprintf(out, size, "%s%" PRIu64, v < 0 ? "-" : "", magnitude);
	return (size_t)snprintf(out, size, "%s%" PRIu64 ".%0*" PRIu64, v < 0 ? "-" : "", magnitude / scale, decimals,
				magnitude % scale);
}

static void parse_both(const char *text, size_t size, struct number_unit unit, enum status *status, int64_t *out)
{
	char padded[NUMBER_PAD + 64];
	struct number_scale scale = number_scale_of(unit);
	int64_t fast = 0;
	memset(padded, '9', NUMBER_PAD);
	memcpy(padded + NUMBER_PAD, text, size);
	*status = number_fixed(span_of(text, size), unit, out);
	enum status other = number_scaled(span_of(padded + NUMBER_PAD, size), &scale, &fast);
	cr_assert(other == *status, "%.*s: %s, %s", (int)size, text, status_name(*status), status_name(other));
	if (!other)
		cr_assert(fast == *out, "%.*s: %" PRId64 ", %" PRId64, (int)size, text, *out, fast);
}

Test(number_property, a_printed_value_is_read_back_exactly)
{
	uint64_t state = seed_of_run();
	for (int i = 0; i < 200000; i++) {
		char text[64];
		int decimals = (int)below(&state, 10);
		int64_t v = some_value(&state), got = 0;
		enum status status;
		size_t size = print_fixed(text, sizeof text, v, decimals);
		parse_both(text, size, (struct number_unit){1, (int8_t)decimals}, &status, &got);
		cr_assert(status == STATUS_OK, "%s: %s", text, status_name(status));
		cr_assert(got == v, "%s gave %" PRId64, text, got);
	}
}

/* v * factor / 10^drop, by division alone */
static int64_t rounded(int64_t v, unsigned factor, int drop)
{
	__int128 product = (__int128)v * factor, divisor = 1;
	for (int i = 0; i < drop; i++)
		divisor *= 10;
	__int128 magnitude = product < 0 ? -product : product;
	int64_t whole = (int64_t)(magnitude / divisor), rest = magnitude % divisor * 2 >= divisor;
	return v < 0 ? -(whole + rest) : whole + rest;
}

Test(number_property, what_is_finer_than_the_unit_is_rounded_to_the_nearest)
{
	uint64_t state = seed_of_run();
	static const unsigned factors[] = {1, 36, 1852};
	for (int i = 0; i < 200000; i++) {
		char text[64];
		int decimals = (int)below(&state, 12), keep = (int)below(&state, (uint64_t)decimals + 1);
		unsigned factor = factors[below(&state, 3)];
		int64_t v = some_value(&state) / 10000, got = 0;
		enum status status;
		size_t size = print_fixed(text, sizeof text, v, decimals);
		parse_both(text, size, (struct number_unit){(uint16_t)factor, (int8_t)keep}, &status, &got);
		cr_assert(status == STATUS_OK, "%s: %s", text, status_name(status));
		cr_assert(got == rounded(v, factor, decimals - keep), "%s * %u gave %" PRId64, text, factor, got);
	}
}

Test(number_property, the_fast_way_reads_any_text_as_the_slow_one_does)
{
	uint64_t state = seed_of_run();
	static const char alphabet[] = "0123456789012345678901234567890123456789..--+e Ex/:";
	for (int i = 0; i < 500000; i++) {
		char text[24];
		size_t size = 1 + below(&state, sizeof text - 1);
		enum status status;
		int64_t got;
		for (size_t j = 0; j < size; j++)
			text[j] = alphabet[below(&state, sizeof alphabet - 1)];
		parse_both(text, size, (struct number_unit){1, (int8_t)below(&state, 8)}, &status, &got);
	}
}

/* --- a file of random rows, read in pieces of random sizes --- */

#define FIELDS 5
#define ROWS 400

struct table {
	char cells[ROWS][FIELDS][80];
	size_t sizes[ROWS][FIELDS];
};

struct pieces {
	const char *data;
	size_t size, at;
	uint64_t state;
	bool whole;
};

static ssize_t read_pieces(void *context, void *into, size_t size)
{
	struct pieces *p = context;
	size_t left = p->size - p->at, n = p->whole ? size : 1 + below(&p->state, below(&p->state, 8) ? 200 : 30000);
	n = n < size ? n : size;
	n = n < left ? n : left;
	memcpy(into, p->data + p->at, n);
	p->at += n;
	return (ssize_t)n;
}

static size_t print_cell(char *out, const char *cell, size_t size, bool quoted)
{
	size_t n = 0;
	if (!quoted) {
		memcpy(out, cell, size);
		return size;
	}
	out[n++] = '"';
	for (size_t i = 0; i < size; i++) {
		if (cell[i] == '"')
			out[n++] = '"';
		out[n++] = cell[i];
	}
	out[n++] = '"';
	return n;
}

static char *print_table(struct table *t, uint64_t *state, size_t *out_size, unsigned quoted_in)
{
	static const char plain[] = "0123456789.-abcdefgh", any[] = "01,\"\n\r;x";
	char *data = malloc((size_t)ROWS * FIELDS * 200);
	size_t n = 0;
	for (int row = 0; row < ROWS; row++) {
		for (int field = 0; field < FIELDS; field++) {
			bool quoted = below(state, quoted_in) == 0;
			size_t size = below(state, sizeof t->cells[0][0]);
			size += field == 0 && size == 0; /* no row is blank */
			for (size_t i = 0; i < size; i++)
				t->cells[row][field][i] = quoted ? any[below(state, sizeof any - 1)]
								 : plain[below(state, sizeof plain - 1)];
			t->sizes[row][field] = size;
			n += print_cell(data + n, t->cells[row][field], size, quoted);
			if (field < FIELDS - 1)
				data[n++] = ',';
		}
		if (below(state, 2))
			data[n++] = '\r';
		data[n++] = '\n';
	}
	*out_size = n;
	return data;
}

Test(csv_property, what_was_written_is_read_back_however_it_is_cut)
{
	uint64_t state = seed_of_run();
	struct table *t = malloc(sizeof *t);
	for (unsigned quoted_in = 1; quoted_in < 4000; quoted_in *= 5) {
		size_t size;
		char *data = print_table(t, &state, &size, quoted_in);
		for (int pass = 0; pass < 6; pass++) {
			struct pieces p = {data, size, 0, state | 1, pass == 0};
			struct csv *csv;
			struct csv_row row;
			cr_assert(csv_open(read_pieces, &p, ',', &csv) == STATUS_OK);
			for (int i = 0; i < ROWS; i++) {
				cr_assert(csv_next(csv, &row) == STATUS_OK, "row %d", i);
				cr_assert(row.fields == FIELDS, "row %d has %zu fields", i, row.fields);
				for (size_t j = 0; j < FIELDS; j++)
					cr_assert(
						span_equal(csv_field(&row, j), span_of(t->cells[i][j], t->sizes[i][j])),
						"row %d field %zu", i, j);
			}
			cr_assert(csv_next(csv, &row) == STATUS_END);
			cr_assert(csv_offset(csv) == size);
			csv_close(csv);
			next(&state);
		}
		free(data);
	}
	free(t);
}

/* --- reports printed and read back --- */

struct expected {
	struct report r;
	size_t count;
};

static enum status expect_report(void *context, uint64_t line, uint32_t device, const struct report *r)
{
	struct expected *e = context;
	cr_assert(line == 2 && device == 0);
	cr_assert(r->time_ms == e->r.time_ms && r->lat_e7 == e->r.lat_e7 && r->lon_e7 == e->r.lon_e7);
	cr_assert(r->speed_dkmh == e->r.speed_dkmh && r->course_deg == e->r.course_deg);
	cr_assert(r->altitude_m == e->r.altitude_m && r->mileage_hm == e->r.mileage_hm);
	cr_assert(r->alarm == e->r.alarm && r->status == e->r.status);
	e->count++;
	return STATUS_OK;
}

static void no_refusal(void *context, const struct refused *refused)
{
	(void)context;
	cr_assert(false, "%s: %s: %.*s", track_field_name(refused->field), status_text(refused->status),
		  (int)refused->text.size, (const char *)refused->text.data);
}

static size_t print_report(char *out, size_t size, const struct report *r)
{
	char lat[32], lon[32], time_s[32], speed[32] = "", mileage[32] = "", course[16] = "", altitude[16] = "";
	print_fixed(lat, sizeof lat, r->lat_e7, 7);
	print_fixed(lon, sizeof lon, r->lon_e7, 7);
	print_fixed(time_s, sizeof time_s, r->time_ms, 3);
	if (r->speed_dkmh != SPEED_UNKNOWN)
		print_fixed(speed, sizeof speed, r->speed_dkmh, 1);
	if (r->mileage_hm != MILEAGE_UNKNOWN)
		print_fixed(mileage, sizeof mileage, r->mileage_hm, 1);
	if (r->course_deg != COURSE_UNKNOWN)
		snprintf(course, sizeof course, "%u", r->course_deg);
	if (r->altitude_m != ALTITUDE_UNKNOWN)
		snprintf(altitude, sizeof altitude, "%d", r->altitude_m);
	return (size_t)snprintf(
		out, size,
		"device,time,lat,lon,speed,course,altitude,alarm,status,mileage\nx,%s,%s,%s,%s,%s,%s,%u,%u,%s\n",
		time_s, lat, lon, speed, course, altitude, r->alarm, r->status, mileage);
}

Test(tracks_csv_property, a_printed_report_is_read_back_exactly)
{
	uint64_t state = seed_of_run();
	for (int i = 0; i < 3000; i++) {
		char data[512];
		struct name_index names = name_index_init();
		struct buf complaint = buf_init(256);
		struct tracks_csv_options options = {.columns = span_of_string("time=:epoch_s")};
		struct tracks_csv *t;
		struct expected e = {.count = 0};
		e.r.time_ms = (int64_t)below(&state, INT64_C(4000000000000));
		e.r.lat_e7 = (int32_t)below(&state, 2u * LAT_E7_MAX + 1) - LAT_E7_MAX;
		e.r.lon_e7 = (int32_t)((int64_t)below(&state, 2u * LON_E7_MAX + 1) - LON_E7_MAX);
		e.r.speed_dkmh = (uint16_t)next(&state);
		e.r.course_deg = (uint16_t)next(&state);
		e.r.altitude_m = (int16_t)next(&state);
		e.r.alarm = (uint32_t)next(&state);
		e.r.status = (uint32_t)next(&state);
		e.r.mileage_hm = (uint32_t)next(&state);
		struct pieces p = {data, print_report(data, sizeof data, &e.r), 0, state | 1, false};
		struct track_sink sink = {&e, expect_report, no_refusal};
		cr_assert(tracks_csv_open(read_pieces, &p, &options, &names, &complaint, &t) == STATUS_OK);
		cr_assert(tracks_csv_step(t, 10, &sink) == STATUS_END);
		cr_assert(e.count == 1, "%s", data);
		tracks_csv_close(t);
		buf_deinit(&complaint);
		name_index_deinit(&names);
	}
}
