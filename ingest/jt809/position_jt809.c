/* position_jt809.c -- positions of JT/T 809 as canonical reports, and back, bit for bit (drawn in jt809.h). */
#include <assert.h>

#include "engine/core/clock.h"
#include "ingest/jt809/jt809.h"

#define ITEM_MILEAGE 0x01
#define ITEM_RECORDER_SPEED 0x03
#define OLD_FIELDS 35 /* a position of 2011 without its first byte */
#define NEW_HEAD 5    /* cipher, length */
#define TAIL_SIZE 45  /* three platforms with their alarms */

/* forms: how the position came */
#define FORM_2011 1   /* 36 bytes */
#define FORM_2019 2   /* 2019 with a 0x0200 body */
#define FORM_MIXED 3  /* 2019 with the fields of 2011, as some platforms send it */
#define FLAG_SHIFT 1u /* STATUS_BIT_OFFSET was not in the state: the cipher byte says it */
#define FLAG_RAW 2u   /* the fields are kept too: transcribing them lost something */
#define FLAG_ZERO 4u  /* the tail is TAIL_SIZE zeros */
#define FLAG_TAIL 8u  /* the tail is kept */
#define FOOTER_MIN 6  /* id, length, form, cipher, flags, size */

static const uint8_t zero_tail[TAIL_SIZE];

/* The largest speed and mileage that ten times still fit where 0x0200 has them. */
#define SPEED_MAX_KMH (UINT16_MAX / 10)
#define MILEAGE_MAX_KM (UINT32_MAX / 10)

/* --- the fields of 2011 --- */

static void put_bcd(uint8_t *out, unsigned value)
{
	*out = (uint8_t)(value / 10 << 4 | value % 10);
}

/* The BCD time of 0x0200. STATUS_BAD_TIME for a year it cannot say; the rest report_from_jt808() judges. */
static enum status transcribe_time(const uint8_t *fields, uint8_t bcd[6])
{
	unsigned year = load_be16(fields + 2);
	const uint8_t parts[6] = {(uint8_t)(year - 2000), fields[1], fields[0], fields[4], fields[5], fields[6]};
	if (year < 2000 || year > 2099)
		return STATUS_BAD_TIME;
	for (unsigned i = 0; i < 6; i++) {
		if (parts[i] > 99)
			return STATUS_BAD_TIME;
		put_bcd(bcd + i, parts[i]);
	}
	return STATUS_OK;
}

/* Fields (35 bytes) as a 0x0200 body with its items; returns the size. */
static enum status transcribe(const uint8_t *fields, uint8_t *body, size_t *out_size, bool *out_lossy)
{
	unsigned speed = load_be16(fields + 15), recorder = load_be16(fields + 17);
	uint32_t mileage = load_be32(fields + 19);
	memcpy(body, fields + 31, 4);      /* alarm */
	memcpy(body + 4, fields + 27, 4);  /* state */
	memcpy(body + 8, fields + 11, 4);  /* latitude */
	memcpy(body + 12, fields + 7, 4);  /* longitude */
	memcpy(body + 16, fields + 25, 2); /* altitude */
	*out_lossy = speed > SPEED_MAX_KMH || recorder > SPEED_MAX_KMH || mileage > MILEAGE_MAX_KM;
	store_be16(body + 18, (uint16_t)((speed > SPEED_MAX_KMH ? SPEED_MAX_KMH : speed) * 10));
	memcpy(body + 20, fields + 23, 2); /* course */
	enum status status = transcribe_time(fields, body + 22);
	uint8_t *items = body + REPORT_FIXED_JT808;
	items[0] = ITEM_MILEAGE;
	items[1] = 4;
	store_be32(items + 2, (mileage > MILEAGE_MAX_KM ? MILEAGE_MAX_KM : mileage) * 10);
	items[6] = ITEM_RECORDER_SPEED;
	items[7] = 2;
	store_be16(items + 8, (uint16_t)((recorder > SPEED_MAX_KMH ? SPEED_MAX_KMH : recorder) * 10));
	*out_size = REPORT_FIXED_JT808 + 10;
	return status;
}

static unsigned of_bcd(uint8_t byte)
{
	return (unsigned)(byte >> 4) * 10 + (byte & 15);
}

