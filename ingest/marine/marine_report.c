#include "ingest/marine/marine_report.h"

#include "engine/core/clock.h"

#define SMALL_BITS 4
#define BASE_CLOCK_MS (10 * MS_PER_MINUTE)

enum item {
	ITEM_HEAD = 0xa0,
	ITEM_BITS,
	ITEM_FLAGS,
	ITEM_TENTH,
	ITEM_LAT,
	ITEM_LON,
	ITEM_SOG,
	ITEM_COG,
	ITEM_SECOND,
	ITEM_TAIL,
	ITEM_SHAPE = 0xb0,
	ITEM_NUMBER,
	ITEM_PIECE,
	ITEM_FIELD = 0xc0, /* + enum ais_field */
};

/* text: bytes of a shape that stand for what is elsewhere */
#define SHAPE_DIGITS 0x80
#define SHAPE_DIGITS_MAX 9
#define SHAPE_SUM 0x8a
#define NUMBERS_MAX 44 /* ITEMS_PER_LAYOUT_MAX less the shape's pieces */
#define PIECE_MAX 255
/* faster than this no 16 bits of 0.1 km/h say */
#define SPEED_MAX_MKN 3500000

bool ais_is_position(uint8_t type)
{
	const uint32_t types =
		1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 9 | 1u << 11 | 1u << 18 | 1u << 19 | 1u << 21 | 1u << 27;
	return type < 32 && types >> type & 1;
}

int64_t ais_event_time(const struct ais_message *m, int64_t anchor_ms)
{
	int64_t said;
	uint8_t second;
	if (ais_utc_ms(m, &said) && said - anchor_ms < BASE_CLOCK_MS && anchor_ms - said < BASE_CLOCK_MS)
		return said;
	if (m->type == 27 || !ais_second(m, &second))
		return anchor_ms;
	int64_t in_minute = anchor_ms % MS_PER_MINUTE, at;
	in_minute += in_minute < 0 ? MS_PER_MINUTE : 0;
	at = anchor_ms - in_minute + second * MS_PER_SECOND;
	if (at - anchor_ms > MS_PER_MINUTE / 2)
		return at - MS_PER_MINUTE;
	return anchor_ms - at >= MS_PER_MINUTE / 2 ? at + MS_PER_MINUTE : at;
}

/* --- what the columns say of a field --- */

static bool is_mapped(unsigned field)
{
	return field == AIS_LAT || field == AIS_LON || field == AIS_SOG || field == AIS_COG || field == AIS_SECOND;
}

/* Nearest unit of 1/10,000 minute (1/10 minute for type 27) to 1e-7 degrees. */
static int32_t minutes_of(int32_t e7, uint8_t type)
{
	int64_t scaled = (int64_t)e7 * 3, unit = type == 27 ? 50000 : 50;
	return (int32_t)((scaled + (scaled < 0 ? -unit / 2 : unit / 2)) / unit);
}

/* The wire value of a mapped field as the columns have it; the tenth of the course is `tenth`. */
static int32_t column_value(const struct report *r, uint8_t type, unsigned field, uint8_t tenth)
{
	int64_t second = r->time_ms / MS_PER_SECOND % 60;
	switch (field) {
	case AIS_LAT:
		return minutes_of(r->lat_e7, type);
	case AIS_LON:
		return minutes_of(r->lon_e7, type);
	case AIS_SOG:
		if (r->speed_dkmh == SPEED_UNKNOWN)
			return ais_field_na(type, AIS_SOG);
		return dkn_of_dkmh(r->speed_dkmh) / (type == 9 || type == 27 ? 10 : 1);
	case AIS_COG:
		if (r->course_deg == COURSE_UNKNOWN)
			return ais_field_na(type, AIS_COG);
		return type == 27 ? r->course_deg : r->course_deg * 10 + tenth;
	default:
		return (int32_t)(second < 0 ? second + 60 : second);
	}
}

static const struct {
	uint8_t field, item, size;
} exceptions[] = {{AIS_LAT, ITEM_LAT, 4},
		  {AIS_LON, ITEM_LON, 4},
		  {AIS_SOG, ITEM_SOG, 2},
		  {AIS_COG, ITEM_COG, 2},
		  {AIS_SECOND, ITEM_SECOND, 1}};

