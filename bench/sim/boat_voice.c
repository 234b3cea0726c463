#include "bench/sim/boat_voice.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/sim/wire.h"
#include "ingest/marine/ais.h"

/* A unit of AIS is 1/10,000 minute: degrees of 1e-6 times 0.6. */
static int32_t ais_minutes(int32_t e6)
{
	return (int32_t)lround((double)e6 * 0.6);
}

/* 0.1 knot of 0.1 km/h */
static int32_t knots(uint16_t speed_dkmh)
{
	return (int32_t)lround(speed_dkmh / 1.852);
}

static void put_ais(struct buf *out, bool class_a, uint32_t mmsi, const struct scene_report *r)
{
	struct ais_message m = {.type = class_a ? 1 : 18, .mmsi = mmsi, .known = true};
	static struct ais_packet packet;
	ais_set(&m, AIS_SOG, knots(r->speed_dkmh));
	ais_set(&m, AIS_COG, r->course_deg * 10);
	ais_set(&m, AIS_LAT, ais_minutes(r->lat_e6));
	ais_set(&m, AIS_LON, ais_minutes(r->lon_e6));
	ais_set(&m, AIS_SECOND, (int32_t)(r->time_ms / 1000 % 60));
	if (class_a)
		ais_set(&m, AIS_STATUS, r->nav_status);
	wire_must(ais_encode(&m, &packet));
	wire_must(ais_write(&packet, "AI", 0, out));
}

/* 1/10,000 minute as ddmm.mmmm */
static void put_beidou(struct buf *out, uint32_t card, const struct scene_report *r)
{
	char body[128];
	unsigned clock = (unsigned)(r->time_ms / 1000 % 86400);
	int lat = abs(ais_minutes(r->lat_e6)), lon = abs(ais_minutes(r->lon_e6));
	snprintf(body, sizeof body, "BDWAA,1,600,%07u,%02u%02u%02u,%02d%02d.%04d,%c,%03d%02d.%04d,%c,4,M", card,
		 clock / 3600, clock / 60 % 60, clock % 60, lat / 600000, lat / 10000 % 60, lat % 10000,
		 r->lat_e6 < 0 ? 'S' : 'N', lon / 600000, lon / 10000 % 60, lon % 10000, r->lon_e6 < 0 ? 'W' : 'E');
	wire_must(buf_printf(out, "$%s*%02X\r\n", body, sentence_sum(span_of_string(body))));
}

static void put_tag(struct buf *out, int64_t time_ms)
{
	char tag[48];
	snprintf(tag, sizeof tag, "c:%lld", (long long)(time_ms / 1000));
	wire_must(buf_printf(out, "\\%s*%02X\\", tag, sentence_sum(span_of_string(tag))));
}

void boat_voice_put(struct buf *out, enum scene_voice voice, uint32_t number, const struct scene_report *r)
{
	put_tag(out, r->time_ms);
	if (voice == VOICE_BEIDOU)
		put_beidou(out, number, r);
	else
		put_ais(out, voice == VOICE_AIS_A, number, r);
}

void boat_voice_name(struct buf *out, enum scene_voice voice, uint32_t mmsi, const char *name, uint8_t ship_type,
		     int64_t time_ms)
{
	static struct ais_packet packet;
	struct ais_message m = {.type = voice == VOICE_AIS_A ? 5 : 24, .mmsi = mmsi, .known = true};
	snprintf(m.name, sizeof m.name, "%s", name);
	m.has |= UINT64_C(1) << AIS_NAME;
	if (m.type == 24)
		ais_set(&m, AIS_PART, 0);
	else
		ais_set(&m, AIS_SHIPTYPE, ship_type);
	wire_must(ais_encode(&m, &packet));
	put_tag(out, time_ms);
	wire_must(ais_write(&packet, "AI", mmsi % 10, out));
}

static void put_static(struct buf *out, const struct ais_message *m, int64_t time_ms)
{
	static struct ais_packet packet;
	wire_must(ais_encode(m, &packet));
	put_tag(out, time_ms);
	wire_must(ais_write(&packet, "AI", m->mmsi % 10, out));
}

unsigned boat_voice_static(struct buf *out, enum scene_voice voice, uint32_t mmsi, const char *name, uint8_t ship_type,
			   uint16_t length_m, int64_t time_ms)
{
	struct ais_message m = {.type = voice == VOICE_AIS_A ? 5 : 24, .mmsi = mmsi, .known = true};
	if (m.type == 24) {
		boat_voice_name(out, voice, mmsi, name, ship_type, time_ms);
		ais_set(&m, AIS_PART, 1);
	} else {
		snprintf(m.name, sizeof m.name, "%s", name);
		m.has |= UINT64_C(1) << AIS_NAME;
	}
	ais_set(&m, AIS_SHIPTYPE, ship_type);
	ais_set(&m, AIS_BOW, length_m / 2);
	ais_set(&m, AIS_STERN, length_m - length_m / 2);
	ais_set(&m, AIS_PORT, 2);
	ais_set(&m, AIS_STARBOARD, 2);
	put_static(out, &m, time_ms);
	return m.type == 24 ? 2 : 1;
}

int boat_voice_connect(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int boat_voice_send(int fd, struct span text)
{
	while (text.size) {
		ssize_t n = send(fd, text.data, text.size, MSG_NOSIGNAL);
		if (n <= 0)
			return -1;
		text = span_of(text.data + n, text.size - (size_t)n);
	}
	return 0;
}
