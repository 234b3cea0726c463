#include "ingest/marine/rdss.h"

#include "engine/core/clock.h"
#include "ingest/marine/nmea.h"

#define DAY_MS 86400000
/* first byte of a payload of mode 2: characters and code mixed */
#define MIXED 0xa4

static const struct {
	const char *name, *what, *fields;
} sentences[RDSS_SENTENCE_COUNT] = {
#define X(NAME, what, fields) {#NAME, what, fields},
	RDSS_SENTENCE_TABLE(X)
#undef X
};

const char *rdss_sentence_name(enum rdss_sentence kind)
{
	return sentences[kind].name;
}

const char *rdss_sentence_what(enum rdss_sentence kind)
{
	return sentences[kind].what;
}

const char *rdss_sentence_fields(enum rdss_sentence kind)
{
	return sentences[kind].fields;
}

struct rdss_options rdss_options_default(void)
{
	return (struct rdss_options){.waa_from = true};
}

enum status rdss_card(struct span text, uint32_t *out)
{
	if (text.size < 6 || text.size > 8 || sentence_digits(text, out))
		return STATUS_OUT_OF_RANGE;
	return STATUS_OK;
}

static enum status card(struct span field, uint32_t *out)
{
	return field.size ? rdss_card(field, out) : STATUS_OK;
}

static enum status time_of(struct span field, const struct rdss_options *o, struct rdss_message *m)
{
	if (field.size == 0)
		return STATUS_OK;
	enum status status = nmea_time(field, true, &m->time_ms);
	m->time_is_minute = field.size == 4;
	if (!status && o->time_is_local)
		m->time_ms = (m->time_ms + DAY_MS - (int32_t)CHINA_OFFSET_MS) % DAY_MS;
	return status;
}