/* --- AIS to items --- */

static enum status put_number(struct buf *items, unsigned id, unsigned size, uint32_t value)
{
	uint8_t bytes[6] = {(uint8_t)id, (uint8_t)size};
	for (unsigned i = 0; i < size; i++)
		bytes[2 + i] = (uint8_t)(value >> 8 * (size - 1 - i));
	return buf_append(items, bytes, 2 + size);
}

/* Bits [from, end) of a packet, left-aligned in bytes. */
static enum status put_bits(struct buf *items, unsigned id, const uint8_t *payload, unsigned from, unsigned end)
{
	unsigned size = (end - from + 7) / 8;
	uint8_t head[2] = {(uint8_t)id, (uint8_t)size};
	enum status status = size > PIECE_MAX ? STATUS_FULL : buf_append(items, head, 2);
	for (unsigned at = from; at < end && !status; at += 8) {
		unsigned n = end - at < 8 ? end - at : 8;
		status = buf_append_u8(items, (uint8_t)(ais_bits(payload, at, n) << (8 - n)));
	}
	return status;
}

static enum status put_exception(struct buf *items, const struct ais_message *m, const struct report *r, uint8_t tenth,
				 unsigned k)
{
	enum ais_field field = (enum ais_field)exceptions[k].field;
	if (!ais_has(m, field) || column_value(r, m->type, field, tenth) == m->values[field])
		return STATUS_OK;
	return put_number(items, exceptions[k].item, exceptions[k].size, (uint32_t)m->values[field]);
}

static unsigned layout_end(const struct ais_layout *layout)
{
	const struct ais_place *p = layout->places;
	while (p[1].width)
		p++;
	return p->from + p->width;
}

static enum status put_flags(struct buf *items, const struct ais_layout *layout, const struct ais_packet *packet)
{
	uint8_t bits[16 + AIS_PAD] = {0};
	unsigned n = 0;
	for (const struct ais_place *p = layout->places; p->width; p++)
		if (p->width <= SMALL_BITS && n + p->width <= 128) {
			ais_bits_put(bits, n, p->width, ais_bits(packet->payload, p->from, p->width));
			n += p->width;
		}
	return n ? put_bits(items, ITEM_FLAGS, bits, 0, n) : STATUS_OK;
}

static enum status put_items(const struct ais_packet *packet, const struct ais_message *m,
			     const struct ais_layout *layout, const struct report *r, uint8_t tenth, struct buf *items)
{
	uint8_t head[8 + AIS_PAD] = {0};
	ais_bits_put(head, 0, 6, m->type);
	ais_bits_put(head, 8, 30, m->mmsi);
	enum status status = put_bits(items, ITEM_HEAD, head, 0, 38);
	if (!status && packet->bits != layout->bits)
		status = put_number(items, ITEM_BITS, 2, packet->bits);
	if (!status)
		status = put_flags(items, layout, packet);
	if (!status && r->course_deg != COURSE_UNKNOWN && m->type != 27)
		status = put_number(items, ITEM_TENTH, 1, tenth);
	for (unsigned k = 0; k < sizeof exceptions / sizeof *exceptions && !status; k++)
		status = put_exception(items, m, r, tenth, k);
	for (const struct ais_place *p = layout->places; p->width && !status; p++)
		if (!is_mapped(p->field) && p->width > SMALL_BITS && p->from < packet->bits) {
			unsigned end = p->from + p->width < packet->bits ? p->from + p->width : packet->bits;
			status = put_bits(items, ITEM_FIELD + p->field, packet->payload, p->from, end);
		}
	unsigned end = layout_end(layout);
	if (!status && packet->bits > end)
		status = put_bits(items, ITEM_TAIL, packet->payload, end, packet->bits);
	return status;
}

static struct report blank(int64_t time_ms)
{
	return (struct report){.time_ms = time_ms,
			       .received_ms = RECEIVED_UNKNOWN,
			       .mileage_hm = MILEAGE_UNKNOWN,
			       .speed_dkmh = SPEED_UNKNOWN,
			       .course_deg = COURSE_UNKNOWN,
			       .altitude_m = ALTITUDE_UNKNOWN,
			       .body = REPORT_BODY_ROW};
}