/* The fields of 2011 from a 0x0200 body; `recorder_dkmh` where it has none. Exact for what transcribe() made. */
static void untranscribe(const uint8_t *body, uint32_t mileage_hm, uint16_t recorder_dkmh, uint8_t *fields)
{
	const uint8_t *bcd = body + 22;
	fields[0] = (uint8_t)of_bcd(bcd[2]);
	fields[1] = (uint8_t)of_bcd(bcd[1]);
	store_be16(fields + 2, (uint16_t)(2000 + of_bcd(bcd[0])));
	for (unsigned i = 0; i < 3; i++)
		fields[4 + i] = (uint8_t)of_bcd(bcd[3 + i]);
	memcpy(fields + 7, body + 12, 4);
	memcpy(fields + 11, body + 8, 4);
	store_be16(fields + 15, load_be16(body + 18) / 10);
	store_be16(fields + 17, recorder_dkmh / 10);
	store_be32(fields + 19, mileage_hm / 10);
	memcpy(fields + 23, body + 20, 2);
	memcpy(fields + 25, body + 16, 2);
	memcpy(fields + 27, body + 4, 4);
	memcpy(fields + 31, body, 4);
}

/* --- taking in --- */

struct parts {
	uint8_t form, cipher;
	struct span fields; /* OLD_FIELDS bytes, or a 0x0200 body */
	struct span tail;
};

/* A 0x0200 body is one if it can be read; 35 bytes that cannot are fields of 2011. */
static bool is_mixed(struct span position)
{
	struct report r;
	return position.size == OLD_FIELDS && report_from_jt808(position, &r) != STATUS_OK;
}

static enum status take_apart(struct span data, struct parts *out)
{
	/* a length of 31 there would make its first byte the day 0 */
	if (data.size == JT809_POSITION_2011 && load_be32(data.data + 1) != JT809_POSITION_2011 - NEW_HEAD) {
		*out = (struct parts){FORM_2011, data.data[0], span_of(data.data + 1, OLD_FIELDS), {NULL, 0}};
		return STATUS_OK;
	}
	if (data.size < NEW_HEAD || load_be32(data.data + 1) > data.size - NEW_HEAD)
		return STATUS_BAD_LENGTH;
	size_t size = load_be32(data.data + 1);
	out->cipher = data.data[0];
	out->fields = span_of(data.data + NEW_HEAD, size);
	out->tail = span_of(data.data + NEW_HEAD + size, data.size - NEW_HEAD - size);
	out->form = is_mixed(out->fields) ? FORM_MIXED : FORM_2019;
	return STATUS_OK;
}

/* Behind the items at `at`; returns its size. */
static enum status put_footer(const struct parts *p, unsigned flags, uint8_t *at, size_t room, size_t *out_size)
{
	bool is_zero = p->tail.size == TAIL_SIZE && memcmp(p->tail.data, zero_tail, TAIL_SIZE) == 0;
	flags |= is_zero ? FLAG_ZERO : p->tail.size ? FLAG_TAIL : 0;
	size_t raw = flags & FLAG_RAW ? OLD_FIELDS : 0, tail = flags & FLAG_TAIL ? p->tail.size : 0;
	size_t size = FOOTER_MIN + raw + tail;
	if (size > UINT8_MAX)
		return STATUS_BAD_LENGTH;
	if (size > room)
		return STATUS_TOO_LONG;
	const uint8_t head[5] = {JT809_FOOTER_ITEM, (uint8_t)(size - 2), p->form, p->cipher, (uint8_t)flags};
	memcpy(at, head, sizeof head);
	if (raw)
		memcpy(at + 5, p->fields.data, raw);
	if (tail)
		memcpy(at + 5 + raw, p->tail.data, tail);
	at[size - 1] = (uint8_t)size;
	*out_size = size;
	return STATUS_OK;
}

/* The 0x0200 body of `p` without its footer. */
static enum status put_body(const struct parts *p, uint8_t *room, size_t *out_size, unsigned *flags)
{
	bool lossy = false;
	if (p->form == FORM_2019) {
		memcpy(room, p->fields.data, p->fields.size);
		*out_size = p->fields.size;
	} else {
		enum status status = transcribe(p->fields.data, room, out_size, &lossy);
		if (status)
			return status;
	}
	uint32_t state = load_be32(room + 4);
	if (p->cipher && !(state & STATUS_BIT_OFFSET)) {
		store_be32(room + 4, state | STATUS_BIT_OFFSET);
		*flags |= FLAG_SHIFT;
	}
	*flags |= lossy ? FLAG_RAW : 0;
	return STATUS_OK;
}

