/* scene_book.c -- scenes of a folder, their days, and the names their vehicles go by. */
#include "bench/sim/scene.h"

#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"

static char *whole_file(const char *path, size_t *size)
{
	char *text = NULL, bytes[65536];
	FILE *from = fopen(path, "rb"), *to = open_memstream(&text, size);
	for (size_t n; from && to && (n = fread(bytes, 1, sizeof bytes, from));)
		fwrite(bytes, 1, n, to);
	if (to)
		fclose(to);
	if (!from) {
		free(text);
		return NULL;
	}
	fclose(from);
	return text;
}

static enum status read_file(struct scene_book *b, const char *path)
{
	char complaint[160];
	size_t size = 0;
	char *text = whole_file(path, &size);
	if (!text)
		return STATUS_IO;
	enum status status = scene_book_read(b, text, size, complaint);
	if (status)
		fprintf(stderr, "%s: %s\n", path, complaint);
	free(text);
	return status;
}

enum status scene_book_read_folder(struct scene_book *b, const char *folder)
{
	char pattern[4096];
	glob_t files;
	enum status status = STATUS_OK;
	snprintf(pattern, sizeof pattern, "%s/*.scene", folder);
	if (glob(pattern, 0, NULL, &files))
		return STATUS_NOT_FOUND;
	for (size_t i = 0; i < files.gl_pathc && !status; i++)
		status = read_file(b, files.gl_pathv[i]);
	globfree(&files);
	return status;
}

/* --- days --- */

int64_t scene_end_ms(const struct scene *s)
{
	int64_t last_ms = 0;
	for (unsigned i = 0; i < s->vehicle_count; i++) {
		struct scene_trace t;
		scene_trace_make(s, &s->vehicles[i], 0, &t);
		if (t.count && t.reports[t.count - 1].time_ms - s->midnight_ms > last_ms)
			last_ms = t.reports[t.count - 1].time_ms - s->midnight_ms;
		scene_trace_deinit(&t);
	}
	for (unsigned i = 0; i < s->site_count; i++)
		for (unsigned k = 0; k < s->sites[i].stream_count; k++)
			if (s->sites[i].streams[k].now_ms > last_ms)
				last_ms = s->sites[i].streams[k].now_ms;
	return last_ms;
}

static int64_t midnight(int64_t now_ms, int64_t day)
{
	int64_t local = now_ms + CHINA_OFFSET_MS;
	return local - local % MS_PER_DAY + day * MS_PER_DAY - CHINA_OFFSET_MS;
}

/* The last midnight of the date at which a scene of that length was over. */
static int64_t midnight_of_date(int64_t now_ms, int month, int mday, int64_t end_ms)
{
	struct civil c;
	civil_from_ms(now_ms + CHINA_OFFSET_MS, &c);
	for (c.year++;; c.year--) {
		struct civil at = {.year = c.year, .month = month, .day = mday};
		int64_t ms = civil_to_ms(&at) - CHINA_OFFSET_MS;
		if (ms + end_ms < now_ms)
			return ms;
	}
}

/* A stream that has ended is found silent after a day: by now, and not between two demos. */
#define SITES_DAY (-2)

enum status scene_book_place(struct scene_book *b, int64_t now_ms, int floating_day, char complaint[160])
{
	for (size_t i = 0; i < b->count; i++) {
		struct scene *s = &b->scenes[i];
		int64_t end_ms = scene_end_ms(s);
		int64_t day = s->day != SCENE_NOT_GIVEN ? s->day : floating_day;
		if (s->day == SCENE_NOT_GIVEN && s->site_count && day > SITES_DAY)
			day = SITES_DAY;
		while (s->day == SCENE_NOT_GIVEN && midnight(now_ms, day) + end_ms >= now_ms)
			day--;
		s->midnight_ms = s->month ? midnight_of_date(now_ms, s->month, s->mday, end_ms) : midnight(now_ms, day);
		if (s->midnight_ms + end_ms >= now_ms) {
			snprintf(complaint, 160, "%s is not over yet", s->name);
			return STATUS_OUT_OF_RANGE;
		}
	}
	return STATUS_OK;
}

/* --- names --- */

void scene_phone(const struct scene_vehicle *v, char out[SCENE_PHONE_MAX])
{
	snprintf(out, SCENE_PHONE_MAX, v->voice == VOICE_JT808 ? "1390600%04u" : "boat:闽演渔%04u",
		 (v->of ? v->of : v->number) % 10000);
}

uint32_t scene_call_number(const struct scene_vehicle *v)
{
	return (v->voice == VOICE_BEIDOU ? 600000 : 412990000) + v->number % 10000;
}

void scene_plate(const struct scene_vehicle *v, char out[24])
{
	snprintf(out, 24, "闽CZ%04u", v->number % 10000);
}

void scene_site_number(const struct scene *s, const struct scene_site *site, char out[2 * SCENE_NAME_MAX])
{
	snprintf(out, 2 * SCENE_NAME_MAX, "%s.%s", s->name, site->key);
}

void scene_field_value(const struct scene *s, const struct scene_field *f, char out[SCENE_VALUE_MAX + 1])
{
	char text[TIME_TEXT_MAX];
	if (!f->is_day) {
		strcpy(out, f->value);
		return;
	}
	time_format(s->midnight_ms + f->days * MS_PER_DAY, CHINA_OFFSET_MS, text);
	snprintf(out, SCENE_VALUE_MAX + 1, "%.10s", text);
}

/* Degrees to metres about the place: the first terms of the series for the WGS-84 ellipsoid. */
double scene_metres(double lat_a, double lon_a, double lat_b, double lon_b)
{
	double middle = (lat_a + lat_b) / 2 * M_PI / 180;
	double north = (lat_b - lat_a) * (111132.954 - 559.822 * cos(2 * middle) + 1.175 * cos(4 * middle));
	double east = (lon_b - lon_a) * (111412.84 * cos(middle) - 93.5 * cos(3 * middle) + 0.118 * cos(5 * middle));
	return hypot(north, east);
}