/* Hemisphere bits from the signs, and what follows from the status word; then the hash. */
static enum status seal(struct report *r, bool fix, struct buf *items)
{
	r->status = (fix ? STATUS_BIT_FIX : 0) | (r->lat_e7 < 0 ? STATUS_BIT_SOUTH : 0) |
		    (r->lon_e7 < 0 ? STATUS_BIT_WEST : 0);
	r->flags = report_flags_of_status(r->status);
	r->items = items->size ? items->data : NULL;
	r->items_size = (uint16_t)items->size;
	return report_rehash(r) == STATUS_OK ? STATUS_OK : STATUS_INVALID;
}

enum status ais_report(const struct ais_packet *packet, const struct ais_message *m, int64_t time_ms, struct buf *items,
		       struct report *out)
{
	uint16_t dkn, ddeg;
	uint8_t tenth = 0;
	if (!m->known || !ais_is_position(m->type))
		return STATUS_UNSUPPORTED;
	*out = blank(time_ms);
	bool fix = ais_position(m, &out->lat_e7, &out->lon_e7) && !ais_position_untrusted(m);
	if (ais_sog_dkn(m, &dkn))
		out->speed_dkmh = dkmh_of_dkn(dkn);
	if (ais_cog_ddeg(m, &ddeg)) {
		out->course_deg = ddeg / 10;
		tenth = ddeg % 10;
	}
	if (m->type == 9 && m->values[AIS_ALTITUDE] != ais_field_na(9, AIS_ALTITUDE))
		out->altitude_m = (int16_t)m->values[AIS_ALTITUDE];
	buf_clear(items);
	enum status status = put_items(packet, m, ais_layout_of(packet->payload, packet->bits), out, tenth, items);
	return status ? status : seal(out, fix, items);
}

/* --- items to AIS --- */

/* The value of the first item `id`; empty when there is none. */
static struct span item_of(const struct report *r, unsigned id)
{
	struct cursor c = cursor_of(span_of(r->items, r->items_size));
	struct report_item item;
	while (report_item_next(&c, &item) == STATUS_OK)
		if (item.id == id)
			return item.value;
	return span_of("", 0);
}

static uint32_t number_in(struct span value)
{
	uint32_t v = 0;
	for (size_t i = 0; i < value.size && i < 4; i++)
		v = v << 8 | value.data[i];
	return v;
}

static void copy_bits(uint8_t *payload, unsigned from, unsigned end, struct span value)
{
	for (unsigned at = from, i = 0; at < end && i < value.size; at += 8, i++) {
		unsigned n = end - at < 8 ? end - at : 8;
		ais_bits_put(payload, at, n, (uint32_t)value.data[i] >> (8 - n));
	}
}

static void take_mapped(const struct report *r, uint8_t type, const struct ais_place *p, uint8_t tenth,
			uint8_t *payload)
{
	int32_t value = column_value(r, type, p->field, tenth);
	for (unsigned k = 0; k < sizeof exceptions / sizeof *exceptions; k++)
		if (exceptions[k].field == p->field) {
			struct span said = item_of(r, exceptions[k].item);
			if (said.size)
				value = (int32_t)number_in(said);
		}
	ais_bits_put(payload, p->from, p->width, (uint32_t)value);
}

