/* scene_read.c -- from the text of *.scene to scenes: a table of statements, each read by one function.
 *
 *   line ── split ──> words ── statements[] ──> read_*(reader) ──> scene, vehicle, step or truth */
#include "bench/sim/scene.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 24
#define LINE_MAX_BYTES 512

struct reader {
	struct scene_book *book;
	struct scene *scene;           /* NULL before the first */
	struct scene_vehicle *vehicle; /* NULL before the first, and of a site */
	struct scene_site *site;       /* NULL before the first, and of a vehicle */
	struct scene_stream *stream;   /* NULL before the site's first */
	char *words[WORDS_MAX];
	unsigned count, line;
	char *complaint;
};

static bool wrong(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(struct reader *r, const char *format, ...)
{
	va_list list;
	int n = snprintf(r->complaint, 160, "line %u: ", r->line);
	va_start(list, format);
	vsnprintf(r->complaint + n, 160 - (size_t)n, format, list);
	va_end(list);
	return false;
}

/* --- values --- */

static bool read_number(struct reader *r, const char *text, double low, double high, double *out)
{
	char *end;
	*out = strtod(text, &end);
	if (end == text || *end || !(*out >= low && *out <= high))
		return wrong(r, "`%s` is no number from %g to %g", text, low, high);
	return true;
}

static bool read_name(struct reader *r, const char *text, char *out, size_t room)
{
	if (strlen(text) >= room)
		return wrong(r, "`%s` is too long", text);
	strcpy(out, text);
	return true;
}

/* "HH:MM:SS", or with `short_too` "M:SS" and "H:MM:SS". */
static bool read_colons(struct reader *r, const char *text, bool short_too, int64_t *out)
{
	int a, b, c, n = 0;
	if (sscanf(text, "%d:%2d:%2d%n", &a, &b, &c, &n) == 3 && !text[n])
		*out = ((int64_t)a * 3600 + b * 60 + c) * 1000;
	else if (short_too && sscanf(text, "%d:%2d%n", &b, &c, &n) == 2 && !text[n] && (a = 0, 1))
		*out = ((int64_t)b * 60 + c) * 1000;
	else
		return wrong(r, "`%s` is no time", text);
	if (a < 0 || a > SCENE_CLOCK_MAX_H || b < 0 || (b > 59 && a) || c < 0 || c > 59)
		return wrong(r, "`%s` is out of range", text);
	return true;
}

static bool read_clock(struct reader *r, const char *text, int64_t *out)
{
	return read_colons(r, text, false, out);
}

/* "90 s", "5 min", "4 h" in two words or "19:59" in one; `*at` moves behind it. */
static bool read_duration(struct reader *r, unsigned *at, int64_t *out)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {{"s", 1000}, {"min", 60000}, {"h", 3600000}};
	double value;
	if (*at >= r->count)
		return wrong(r, "a duration is missing");
	if (strchr(r->words[*at], ':'))
		return read_colons(r, r->words[(*at)++], true, out);
	if (!read_number(r, r->words[(*at)++], 0, 86400 * 10, &value))
		return false;
	for (size_t i = 0; i < 3 && *at < r->count; i++)
		if (!strcmp(r->words[*at], units[i].unit)) {
			*out = (int64_t)(value * units[i].ms + 0.5);
			++*at;
			return true;
		}
	return wrong(r, "a duration needs s, min or h");
}

static bool read_place(struct reader *r, const char *text, double *lat, double *lon)
{
	int n = 0;
	if (sscanf(text, "%lf,%lf%n", lat, lon, &n) != 2 || text[n] || !(*lat > -90 && *lat < 90) ||
	    !(*lon > -180 && *lon < 180))
		return wrong(r, "`%s` is no LAT,LON", text);
	return true;
}

/* One of `choices`, "empty|half|-|full", by its place; "-" is a place without a word. */
static bool read_choice(struct reader *r, const char *text, const char *choices, double *out)
{
	size_t size = strlen(text);
	int number = 0;
	for (const char *at = *text == '-' ? NULL : choices; at; at = strchr(at, '|'), number++) {
		at += *at == '|';
		if (!strncmp(at, text, size) && (at[size] == '|' || !at[size])) {
			*out = number;
			return true;
		}
	}
	return wrong(r, "`%s` is none of %s", text, choices);
}

