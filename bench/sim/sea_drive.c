#include "bench/sim/sea_drive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/sim/api.h"
#include "bench/sim/boat_voice.h"
#include "bench/sim/drive.h"
#include "bench/sim/server.h"
#include "engine/core/clock.h"

/* The first of their hull numbers: scenes have the lower ones. */
#define FIRST_NUMBER 9001
#define STATIC_EVERY 12 /* reports between static data */

/* What sails, how many of it, how often it speaks and how fast it is. Merchants and nets are nobody's in the registry:
 * they are what they say. */
static const struct sort {
	unsigned count;
	enum scene_voice voice;
	const char *class_token, *name;
	uint8_t ship_type;
	int interval_s;
	double speed_kmh, radius_m;
	bool beacon; /* with a Beidou beacon besides */
	double lon;  /* the west of where it sails: merchants so far out that twelve minutes straight on bring none near
		      */
} sorts[] = {
	{14, VOICE_AIS_B, "fishing-small", NULL, 30, 30, 9, 900, false, 119.06},
	{12, VOICE_AIS_B, "fishing-medium", NULL, 30, 30, 13, 1800, true, 119.06},
	{6, VOICE_AIS_A, NULL, "DEMO MERCHANT", 70, 10, 24, 4000, false, 119.46},
	{4, VOICE_AIS_B, NULL, "NET7-83%", 0, 180, 1, 60, false, 119.06},
};

static double part(uint64_t *random)
{
	return (double)(drive_random(random) >> 11) / 9007199254740992.0;
}

/* The next place in the list, somewhere in its part of the bay. */
static struct sea_sender *add(struct sea_drive *d, size_t *count, const struct sort *sort, unsigned number,
			      uint64_t *random)
{
	struct sea_sender *s = &d->senders[(*count)++];
	*s = (struct sea_sender){.lat = 24.74 + 0.1 * part(random),
				 .lon = sort->lon + 0.2 * part(random),
				 .radius_m = sort->radius_m * (0.6 + 0.4 * part(random)),
				 .speed_kmh = sort->speed_kmh * (0.7 + 0.3 * part(random)),
				 .phase = 2 * M_PI * part(random),
				 .interval_ms = sort->interval_s * MS_PER_SECOND,
				 .name = sort->name,
				 .ship_type = sort->ship_type};
	s->boat.voice = sort->voice;
	s->boat.number = number;
	snprintf(s->boat.class_token, sizeof s->boat.class_token, "%s", sort->class_token ? sort->class_token : "");
	s->number = scene_call_number(&s->boat);
	return s;
}

/* The beacon of a boat: it says the same every ten minutes. */
static void add_beacon(struct sea_drive *d, size_t *count, const struct sea_sender *boat)
{
	struct sea_sender *s = &d->senders[(*count)++];
	*s = *boat;
	s->boat.voice = VOICE_BEIDOU;
	s->number = scene_call_number(&s->boat);
	s->interval_ms = 10 * MS_PER_MINUTE;
}

static size_t make_senders(struct sea_drive *d, uint64_t seed)
{
	uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	size_t count = 0;
	unsigned number = FIRST_NUMBER;
	for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
		for (unsigned k = 0; k < sorts[i].count; k++) {
			const struct sea_sender *s = add(d, &count, &sorts[i], number++, &random);
			if (sorts[i].beacon)
				add_beacon(d, &count, s);
		}
	return count;
}

int sea_drive_begin(struct sea_drive *d, int http_port, uint64_t seed, int64_t begin_ms)
{
	static const struct scene nowhere;
	struct station_state station;
	memset(d, 0, sizeof *d);
	d->fd = -1;
	size_t count = make_senders(d, seed);
	if (count != SEA_DRIVE_SENDERS)
		abort(); /* the table and the array */
	for (size_t i = 0; i < count; i++) {
		struct sea_sender *s = &d->senders[i];
		s->next_ms = begin_ms + (int64_t)i * 37 * MS_PER_SECOND % s->interval_ms;
		if (*s->boat.class_token && api_put_vehicle(http_port, &nowhere, &s->boat))
			return -1;
	}
	if (api_get_station(http_port, SERVER_STATION, &station))
		return -1;
	d->fd = boat_voice_connect(station.port);
	if (d->fd < 0)
		fprintf(stderr, "the station on port %d does not answer\n", station.port);
	return d->fd < 0 ? -1 : 0;
}

static struct scene_report report_of(const struct sea_sender *s, int64_t time_ms)
{
	double turn = s->speed_kmh / 3.6 / s->radius_m * (double)(time_ms / 1000) + s->phase;
	double north = s->radius_m * sin(turn), east = s->radius_m * cos(turn);
	double course = atan2(-sin(turn), cos(turn)) * 180 / M_PI + 360;
	return (struct scene_report){
		.time_ms = time_ms,
		.lat_e6 = (int32_t)lround((s->lat + north / scene_metres(s->lat - 0.5, s->lon, s->lat + 0.5, s->lon)) *
					  1e6),
		.lon_e6 = (int32_t)lround((s->lon + east / scene_metres(s->lat, s->lon - 0.5, s->lat, s->lon + 0.5)) *
					  1e6),
		.speed_dkmh = (uint16_t)lround(s->speed_kmh * 10),
		.course_deg = (uint16_t)((unsigned)course % 360)};
}

size_t sea_drive_until(struct sea_drive *d, int64_t now_ms)
{
	struct buf text = buf_init(64u << 20);
	size_t count = 0;
	for (size_t i = 0; i < SEA_DRIVE_SENDERS && d->fd >= 0; i++) {
		struct sea_sender *s = &d->senders[i];
		for (; s->next_ms <= now_ms; s->next_ms += s->interval_ms, count++) {
			struct scene_report r = report_of(s, s->next_ms);
			if (s->name && s->next_ms / s->interval_ms % STATIC_EVERY == 0)
				boat_voice_name(&text, s->boat.voice, s->number, s->name, s->ship_type, s->next_ms);
			boat_voice_put(&text, s->boat.voice, s->number, &r);
		}
	}
	if (count && boat_voice_send(d->fd, buf_view(&text)))
		sea_drive_end(d);
	buf_deinit(&text);
	return count;
}

void sea_drive_end(struct sea_drive *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}