enum status ais_report_packet(const struct report *r, struct ais_packet *out)
{
	struct span head = item_of(r, ITEM_HEAD), tenth = item_of(r, ITEM_TENTH), bits = item_of(r, ITEM_BITS);
	struct span flags = item_of(r, ITEM_FLAGS);
	uint8_t small[16 + AIS_PAD] = {0};
	unsigned n = 0;
	if (r->body != REPORT_BODY_ROW || head.size != 5)
		return STATUS_NOT_FOUND;
	memset(out, 0, sizeof *out);
	out->time_ms = SENTENCE_TIME_NONE;
	out->station = span_of("", 0);
	out->parts = 1;
	out->channel = 'A';
	copy_bits(out->payload, 0, 38, head);
	uint8_t type = out->payload[0] >> 2;
	const struct ais_layout *layout = ais_is_position(type) ? ais_layout_of(out->payload, 38) : NULL;
	if (!layout)
		return STATUS_CORRUPT;
	out->bits = bits.size ? (uint16_t)number_in(bits) : layout->bits;
	if (out->bits < layout->bits_min || out->bits > layout->bits_max || flags.size > 16)
		return STATUS_CORRUPT;
	memcpy(small, flags.data, flags.size);
	for (const struct ais_place *p = layout->places; p->width; p++) {
		if (is_mapped(p->field)) {
			take_mapped(r, type, p, tenth.size ? tenth.data[0] : 0, out->payload);
		} else if (p->width <= SMALL_BITS && n + p->width <= 128) {
			ais_bits_put(out->payload, p->from, p->width, ais_bits(small, n, p->width));
			n += p->width;
		} else if (p->from < out->bits) {
			unsigned end = p->from + p->width < out->bits ? p->from + p->width : out->bits;
			copy_bits(out->payload, p->from, end, item_of(r, ITEM_FIELD + p->field));
		}
	}
	unsigned end = layout_end(layout);
	if (out->bits > end)
		copy_bits(out->payload, end, out->bits, item_of(r, ITEM_TAIL));
	return STATUS_OK;
}

/* --- text to items --- */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* "*hh" CR LF with the sum that `body` has, in upper case. */
static bool is_sum(struct span text, size_t at, size_t body_from)
{
	static const uint8_t digits[] = "0123456789ABCDEF";
	if (at + 5 > text.size || text.data[at] != '*' || memcmp(text.data + at + 3, "\r\n", 2) != 0)
		return false;
	uint8_t sum = sentence_sum(span_of(text.data + body_from, at - body_from));
	return text.data[at + 1] == digits[sum >> 4] && text.data[at + 2] == digits[sum & 15];
}

/* False when a byte of the text could be taken for a sign, or there are too many numbers. */
static bool shape_of(struct span text, struct buf *shape, uint32_t numbers[NUMBERS_MAX], unsigned *out_count)
{
	size_t body_from = 1;
	unsigned count = 0;
	for (size_t at = 0; at < text.size;) {
		uint8_t c = text.data[at];
		if (c >= 0x80)
			return false;
		if (is_digit(c)) {
			unsigned n = 0;
			uint32_t v = 0;
			while (n < SHAPE_DIGITS_MAX && at < text.size && is_digit(text.data[at])) {
				v = v * 10 + (uint32_t)(text.data[at++] - '0');
				n++;
			}
			if (count == NUMBERS_MAX || buf_append_u8(shape, (uint8_t)(SHAPE_DIGITS + n)))
				return false;
			numbers[count++] = v;
		} else if (is_sum(text, at, body_from)) {
			if (buf_append_u8(shape, SHAPE_SUM))
				return false;
			at += 5;
			body_from = at + 1;
		} else {
			if (buf_append_u8(shape, c))
				return false;
			at++;
		}
	}
	*out_count = count;
	return true;
}

static enum status put_pieces(struct buf *items, unsigned id, struct span text)
{
	enum status status = STATUS_OK;
	while (text.size && !status) {
		size_t n = text.size < PIECE_MAX ? text.size : PIECE_MAX;
		uint8_t head[2] = {(uint8_t)id, (uint8_t)n};
		status = buf_append(items, head, 2);
		if (!status)
			status = buf_append(items, text.data, n);
		text = span_of(text.data + n, text.size - n);
	}
	return status;
}

static enum status put_text(struct buf *items, struct span text)
{
	uint8_t bytes[3 * PIECE_MAX];
	struct buf shape = {bytes, 0, sizeof bytes, sizeof bytes};
	uint32_t numbers[NUMBERS_MAX];
	unsigned count;
	buf_clear(items);
	if (!shape_of(text, &shape, numbers, &count))
		return put_pieces(items, ITEM_PIECE, text);
	enum status status = put_pieces(items, ITEM_SHAPE, buf_view(&shape));
	for (unsigned i = 0; i < count && !status; i++)
		status = put_number(items, ITEM_NUMBER, 4, numbers[i]);
	return status;
}

/* --- items to text --- */