/* Comma separated, in place. */
static bool read_list(struct reader *r, char *text, char (*out)[SCENE_NAME_MAX + 1], unsigned max, unsigned *count)
{
	char *save = NULL;
	*count = 0;
	for (char *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (*count == max)
			return wrong(r, "more than %u names", max);
		if (!read_name(r, word, out[(*count)++], SCENE_NAME_MAX + 1))
			return false;
	}
	return true;
}

static void *grown(void *list, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return list;
	*capacity = *capacity ? *capacity * 2 : 16;
	list = realloc(list, *capacity * size);
	if (!list)
		abort();
	return list;
}

struct scene *scene_book_add(struct scene_book *b, const char *name)
{
	b->scenes = grown(b->scenes, b->count, &b->capacity, sizeof *b->scenes);
	struct scene *s = &b->scenes[b->count++];
	*s = (struct scene){.day = SCENE_NOT_GIVEN, .noise = true};
	snprintf(s->name, sizeof s->name, "%s", name);
	return s;
}

void scene_add_truth(struct scene *s, const struct scene_truth *t)
{
	s->truths = realloc(s->truths, (s->truth_count + 1) * sizeof *s->truths);
	if (!s->truths)
		abort();
	s->truths[s->truth_count++] = *t;
}

static struct scene_step *add_step(struct reader *r, enum step_kind kind)
{
	struct scene_vehicle *v = r->vehicle;
	v->steps = grown(v->steps, v->step_count, &v->step_capacity, sizeof *v->steps);
	v->steps[v->step_count] = (struct scene_step){.kind = kind, .line = r->line};
	return &v->steps[v->step_count++];
}

/* --- statements of a scene --- */

static bool read_scene(struct reader *r)
{
	struct scene_book *b = r->book;
	for (size_t i = 0; i < b->count; i++)
		if (!strcmp(b->scenes[i].name, r->words[1]))
			return wrong(r, "the scene `%s` is there already", r->words[1]);
	r->scene = scene_book_add(b, "");
	r->scene->line = r->line;
	r->vehicle = NULL;
	r->site = NULL;
	return read_name(r, r->words[1], r->scene->name, sizeof r->scene->name);
}

static bool read_day(struct reader *r)
{
	double day;
	if (!read_number(r, r->words[1], -3650, 0, &day))
		return false;
	r->scene->day = (int64_t)day;
	return true;
}

static bool read_date(struct reader *r)
{
	int n = 0;
	struct scene *s = r->scene;
	if (sscanf(r->words[1], "%2d-%2d%n", &s->month, &s->mday, &n) != 2 || r->words[1][n] || s->month < 1 ||
	    s->month > 12 || s->mday < 1 || s->mday > 31)
		return wrong(r, "`%s` is no MM-DD", r->words[1]);
	return true;
}

static bool read_rules(struct reader *r)
{
	bool breaks = !strcmp(r->words[0], "breaks");
	unsigned *count = breaks ? &r->scene->break_count : &r->scene->keep_count;
	char(*out)[SCENE_NAME_MAX + 1] = breaks ? r->scene->breaks : r->scene->keeps;
	for (unsigned i = 1; i < r->count; i++) {
		if (*count == SCENE_RULES_MAX)
			return wrong(r, "more than %d rules", SCENE_RULES_MAX);
		if (!read_name(r, r->words[i], out[(*count)++], SCENE_NAME_MAX + 1))
			return false;
	}
	return true;
}

static bool read_noise(struct reader *r)
{
	double on;
	if (!read_choice(r, r->words[1], "off|on", &on))
		return false;
	r->scene->noise = on > 0;
	return true;
}

