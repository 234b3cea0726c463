/* links: zayton_ingest_jt808 */
/* decode_session_jt808.c: the first byte chooses the message and the edition, the rest is its body. What decodes
 * must be text that ends inside its field, and must encode again unless it had to be cut or replaced. */
#include <stdlib.h>

#include "ingest/jt808/jt808.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE_TEXT(field)                                                                                            \
	do {                                                                                                           \
		if (!memchr(field, 0, sizeof(field)))                                                                  \
			abort();                                                                                       \
	} while (0)

static void try_register(struct span body, bool is_2019)
{
	struct jt808_register r, again;
	struct buf out = buf_init(1 << 16);
	if (jt808_register_decode(body, is_2019, &r) == STATUS_OK) {
		REQUIRE_TEXT(r.manufacturer);
		REQUIRE_TEXT(r.model);
		REQUIRE_TEXT(r.terminal_id);
		REQUIRE_TEXT(r.plate);
		if (jt808_register_encode(&r, &out) == STATUS_OK && r.edition == JT808_2019 &&
		    (jt808_register_decode(buf_view(&out), true, &again) != STATUS_OK || again.city != r.city))
			abort();
	}
	buf_deinit(&out);
}

static void try_auth(struct span body, bool is_2019)
{
	struct jt808_auth a;
	if (jt808_auth_decode(body, is_2019, &a) != STATUS_OK)
		abort();
	if (a.code.size > body.size)
		abort();
	REQUIRE_TEXT(a.imei);
	REQUIRE_TEXT(a.software);
}

static void try_attributes(struct span body)
{
	struct jt808_attributes a;
	if (jt808_attributes_decode(body, &a))
		return;
	REQUIRE_TEXT(a.manufacturer);
	REQUIRE_TEXT(a.hardware);
	REQUIRE_TEXT(a.firmware);
	if (strlen(a.iccid) != 20)
		abort();
}

static void try_driver(struct span body, bool is_2019)
{
	struct jt808_driver d, again;
	struct buf out = buf_init(1 << 16);
	enum status status = jt808_driver_decode(body, is_2019, &d);
	REQUIRE_TEXT(d.name);
	REQUIRE_TEXT(d.licence);
	REQUIRE_TEXT(d.authority);
	REQUIRE_TEXT(d.id_card);
	REQUIRE_TEXT(d.expiry);
	if (!status && d.edition != JT808_2011 && jt808_driver_encode(&d, &out) == STATUS_OK &&
	    (jt808_driver_decode(buf_view(&out), true, &again) != STATUS_OK || again.time_ms != d.time_ms))
		abort();
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct span body = span_of(data + 1, size - 1);
	bool is_2019 = data[0] & 0x80;
	struct jt808_reply reply;
	struct jt808_register_reply register_reply;
	switch (data[0] & 7) {
	case 0:
		try_register(body, is_2019);
		break;
	case 1:
		try_auth(body, is_2019);
		break;
	case 2:
		try_attributes(body);
		break;
	case 3:
		try_driver(body, is_2019);
		break;
	default:
		(void)!jt808_reply_decode(body, &reply);
		(void)!jt808_register_reply_decode(body, &register_reply);
	}
	return 0;
}
