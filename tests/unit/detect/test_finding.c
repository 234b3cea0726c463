#include <criterion/criterion.h>

#include "engine/detect/finding.h"
#include "engine/detect/rules.h"

static struct finding some_finding(void)
{
	struct finding f;
	memset(&f, 0, sizeof f);
	f.subject = 0x8000000000000001;
	f.device = 2;
	f.driver = 0x8000000000000001;
	f.rule_version = 0x1122334455667788;
	memcpy(f.rule, "r-1", 4);
	memcpy(f.fence, "bay", 4);
	f.fence_version = 7;
	f.kind = RULE_OVERSPEED;
	f.confidence = CONFIDENCE_HIGH;
	f.open = true;
	f.start_ms = 1;
	f.end_ms = 2;
	f.found_ms = -1;
	f.start_lat_e7 = 249000000;
	f.end_lon_e7 = -1;
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
		f.numbers[i] = NUMBER_UNKNOWN;
	f.numbers[FINDING_LIMIT] = 800;
	f.numbers[FINDING_OTHER] = -1;
	return f;
}

static void hold_round_trip(const struct finding *f)
{
	struct finding again;
	struct buf a = buf_init(1024), b = buf_init(1024);
	cr_assert_eq(finding_encode(f, &a), STATUS_OK);
	cr_assert_eq(finding_decode(buf_view(&a), &again), STATUS_OK);
	cr_assert_eq(finding_encode(&again, &b), STATUS_OK);
	cr_assert(span_equal(buf_view(&a), buf_view(&b)));
	cr_assert_eq(memcmp(f->numbers, again.numbers, sizeof f->numbers), 0);
	cr_assert_eq(memcmp(f->digest, again.digest, sizeof f->digest), 0);
	cr_assert_str_eq(f->rule, again.rule);
	cr_assert_str_eq(f->fence, again.fence);
	cr_assert(f->open == again.open && f->end_lon_e7 == again.end_lon_e7 && f->found_ms == again.found_ms);
	buf_deinit(&a);
	buf_deinit(&b);
}

Test(finding, bytes_are_those_of_the_layout_and_unknown_numbers_take_no_room)
{
	struct finding f = some_finding();
	struct buf b = buf_init(1024);
	char hex[2049];
	cr_assert_eq(finding_encode(&f, &b), STATUS_OK);
	hex_encode(hex, buf_view(&b));
	cr_assert_str_eq(hex, "01010301"
			      "8000000000000001"
			      "0000000000000002"
			      "8000000000000001"
			      "0000000000000000"
			      "1122334455667788"
			      "03722d31"
			      "03626179"
			      "00000007"
			      "0000000000000001"
			      "0000000000000002"
			      "ffffffffffffffff"
			      "0ed77040"
			      "00000000"
			      "00000000"
			      "ffffffff"
			      "0201"
			      "0000000000000320"
			      "ffffffffffffffff");
	buf_deinit(&b);
}

Test(finding, what_was_encoded_is_read_again)
{
	struct finding f = some_finding();
	hold_round_trip(&f);
	f.fence[0] = '\0';
	f.digest[31] = 1;
	hold_round_trip(&f);
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
		f.numbers[i] = INT64_MAX - i;
	memset(f.rule, 'r', RULE_ID_MAX);
	memset(f.fence, 'f', FENCE_ID_MAX);
	hold_round_trip(&f);
}

Test(finding, what_is_no_finding_is_not_encoded)
{
	struct buf b = buf_init(1024);
	struct finding f = some_finding();
	f.kind = RULE_KIND_COUNT;
	cr_assert_eq(finding_encode(&f, &b), STATUS_INVALID);
	f = some_finding();
	f.confidence = 0;
	cr_assert_eq(finding_encode(&f, &b), STATUS_INVALID);
	f = some_finding();
	f.rule[0] = '\0';
	cr_assert_eq(finding_encode(&f, &b), STATUS_INVALID);
	f = some_finding();
	memset(f.fence, 'x', sizeof f.fence);
	cr_assert_eq(finding_encode(&f, &b), STATUS_INVALID);
	cr_assert_eq(b.size, 0);
}

Test(finding, a_buffer_too_small_stays_as_it_was)
{
	struct finding f = some_finding();
	for (size_t room = 0; room < 114; room++) {
		struct buf b = buf_init(room);
		cr_assert_eq(finding_encode(&f, &b), STATUS_FULL);
		cr_assert_eq(b.size, 0);
		buf_deinit(&b);
	}
}

Test(finding, damage_is_refused)
{
	struct finding f = some_finding(), again;
	f.digest[0] = 9;
	struct buf b = buf_init(1024);
	cr_assert_eq(finding_encode(&f, &b), STATUS_OK);
	for (size_t size = 0; size < b.size; size++)
		cr_assert_eq(finding_decode(span_of(b.data, size), &again), STATUS_CORRUPT);
	cr_assert_eq(buf_append_u8(&b, 0), STATUS_OK);
	cr_assert_eq(finding_decode(buf_view(&b), &again), STATUS_CORRUPT);
	b.size--;
	static const struct {
		size_t at;
		uint8_t value;
		enum status status;
	} cases[] = {{0, 0, STATUS_BAD_VERSION},
		     {0, 2, STATUS_BAD_VERSION},
		     {1, 0, STATUS_CORRUPT},
		     {1, RULE_KIND_COUNT, STATUS_CORRUPT},
		     {2, 4, STATUS_CORRUPT},
		     {3, 7, STATUS_CORRUPT},
		     {44, 0, STATUS_CORRUPT},               /* no rule */
		     {44, RULE_ID_MAX + 1, STATUS_CORRUPT}, /* too long a rule */
		     {46, 0, STATUS_CORRUPT},               /* a NUL in its id */
		     {96, 0xff, STATUS_CORRUPT}};           /* numbers that there are not */
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t kept = b.data[cases[i].at];
		b.data[cases[i].at] = cases[i].value;
		cr_assert_eq(finding_decode(buf_view(&b), &again), cases[i].status, "case %zu", i);
		b.data[cases[i].at] = kept;
	}
	b.data[b.size - 32] = 0; /* a digest of zeros is no digest */
	cr_assert_eq(finding_decode(buf_view(&b), &again), STATUS_CORRUPT);
	buf_deinit(&b);
}

Test(finding, order_is_subject_start_rule_fence_code)
{
	struct finding a = some_finding(), b = some_finding();
	cr_assert_eq(finding_compare(&a, &b), 0);
	a.numbers[FINDING_CODE] = 1;
	cr_assert_gt(finding_compare(&a, &b), 0, "an unknown code comes first");
	b.numbers[FINDING_CODE] = 2;
	cr_assert_lt(finding_compare(&a, &b), 0);
	a.fence[0] = 'c';
	cr_assert_gt(finding_compare(&a, &b), 0);
	b.rule[0] = 's';
	cr_assert_lt(finding_compare(&a, &b), 0);
	a.start_ms = 5;
	cr_assert_gt(finding_compare(&a, &b), 0);
	b.subject = UINT64_MAX;
	cr_assert_lt(finding_compare(&a, &b), 0);
}

Test(finding, every_number_has_its_token)
{
	cr_assert_str_eq(finding_number_token(FINDING_LIMIT), "limit");
	cr_assert_str_eq(finding_number_token(FINDING_OTHER), "other");
	cr_assert_str_eq(finding_number_chinese(FINDING_PEAK), "最大值");
	cr_assert_str_eq(finding_number_token(FINDING_NUMBER_COUNT), "");
	cr_assert_str_eq(finding_number_chinese(99), "");
}