static bool read_vehicle(struct reader *r)
{
	struct scene *s = r->scene;
	if (s->vehicle_count == SCENE_VEHICLES_MAX)
		return wrong(r, "more than %d vehicles", SCENE_VEHICLES_MAX);
	r->vehicle = &s->vehicles[s->vehicle_count++];
	r->site = NULL;
	*r->vehicle = (struct scene_vehicle){.number = ++r->book->vehicle_count};
	return read_name(r, r->words[1], r->vehicle->key, sizeof r->vehicle->key) &&
	       read_name(r, r->words[2], r->vehicle->class_token, sizeof r->vehicle->class_token);
}

static bool read_boat(struct reader *r)
{
	double voice;
	if (!read_choice(r, r->words[3], "ais|ais-a|beidou", &voice) || !read_vehicle(r))
		return false;
	r->vehicle->voice = VOICE_AIS_B + (enum scene_voice)voice;
	if (r->count == 4)
		return true;
	unsigned i = 0, last = r->scene->vehicle_count - 1;
	while (i < last && strcmp(r->scene->vehicles[i].key, r->words[r->count - 1]))
		i++;
	if (r->count != 6 || strcmp(r->words[4], "of") || i == last)
		return wrong(r, "`boat KEY CLASS VOICE of KEY` of a boat before");
	r->vehicle->of = r->scene->vehicles[i].number;
	return true;
}

static bool read_says(struct reader *r)
{
	double type, length;
	struct scene_vehicle *v = r->vehicle;
	if (v->voice != VOICE_AIS_A && v->voice != VOICE_AIS_B)
		return wrong(r, "`says` of what speaks no AIS");
	if (strlen(r->words[1]) >= sizeof v->says)
		return wrong(r, "a name longer than %zu", sizeof v->says - 1);
	strcpy(v->says, r->words[1]);
	if (!read_number(r, r->words[2], 0, 99, &type) || !read_number(r, r->words[3], 0, 500, &length))
		return false;
	v->says_type = (uint8_t)type;
	v->says_length_m = (uint16_t)length;
	return true;
}

static bool read_subjects(struct reader *r, char *text, uint32_t *out, uint32_t *sites)
{
	char *save = NULL;
	*out = *sites = 0;
	if (!strcmp(text, "-"))
		return true;
	for (char *key = strtok_r(text, ",", &save); key; key = strtok_r(NULL, ",", &save)) {
		unsigned i = 0, k = 0;
		while (k < r->scene->site_count && strcmp(r->scene->sites[k].key, key))
			k++;
		if (k < r->scene->site_count) {
			*sites |= 1u << k;
			continue;
		}
		while (i < r->scene->vehicle_count && strcmp(r->scene->vehicles[i].key, key))
			i++;
		if (i == r->scene->vehicle_count)
			return wrong(r, "no vehicle and no site `%s`", key);
		*out |= 1u << i;
	}
	return true;
}

/* find RULE KEYS CLOCK .. CLOCK [within DURATION] [in FENCE] */
static bool read_find(struct reader *r)
{
	struct scene *s = r->scene;
	struct scene_truth t = {.tolerance_ms = 10000};
	if (strcmp(r->words[4], ".."))
		return wrong(r, "`find RULE KEY CLOCK .. CLOCK`");
	if (!read_name(r, r->words[1], t.rule, sizeof t.rule) ||
	    !read_subjects(r, r->words[2], &t.vehicles, &t.sites) || !read_clock(r, r->words[3], &t.from_ms) ||
	    !read_clock(r, r->words[5], &t.to_ms))
		return false;
	if (t.to_ms < t.from_ms)
		return wrong(r, "it ends before it begins");
	for (unsigned at = 6; at < r->count;) {
		const char *word = r->words[at++];
		if (!strcmp(word, "within") && read_duration(r, &at, &t.tolerance_ms))
			continue;
		if (strcmp(word, "in") || at == r->count)
			return *r->complaint ? false : wrong(r, "`%s` is not known behind find", word);
		if (!read_name(r, r->words[at++], t.fence, sizeof t.fence))
			return false;
	}
	scene_add_truth(s, &t);
	return true;
}

/* --- statements of a vehicle --- */