enum status jt809_position_decode(struct span data, uint8_t *room, size_t room_size, struct report *out,
				  size_t *out_size)
{
	struct parts p;
	unsigned flags = 0;
	size_t size, footer;
	enum status status = take_apart(data, &p);
	if (!status && p.form == FORM_2019 && p.fields.size < REPORT_FIXED_JT808)
		status = STATUS_BAD_LENGTH;
	if (!status && data.size + JT809_POSITION_EXTRA > room_size)
		status = STATUS_TOO_LONG;
	if (!status)
		status = put_body(&p, room, &size, &flags);
	if (!status)
		status = put_footer(&p, flags, room + size, room_size - size, &footer);
	if (status)
		return status;
	*out_size = size + footer;
	return report_from_jt808(span_of(room, *out_size), out);
}

/* --- giving back --- */

struct footer {
	uint8_t form, cipher, flags;
	struct span raw, tail;
	size_t size;
};

static bool find_footer(const struct report *r, struct footer *out)
{
	struct span items = span_of(r->items, r->items_size);
	if (r->body != REPORT_BODY_JT808 || items.size < FOOTER_MIN)
		return false;
	size_t size = items.data[items.size - 1];
	if (size < FOOTER_MIN || size > items.size)
		return false;
	const uint8_t *at = items.data + items.size - size;
	if (at[0] != JT809_FOOTER_ITEM || at[1] != size - 2 || at[2] < FORM_2011 || at[2] > FORM_MIXED)
		return false;
	size_t raw = at[4] & FLAG_RAW ? OLD_FIELDS : 0;
	if (raw > size - FOOTER_MIN)
		return false;
	*out = (struct footer){.form = at[2], .cipher = at[3], .flags = at[4], .size = size};
	out->raw = span_of(at + 5, raw);
	out->tail =
		out->flags & FLAG_ZERO ? span_of(zero_tail, TAIL_SIZE) : span_of(at + 5 + raw, size - FOOTER_MIN - raw);
	return true;
}

static uint16_t recorder_speed(const struct report *r)
{
	struct cursor c = cursor_of(span_of(r->items, r->items_size));
	struct report_item item;
	while (r->body == REPORT_BODY_JT808 && report_item_next(&c, &item) == STATUS_OK)
		if (item.id == ITEM_RECORDER_SPEED && item.value.size == 2)
			return load_be16(item.value.data);
	return 0;
}

/* The fixed part of a report as 0x0200 has it, whatever its body was. */
static enum status fixed_part(const struct report *r, uint8_t out[REPORT_FIXED_JT808])
{
	uint32_t status_word = r->status & ~(STATUS_BIT_SOUTH | STATUS_BIT_WEST);
	bool south = r->lat_e7 < 0 || (r->lat_e7 == 0 && r->status & STATUS_BIT_SOUTH);
	bool west = r->lon_e7 < 0 || (r->lon_e7 == 0 && r->status & STATUS_BIT_WEST);
	status_word |= (south ? STATUS_BIT_SOUTH : 0) | (west ? STATUS_BIT_WEST : 0);
	store_be32(out, r->alarm);
	store_be32(out + 4, status_word);
	store_be32(out + 8, (uint32_t)(r->lat_e7 < 0 ? -r->lat_e7 : r->lat_e7) / 10);
	store_be32(out + 12, (uint32_t)(r->lon_e7 < 0 ? -r->lon_e7 : r->lon_e7) / 10);
	store_be16(out + 16,
		   r->altitude_m == ALTITUDE_UNKNOWN && r->body == REPORT_BODY_ROW ? 0 : (uint16_t)r->altitude_m);
	bool is_row = r->body == REPORT_BODY_ROW;
	store_be16(out + 18, is_row && r->speed_dkmh == SPEED_UNKNOWN ? 0 : r->speed_dkmh);
	store_be16(out + 20, is_row && r->course_deg == COURSE_UNKNOWN ? 0 : r->course_deg);
	return bcd_time_encode(r->time_ms, out + 22);
}

static enum status append_old(const struct report *r, uint8_t cipher, unsigned flags, struct span raw, bool with_cipher,
			      struct buf *out)
{
	uint8_t fixed[REPORT_FIXED_JT808], fields[1 + OLD_FIELDS] = {cipher};
	enum status status = fixed_part(r, fixed);
	if (flags & FLAG_SHIFT)
		store_be32(fixed + 4, load_be32(fixed + 4) & ~STATUS_BIT_OFFSET);
	if (!status && raw.size)
		memcpy(fields + 1, raw.data, OLD_FIELDS);
	else if (!status)
		untranscribe(fixed, r->mileage_hm == MILEAGE_UNKNOWN ? 0 : r->mileage_hm, recorder_speed(r),
			     fields + 1);
	return status ? status
		      : buf_append(out, with_cipher ? fields : fields + 1, with_cipher ? 1 + OLD_FIELDS : OLD_FIELDS);
}