static enum status fill_shape(uint8_t sign, struct cursor *numbers, size_t *body_from, struct buf *out)
{
	struct report_item item;
	if (sign < SHAPE_DIGITS) {
		return buf_append_u8(out, sign);
	} else if (sign == SHAPE_SUM) {
		if (*body_from > out->size)
			return STATUS_CORRUPT;
		uint8_t sum = sentence_sum(span_of(out->data + *body_from, out->size - *body_from));
		enum status status = buf_printf(out, "*%02X\r\n", sum);
		*body_from = out->size + 1;
		return status;
	}
	unsigned n = sign - SHAPE_DIGITS;
	if (n < 1 || n > SHAPE_DIGITS_MAX)
		return STATUS_CORRUPT;
	do {
		if (report_item_next(numbers, &item) != STATUS_OK)
			return STATUS_CORRUPT;
	} while (item.id != ITEM_NUMBER);
	return buf_printf(out, "%0*u", (int)n, number_in(item.value));
}

static enum status take_text(const struct report *r, struct buf *out)
{
	struct cursor c = cursor_of(span_of(r->items, r->items_size)), numbers = c;
	struct report_item item;
	enum status status = STATUS_NOT_FOUND;
	size_t body_from = out->size + 1;
	while (report_item_next(&c, &item) == STATUS_OK) {
		if (item.id == ITEM_PIECE)
			status = buf_append(out, item.value.data, item.value.size);
		else if (item.id == ITEM_SHAPE)
			status = STATUS_OK;
		for (size_t i = 0; item.id == ITEM_SHAPE && i < item.value.size && !status; i++)
			status = fill_shape(item.value.data[i], &numbers, &body_from, out);
		if (status && status != STATUS_NOT_FOUND)
			return status;
	}
	return status;
}

enum status marine_original(const struct report *r, struct buf *out)
{
	struct ais_packet packet;
	if (r->body != REPORT_BODY_ROW)
		return STATUS_NOT_FOUND;
	enum status status = ais_report_packet(r, &packet);
	if (status == STATUS_NOT_FOUND)
		return take_text(r, out);
	return status ? status : ais_write(&packet, "AI", 0, out);
}

/* --- NMEA and Beidou --- */

static int32_t rounded(int64_t value, int64_t unit)
{
	return (int32_t)((value + (value < 0 ? -unit / 2 : unit / 2)) / unit);
}

static int16_t altitude_of(int32_t altitude_dm)
{
	int32_t m = rounded(altitude_dm, 10);
	return altitude_dm == NMEA_UNKNOWN || m <= INT16_MIN || m > INT16_MAX ? ALTITUDE_UNKNOWN : (int16_t)m;
}

enum status nmea_report(const struct nmea_epoch *e, int64_t time_ms, struct buf *items, struct report *out)
{
	const struct nmea_fix *f = &e->fix;
	*out = blank(time_ms);
	out->lat_e7 = f->has_position ? f->lat_e7 : 0;
	out->lon_e7 = f->has_position ? f->lon_e7 : 0;
	bool fix = f->has_position && (f->lat_e7 || f->lon_e7) &&
		   (f->valid == NMEA_VALID_YES || f->valid == NMEA_VALID_UNSAID);
	if (f->speed_mkn != NMEA_UNKNOWN && f->speed_mkn <= SPEED_MAX_MKN)
		out->speed_dkmh = (uint16_t)rounded((int64_t)f->speed_mkn * 1852, 100000);
	if (f->course_cdeg != NMEA_UNKNOWN)
		out->course_deg = (uint16_t)(rounded(f->course_cdeg, 100) % 360);
	out->altitude_m = altitude_of(f->altitude_dm);
	enum status status = put_text(items, span_of(e->text, e->size));
	return status ? status : seal(out, fix, items);
}

enum status rdss_report(const struct rdss_point *p, int32_t altitude_dm, struct span text, int64_t time_ms,
			struct buf *items, struct report *out)
{
	*out = blank(time_ms);
	out->lat_e7 = p->lat_e7;
	out->lon_e7 = p->lon_e7;
	if (p->speed_dkn <= SPEED_MAX_MKN / 100)
		out->speed_dkmh = dkmh_of_dkn(p->speed_dkn);
	if (p->course_deg != RDSS_POINT_NONE)
		out->course_deg = p->course_deg;
	out->altitude_m = altitude_of(altitude_dm);
	enum status status = put_text(items, text);
	return status ? status : seal(out, true, items);
}
