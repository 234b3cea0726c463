/* scene_path.c -- a vehicle's steps as the reports of its terminal.
 *
 *   steps:    start   go 40 km/h for 61 s      go 48 km/h ...      stand ...
 *   time:       |------------------------------|-------------------|------------>
 *   reports:    *    *    *    *    *    *    *    *    *             each says what holds from its instant on
 *
 * Positions are dead reckoning of the script in doubles; what leaves here are the integers of a 0x0200. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/drive.h"
#include "bench/sim/wire.h"
#include "engine/core/clock.h"
#include "engine/core/hash.h"

/* A receiver's error: first-order autoregressive with this memory per report, and these spreads. */
#define NOISE_MEMORY 0.9
#define NOISE_POSITION_DEG 12e-6
#define NOISE_SPEED_KMH 0.4

struct walker {
	const struct scene *scene;
	const struct scene_vehicle *vehicle;
	struct scene_trace *trace;
	uint64_t random;
	int64_t now_ms, next_ms, every_ms; /* of the scene's day */
	double lat, lon, head_deg, speed_kmh, mileage_m, recorder_kmh;
	double off_lat, off_lon; /* the receiver's error, degrees */
	double sent_lat, sent_lon;
	uint32_t alarm, item;
	uint8_t load, cover, lift, signal, satellites, nav_status;
	bool acc, fix, frozen, dark;
};

static double uniform(struct walker *w)
{
	return (double)(drive_random(&w->random) >> 11) / 9007199254740992.0;
}

/* Mean 0, spread 1: the sum of twelve uniforms. */
static double normal(struct walker *w)
{
	double sum = -6;
	for (int i = 0; i < 12; i++)
		sum += uniform(w);
	return sum;
}

static struct scene_report *add(struct walker *w)
{
	struct scene_trace *t = w->trace;
	if (t->count == t->capacity) {
		t->capacity = t->capacity ? t->capacity * 2 : 512;
		t->reports = realloc(t->reports, t->capacity * sizeof *t->reports);
		if (!t->reports)
			abort();
	}
	memset(&t->reports[t->count], 0, sizeof *t->reports);
	return &t->reports[t->count++];
}

/* Where the terminal says it is. */
static void locate(struct walker *w)
{
	double spread = w->scene->noise ? NOISE_POSITION_DEG * sqrt(1 - NOISE_MEMORY * NOISE_MEMORY) : 0;
	w->off_lat = w->off_lat * NOISE_MEMORY + normal(w) * spread;
	w->off_lon = w->off_lon * NOISE_MEMORY + normal(w) * spread;
	if (!w->fix || w->frozen)
		return;
	w->sent_lat = w->lat + w->off_lat;
	w->sent_lon = w->lon + w->off_lon;
}

static void emit(struct walker *w)
{
	double error_kmh = w->scene->noise && w->speed_kmh > 1 ? normal(w) * NOISE_SPEED_KMH : 0;
	locate(w);
	if (w->dark)
		return;
	struct scene_report *r = add(w);
	r->time_ms = w->scene->midnight_ms + w->next_ms;
	r->alarm = w->alarm;
	r->status = (w->acc ? WIRE_ACC : 0) | (w->fix ? WIRE_FIX : 0) | (uint32_t)w->load << WIRE_LOAD_SHIFT |
		    WIRE_GPS_AND_BEIDOU;
	r->lat_e6 = (int32_t)lround(w->sent_lat * 1e6);
	r->lon_e6 = (int32_t)lround(w->sent_lon * 1e6);
	r->speed_dkmh = (uint16_t)lround(fmax(0, w->speed_kmh + error_kmh) * 10);
	r->recorder_dkmh = w->recorder_kmh < 0 ? r->speed_dkmh : (uint16_t)lround(w->recorder_kmh * 10);
	r->course_deg = (uint16_t)lround(w->head_deg) % 360;
	r->mileage_hm = (uint32_t)(w->mileage_m / 100);
	r->signal = w->signal;
	r->satellites = w->satellites;
	r->nav_status = w->nav_status;
	r->item = w->item;
	r->e1[E1_LOAD] = w->load;
	r->e1[E1_COVER] = w->cover;
	r->e1[E1_LIFT] = w->lift;
	w->item = 0;
}

static void advance(struct walker *w, int64_t to_ms)
{
	double metres = w->speed_kmh / 3.6 * (double)(to_ms - w->now_ms) / 1000, angle = w->head_deg * M_PI / 180;
	w->lat += metres * cos(angle) / scene_metres(w->lat - 0.5, w->lon, w->lat + 0.5, w->lon);
	w->lon += metres * sin(angle) / scene_metres(w->lat, w->lon - 0.5, w->lat, w->lon + 0.5);
	w->mileage_m += metres;
	w->now_ms = to_ms;
}

/* Whatever holds now holds until `to_ms`. */
static void hold(struct walker *w, int64_t to_ms)
{
	for (; w->next_ms < to_ms; w->next_ms += w->every_ms) {
		advance(w, w->next_ms);
		emit(w);
	}
	advance(w, to_ms);
}

static void move(struct walker *w, double speed_kmh, bool acc, int64_t to_ms)
{
	w->speed_kmh = speed_kmh;
	w->acc = acc;
	hold(w, to_ms > w->now_ms ? to_ms : w->now_ms);
}

static void go_to(struct walker *w, const struct scene_step *s)
{
	double metres = scene_metres(w->lat, w->lon, s->lat, s->lon);
	double north = scene_metres(w->lat, w->lon, s->lat, w->lon),
	       east = scene_metres(w->lat, w->lon, w->lat, s->lon);
	w->head_deg =
		fmod(atan2(s->lon > w->lon ? east : -east, s->lat > w->lat ? north : -north) * 180 / M_PI + 360, 360);
	move(w, s->value, true, w->now_ms + (int64_t)llround(metres / (s->value / 3.6) * 1000));
	w->lat = s->lat;
	w->lon = s->lon;
}

