#include "engine/core/charset.h"
#include "engine/core/clock.h"
#include "ingest/jt808/jt808.h"

/* `size` bytes of GBK into a text field of the caller */
#define TAKE_TEXT(cursor, size, field) charset_gbk_to_utf8(cursor_take((cursor), (size)), (field), sizeof(field))

static struct span without_nul_tail(struct span s)
{
	while (s.size && s.data[s.size - 1] == 0)
		s.size--;
	return s;
}

static struct span take_rest(struct cursor *c)
{
	return cursor_take(c, cursor_left(c));
}

/* --- 0x0100 --- */

struct register_layout {
	uint8_t manufacturer, model, terminal_id;
};
static const struct register_layout register_layouts[] = {
	[JT808_2011] = {5, 8, 7},
	[JT808_2013] = {5, 20, 7},
	[JT808_2019] = {11, 30, 30},
};

/* JT/T 415 colours 0..9, JT/T 697.7 from 91 */
static bool is_plate_colour(uint8_t byte)
{
	return byte <= 9 || (byte >= 91 && byte <= 94);
}

/* A 2011 body of 37 bytes and more holds a VIN where 2013 has the colour. */
static enum jt808_edition register_edition(struct span body, bool is_2019)
{
	if (is_2019)
		return JT808_2019;
	return body.size >= 37 && is_plate_colour(body.data[36]) ? JT808_2013 : JT808_2011;
}

enum status jt808_register_decode(struct span body, bool is_2019, struct jt808_register *out)
{
	*out = (struct jt808_register){.edition = register_edition(body, is_2019)};
	const struct register_layout *layout = &register_layouts[out->edition];
	struct cursor c = cursor_of(body);
	out->province = cursor_be16(&c);
	out->city = cursor_be16(&c);
	TAKE_TEXT(&c, layout->manufacturer, out->manufacturer);
	TAKE_TEXT(&c, layout->model, out->model);
	TAKE_TEXT(&c, layout->terminal_id, out->terminal_id);
	out->plate_colour = cursor_u8(&c);
	if (c.failed)
		return STATUS_BAD_LENGTH;
	charset_gbk_to_utf8(take_rest(&c), out->plate, sizeof out->plate);
	return STATUS_OK;
}

/* --- 0x0102 --- */

#define AUTH_IMEI 15
#define AUTH_SOFTWARE 20

enum status jt808_auth_decode(struct span body, bool is_2019, struct jt808_auth *out)
{
	*out = (struct jt808_auth){.code = without_nul_tail(body)};
	if (!is_2019 || body.size == 0 || body.size != 1u + body.data[0] + AUTH_IMEI + AUTH_SOFTWARE)
		return STATUS_OK;
	struct cursor c = cursor_of(body);
	out->code = without_nul_tail(cursor_take(&c, cursor_u8(&c)));
	char imei[CHARSET_UTF8_ROOM(AUTH_IMEI)];
	if (TAKE_TEXT(&c, AUTH_IMEI, imei) < sizeof out->imei)
		strcpy(out->imei, imei);
	TAKE_TEXT(&c, AUTH_SOFTWARE, out->software);
	return STATUS_OK;
}

/* --- 0x0107 --- */

static const struct register_layout attribute_layouts[] = {{5, 20, 7}, {11, 30, 30}, {5, 30, 30}};

static bool attributes_fit(struct span body, const struct register_layout *layout)
{
	struct cursor c = cursor_of(body);
	cursor_take(&c, 2u + layout->manufacturer + layout->model + layout->terminal_id + 10u);
	cursor_take(&c, cursor_u8(&c));
	cursor_take(&c, cursor_u8(&c));
	cursor_take(&c, 2);
	return !c.failed && cursor_left(&c) == 0;
}

