#include <criterion/criterion.h>
#include <string.h>

#include "engine/fleet/shard.h"

static void round_trip(const struct intake *in, struct intake *out, struct report *report, struct buf *bytes)
{
	uint8_t prefix[64];
	size_t size = intake_encode(in, prefix);
	cr_assert_leq(size, sizeof prefix);
	cr_assert_eq(buf_append(bytes, prefix, size), STATUS_OK);
	cr_assert_eq(buf_append(bytes, in->body.data, in->body.size), STATUS_OK);
	cr_assert_eq(intake_decode((uint8_t)in->kind, buf_view(bytes), out, report), STATUS_OK);
	cr_assert_eq(out->device, in->device);
	cr_assert_eq(out->received_ms, in->received_ms);
	cr_assert(span_equal(out->body, in->body));
}

Test(intake, a_message_comes_back_from_its_journal_payload)
{
	struct buf bytes = buf_init(4096);
	struct intake in = {.kind = INTAKE_MESSAGE,
			    .device = 0x123456789abcdef0,
			    .received_ms = -5,
			    .time_ms = 1234567,
			    .message_id = 0x0702,
			    .protocol = 2,
			    .body = span_of("driver", 6)},
		      out;
	struct report report;
	round_trip(&in, &out, &report, &bytes);
	cr_assert_eq(out.time_ms, in.time_ms);
	cr_assert_eq(out.message_id, in.message_id);
	cr_assert_eq(out.protocol, in.protocol);
	buf_deinit(&bytes);
}

Test(intake, a_fragment_comes_back_from_its_journal_payload)
{
	struct buf bytes = buf_init(4096);
	struct intake in = {.kind = INTAKE_FRAGMENT,
			    .device = 77,
			    .received_ms = 99,
			    .message_id = 0x0801,
			    .protocol = 1,
			    .serial = 65535,
			    .fragment_total = 300,
			    .fragment_index = 299,
			    .body = span_of("part", 4)},
		      out;
	struct report report;
	round_trip(&in, &out, &report, &bytes);
	cr_assert_eq(out.serial, 65535);
	cr_assert_eq(out.fragment_total, 300);
	cr_assert_eq(out.fragment_index, 299);
	buf_deinit(&bytes);
}

Test(intake, a_payload_cut_anywhere_in_its_prefix_is_corrupt)
{
	struct intake in = {.kind = INTAKE_QUARANTINE,
			    .device = 5,
			    .received_ms = 6,
			    .message_id = 7,
			    .reason = STATUS_BAD_TIME},
		      out;
	uint8_t prefix[64];
	struct report report;
	size_t size = intake_encode(&in, prefix);
	for (size_t cut = 0; cut < size; cut++)
		cr_assert_eq(intake_decode(INTAKE_QUARANTINE, span_of(prefix, cut), &out, &report), STATUS_CORRUPT);
	cr_assert_eq(intake_decode(99, span_of(prefix, size), &out, &report), STATUS_CORRUPT);
}
