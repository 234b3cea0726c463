/* written_track.h -- reports, known and unknown, and what export_track makes of them. */
#ifndef ZAYTON_TESTS_WRITTEN_TRACK_H
#define ZAYTON_TESTS_WRITTEN_TRACK_H

#include <criterion/criterion.h>

#include "query/export/export_track.h"

/* 2026-01-31T08:30:00Z */
#define T0 INT64_C(1769848200000)

static inline struct report report_at(int64_t time_ms, int32_t lat_e7, int32_t lon_e7, uint16_t speed_dkmh)
{
	struct report r = {.time_ms = time_ms, .received_ms = time_ms + 1500, .lat_e7 = lat_e7, .lon_e7 = lon_e7};
	r.status = STATUS_BIT_FIX;
	r.mileage_hm = 123456;
	r.speed_dkmh = speed_dkmh;
	r.course_deg = 90;
	r.altitude_m = -12;
	r.body = REPORT_BODY_ROW;
	r.hash = UINT64_C(0x0123456789abcdef) + (uint64_t)(time_ms - T0);
	return r;
}

static inline struct report unknown_at(int64_t time_ms)
{
	struct report r = {.time_ms = time_ms, .received_ms = RECEIVED_UNKNOWN};
	r.flags = REPORT_FLAG_NO_FIX | REPORT_FLAG_BACKFILL;
	r.speed_dkmh = SPEED_UNKNOWN;
	r.course_deg = COURSE_UNKNOWN;
	r.altitude_m = ALTITUDE_UNKNOWN;
	r.mileage_hm = MILEAGE_UNKNOWN;
	r.hash = 7;
	return r;
}

static inline char *written(const struct export_track_options *o, const struct report *reports, size_t count,
			    const char *next)
{
	struct buf out = buf_init(1u << 24);
	struct export_track w;
	cr_assert_eq(export_track_begin(&w, o, &out), STATUS_OK);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(export_track_row(&w, &reports[i], &out), STATUS_OK);
	cr_assert_eq(export_track_end(&w, next, &out), STATUS_OK);
	cr_assert_eq(buf_append(&out, "", 1), STATUS_OK);
	export_track_deinit(&w);
	return (char *)out.data;
}

static const struct export_track_options options = {
	.device = 0xabc, .from_ms = T0, .to_ms = T0 + 60000, .title = "2:闽C\"1\""};

static inline struct export_track_options in(enum export_format format)
{
	struct export_track_options o = options;
	o.format = format;
	return o;
}

#endif
