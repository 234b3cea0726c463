#include <criterion/criterion.h>
#include <string.h>

#include "engine/fleet/connections_row.h"

static struct connection sample(void)
{
	struct connection c = {.device = 77,
			       .from_ms = 1700000000000,
			       .number = 0x01020304,
			       .until_ms = 1700000360000,
			       .end = CONNECTION_LOGOUT,
			       .transport = CONNECTION_UDP,
			       .port = 40123,
			       .bytes_in = UINT64_C(1) << 40,
			       .bytes_out = 12345,
			       .frames = 678};
	c.peer[0] = 0x20;
	c.peer[1] = 0x01;
	c.peer[15] = 9;
	return c;
}

Test(connections_row, what_was_encoded_comes_back)
{
	struct connection c = sample(), back;
	uint8_t bytes[CONNECTION_BYTES];
	connection_encode(&c, bytes);
	cr_assert_eq(connection_decode(77, span_of(bytes, sizeof bytes), &back), STATUS_OK);
	cr_assert_eq(back.device, c.device);
	cr_assert_eq(back.from_ms, c.from_ms);
	cr_assert_eq(back.number, c.number);
	cr_assert_eq(back.until_ms, c.until_ms);
	cr_assert_eq(back.end, c.end);
	cr_assert_eq(back.transport, c.transport);
	cr_assert_eq(back.port, c.port);
	cr_assert_arr_eq(back.peer, c.peer, sizeof c.peer);
	cr_assert_eq(back.bytes_in, c.bytes_in);
	cr_assert_eq(back.bytes_out, c.bytes_out);
	cr_assert_eq(back.frames, c.frames);
}

Test(connections_row, the_layout_of_version_1_stays)
{
	static const uint8_t expected[CONNECTION_BYTES] = {1, 1, 1,    0x9c, 0xbb, 0x20, 0x01, 0,    0, 0, 0, 0,
							   0, 0, 0,    0,    0,    0,    0,    0,    9, /* peer */
							   0, 0, 1,    0x8b, 0xcf, 0xe5, 0x68, 0,    1, 2, 3, 4,
							   0, 0, 1,    0x8b, 0xcf, 0xea, 0xe6, 0x40, /* times */
							   0, 0, 1,    0,    0,    0,    0,    0,    0, 0, 0, 0,
							   0, 0, 0x30, 0x39, 0,    0,    0,    0,    0, 0, 2, 0xa6};
	struct connection c = sample();
	uint8_t bytes[CONNECTION_BYTES];
	connection_encode(&c, bytes);
	cr_assert_arr_eq(bytes, expected, sizeof bytes);
}

Test(connections_row, what_is_no_connection_is_refused)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum status status;
	} spoiled[] = {{0, 2, STATUS_BAD_VERSION},
		       {1, CONNECTION_END_COUNT, STATUS_CORRUPT},
		       {2, CONNECTION_TRANSPORT_COUNT, STATUS_CORRUPT},
		       {33, 0x80, STATUS_CORRUPT}}; /* it ends before it begins */
	struct connection c = sample();
	uint8_t bytes[CONNECTION_BYTES + 1] = {0};
	for (size_t i = 0; i < sizeof spoiled / sizeof spoiled[0]; i++) {
		connection_encode(&c, bytes);
		bytes[spoiled[i].at] = spoiled[i].value;
		cr_assert_eq(connection_decode(1, span_of(bytes, CONNECTION_BYTES), &c), spoiled[i].status, "%zu", i);
		c = sample();
	}
	connection_encode(&c, bytes);
	for (size_t size = 0; size < CONNECTION_BYTES; size++)
		cr_assert_eq(connection_decode(1, span_of(bytes, size), &c), STATUS_CORRUPT);
	cr_assert_eq(connection_decode(1, span_of(bytes, sizeof bytes), &c), STATUS_CORRUPT);
}

Test(connections_row, a_peer_is_written_as_its_family_is)
{
	struct connection c = {.port = 6808};
	char text[CONNECTION_PEER_MAX];
	connection_peer_text(&c, text);
	cr_assert_str_eq(text, "");
	memcpy(c.peer, (const uint8_t[16]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3}, 16);
	connection_peer_text(&c, text);
	cr_assert_str_eq(text, "10.1.2.3:6808");
	memset(c.peer, 0xff, sizeof c.peer);
	c.port = 65535;
	connection_peer_text(&c, text);
	cr_assert_str_eq(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}