static bool add_field(struct reader *r, struct scene_field *fields, unsigned *count)
{
	struct scene_field f = {0};
	size_t at = 0;
	if (*count == SCENE_FIELDS_MAX)
		return wrong(r, "more than %d fields", SCENE_FIELDS_MAX);
	if (!read_name(r, r->words[1], f.name, sizeof f.name))
		return false;
	for (unsigned i = 2; i < r->count; i++) {
		if (at + strlen(r->words[i]) + 2 > sizeof f.value)
			return wrong(r, "the value is too long");
		at += (size_t)sprintf(f.value + at, "%s%s", i > 2 ? " " : "", r->words[i]);
	}
	if (!strncmp(f.value, "day", 3) && (f.value[3] == '+' || f.value[3] == '-')) {
		f.is_day = true;
		f.days = atoi(f.value + 3);
	}
	fields[(*count)++] = f;
	return true;
}

static bool read_field(struct reader *r)
{
	return add_field(r, r->vehicle->fields, &r->vehicle->field_count);
}

static bool read_permit(struct reader *r)
{
	struct scene_vehicle *v = r->vehicle;
	struct scene_permit p = {.from_ms = SCENE_NOT_GIVEN, .to_ms = SCENE_NOT_GIVEN};
	if (v->permit_count == SCENE_PERMITS_MAX)
		return wrong(r, "more than %d permits", SCENE_PERMITS_MAX);
	if (!read_name(r, r->words[1], p.kind, sizeof p.kind))
		return false;
	for (unsigned at = 2; at < r->count; at += 2) {
		const char *word = r->words[at];
		char *value = at + 1 < r->count ? r->words[at + 1] : "";
		bool ok = !strcmp(word, "fences")  ? read_list(r, value, p.fences, SCENE_FENCES_MAX, &p.fence_count)
			  : !strcmp(word, "hours") ? read_name(r, value, p.hours, sizeof p.hours)
			  : !strcmp(word, "from")  ? read_clock(r, value, &p.from_ms)
			  : !strcmp(word, "to")    ? read_clock(r, value, &p.to_ms)
						   : wrong(r, "`%s` is not known behind permit", word);
		if (!ok)
			return false;
	}
	v->permits[v->permit_count++] = p;
	return true;
}

static bool read_unregistered(struct reader *r)
{
	r->vehicle->unregistered = true;
	return true;
}

static bool read_start(struct reader *r)
{
	struct scene_vehicle *v = r->vehicle;
	if (strcmp(r->words[2], "at"))
		return wrong(r, "`start CLOCK at LAT,LON`");
	v->started = true;
	return read_clock(r, r->words[1], &v->start_ms) && read_place(r, r->words[3], &v->start_lat, &v->start_lon);
}

static bool read_every(struct reader *r)
{
	int64_t ms;
	unsigned at = 1;
	if (!read_duration(r, &at, &ms))
		return false;
	if (ms < 1000 || ms % 1000)
		return wrong(r, "reports come every so many whole seconds");
	add_step(r, STEP_EVERY)->value = (double)ms / 1000;
	return true;
}

/* "for DURATION" or "until CLOCK" from word `at` on: the step of `kind`, or of the one behind it. */
static bool read_how_long(struct reader *r, unsigned at, enum step_kind kind, struct scene_step **out)
{
	int64_t ms;
	bool until = at < r->count && !strcmp(r->words[at], "until");
	if (at + 1 >= r->count || (!until && strcmp(r->words[at], "for")))
		return wrong(r, "for how long, or until when?");
	at++;
	if (until ? !read_clock(r, r->words[at], &ms) : !read_duration(r, &at, &ms))
		return false;
	*out = add_step(r, kind + (until ? 1 : 0));
	(*out)->ms = ms;
	return true;
}

static bool read_go(struct reader *r)
{
	double speed, lat, lon;
	struct scene_step *step;
	if (!read_number(r, r->words[1], 0, 300, &speed))
		return false;
	if (strcmp(r->words[2], "km/h"))
		return wrong(r, "a speed is in km/h");
	if (r->count == 5 && !strcmp(r->words[3], "to")) {
		if (!read_place(r, r->words[4], &lat, &lon))
			return false;
		if (speed <= 0)
			return wrong(r, "it would never arrive");
		step = add_step(r, STEP_GO_TO);
		step->lat = lat;
		step->lon = lon;
	} else if (!read_how_long(r, 3, STEP_GO_FOR, &step)) {
		return false;
	}
	step->value = speed;
	return true;
}