enum status jt808_attributes_decode(struct span body, struct jt808_attributes *out)
{
	*out = (struct jt808_attributes){0};
	const struct register_layout *layout = attribute_layouts;
	const struct register_layout *end = layout + sizeof attribute_layouts / sizeof attribute_layouts[0];
	while (layout < end && !attributes_fit(body, layout))
		layout++;
	if (layout == end)
		return STATUS_BAD_LENGTH;
	struct cursor c = cursor_of(body);
	out->type = cursor_be16(&c);
	TAKE_TEXT(&c, layout->manufacturer, out->manufacturer);
	TAKE_TEXT(&c, layout->model, out->model);
	TAKE_TEXT(&c, layout->terminal_id, out->terminal_id);
	hex_encode(out->iccid, cursor_take(&c, 10));
	TAKE_TEXT(&c, cursor_u8(&c), out->hardware);
	TAKE_TEXT(&c, cursor_u8(&c), out->firmware);
	out->gnss = cursor_u8(&c);
	out->comm = cursor_u8(&c);
	return STATUS_OK;
}

/* --- 0x0702 --- */

static bool driver_is_2011(struct span body)
{
	int64_t ignored;
	return body.size < 7 || body.data[0] < 1 || body.data[0] > 2 || bcd_time_decode(body.data + 1, &ignored);
}

static enum status driver_2011(struct span body, struct jt808_driver *out)
{
	struct cursor c = cursor_of(body);
	TAKE_TEXT(&c, cursor_u8(&c), out->name);
	TAKE_TEXT(&c, 20, out->id_card);
	TAKE_TEXT(&c, 40, out->licence);
	TAKE_TEXT(&c, cursor_u8(&c), out->authority);
	return c.failed ? STATUS_BAD_LENGTH : STATUS_OK;
}

/* Expiry as sent: digits, or nothing when the terminal has none. */
static void take_expiry(struct cursor *c, char out[9])
{
	struct span bcd = cursor_take(c, 4);
	hex_encode(out, bcd);
	if (bcd.size && strspn(out, "0123456789") != 8)
		out[0] = '\0';
	if (strcmp(out, "00000000") == 0)
		out[0] = '\0';
}

static enum status driver_card(struct cursor *c, struct jt808_driver *out)
{
	out->ic_result = cursor_u8(c);
	if (cursor_left(c) == 0)
		return STATUS_OK;
	TAKE_TEXT(c, cursor_u8(c), out->name);
	TAKE_TEXT(c, 20, out->licence);
	TAKE_TEXT(c, cursor_u8(c), out->authority);
	take_expiry(c, out->expiry);
	if (!c->failed && cursor_left(c) >= 20)
		TAKE_TEXT(c, 20, out->id_card);
	return c->failed ? STATUS_BAD_LENGTH : STATUS_OK;
}

enum status jt808_driver_decode(struct span body, bool is_2019, struct jt808_driver *out)
{
	*out = (struct jt808_driver){.edition = is_2019 ? JT808_2019 : JT808_2013};
	if (!is_2019 && driver_is_2011(body)) {
		out->edition = JT808_2011;
		return driver_2011(body, out);
	}
	struct cursor c = cursor_of(body);
	out->status = cursor_u8(&c);
	struct span time = cursor_take(&c, 6);
	if (c.failed)
		return STATUS_BAD_LENGTH;
	enum status status = bcd_time_decode(time.data, &out->time_ms);
	if (status)
		return status;
	out->has_time = true;
	return cursor_left(&c) ? driver_card(&c, out) : STATUS_OK;
}

/* --- 0x0001, 0x8001, 0x8100 --- */

enum status jt808_reply_decode(struct span body, struct jt808_reply *out)
{
	struct cursor c = cursor_of(body);
	out->serial = cursor_be16(&c);
	out->message_id = cursor_be16(&c);
	out->result = cursor_u8(&c);
	return c.failed ? STATUS_BAD_LENGTH : STATUS_OK;
}

enum status jt808_register_reply_decode(struct span body, struct jt808_register_reply *out)
{
	struct cursor c = cursor_of(body);
	out->serial = cursor_be16(&c);
	out->result = cursor_u8(&c);
	if (c.failed)
		return STATUS_BAD_LENGTH;
	out->code = without_nul_tail(take_rest(&c));
	return STATUS_OK;
}
