/* ais_decode.c -- from armoured text to bits, from bits to values, from values to units. */
#include "engine/core/clock.h"
#include "ingest/marine/ais.h"

#define NO_ARMOUR 0xff

/* Armour: 0x30..0x57 are 0..39, 0x60..0x77 are 40..63 (IEC 61162-1, table of the six-bit characters). */
#define A16(n)                                                                                                         \
	n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7, n + 8, n + 9, n + 10, n + 11, n + 12, n + 13, n + 14, n + 15
#define A8(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define N8 NO_ARMOUR, NO_ARMOUR, NO_ARMOUR, NO_ARMOUR, NO_ARMOUR, NO_ARMOUR, NO_ARMOUR, NO_ARMOUR
#define N64 N8, N8, N8, N8, N8, N8, N8, N8
static const uint8_t sixbits[256] = {N8,     N8, N8,      N8,     N8, N8,  A16(0), A16(16),
				     A8(32), N8, A16(40), A8(56), N8, N64, N64};

bool ais_is_armour(struct span text)
{
	uint8_t worst = 0;
	for (size_t i = 0; i < text.size; i++)
		worst |= sixbits[text.data[i]];
	return worst < 64; /* values are below 64, none is 0xff */
}

enum status ais_part_of(const struct sentence *s, struct ais_part *out)
{
	if (s->start != '!' || s->formatter.size != 3 || memcmp(s->formatter.data, "VD", 2) != 0 ||
	    (s->formatter.data[2] != 'M' && s->formatter.data[2] != 'O'))
		return STATUS_UNSUPPORTED;
	if (s->count < 6)
		return STATUS_BAD_LENGTH;
	const struct span *f = s->fields;
	if (f[0].size != 1 || f[1].size != 1 || f[5].size != 1 || f[2].size > 2 || f[3].size > 1)
		return STATUS_OUT_OF_RANGE;
	out->total = (uint8_t)(f[0].data[0] - '0');
	out->number = (uint8_t)(f[1].data[0] - '0');
	out->fill = (uint8_t)(f[5].data[0] - '0');
	if (out->total < 1 || out->total > AIS_PARTS_MAX || out->number < 1 || out->number > out->total ||
	    out->fill > 5)
		return STATUS_OUT_OF_RANGE;
	uint32_t sequence;
	out->sequence = sentence_digits(f[2], &sequence) ? AIS_SEQUENCE_NONE : (uint8_t)sequence;
	out->channel = f[3].size ? f[3].data[0] : 0;
	out->own = s->formatter.data[2] == 'O';
	out->payload = f[4];
	return ais_is_armour(f[4]) ? STATUS_OK : STATUS_MALFORMED;
}

enum status ais_unarmour(struct span text, unsigned fill, struct ais_packet *out)
{
	size_t bits = text.size * 6;
	if (bits <= fill)
		return STATUS_EMPTY;
	bits -= fill;
	if (bits > AIS_BITS_MAX)
		return STATUS_TOO_LONG;
	const uint8_t *at = text.data;
	uint8_t *to = out->payload, worst = 0;
	size_t left = text.size;
	for (; left >= 4; left -= 4, at += 4) {
		uint32_t a = sixbits[at[0]], b = sixbits[at[1]], c = sixbits[at[2]], d = sixbits[at[3]];
		uint32_t word = a << 18 | b << 12 | c << 6 | d;
		worst |= (uint8_t)(a | b | c | d);
		*to++ = (uint8_t)(word >> 16);
		*to++ = (uint8_t)(word >> 8);
		*to++ = (uint8_t)word;
	}
	uint32_t word = 0;
	for (size_t i = 0; i < 4 && left; i++) {
		uint8_t v = i < left ? sixbits[at[i]] : 0;
		worst |= v;
		word = word << 6 | v;
	}
	*to++ = (uint8_t)(word >> 16);
	*to++ = (uint8_t)(word >> 8);
	*to++ = (uint8_t)word;
	if (worst >= 64)
		return STATUS_MALFORMED;
	memset(out->payload + (bits + 7) / 8, 0, AIS_PAD);
	if (bits % 8)
		out->payload[bits / 8] &= (uint8_t)(0xff00 >> bits % 8);
	out->bits = (uint16_t)bits;
	return STATUS_OK;
}

/* --- values --- */