static bool read_stop(struct reader *r)
{
	struct scene_step *step;
	return read_how_long(r, 1, !strcmp(r->words[0], "park") ? STEP_PARK_FOR : STEP_STAND_FOR, &step);
}

static bool read_alarm(struct reader *r)
{
	uint32_t bits = 0;
	double bit;
	for (unsigned i = 1; i < r->count; i++) {
		if (!strcmp(r->words[i], "none") && r->count == 2)
			break;
		if (!read_number(r, r->words[i], 0, 31, &bit))
			return false;
		bits |= 1u << (unsigned)bit;
	}
	add_step(r, STEP_ALARM)->bits = bits;
	return true;
}

static bool read_item(struct reader *r)
{
	unsigned item, type, level = 1;
	int n = 0;
	if (sscanf(r->words[1], "%2x:%2x%n", &item, &type, &n) != 2 || r->words[1][n] || item < 0x64 || item > 0x67 ||
	    (r->count > 2 && sscanf(r->words[2], "%3u", &level) != 1) || level > 255)
		return wrong(r, "`item 64..67:TYPE LEVEL`");
	add_step(r, STEP_ITEM)->bits = item << 16 | type << 8 | level;
	return true;
}

static bool read_recorder(struct reader *r)
{
	double speed = -1;
	if (strcmp(r->words[1], "same") && !read_number(r, r->words[1], 0, 300, &speed))
		return false;
	add_step(r, STEP_RECORDER)->value = speed;
	return true;
}

static bool read_jump(struct reader *r)
{
	double lat, lon;
	if (!read_place(r, r->words[1], &lat, &lon))
		return false;
	struct scene_step *step = add_step(r, STEP_JUMP);
	step->lat = lat;
	step->lon = lon;
	return true;
}

static bool read_card(struct reader *r)
{
	char text[24] = "";
	if (strcmp(r->words[1], "none") && !read_name(r, r->words[1], text, 19))
		return false;
	strcpy(add_step(r, STEP_CARD)->text, text);
	return true;
}

/* What is a number or a choice and nothing else. */
static bool read_plain(struct reader *r)
{
	static const struct {
		const char *word;
		enum step_kind kind;
		const char *choices; /* NULL: a number up to `high` */
		double high;
	} plain[] = {
		{"head", STEP_HEAD, NULL, 359.9},
		{"load", STEP_LOAD, "empty|half|-|full", 0},
		{"cover", STEP_COVER, "closed|open", 0},
		{"lift", STEP_LIFT, "down|up", 0},
		{"signal", STEP_SIGNAL, NULL, 255},
		{"satellites", STEP_SATELLITES, NULL, 255},
		{"fix", STEP_FIX, "off|on", 0},
		{"status", STEP_STATUS, "under-way|anchored|-|-|-|moored|-|fishing", 0},
	};
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		double value;
		if (strcmp(r->words[0], plain[i].word))
			continue;
		if (plain[i].choices ? !read_choice(r, r->words[1], plain[i].choices, &value)
				     : !read_number(r, r->words[1], 0, plain[i].high, &value))
			return false;
		add_step(r, plain[i].kind)->value = value;
		return true;
	}
	return false;
}

static bool read_switch(struct reader *r)
{
	const char *word = r->words[0];
	bool sky = !strcmp(word, "dark") || !strcmp(word, "light");
	add_step(r, sky ? STEP_DARK : STEP_FREEZE)->value = !strcmp(word, "dark") || !strcmp(word, "freeze");
	return true;
}

/* --- statements of a site --- */

static bool read_site(struct reader *r)
{
	struct scene *s = r->scene;
	if (s->site_count == SCENE_SITES_MAX)
		return wrong(r, "more than %d sites", SCENE_SITES_MAX);
	r->vehicle = NULL;
	r->stream = NULL;
	r->site = &s->sites[s->site_count++];
	return read_name(r, r->words[1], r->site->key, sizeof r->site->key);
}