/* Latitude, letter, longitude, letter, altitude from field `first` on. */
static enum status position(const struct sentence *s, unsigned first, struct rdss_message *m)
{
	int64_t altitude;
	enum status lat = nmea_lat(sentence_field(s, first), sentence_field(s, first + 1), true, &m->lat_e7);
	enum status lon = nmea_lon(sentence_field(s, first + 2), sentence_field(s, first + 3), true, &m->lon_e7);
	if (lat == STATUS_EMPTY || lon == STATUS_EMPTY)
		return STATUS_OK;
	if (lat || lon)
		return lat ? lat : lon;
	m->has_position = m->lat_e7 || m->lon_e7;
	if (!sentence_decimal(sentence_field(s, first + 4), 1, &altitude) && altitude > -1000000 && altitude < 1000000)
		m->altitude_dm = (int32_t)altitude;
	return STATUS_OK;
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hex; an odd last digit is the high half of a byte, as code of an odd count of nibbles is sent. */
static enum status hex(struct span text, struct rdss_message *m)
{
	if (text.size > 2 * RDSS_PAYLOAD_MAX)
		return STATUS_TOO_LONG;
	for (size_t i = 0; i < text.size; i += 2) {
		int high = digit(text.data[i]), low = i + 1 < text.size ? digit(text.data[i + 1]) : 0;
		if (high < 0 || low < 0)
			return STATUS_MALFORMED;
		m->payload[m->payload_size++] = (uint8_t)(high << 4 | low);
	}
	return STATUS_OK;
}

/* All behind field `index`: text may hold commas. */
static struct span rest_from(const struct sentence *s, unsigned index)
{
	struct span first = sentence_field(s, index);
	if (index >= s->count)
		return first;
	const struct span *last = &s->fields[s->count - 1];
	return span_of(first.data, (size_t)(last->data + last->size - first.data));
}

/* 0: characters, as they are; 1: code, hex; 2: hex that begins with A4 when characters are mixed in. */
static enum status payload(struct span mode, struct span text, struct rdss_message *m)
{
	uint8_t how = mode.size == 1 ? mode.data[0] : 0;
	if (how == '0') {
		if (text.size > RDSS_PAYLOAD_MAX)
			return STATUS_TOO_LONG;
		memcpy(m->payload, text.data, text.size);
		m->payload_size = (uint16_t)text.size;
		m->is_text = true;
		return STATUS_OK;
	}
	if (how != '1' && how != '2')
		return STATUS_OUT_OF_RANGE;
	enum status status = hex(text, m);
	if (!status && how == '2' && m->payload_size && m->payload[0] == MIXED) {
		memmove(m->payload, m->payload + 1, --m->payload_size);
		m->is_text = true;
	}
	return status;
}

/* BDS-3: 1 characters, 2 code, 3 mixed, 4 compressed; characters may come as hex, too. */
static enum status payload_bds3(struct span encoding, struct span text, struct rdss_message *m)
{
	uint8_t how = encoding.size == 1 ? encoding.data[0] : 0;
	if (how < '1' || how > '4')
		return STATUS_OUT_OF_RANGE;
	enum status status = hex(text, m);
	if (status == STATUS_MALFORMED && (how == '1' || how == '3')) {
		m->payload_size = 0;
		return payload(span_of("0", 1), text, m);
	}
	m->is_text = how == '1' || how == '3';
	return status;
}

static unsigned fields_least(enum rdss_sentence kind)
{
	switch (kind) {
	case RDSS_TXR:
	case RDSS_TCQ:
		return 5;
	case RDSS_TCI:
	case RDSS_DWR:
		return 7;
	case RDSS_WAA:
		return 8;
	case RDSS_TXA:
		return 4;
	case RDSS_ICA:
	case RDSS_RMO:
	case RDSS_WBA:
	case RDSS_PWI:
		return 2;
	default:
		return 3;
	}
}

static enum status parse_kind(const struct sentence *s, const struct rdss_options *o, struct rdss_message *m)
{
	const struct span *f = s->fields;
	enum status status = STATUS_OK;
	uint32_t waa_card = 0;
	switch (m->kind) {
	case RDSS_TXR:
		if ((status = card(f[1], &m->from)) || (status = time_of(f[3], o, m)))
			return status;
		return payload(f[2], rest_from(s, 4), m);
	case RDSS_TXA:
		status = card(f[0], &m->to);
		return status ? status : payload(f[2], rest_from(s, 3), m);
	case RDSS_TCI:
		if ((status = card(f[0], &m->from)) || (status = card(f[1], &m->to)) || (status = time_of(f[3], o, m)))
			return status;
		return payload_bds3(f[4], rest_from(s, 6), m);
	case RDSS_TCQ:
		status = card(f[0], &m->to);
		return status ? status : payload_bds3(f[2], rest_from(s, 4), m);
	case RDSS_DWR:
		if ((status = card(f[1], &m->from)) || (status = time_of(f[2], o, m)))
			return status;
		return position(s, 3, m);
	case RDSS_WAA:
		if ((status = card(f[2], &waa_card)) || (status = time_of(f[3], o, m)))
			return status;
		*(o->waa_from ? &m->from : &m->to) = waa_card;
		return position(s, 4, m);
	case RDSS_DWA:
	case RDSS_ICI:
	case RDSS_ICP:
		return card(f[0], &m->from);
	case RDSS_WBA:
		return card(f[0], &m->to);
	default:
		return STATUS_OK;
	}
}

enum status rdss_parse(const struct sentence *s, const struct rdss_options *options, struct rdss_message *out)
{
	if (s->start != '$' || s->address.size != 5 ||
	    (memcmp(s->address.data, "BD", 2) != 0 && memcmp(s->address.data, "CC", 2) != 0))
		return STATUS_UNSUPPORTED;
	unsigned k = 0;
	while (k < RDSS_SENTENCE_COUNT && !sentence_is(s, sentences[k].name))
		k++;
	if (k == RDSS_SENTENCE_COUNT)
		return STATUS_UNSUPPORTED;
	out->kind = (enum rdss_sentence)k;
	out->from = out->to = 0;
	out->time_ms = RDSS_TIME_UNKNOWN;
	out->time_is_minute = out->has_position = out->is_text = false;
	out->lat_e7 = out->lon_e7 = 0;
	out->altitude_dm = RDSS_ALTITUDE_UNKNOWN;
	out->payload_size = 0;
	if (s->count < fields_least(out->kind))
		return STATUS_BAD_LENGTH;
	return parse_kind(s, options, out);
}