static void put_card(struct walker *w, const char *number)
{
	struct scene_report *r = add(w);
	r->is_card = true;
	r->time_ms = w->scene->midnight_ms + w->now_ms;
	strcpy(r->card, number);
}

static void set_every(struct walker *w, int64_t every_ms)
{
	int64_t due_ms = w->next_ms - w->every_ms + every_ms;
	bool begun = w->now_ms > w->vehicle->start_ms;
	w->every_ms = every_ms;
	if (begun)
		w->next_ms = due_ms > w->now_ms ? due_ms : w->now_ms;
}

/* Steps that take no time. */
static void set(struct walker *w, const struct scene_step *s)
{
	switch (s->kind) {
	case STEP_EVERY:
		set_every(w, (int64_t)s->value * 1000);
		break;
	case STEP_HEAD:
		w->head_deg = s->value;
		break;
	case STEP_LOAD:
		w->load = (uint8_t)s->value;
		break;
	case STEP_COVER:
		w->cover = (uint8_t)s->value;
		break;
	case STEP_LIFT:
		w->lift = (uint8_t)s->value;
		break;
	case STEP_ALARM:
		w->alarm = s->bits;
		break;
	case STEP_ITEM:
		w->item = s->bits;
		break;
	case STEP_SIGNAL:
		w->signal = (uint8_t)s->value;
		break;
	case STEP_SATELLITES:
		w->satellites = (uint8_t)s->value;
		break;
	case STEP_RECORDER:
		w->recorder_kmh = s->value;
		break;
	case STEP_FIX:
		w->fix = s->value > 0;
		break;
	case STEP_FREEZE:
		w->frozen = s->value > 0;
		break;
	case STEP_DARK:
		w->dark = s->value > 0;
		break;
	case STEP_STATUS:
		w->nav_status = (uint8_t)s->value;
		break;
	case STEP_JUMP:
		w->lat = s->lat;
		w->lon = s->lon;
		break;
	default:
		put_card(w, s->text);
		break;
	}
}

static void step(struct walker *w, const struct scene_step *s)
{
	switch (s->kind) {
	case STEP_GO_FOR:
		move(w, s->value, true, w->now_ms + s->ms);
		break;
	case STEP_GO_UNTIL:
		move(w, s->value, true, s->ms);
		break;
	case STEP_GO_TO:
		go_to(w, s);
		break;
	case STEP_STAND_FOR:
		move(w, 0, true, w->now_ms + s->ms);
		break;
	case STEP_STAND_UNTIL:
		move(w, 0, true, s->ms);
		break;
	case STEP_PARK_FOR:
		move(w, 0, false, w->now_ms + s->ms);
		break;
	case STEP_PARK_UNTIL:
		move(w, 0, false, s->ms);
		break;
	default:
		set(w, s);
		break;
	}
}

void scene_trace_make(const struct scene *s, const struct scene_vehicle *v, uint64_t seed, struct scene_trace *out)
{
	struct walker w = {
		.scene = s,
		.vehicle = v,
		.trace = out,
		.random = (hash64(span_of_string(s->name)) ^ seed * UINT64_C(0x9e3779b97f4a7c15) ^
			   (uint64_t)(v - s->vehicles)) |
			  1,
		.now_ms = v->start_ms,
		.next_ms = v->start_ms,
		.every_ms = 10000,
		.lat = v->start_lat,
		.lon = v->start_lon,
		.sent_lat = v->start_lat,
		.sent_lon = v->start_lon,
		.mileage_m = 1000000 + 1000 * v->number,
		.recorder_kmh = -1,
		.signal = 25,
		.satellites = 12,
		.acc = true,
		.fix = true,
	};
	*out = (struct scene_trace){0};
	for (size_t i = 0; i < v->step_count; i++)
		step(&w, &v->steps[i]);
	move(&w, 0, false, w.next_ms + 1);
}

void scene_trace_deinit(struct scene_trace *t)
{
	free(t->reports);
	*t = (struct scene_trace){0};
}

void scene_trace_print(const struct scene_trace *t, FILE *out)
{
	fputs("time,lat,lon,speed_kmh,recorder_kmh,course_deg,mileage_km,alarm,status,load,cover,lift,signal,"
	      "satellites,"
	      "item,card\n",
	      out);
	for (size_t i = 0; i < t->count; i++) {
		const struct scene_report *r = &t->reports[i];
		char time[TIME_TEXT_MAX], item[24] = "";
		time_format(r->time_ms, CHINA_OFFSET_MS, time);
		if (r->is_card) {
			fprintf(out, "%s,,,,,,,,,,,,,,,%s\n", time, r->card[0] ? r->card : "none");
			continue;
		}
		if (r->item)
			snprintf(item, sizeof item, "%x:%x/%u", r->item >> 16, r->item >> 8 & 255, r->item & 255);
		fprintf(out, "%s,%.6f,%.6f,%.1f,%.1f,%u,%.1f,%#x,%#x,%u,%u,%u,%u,%u,%s,\n", time, r->lat_e6 / 1e6,
			r->lon_e6 / 1e6, r->speed_dkmh / 10.0, r->recorder_dkmh / 10.0, r->course_deg,
			r->mileage_hm / 10.0, r->alarm, r->status, r->e1[E1_LOAD], r->e1[E1_COVER], r->e1[E1_LIFT],
			r->signal, r->satellites, item);
	}
}