static bool read_tell(struct reader *r)
{
	return r->stream ? add_field(r, r->stream->fields, &r->stream->field_count)
			 : add_field(r, r->site->fields, &r->site->field_count);
}

static bool read_stream(struct reader *r)
{
	if (r->site->stream_count == SCENE_STREAMS_MAX)
		return wrong(r, "more than %d streams", SCENE_STREAMS_MAX);
	r->stream = &r->site->streams[r->site->stream_count++];
	r->stream->pace_ms = 60000;
	return read_name(r, r->words[1], r->stream->quantity, sizeof r->stream->quantity);
}

static bool read_pace(struct reader *r)
{
	unsigned at = 1;
	return read_duration(r, &at, &r->stream->pace_ms) && (r->stream->pace_ms > 0 || wrong(r, "a pace of nothing"));
}

static bool read_from(struct reader *r)
{
	return read_clock(r, r->words[1], &r->stream->now_ms);
}

static bool read_quiet(struct reader *r)
{
	unsigned at = 2;
	int64_t ms;
	if (strcmp(r->words[1], "for") || !read_duration(r, &at, &ms))
		return *r->complaint ? false : wrong(r, "`quiet for DURATION`");
	r->stream->now_ms += ms;
	return true;
}

static bool read_value(struct reader *r)
{
	struct scene_stream *s = r->stream;
	struct scene_value v = {0};
	unsigned at = 3;
	int64_t ms;
	if (strcmp(r->words[2], "for") || !read_name(r, r->words[1], v.text, sizeof v.text) ||
	    !read_duration(r, &at, &ms))
		return *r->complaint ? false : wrong(r, "`value V for DURATION [test]`");
	v.test = at < r->count && !strcmp(r->words[at], "test");
	if (ms / s->pace_ms >= SCENE_VALUES_MAX - (int64_t)s->count)
		return wrong(r, "more than %d values", SCENE_VALUES_MAX);
	for (v.ms = s->now_ms; v.ms < s->now_ms + ms; v.ms += s->pace_ms) {
		s->values = grown(s->values, s->count, &s->capacity, sizeof *s->values);
		s->values[s->count++] = v;
	}
	s->now_ms += ms;
	return true;
}

/* --- lines --- */

enum level { IN_FILE, IN_SCENE, IN_VEHICLE, IN_DRIVE, IN_SITE, IN_STREAM };

static const struct statement {
	const char *word;
	enum level level;
	unsigned words_min, words_max;
	bool (*read)(struct reader *r);
} statements[] = {
	{"scene", IN_FILE, 2, 2, read_scene},
	{"day", IN_SCENE, 2, 2, read_day},
	{"breaks", IN_SCENE, 2, WORDS_MAX, read_rules},
	{"keeps", IN_SCENE, 2, WORDS_MAX, read_rules},
	{"noise", IN_SCENE, 2, 2, read_noise},
	{"vehicle", IN_SCENE, 3, 3, read_vehicle},
	{"boat", IN_SCENE, 4, 6, read_boat},
	{"says", IN_VEHICLE, 4, 4, read_says},
	{"date", IN_SCENE, 2, 2, read_date},
	{"status", IN_VEHICLE, 2, 2, read_plain},
	{"find", IN_SCENE, 6, 11, read_find},
	{"field", IN_VEHICLE, 3, WORDS_MAX, read_field},
	{"permit", IN_VEHICLE, 2, 10, read_permit},
	{"unregistered", IN_VEHICLE, 1, 1, read_unregistered},
	{"start", IN_VEHICLE, 4, 4, read_start},
	{"every", IN_VEHICLE, 2, 3, read_every},
	{"head", IN_VEHICLE, 2, 2, read_plain},
	{"go", IN_DRIVE, 5, 6, read_go},
	{"stand", IN_DRIVE, 3, 4, read_stop},
	{"park", IN_DRIVE, 3, 4, read_stop},
	{"load", IN_VEHICLE, 2, 2, read_plain},
	{"cover", IN_VEHICLE, 2, 2, read_plain},
	{"lift", IN_VEHICLE, 2, 2, read_plain},
	{"alarm", IN_VEHICLE, 2, WORDS_MAX, read_alarm},
	{"item", IN_VEHICLE, 2, 3, read_item},
	{"signal", IN_VEHICLE, 2, 2, read_plain},
	{"satellites", IN_VEHICLE, 2, 2, read_plain},
	{"recorder", IN_VEHICLE, 2, 3, read_recorder},
	{"fix", IN_VEHICLE, 2, 2, read_plain},
	{"freeze", IN_VEHICLE, 1, 1, read_switch},
	{"thaw", IN_VEHICLE, 1, 1, read_switch},
	{"dark", IN_VEHICLE, 1, 1, read_switch},
	{"light", IN_VEHICLE, 1, 1, read_switch},
	{"jump", IN_VEHICLE, 2, 2, read_jump},
	{"card", IN_VEHICLE, 2, 2, read_card},
	{"site", IN_SCENE, 2, 2, read_site},
	{"tell", IN_SITE, 3, WORDS_MAX, read_tell},
	{"stream", IN_SITE, 2, 2, read_stream},
	{"pace", IN_STREAM, 2, 3, read_pace},
	{"from", IN_STREAM, 2, 2, read_from},
	{"value", IN_STREAM, 4, 6, read_value},
	{"quiet", IN_STREAM, 3, 4, read_quiet},
};

