#include <criterion/criterion.h>

#include "engine/detect/fact.h"

static struct fact some_fact(void)
{
	return (struct fact){.kind = FACT_GAP,
			     .open = true,
			     .device = 0x0102030405060708,
			     .driver = UINT64_MAX,
			     .place = 3,
			     .from_ms = -5,
			     .to_ms = INT64_MAX,
			     .value = INT64_MIN,
			     .from_lat_e7 = -900000000,
			     .from_lon_e7 = 1800000000,
			     .to_lat_e7 = 1,
			     .to_lon_e7 = INT32_MIN};
}

Test(fact, bytes_are_those_of_the_layout)
{
	struct fact f = some_fact();
	struct buf b = buf_init(FACT_BYTES);
	char hex[2 * FACT_BYTES + 1];
	cr_assert_eq(fact_encode(&f, &b), STATUS_OK);
	hex_encode(hex, buf_view(&b));
	cr_assert_str_eq(hex, "010201"
			      "0102030405060708"
			      "ffffffffffffffff"
			      "0000000000000003"
			      "fffffffffffffffb"
			      "7fffffffffffffff"
			      "8000000000000000"
			      "ca5b1700"
			      "6b49d200"
			      "00000001"
			      "80000000");
	cr_assert_eq(fact_encode(&f, &b), STATUS_FULL);
	cr_assert_eq(b.size, FACT_BYTES);
	buf_deinit(&b);
}

Test(fact, what_was_encoded_is_read_again)
{
	struct fact f = some_fact(), again;
	struct buf b = buf_init(FACT_BYTES);
	cr_assert_eq(fact_encode(&f, &b), STATUS_OK);
	cr_assert_eq(fact_decode(buf_view(&b), &again), STATUS_OK);
	cr_assert_eq(fact_compare(&f, &again), 0);
	buf_deinit(&b);
}

Test(fact, damage_is_refused)
{
	struct fact f = some_fact(), again;
	struct buf b = buf_init(2 * FACT_BYTES);
	cr_assert_eq(fact_encode(&f, &b), STATUS_OK);
	for (size_t size = 0; size < FACT_BYTES; size++)
		cr_assert_eq(fact_decode(span_of(b.data, size), &again), STATUS_CORRUPT);
	cr_assert_eq(buf_append_u8(&b, 0), STATUS_OK);
	cr_assert_eq(fact_decode(buf_view(&b), &again), STATUS_CORRUPT);
	b.size--;
	static const struct {
		size_t at;
		uint8_t value;
		enum status status;
	} cases[] = {{0, 2, STATUS_BAD_VERSION},
		     {1, 0, STATUS_CORRUPT},
		     {1, 4, STATUS_CORRUPT},
		     {2, 2, STATUS_CORRUPT},
		     {35, 0x80, STATUS_CORRUPT}}; /* ends before it begins */
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t kept = b.data[cases[i].at];
		b.data[cases[i].at] = cases[i].value;
		cr_assert_eq(fact_decode(buf_view(&b), &again), cases[i].status);
		b.data[cases[i].at] = kept;
	}
	buf_deinit(&b);
}

Test(fact, order_is_from_then_kind_then_device_and_differs_whenever_facts_do)
{
	struct fact a = {.from_ms = 1, .kind = FACT_VISIT, .device = 9}, b = {.from_ms = 2, .kind = FACT_DRIVE};
	cr_assert_lt(fact_compare(&a, &b), 0);
	a = (struct fact){.from_ms = 1, .kind = FACT_DRIVE, .device = 9};
	b = (struct fact){.from_ms = 1, .kind = FACT_GAP, .device = 1};
	cr_assert_lt(fact_compare(&a, &b), 0);
	b = a;
	b.to_lon_e7 = -1;
	cr_assert_gt(fact_compare(&a, &b), 0);
	cr_assert_lt(fact_compare(&b, &a), 0);
}

Test(fact, numbers_of_drivers_and_places_are_stable_and_apart)
{
	struct span code = span_of_string("350500199001011234");
	cr_assert_eq(driver_number(code), UINT64_C(0x14dd75905e313d92)); /* they are stored */
	cr_assert_eq(place_number(code), UINT64_C(0x98155640ead27b47));
	cr_assert_neq(driver_number(code), place_number(code));
	cr_assert_neq(driver_number(span_of_string("")), 0);
}
