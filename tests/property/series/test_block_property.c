/* Whatever the reports, a block gives them back: fields, items, bodies, hashes, columns; on every kernel. */
#include <criterion/criterion.h>

#include "engine/core/hash.h"
#include "engine/series/block.h"
#include "engine/series/block_layout.h"
#include "random_reports.h"

#define ROUNDS 60

static const size_t counts[] = {1, 2, 3, 31, 32, 33, 64, 100, 500, 1023, 1024};

static void expect_same(const struct report *a, const struct report *b, size_t i)
{
	cr_assert_eq(a->time_ms, b->time_ms, "time of %zu", i);
	cr_assert_eq(a->received_ms, b->received_ms, "receipt of %zu", i);
	cr_assert_eq(a->hash, b->hash, "hash of %zu", i);
	cr_assert_eq(a->lat_e7, b->lat_e7, "latitude of %zu", i);
	cr_assert_eq(a->lon_e7, b->lon_e7, "longitude of %zu", i);
	cr_assert_eq(a->alarm, b->alarm, "alarm of %zu", i);
	cr_assert_eq(a->status, b->status, "status of %zu", i);
	cr_assert_eq(a->mileage_hm, b->mileage_hm, "mileage of %zu", i);
	cr_assert_eq(a->speed_dkmh, b->speed_dkmh, "speed of %zu", i);
	cr_assert_eq(a->course_deg, b->course_deg, "course of %zu", i);
	cr_assert_eq(a->altitude_m, b->altitude_m, "altitude of %zu", i);
	cr_assert_eq(a->flags, b->flags, "flags of %zu", i);
	cr_assert_eq(a->body, b->body, "body of %zu", i);
	cr_assert(span_equal(span_of(a->items, a->items_size), span_of(b->items, b->items_size)), "items of %zu", i);
}

static void expect_body(const struct report *r, size_t i)
{
	struct buf body = buf_init(REPORT_BODY_MAX);
	cr_assert_eq(report_body(r, &body), STATUS_OK);
	cr_assert_eq(hash64(buf_view(&body)), r->hash, "the body of %zu is not what came", i);
	buf_deinit(&body);
}

struct room {
	int64_t time[BLOCK_REPORTS_MAX], received[BLOCK_REPORTS_MAX];
	int32_t lat[BLOCK_REPORTS_MAX], lon[BLOCK_REPORTS_MAX];
	uint16_t speed[BLOCK_REPORTS_MAX], course[BLOCK_REPORTS_MAX], flags[BLOCK_REPORTS_MAX];
	int16_t altitude[BLOCK_REPORTS_MAX];
	uint32_t alarm[BLOCK_REPORTS_MAX], status[BLOCK_REPORTS_MAX], mileage[BLOCK_REPORTS_MAX];
};

static struct block_columns columns_in(struct room *m)
{
	return (struct block_columns){0,           m->time,  m->received, m->lat,     m->lon,   m->speed, m->course,
				      m->altitude, m->alarm, m->status,   m->mileage, m->flags, 0};
}

static void expect_columns(const struct room *m, const struct report_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct report *r = &l->reports[i];
		cr_assert(m->time[i] == r->time_ms && m->received[i] == r->received_ms && m->lat[i] == r->lat_e7 &&
				  m->lon[i] == r->lon_e7 && m->speed[i] == r->speed_dkmh &&
				  m->course[i] == r->course_deg && m->altitude[i] == r->altitude_m &&
				  m->alarm[i] == r->alarm && m->status[i] == r->status &&
				  m->mileage[i] == r->mileage_hm && m->flags[i] == r->flags,
			  "columns of %zu", i);
	}
}

static void expect_round_trip(const struct report_list *in, struct buf *block, struct report_list *out)
{
	static struct room room;
	struct block_columns columns = columns_in(&room);
	buf_clear(block);
	report_list_clear(out);
	cr_assert_eq(block_encode(in->reports, in->count, block), STATUS_OK);
	cr_assert_eq(block_reports(buf_view(block), out), STATUS_OK);
	cr_assert_eq(out->count, in->count);
	for (size_t i = 0; i < in->count; i++) {
		expect_same(&in->reports[i], &out->reports[i], i);
		expect_body(&out->reports[i], i);
	}
	cr_assert_eq(block_columns(buf_view(block), &columns), STATUS_OK);
	cr_assert_eq(columns.count, in->count);
	expect_columns(&room, in);
	cr_assert_eq(block_check(buf_view(block)), STATUS_OK);
}

Test(block_property, decoding_gives_back_what_was_encoded, .timeout = 300)
{
	struct random r = {random_seed("block_property")};
	struct report_list in = report_list_init(2048, 16 << 20), out = report_list_init(2048, 16 << 20);
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	for (int round = 0; round < ROUNDS; round++) {
		enum random_nature nature = (enum random_nature)(round % NATURE_COUNT);
		random_reports(&r, nature, counts[random_below(&r, sizeof counts / sizeof *counts)], &in);
		expect_round_trip(&in, &block, &out);
	}
	buf_deinit(&block);
	report_list_deinit(&in);
	report_list_deinit(&out);
}

Test(block_property, every_kernel_decodes_the_same, .timeout = 300)
{
	static struct room plain, best;
	struct random r = {random_seed("kernels")};
	struct report_list in = report_list_init(2048, 16 << 20);
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	for (int round = 0; round < ROUNDS; round++) {
		struct block_view v;
		struct block_columns a = columns_in(&plain), b = columns_in(&best);
		random_reports(&r, (enum random_nature)(round % NATURE_COUNT), 1 + random_below(&r, 1024), &in);
		buf_clear(&block);
		cr_assert_eq(block_encode(in.reports, in.count, &block), STATUS_OK);
		cr_assert_eq(block_open(buf_view(&block), &v), STATUS_OK);
		cr_assert_eq(block_view_columns(&v, &series_kernels_plain, &a), STATUS_OK);
		cr_assert_eq(block_view_columns(&v, series_kernels_best(), &b), STATUS_OK);
		cr_assert_eq(memcmp(&plain, &best, sizeof plain), 0);
	}
	buf_deinit(&block);
	report_list_deinit(&in);
}

Test(block_property, a_flipped_bit_never_goes_unnoticed, .timeout = 300)
{
	struct random r = {random_seed("flips")};
	struct report_list in = report_list_init(2048, 16 << 20), out = report_list_init(2048, 16 << 20);
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	random_reports(&r, NATURE_DRIVING, 200, &in);
	cr_assert_eq(block_encode(in.reports, in.count, &block), STATUS_OK);
	for (size_t at = 0; at < block.size; at++) {
		uint8_t flip = (uint8_t)(1u << random_below(&r, 8));
		block.data[at] ^= flip;
		enum status status = block_reports(buf_view(&block), &out);
		cr_assert(status == STATUS_CORRUPT || status == STATUS_BAD_VERSION, "byte %zu", at);
		cr_assert_eq(out.count, 0);
		cr_assert_neq(block_check(buf_view(&block)), STATUS_OK);
		block.data[at] ^= flip;
	}
	cr_assert_eq(block_check(buf_view(&block)), STATUS_OK);
	buf_deinit(&block);
	report_list_deinit(&in);
	report_list_deinit(&out);
}
