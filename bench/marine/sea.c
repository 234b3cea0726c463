#include "bench/marine/sea.h"

#include <stdio.h>
#include <stdlib.h>

#include "ingest/marine/ais.h"

#define AIS_EVERY_S 30
#define BEIDOU_EVERY_S 600
#define NMEA_EVERY_S 10
#define STATIC_EVERY_S 360
#define REPEATED_OF 8 /* one message in so many is heard from a repeater, too */

struct sea {
	const struct sea_options *o;
	uint64_t state;
	sea_line *line;
	void *context;
	struct sea_truth *truth;
	unsigned senders;
};

static uint32_t next(struct sea *s)
{
	s->state = s->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(s->state >> 33);
}

/* A place in the bay, in 1/10,000 minute, that moves with the time. */
static void place(const struct sea *s, unsigned sender, int64_t t_s, int32_t *lat, int32_t *lon)
{
	uint32_t way = (uint32_t)(t_s % 3600) * (3 + sender % 7);
	*lat = 14880000 + (int32_t)(sender * 797 % 60000) + (int32_t)way;
	*lon = 71160000 + (int32_t)(sender * 1009 % 90000) - (int32_t)(way / 2) + (int32_t)(s->o->seed % 97);
}

static void send_ais(struct sea *s, const struct ais_message *m, int64_t time_ms)
{
	char tag[64];
	struct ais_packet p;
	struct buf sentences = buf_init(1024), out = buf_init(1024);
	/* the receiver's clock, some seconds late at most */
	snprintf(tag, sizeof tag, "s:sea,c:%lld", (long long)(time_ms / 1000 + next(s) % 4));
	for (unsigned copy = 0; copy < 2; copy++) {
		struct ais_message again = *m;
		again.repeat = (uint8_t)copy;
		buf_clear(&sentences);
		buf_clear(&out);
		if (ais_encode(&again, &p) || ais_write(&p, "AI", next(s), &sentences) ||
		    buf_printf(&out, "\\%s*%02X\\", tag, sentence_sum(span_of_string(tag))) ||
		    buf_append(&out, sentences.data, sentences.size))
			abort();
		s->line(s->context, SEA_AIS, buf_view(&out), copy == 1);
		if (next(s) % REPEATED_OF)
			break;
	}
	buf_deinit(&sentences);
	buf_deinit(&out);
}

static void send_text(struct sea *s, enum sea_kind kind, const char *body)
{
	struct buf out = buf_init(512);
	if (sentence_write('$', span_of_string(body), &out))
		abort();
	s->line(s->context, kind, buf_view(&out), false);
	buf_deinit(&out);
}

static struct sea_truth *truth_of(struct sea *s, enum sea_kind kind, uint32_t number)
{
	for (unsigned i = 0; i < s->senders; i++)
		if (s->truth[i].kind == kind && s->truth[i].number == number)
			return &s->truth[i];
	if (s->senders == SEA_SENDERS_MAX)
		abort();
	s->truth[s->senders] = (struct sea_truth){kind, number, 0, 0};
	return &s->truth[s->senders++];
}

