/* ais_encode.c -- from values to bits, from bits to sentences. */
#include "ingest/marine/ais.h"

/* armoured characters of one sentence: 82 bytes less "!AIVDM,2,1,7,A," and ",0*hh" CR LF (NMEA 0183, 5.3) */
#define PAYLOAD_MAX 56

void ais_bits_put(uint8_t *payload, unsigned from, unsigned width, uint32_t value)
{
	uint64_t masked = width == 32 ? value : value & ((UINT32_C(1) << width) - 1);
	uint64_t word = load_be64(payload + from / 8) | masked << (64 - width - from % 8);
	store_be64(payload + from / 8, word);
}

static uint32_t sixbit_of(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c >= 64 && c <= 95)
		return (uint32_t)c - 64;
	return c >= 32 && c <= 63 ? (uint32_t)c : '?';
}

static void put_text(uint8_t *payload, const struct ais_place *p, const char *text)
{
	for (unsigned at = p->from; at + 6 <= (unsigned)p->from + p->width && *text; at += 6)
		ais_bits_put(payload, at, 6, sixbit_of(*text++));
}

static void put_field(const struct ais_message *m, const struct ais_place *p, uint8_t *payload)
{
	enum ais_field field = (enum ais_field)p->field;
	if (ais_field_kind(field) == AIS_KIND_T) {
		put_text(payload, p, ais_text(m, field));
		return;
	}
	int32_t na = ais_field_na(m->type, field);
	int32_t value = ais_has(m, field) ? m->values[field] : na == AIS_NONE ? 0 : na;
	ais_bits_put(payload, p->from, p->width, (uint32_t)value);
}

/* Of a message of variable length: texts take what they need. */
static uint16_t bits_wanted(const struct ais_message *m, const struct ais_layout *layout)
{
	if (m->type == 14)
		return (uint16_t)(40 + 6 * strlen(ais_text(m, AIS_TEXT)));
	if (m->type != 21)
		return layout->bits;
	size_t more = strlen(ais_text(m, AIS_EXTENSION));
	return (uint16_t)(272 + (more * 6 + 7) / 8 * 8);
}

enum status ais_encode(const struct ais_message *m, struct ais_packet *out)
{
	memset(out, 0, sizeof *out);
	out->time_ms = SENTENCE_TIME_NONE;
	out->station = span_of("", 0);
	out->parts = 1;
	out->channel = 'A';
	ais_bits_put(out->payload, 0, 6, m->type);
	ais_bits_put(out->payload, 6, 2, m->repeat);
	ais_bits_put(out->payload, 8, 30, m->mmsi);
	if (m->type == 24 && ais_has(m, AIS_PART))
		ais_bits_put(out->payload, 38, 2, (uint32_t)m->values[AIS_PART]);
	const struct ais_layout *layout = ais_layout_of(out->payload, 40);
	if (!layout)
		return STATUS_UNSUPPORTED;
	out->bits = bits_wanted(m, layout);
	for (const struct ais_place *p = layout->places; p->width; p++)
		if (p->from < out->bits && p->field != AIS_PART)
			put_field(m, p, out->payload);
	return STATUS_OK;
}

static char armour_of(uint32_t sixbit)
{
	return (char)(sixbit + (sixbit < 40 ? 48 : 56));
}

enum status ais_write(const struct ais_packet *packet, const char *talker, unsigned sequence, struct buf *out)
{
	unsigned chars = (packet->bits + 5u) / 6, total = (chars + PAYLOAD_MAX - 1) / PAYLOAD_MAX;
	enum status status = STATUS_OK;
	for (unsigned part = 0; part < total && !status; part++) {
		unsigned first = part * PAYLOAD_MAX, n = chars - first < PAYLOAD_MAX ? chars - first : PAYLOAD_MAX;
		unsigned fill = part + 1 == total ? chars * 6 - packet->bits : 0;
		char body[96], number[2] = {(char)('0' + sequence % 10), '\0'};
		char channel[2] = {(char)packet->channel, '\0'};
		struct buf text = {(uint8_t *)body, 0, sizeof body, sizeof body};
		status = buf_printf(&text, "%.2sVD%c,%u,%u,%s,%s,", talker, packet->own ? 'O' : 'M', total, part + 1,
				    total > 1 ? number : "", channel);
		for (unsigned i = 0; i < n && !status; i++)
			status =
				buf_append_u8(&text, (uint8_t)armour_of(ais_bits(packet->payload, (first + i) * 6, 6)));
		if (!status)
			status = buf_printf(&text, ",%u", fill);
		if (!status)
			status = sentence_write('!', buf_view(&text), out);
	}
	return status;
}