char *ais_text_room(struct ais_message *m, enum ais_field field, size_t *out_room)
{
	switch (field) {
	case AIS_NAME:
		*out_room = sizeof m->name;
		return m->name;
	case AIS_CALLSIGN:
		*out_room = sizeof m->callsign;
		return m->callsign;
	case AIS_DESTINATION:
		*out_room = sizeof m->destination;
		return m->destination;
	case AIS_EXTENSION:
		*out_room = sizeof m->extension;
		return m->extension;
	case AIS_VENDOR:
		*out_room = sizeof m->vendor;
		return m->vendor;
	case AIS_TEXT:
		*out_room = sizeof m->text;
		return m->text;
	default:
		return NULL;
	}
}

const char *ais_text(const struct ais_message *m, enum ais_field field)
{
	size_t room;
	const char *text = ais_has(m, field) ? ais_text_room((struct ais_message *)(uintptr_t)m, field, &room) : NULL;
	return text ? text : "";
}

/* Six-bit ASCII (M.1371-5 table 47): '@' ends the text, blanks before it are padding. */
static void take_text(const uint8_t *payload, unsigned bits, const struct ais_place *p, char *out, size_t room)
{
	unsigned end = p->from + p->width < bits ? p->from + p->width : bits;
	size_t n = 0;
	for (unsigned at = p->from; at + 6 <= end && n + 1 < room; at += 6) {
		uint32_t v = ais_bits(payload, at, 6);
		if (v == 0)
			break;
		out[n++] = (char)(v < 32 ? v + 64 : v);
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

/* Twenty characters without an '@' say that the name goes on; blanks do not end it. */
static bool name_goes_on(const uint8_t *payload)
{
	for (unsigned at = 43; at < 163; at += 6)
		if (ais_bits(payload, at, 6) == 0)
			return false;
	return true;
}

static void take_field(const struct ais_packet *p, const struct ais_place *place, struct ais_message *out)
{
	enum ais_field field = (enum ais_field)place->field;
	enum ais_kind kind = ais_field_kind(field);
	if (kind == AIS_KIND_T) {
		size_t room = 0;
		char *text = ais_text_room(out, field, &room);
		if (text)
			take_text(p->payload, p->bits, place, text, room);
	} else {
		uint32_t raw = ais_bits(p->payload, place->from, place->width);
		unsigned up = 32u - place->width;
		out->values[field] = kind == AIS_KIND_S ? (int32_t)(raw << up) >> up : (int32_t)raw;
	}
	out->has |= UINT64_C(1) << field;
}

enum status ais_decode(const struct ais_packet *packet, struct ais_message *out)
{
	if (packet->bits < 38)
		return STATUS_BAD_LENGTH;
	out->type = packet->payload[0] >> 2;
	out->repeat = packet->payload[0] & 3;
	out->mmsi = ais_bits(packet->payload, 8, 30);
	out->bits = packet->bits;
	out->has = UINT64_C(1) << AIS_TYPE | UINT64_C(1) << AIS_REPEAT | UINT64_C(1) << AIS_MMSI;
	out->known = false;
	if (out->type == 0 || out->type > 27)
		return STATUS_UNSUPPORTED;
	const struct ais_layout *layout = ais_layout_of(packet->payload, packet->bits);
	if (!layout)
		return STATUS_OK;
	if (packet->bits < layout->bits_min || packet->bits > layout->bits_max)
		return STATUS_BAD_LENGTH;
	for (const struct ais_place *p = layout->places; p->width; p++)
		if (p->from < packet->bits || ais_field_kind((enum ais_field)p->field) == AIS_KIND_T)
			take_field(packet, p, out);
	if (ais_has(out, AIS_EXTENSION) && !name_goes_on(packet->payload))
		out->extension[0] = '\0';
	out->known = true;
	return STATUS_OK;
}

/* --- units --- */

static bool said(const struct ais_message *m, enum ais_field field)
{
	return ais_has(m, field) && m->values[field] != ais_field_na(m->type, field);
}

/* value * 50 / 3, half away from zero: 1/10,000 minutes to 1e-7 degrees */
static int32_t e7_of(int64_t minutes_e4)
{
	int64_t scaled = minutes_e4 * 100, half = scaled < 0 ? -3 : 3;
	return (int32_t)((scaled + half) / 6);
}

bool ais_position(const struct ais_message *m, int32_t *out_lat_e7, int32_t *out_lon_e7)
{
	if (!said(m, AIS_LAT) || !said(m, AIS_LON))
		return false;
	int64_t scale = m->type == 27 ? 1000 : 1, lat = m->values[AIS_LAT] * scale, lon = m->values[AIS_LON] * scale;
	if (lat < -54000000 || lat > 54000000 || lon < -108000000 || lon > 108000000 || (lat == 0 && lon == 0))
		return false;
	*out_lat_e7 = e7_of(lat);
	*out_lon_e7 = e7_of(lon);
	return true;
}

bool ais_sog_dkn(const struct ais_message *m, uint16_t *out)
{
	if (!said(m, AIS_SOG))
		return false;
	bool whole = m->type == 9 || m->type == 27;
	*out = (uint16_t)(m->values[AIS_SOG] * (whole ? 10 : 1));
	return true;
}

bool ais_cog_ddeg(const struct ais_message *m, uint16_t *out)
{
	if (!said(m, AIS_COG))
		return false;
	int32_t v = m->values[AIS_COG] * (m->type == 27 ? 10 : 1);
	*out = (uint16_t)v;
	return v < 3600;
}

bool ais_heading_deg(const struct ais_message *m, uint16_t *out)
{
	if (!said(m, AIS_HEADING) || m->values[AIS_HEADING] > 359)
		return false;
	*out = (uint16_t)m->values[AIS_HEADING];
	return true;
}

bool ais_turn_ddeg_min(const struct ais_message *m, int16_t *out, bool *out_limit)
{
	if (!said(m, AIS_ROT))
		return false;
	int32_t v = m->values[AIS_ROT];
	*out_limit = v == 127 || v == -127;
	/* (v / 4.733)^2 in tenths, rounded: 4.733^2 = 22.401289 */
	int64_t tenths = (INT64_C(10000000) * v * v + 11200645) / 22401289;
	*out = (int16_t)(v < 0 ? -tenths : tenths);
	return true;
}

bool ais_second(const struct ais_message *m, uint8_t *out)
{
	if (!ais_has(m, AIS_SECOND) || m->values[AIS_SECOND] > 59)
		return false;
	*out = (uint8_t)m->values[AIS_SECOND];
	return true;
}

bool ais_position_untrusted(const struct ais_message *m)
{
	return m->type != 4 && m->type != 11 && ais_has(m, AIS_SECOND) && m->values[AIS_SECOND] > 60;
}

bool ais_utc_ms(const struct ais_message *m, int64_t *out)
{
	static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (m->type != 4 && m->type != 11)
		return false;
	int32_t year = m->values[AIS_YEAR], month = m->values[AIS_MONTH], day = m->values[AIS_DAY];
	int32_t hour = m->values[AIS_HOUR], minute = m->values[AIS_MINUTE], second = m->values[AIS_SECOND];
	if (year == 0 || year > 9999 || month < 1 || month > 12 || day < 1 || day > days[month - 1] || hour > 23 ||
	    minute > 59 || second > 59)
		return false;
	struct civil c = {year, (uint8_t)month, (uint8_t)day, (uint8_t)hour, (uint8_t)minute, (uint8_t)second, 0};
	struct civil back;
	*out = civil_to_ms(&c);
	civil_from_ms(*out, &back);
	return back.day == c.day;
}

bool ais_name(const struct ais_message *m, char *out)
{
	const char *name = ais_text(m, AIS_NAME), *more = ais_text(m, AIS_EXTENSION);
	size_t size = strlen(name);
	memcpy(out, name, size);
	if (*more) /* blanks that ended the name were part of it */
		while (size < 20)
			out[size++] = ' ';
	memcpy(out + size, more, strlen(more) + 1);
	return *out != '\0';
}

static bool sum_of(const struct ais_message *m, enum ais_field a, enum ais_field b, uint16_t *out)
{
	if (!ais_has(m, a) || !ais_has(m, b))
		return false;
	*out = (uint16_t)(m->values[a] + m->values[b]);
	return *out != 0;
}

bool ais_length_m(const struct ais_message *m, uint16_t *out)
{
	return sum_of(m, AIS_BOW, AIS_STERN, out);
}

bool ais_beam_m(const struct ais_message *m, uint16_t *out)
{
	return sum_of(m, AIS_PORT, AIS_STARBOARD, out);
}