static void sail_ais(struct sea *s, unsigned boat, int64_t t_s)
{
	struct ais_message m = {.type = boat % 3 == 0 ? 1 : 18, .mmsi = 412300000 + boat};
	int32_t lat, lon;
	if (boat % 20 == 19) { /* an aid, from its own number */
		m.type = 21;
		m.mmsi = 994120000 + boat;
	}
	struct sea_truth *truth = truth_of(s, SEA_AIS, m.mmsi);
	place(s, boat, t_s, &lat, &lon);
	ais_set(&m, AIS_LAT, lat);
	ais_set(&m, AIS_LON, lon);
	ais_set(&m, AIS_SOG, (int32_t)(next(s) % 120));
	ais_set(&m, AIS_COG, (int32_t)(next(s) % 3600));
	ais_set(&m, AIS_SECOND, (int32_t)((t_s + boat % 30) % 60));
	if (m.type == 21)
		snprintf(m.name, sizeof m.name, "BAY %u", boat);
	m.has |= m.type == 21 ? UINT64_C(1) << AIS_NAME : 0;
	send_ais(s, &m, (t_s + boat % 30) * 1000);
	truth->positions++;
	if (t_s % STATIC_EVERY_S != 0 || m.type == 21)
		return;
	struct ais_message told = {.type = 5, .mmsi = m.mmsi};
	ais_set(&told, AIS_SHIPTYPE, 30);
	ais_set(&told, AIS_BOW, 12);
	ais_set(&told, AIS_STERN, (int32_t)(boat % 20));
	told.has |= UINT64_C(1) << AIS_NAME;
	snprintf(told.name, sizeof told.name, "MIN SHI YU %05u", boat);
	send_ais(s, &told, t_s * 1000);
	truth->statics = 1;
}

static void sail_beidou(struct sea *s, unsigned boat, int64_t t_s)
{
	char body[160];
	int32_t lat, lon;
	uint32_t card = 204000 + boat;
	unsigned clock = (unsigned)(t_s % 86400);
	place(s, boat, t_s, &lat, &lon);
	if (boat % 2) {
		snprintf(body, sizeof body, "BDWAA,1,600,%07u,%02u%02u%02u,%02d%02d.%04d,N,%03d%02d.%04d,E,4,M", card,
			 clock / 3600, clock / 60 % 60, clock % 60, lat / 600000, lat / 10000 % 60, lat % 10000,
			 lon / 600000, lon / 10000 % 60, lon % 10000);
	} else {
		uint32_t lat_e6 = (uint32_t)((int64_t)lat * 5 / 3), lon_e6 = (uint32_t)((int64_t)lon * 5 / 3);
		snprintf(body, sizeof body, "BDTXR,1,%07u,1,%02u%02u,%08X%08X%04X%04X", card, clock / 3600,
			 clock / 60 % 60, lat_e6, lon_e6, next(s) % 120, next(s) % 360);
	}
	send_text(s, SEA_BEIDOU, body);
	truth_of(s, SEA_BEIDOU, card)->positions++;
}

static void sail_nmea(struct sea *s, int64_t t_s)
{
	char body[160], where[64];
	int32_t lat, lon;
	unsigned clock = (unsigned)(t_s % 86400);
	place(s, 7, t_s, &lat, &lon);
	snprintf(where, sizeof where, "%02d%02d.%04d,N,%03d%02d.%04d,E", lat / 600000, lat / 10000 % 60, lat % 10000,
		 lon / 600000, lon / 10000 % 60, lon % 10000);
	snprintf(body, sizeof body, "GNGGA,%02u%02u%02u.00,%s,1,09,0.9,3.4,M,8.1,M,,", clock / 3600, clock / 60 % 60,
		 clock % 60, where);
	send_text(s, SEA_NMEA, body);
	send_text(s, SEA_NMEA, "GNVTG,271.3,T,,M,5.1,N,9.4,K,A");
	truth_of(s, SEA_NMEA, 0)->positions++;
}

unsigned sea_play(const struct sea_options *o, sea_line *line, void *context, struct sea_truth *truth)
{
	struct sea s = {o, o->seed, line, context, truth, 0};
	for (int64_t second = 0; second < (int64_t)o->minutes * 60; second += NMEA_EVERY_S) {
		int64_t t_s = o->start_ms / 1000 + second;
		for (unsigned boat = 0; boat < o->boats && second % AIS_EVERY_S == 0; boat++)
			sail_ais(&s, boat, t_s);
		for (unsigned boat = 0; boat < o->boats / 4 && second % BEIDOU_EVERY_S == 0; boat++)
			sail_beidou(&s, boat, t_s);
		sail_nmea(&s, t_s);
	}
	return s.senders;
}