static bool read_statement(struct reader *r)
{
	for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
		const struct statement *s = &statements[i];
		if (strcmp(r->words[0], s->word))
			continue;
		if (r->count < s->words_min || r->count > s->words_max)
			return wrong(r, "`%s` with %u words", s->word, r->count);
		if (s->level >= IN_SCENE && !r->scene)
			return wrong(r, "`%s` outside a scene", s->word);
		if (s->level >= IN_SITE && !r->site)
			return wrong(r, "`%s` without a site", s->word);
		if (s->level == IN_STREAM && !r->stream)
			return wrong(r, "`%s` without a stream", s->word);
		if ((s->level == IN_VEHICLE || s->level == IN_DRIVE) && !r->vehicle)
			return wrong(r, "`%s` without a vehicle", s->word);
		if (s->level == IN_DRIVE && !r->vehicle->started)
			return wrong(r, "`%s` before start", s->word);
		return s->read(r);
	}
	return wrong(r, "`%s` is not known", r->words[0]);
}

static bool read_line(struct reader *r, const char *text, size_t size)
{
	char line[LINE_MAX_BYTES], *save = NULL;
	if (size >= sizeof line)
		return wrong(r, "a line of more than %d bytes", LINE_MAX_BYTES - 1);
	memcpy(line, text, size);
	line[size] = '\0';
	line[strcspn(line, "#")] = '\0';
	r->count = 0;
	for (char *word = strtok_r(line, " \t\r", &save); word; word = strtok_r(NULL, " \t\r", &save)) {
		if (r->count == WORDS_MAX)
			return wrong(r, "more than %d words", WORDS_MAX);
		r->words[r->count++] = word;
	}
	return r->count ? read_statement(r) : true;
}

enum status scene_book_read(struct scene_book *b, const char *text, size_t size, char complaint[160])
{
	struct reader r = {.book = b, .complaint = complaint};
	complaint[0] = '\0';
	for (const char *at = text, *end = text + size; at < end; r.line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		if (!r.line)
			r.line = 1;
		if (!read_line(&r, at, length))
			return STATUS_MALFORMED;
		at += length + 1;
	}
	return STATUS_OK;
}

void scene_book_deinit(struct scene_book *b)
{
	for (size_t i = 0; i < b->count; i++) {
		for (unsigned k = 0; k < b->scenes[i].vehicle_count; k++)
			free(b->scenes[i].vehicles[k].steps);
		for (unsigned k = 0; k < b->scenes[i].site_count; k++)
			for (unsigned n = 0; n < b->scenes[i].sites[k].stream_count; n++)
				free(b->scenes[i].sites[k].streams[n].values);
		free(b->scenes[i].truths);
	}
	free(b->scenes);
	*b = (struct scene_book){0};
}
