/* Any valid 0x0200 body comes back from the fields it was turned into; any order of arrival sorts to the same list. */
#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "random_reports.h"

static void random_body(struct random *r, uint8_t *out, size_t *size)
{
	static const uint8_t bits[] = {0, 1, 2, 4, 8, 12, 15, 0x22};
	for (size_t i = 0; i < 22; i++)
		out[i] = (uint8_t)random_next(r);
	if (random_below(r, 2))
		store_be32(out + 4, bits[random_below(r, 8)]);
	store_be32(out + 8, random_below(r, 4) ? random_below(r, 90000001) : 90000000 * random_below(r, 2));
	store_be32(out + 12, random_below(r, 4) ? random_below(r, 180000001) : 180000000 * random_below(r, 2));
	if (random_below(r, 5) == 0)
		memset(out + 16, random_below(r, 2) ? 0xff : 0x80, 6);
	int64_t second = INT64_C(946656000) + (int64_t)(random_next(r) % 3155760000u);
	cr_assert_eq(bcd_time_encode(second * 1000, out + 22), STATUS_OK);
	*size = 28 + random_below(r, random_below(r, 10) ? 80 : 1000);
	for (size_t i = 28; i < *size; i++)
		out[i] = (uint8_t)random_next(r);
}

Test(report_property, every_valid_location_body_is_rebuilt_bit_for_bit, .timeout = 300)
{
	struct random r = {random_seed("report_property")};
	struct buf back = buf_init(REPORT_BODY_MAX);
	for (int round = 0; round < 20000; round++) {
		uint8_t body[1100];
		size_t size;
		struct report report;
		random_body(&r, body, &size);
		cr_assert_eq(report_from_jt808(span_of(body, size), &report), STATUS_OK, "round %d", round);
		uint64_t hash = report.hash;
		buf_clear(&back);
		cr_assert_eq(report_body(&report, &back), STATUS_OK, "round %d", round);
		cr_assert(span_equal(buf_view(&back), span_of(body, size)), "round %d", round);
		report.hash = 0;
		cr_assert_eq(report_rehash(&report), STATUS_OK);
		cr_assert_eq(report.hash, hash);
	}
	buf_deinit(&back);
}

static void arrive(struct random *r, struct report_list *l, size_t count, uint32_t late_one_in)
{
	int64_t now = 0;
	report_list_clear(l);
	while (l->count < count) {
		now += 10;
		int64_t late = random_below(r, late_one_in) == 0 ? random_below(r, 500) : 0;
		size_t burst = late ? 1 + random_below(r, 30) : 1;
		for (size_t i = 0; i < burst && l->count < count; i++) {
			struct report report = {.time_ms = now - late + (int64_t)i,
						.hash = random_below(r, 3),
						.received_ms = (int64_t)random_below(r, 100),
						.flags = (uint16_t)random_next(r)};
			cr_assert_eq(report_list_push(l, &report), STATUS_OK);
		}
	}
}

static void shuffle(struct random *r, struct report_list *l)
{
	for (size_t i = l->count; i > 1; i--) {
		size_t j = random_below(r, (uint32_t)i);
		struct report kept = l->reports[i - 1];
		l->reports[i - 1] = l->reports[j];
		l->reports[j] = kept;
	}
}

static void expect_equal(const struct report_list *a, const struct report_list *b)
{
	cr_assert_eq(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		cr_assert_eq(report_compare(&a->reports[i], &b->reports[i]), 0);
		cr_assert_eq(a->reports[i].received_ms, b->reports[i].received_ms);
		cr_assert_eq(a->reports[i].flags, b->reports[i].flags);
		if (i)
			cr_assert_lt(report_compare(&a->reports[i - 1], &a->reports[i]), 0);
	}
}

Test(report_property, any_order_of_arrival_sorts_to_the_same_list, .timeout = 300)
{
	struct random r = {random_seed("report_list")};
	struct report_list a = report_list_init(1 << 16, 16), b = report_list_init(1 << 16, 16);
	for (int round = 0; round < 200; round++) {
		arrive(&r, &a, random_below(&r, 3000), 1 + random_below(&r, 100));
		report_list_clear(&b);
		for (size_t i = 0; i < a.count; i++)
			cr_assert_eq(report_list_push(&b, &a.reports[i]), STATUS_OK);
		shuffle(&r, &b);
		cr_assert_eq(report_list_sort(&a), report_list_sort(&b));
		expect_equal(&a, &b);
	}
	report_list_deinit(&a);
	report_list_deinit(&b);
}
