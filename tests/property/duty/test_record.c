/* Records of the duty room: what is encoded is decoded, and bytes that are none are refused. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/duty/duty.h"

static uint64_t state;

static uint64_t next(void)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void fill(const struct record_field *f, void *row)
{
	static const char *const pieces[] = {"a", "闽", "\n", "狮渔", " ", "é"};
	char text[64] = "";
	if (f->type != RECORD_TEXT) {
		for (unsigned shift = (unsigned)(next() % 64); record_set_integer(f, row, (int64_t)(next() >> shift));
		     shift++)
			if (shift >= 63) {
				cr_assert_eq(record_set_integer(f, row, 0), STATUS_OK);
				return;
			}
		return;
	}
	for (size_t n = next() % 10; n && strlen(text) + 8 < f->size && strlen(text) < 50; n--)
		strcat(text, pieces[next() % 6]);
	cr_assert_eq(record_set_text(f, row, span_of_string(text)), STATUS_OK);
}

static void round_trip(const struct record_kind *k)
{
	void *row = malloc(k->size), *back = malloc(k->size);
	struct buf bytes = buf_init(65536);
	cr_assert(row && back);
	record_clear(k, row);
	for (size_t i = 0; i < k->count; i++)
		if (next() % 3)
			fill(&k->fields[i], row);
	cr_assert_eq(record_encode(k, row, &bytes), STATUS_OK);
	cr_assert_eq(record_decode(k, buf_view(&bytes), back), STATUS_OK);
	for (size_t i = 0; i < k->count; i++)
		cr_assert(!memcmp((char *)row + k->fields[i].offset, (char *)back + k->fields[i].offset,
				  k->fields[i].size),
			  "%s", k->fields[i].name);
	for (unsigned i = 0; i < 20 && bytes.size > 1; i++) { /* cut, and with a byte changed */
		cr_assert_neq(record_decode(k, span_of(bytes.data, 0), back), STATUS_OK);
		(void)!record_decode(k, span_of(bytes.data, next() % bytes.size), back);
		uint8_t *at = &bytes.data[next() % bytes.size], was = *at;
		*at ^= (uint8_t)(1u << next() % 8);
		(void)!record_decode(k, buf_view(&bytes), back);
		*at = was;
	}
	bytes.data[0]++;
	cr_assert_eq(record_decode(k, buf_view(&bytes), back), STATUS_BAD_VERSION);
	buf_deinit(&bytes);
	free(row);
	free(back);
}

Test(record, what_is_encoded_is_decoded, .timeout = 120)
{
	const struct record_kind *kinds[] = {&alarm_kind,       &warning_kind,   &incident_kind,  &boat_message_kind,
					     &shift_entry_kind, &headcount_kind, &book_event_kind};
	const char *given = getenv("ZAYTON_SEED");
	state = given ? strtoull(given, NULL, 0) : UINT64_C(0x2ec0);
	printf("record: ZAYTON_SEED=%" PRIu64 "\n", state);
	for (unsigned i = 0; i < 200; i++)
		for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
			round_trip(kinds[k]);
}

Test(record, codes_are_given_once)
{
	const struct record_kind *kinds[] = {&alarm_kind,       &warning_kind,   &incident_kind,  &boat_message_kind,
					     &shift_entry_kind, &headcount_kind, &book_event_kind};
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (size_t i = 1; i < kinds[k]->count; i++)
			cr_expect_gt(kinds[k]->fields[i].code, kinds[k]->fields[i - 1].code, "%s",
				     kinds[k]->fields[i].name);
}
