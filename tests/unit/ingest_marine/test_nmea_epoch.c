#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "ingest/marine/nmea.h"

static struct nmea_joiner j;
static struct nmea_epoch e;

static void setup(void)
{
	nmea_joiner_init(&j, (struct nmea_options){false});
}
TestSuite(nmea_epoch, .init = setup);

static bool add(const char *body, int64_t received_ms)
{
	static uint8_t line[512];
	struct buf b = {line, 0, sizeof line, sizeof line};
	struct sentence s;
	struct nmea_fix f;
	cr_assert_eq(sentence_write('$', span_of_string(body), &b), STATUS_OK);
	cr_assert_eq(sentence_parse(span_of(b.data, b.size - 2), &s), STATUS_OK);
	cr_assert_eq(nmea_parse(&s, &f), STATUS_OK, "%s", body);
	return nmea_joiner_add(&j, &s, &f, received_ms, &e);
}

#define RECEIVED INT64_C(1767225601500) /* 2026-01-01 00:00:01.5 UTC */

Test(nmea_epoch, sentences_of_one_time_are_one_epoch)
{
	cr_assert_not(add("GNRMC,000001.00,A,2448.0000,N,11836.0000,E,5.1,271.3,010126,,,A", RECEIVED));
	cr_assert_not(add("GNGGA,000001.00,2448.0000,N,11836.0000,E,1,09,0.9,3.4,M,8.1,M,,", RECEIVED));
	cr_assert_not(add("GNVTG,271.3,T,,M,5.1,N,9.4,K,A", RECEIVED));
	cr_assert(add("GNRMC,000002.00,A,2448.0000,N,11836.0000,E,5.1,271.3,010126,,,A", RECEIVED + 1000));
	cr_assert_eq(e.fix.altitude_dm, 34);
	cr_assert_eq(e.fix.speed_mkn, 5100);
	cr_assert_eq(e.fix.valid, NMEA_VALID_YES);
	bool far;
	cr_assert_eq(nmea_epoch_time_ms(&e, &j.options, &far), INT64_C(1767225601000));
	cr_assert_not(far);
	cr_assert(nmea_joiner_flush(&j, &e));
	cr_assert_not(nmea_joiner_flush(&j, &e));
}

Test(nmea_epoch, a_date_goes_over_midnight_with_those_that_have_none)
{
	bool far;
	cr_assert_not(add("GNRMC,235959,A,2448.0,N,11836.0,E,5.1,271.3,311225,,,A", RECEIVED));
	cr_assert(add("GNGGA,000001,2448.0,N,11836.0,E,1,09,0.9,3.4,M,8.1,M,,", RECEIVED));
	cr_assert_eq(nmea_epoch_time_ms(&e, &j.options, &far), INT64_C(1767225599000));
	cr_assert(nmea_joiner_flush(&j, &e));
	cr_assert_eq(nmea_epoch_time_ms(&e, &j.options, &far), INT64_C(1767225601000));
}

Test(nmea_epoch, without_any_date_the_receipt_tells_the_nearest)
{
	bool far;
	cr_assert_not(add("GNGGA,235959,2448.0,N,11836.0,E,1,09,0.9,3.4,M,8.1,M,,", RECEIVED));
	cr_assert(nmea_joiner_flush(&j, &e));
	cr_assert_eq(nmea_epoch_time_ms(&e, &j.options, &far), INT64_C(1767225599000));
}

Test(nmea_epoch, a_lost_week_is_flagged_and_moved_only_when_asked)
{
	bool far;
	/* 2006-05-18 is 1,024 weeks before 2026-01-01 */
	cr_assert_not(add("GNRMC,000001,A,2448.0,N,11836.0,E,5.1,271.3,180506,,,A", RECEIVED));
	cr_assert(nmea_joiner_flush(&j, &e));
	int64_t at = nmea_epoch_time_ms(&e, &j.options, &far);
	cr_assert(far);
	cr_assert_eq(at, INT64_C(1767225601000) - INT64_C(7168) * 86400000);
	cr_assert_eq(nmea_epoch_time_ms(&e, &(struct nmea_options){true}, &far), INT64_C(1767225601000));
}

Test(nmea_epoch, the_worst_validity_counts)
{
	cr_assert_not(add("GNRMC,000001.00,A,2448.0000,N,11836.0000,E,5.1,271.3,010126,,,E", RECEIVED));
	cr_assert(nmea_joiner_flush(&j, &e));
	cr_assert_eq(e.fix.valid, NMEA_VALID_GUESSED);
	cr_assert_not(add("GNRMC,000001.00,A,2448.0000,N,11836.0000,E,5.1,271.3,010126,,,A", RECEIVED));
	cr_assert_not(add("GNGGA,000001.00,2448.0000,N,11836.0000,E,0,00,,,M,,M,,", RECEIVED));
	cr_assert(nmea_joiner_flush(&j, &e));
	cr_assert_eq(e.fix.valid, NMEA_VALID_NO);
}
