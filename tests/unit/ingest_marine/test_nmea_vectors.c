/* NMEA 0183 of other projects' logs against pynmea2 (tests/golden/marine/README.md). */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "ingest/marine/nmea.h"
#include "vectors.h"

struct tally {
	unsigned rows, refused, values, wrong;
};

static void compare(struct tally *t, const struct vector *v, const char *key, int64_t is, int64_t expected)
{
	t->values++;
	if (is == expected)
		return;
	t->wrong++;
	fprintf(stderr, "row %u: %s is %" PRId64 ", expected %" PRId64 "\n", v->line, key, is, expected);
}

static void check_number(struct tally *t, const struct vector *v, const char *key, unsigned decimals, int64_t is)
{
	int64_t expected;
	const char *text = vector_value(v, key);
	if (text && !sentence_decimal(span_of_string(text), decimals, &expected))
		compare(t, v, key, is, expected);
}

/* "-77.44087167": the oracle's last digit may be rounded the other way. */
static void check_angle(struct tally *t, const struct vector *v, const char *key, int32_t is, int64_t limit)
{
	int64_t expected;
	const char *text = vector_value(v, key);
	if (!text || sentence_decimal(span_of_string(text), 7, &expected) || llabs(expected) >= limit)
		return; /* 360 degrees north: what receivers without a fix write */
	compare(t, v, key, llabs(is - expected) <= 1 ? expected : is, expected);
}

static void check_time(struct tally *t, const struct vector *v, const struct nmea_fix *f)
{
	const char *text = vector_value(v, "timestamp"), *date = vector_value(v, "datestamp");
	char digits[16];
	int32_t expected;
	if (text && strlen(text) >= 8) {
		snprintf(digits, sizeof digits, "%.2s%.2s%.2s%.*s", text, text + 3, text + 6, text[8] == '.' ? 4 : 0,
			 text + 8);
		cr_assert_eq(nmea_time(span_of_string(digits), false, &expected), STATUS_OK);
		compare(t, v, "timestamp", f->time_ms, expected);
	}
	if (date) {
		int64_t ms;
		snprintf(digits, sizeof digits, "%s", date);
		char instant[40];
		snprintf(instant, sizeof instant, "%sT00:00:00Z", digits);
		cr_assert_eq(time_parse(span_of_string(instant), 0, &ms), STATUS_OK);
		compare(t, v, "datestamp", f->day, ms / 86400000);
	}
}

static void check_row(void *context, const struct vector *v)
{
	struct tally *t = context;
	const char *name = vector_value(v, "sentence"), *accept = vector_value(v, "accept");
	struct sentence s;
	struct nmea_fix f;
	if (!name || vector_value(v, "suite"))
		return;
	t->rows++;
	enum status status = sentence_parse(v->part[0], &s);
	if (!status)
		status = nmea_parse(&s, &f);
	/* a sum is asked for: the rows without one are cut lines and receivers of the nineties */
	const char *sum = vector_value(v, "checksum");
	bool wanted = !vector_value(v, "parse") && accept && *accept == '1' && !(sum && strcmp(sum, "absent") == 0);
	if (!wanted || status) {
		t->refused++;
		compare(t, v, "accepted", status == STATUS_OK, wanted);
		if (status && wanted)
			fprintf(stderr, "  %s: %.*s\n", status_name(status), (int)v->part[0].size,
				(const char *)v->part[0].data);
		return;
	}
	check_time(t, v, &f);
	check_angle(t, v, "lat_deg", f.lat_e7, 900000000);
	check_angle(t, v, "lon_deg", f.lon_e7, 1800000001);
	check_number(t, v, "spd_over_grnd", 3, f.speed_mkn);
	check_number(t, v, "spd_over_grnd_kts", 3, f.speed_mkn);
	const char *course = vector_value(v, "true_course");
	check_number(t, v, course ? "true_course" : "true_track", 2, f.course_cdeg);
	check_number(t, v, "num_sats", 0, f.satellites);
	check_number(t, v, "gps_qual", 0, f.quality);
	check_number(t, v, "horizontal_dil", 2, f.hdop_centi);
	check_number(t, v, "hdop", 2, f.hdop_centi);
	check_number(t, v, "altitude", 1, f.altitude_dm);
}

Test(nmea_vectors, another_decoder_says_the_same)
{
	struct tally t = {0};
	vectors_each("nmea.tsv", check_row, &t);
	fprintf(stderr, "nmea: %u rows, %u refused, %u values, %u wrong\n", t.rows, t.refused, t.values, t.wrong);
	cr_assert_eq(t.wrong, 0);
	cr_assert_gt(t.values, 200);
}