/* cipher, length, the 0x0200 body with `items`, tail. */
static enum status append_new(const struct report *r, const struct footer *f, struct span items, struct buf *out)
{
	uint8_t head[NEW_HEAD + REPORT_FIXED_JT808] = {f->cipher}, *fixed = head + NEW_HEAD;
	store_be32(head + 1, (uint32_t)(REPORT_FIXED_JT808 + items.size));
	enum status status = fixed_part(r, fixed);
	if (f->flags & FLAG_SHIFT)
		store_be32(fixed + 4, load_be32(fixed + 4) & ~STATUS_BIT_OFFSET);
	if (!status)
		status = buf_append(out, head, sizeof head);
	if (!status)
		status = buf_append(out, items.data, items.size);
	return status ? status : buf_append(out, f->tail.data, f->tail.size);
}

static enum status append_mixed(const struct report *r, const struct footer *f, struct buf *out)
{
	uint8_t head[NEW_HEAD] = {f->cipher};
	store_be32(head + 1, OLD_FIELDS);
	enum status status = buf_append(out, head, sizeof head);
	if (!status)
		status = append_old(r, f->cipher, f->flags, f->raw, false, out);
	return status ? status : buf_append(out, f->tail.data, f->tail.size);
}

enum status jt809_position_rebuild(const struct report *r, struct buf *out)
{
	struct footer f;
	size_t before = out->size;
	enum status status;
	if (!find_footer(r, &f))
		return STATUS_NOT_FOUND;
	if (f.form == FORM_2011)
		status = append_old(r, f.cipher, f.flags, f.raw, true, out);
	else if (f.form == FORM_MIXED)
		status = append_mixed(r, &f, out);
	else
		status = append_new(r, &f, span_of(r->items, r->items_size - f.size), out);
	if (status)
		out->size = before;
	return status;
}

/* Items of a report as 0x0200 has them: as they came, or what a row says. */
static struct span items_of(const struct report *r, const struct footer *f, uint8_t room[6])
{
	if (r->body == REPORT_BODY_JT808)
		return span_of(r->items, r->items_size - f->size);
	room[0] = ITEM_MILEAGE;
	room[1] = 4;
	store_be32(room + 2, r->mileage_hm);
	return span_of(room, r->mileage_hm == MILEAGE_UNKNOWN ? 0 : 6);
}

enum status jt809_position_encode(const struct report *r, enum jt809_edition edition, struct buf *out)
{
	uint8_t room[6];
	size_t before = out->size;
	struct footer f = {0};
	bool found = find_footer(r, &f);
	if (found && (f.form == FORM_2011) == (edition == JT809_2011))
		return jt809_position_rebuild(r, out);
	bool shifted = (r->status & STATUS_BIT_OFFSET) != 0;
	if (edition == JT809_2011)
		return append_old(r, shifted, 0, (struct span){NULL, 0}, true, out);
	struct footer new = {.cipher = shifted, .size = f.size, .tail = span_of(zero_tail, TAIL_SIZE)};
	enum status status = append_new(r, &new, items_of(r, &new, room), out);
	if (status)
		out->size = before;
	return status;
}

/* --- 0x1203 --- */

enum status jt809_positions_decode(struct span data, struct jt809_positions *out)
{
	out->at = cursor_of(data);
	out->declared = cursor_u8(&out->at);
	return out->at.failed ? STATUS_BAD_LENGTH : STATUS_OK;
}

/* The next position begins with a plausible day, month and year of 2011. */
static bool is_old(struct span left)
{
	const uint8_t *p = left.data;
	if (left.size < JT809_POSITION_2011 || left.size % JT809_POSITION_2011 != 0)
		return false;
	unsigned year = load_be16(p + 3);
	return p[1] >= 1 && p[1] <= 31 && p[2] >= 1 && p[2] <= 12 && year >= 2000 && year <= 2099;
}

enum status jt809_positions_next(struct jt809_positions *p, struct span *out)
{
	struct span left = span_of(p->at.at, cursor_left(&p->at));
	if (!left.size)
		return STATUS_END;
	size_t size = is_old(left) ? JT809_POSITION_2011 : 0;
	if (!size && left.size >= NEW_HEAD && load_be32(left.data + 1) <= left.size - NEW_HEAD) {
		size = NEW_HEAD + load_be32(left.data + 1);
		size += left.size - size < TAIL_SIZE ? left.size - size : TAIL_SIZE;
	}
	*out = cursor_take(&p->at, size ? size : left.size);
	return size ? STATUS_OK : STATUS_BAD_LENGTH;
}
