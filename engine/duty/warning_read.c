/* warning_read.c -- warnings as JSON; and what both ways of reading one share. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/duty/warnings.h"
#include "engine/geo/shape.h"

const struct record_word warning_kind_words[] = {
#define X(code, NAME, token, chinese, words) [code] = {token, chinese},
	WARNING_KIND_TABLE(X)
#undef X
		[WARNING_KIND_COUNT] = {NULL, NULL}};
const struct record_word warning_level_words[] = {{"none", ""},       {"blue", "蓝色"}, {"yellow", "黄色"},
						  {"orange", "橙色"}, {"red", "红色"},  {NULL, NULL}};
const struct record_word warning_type_words[] = {
	{"alert", "发布"}, {"update", "更新"}, {"cancel", "解除"}, {NULL, NULL}};
const struct record_word warning_status_words[] = {
	{"actual", "正式"}, {"exercise", "演练"}, {"test", "测试"}, {NULL, NULL}};

static const struct record_field fields[] = {
	BOOK_FIELDS(warning),
	RECORD(3, warning, identifier, TEXT, RECORD_NEEDED),
	RECORD(4, warning, sender, TEXT, RECORD_NEEDED),
	RECORD(5, warning, part, NUMBER, 0),
	RECORD_TYPED(6, warning, type, TOKEN, RECORD_GIVEN, warning_type_words),
	RECORD_TYPED(7, warning, status, TOKEN, RECORD_GIVEN, warning_status_words),
	RECORD_TYPED(8, warning, kind, TOKEN, RECORD_NEEDED, warning_kind_words),
	RECORD_TYPED(9, warning, level, TOKEN, RECORD_GIVEN, warning_level_words),
	RECORD(10, warning, sent_ms, TIME, RECORD_NEEDED),
	RECORD(11, warning, from_ms, TIME, RECORD_GIVEN),
	RECORD(12, warning, until_ms, TIME, RECORD_GIVEN),
	RECORD(13, warning, onset_ms, TIME, RECORD_GIVEN),
	RECORD(14, warning, ended_ms, TIME, 0),
	RECORD(15, warning, received_ms, TIME, 0),
	RECORD(16, warning, wind, NUMBER, RECORD_GIVEN),
	RECORD(17, warning, gust, NUMBER, RECORD_GIVEN),
	RECORD(18, warning, headline, TEXT, RECORD_GIVEN),
	RECORD(19, warning, description, TEXT, RECORD_GIVEN),
	RECORD(20, warning, instruction, TEXT, RECORD_GIVEN),
	RECORD(21, warning, area, TEXT, RECORD_GIVEN),
	RECORD(22, warning, references, TEXT, 0),
	RECORD(23, warning, units, TEXT, 0),
	RECORD(24, warning, by, TEXT, 0),
	RECORD(25, warning, digest, HEX, 0),
};
const struct record_kind warning_kind = RECORD_KIND(warning, fields);

/* --- drafts --- */

struct warning_draft *warning_draft_add(struct warning_drafts *d)
{
	if (d->count == WARNING_PARTS_MAX)
		return NULL;
	struct warning_draft *draft = calloc(1, sizeof *draft);
	if (!draft)
		return NULL;
	record_clear(&warning_kind, &draft->w);
	draft->w.part = (uint8_t)d->count;
	return d->items[d->count++] = draft;
}

void warning_drafts_deinit(struct warning_drafts *d)
{
	for (size_t i = 0; i < d->count; i++) {
		for (size_t k = 0; k < d->items[i]->area_count; k++)
			fence_area_unref(d->items[i]->areas[k]);
		free(d->items[i]);
	}
	d->count = 0;
}

enum status warning_draft_ring(struct warning_draft *d, const struct geo_point *points, uint32_t count)
{
	static const bool outside = false;
	struct shape_drawing drawing = {points, &count, &outside, 1};
	struct shape_problem problem;
	if (d->area_count == WARNING_AREAS_MAX)
		return STATUS_FULL;
	enum status status = shape_area(&drawing, true, &problem, &d->areas[d->area_count]);
	d->area_count += status == STATUS_OK;
	return status;
}

enum status warning_draft_circle(struct warning_draft *d, struct geo_point centre, int64_t radius_mm)
{
	if (d->area_count == WARNING_AREAS_MAX)
		return STATUS_FULL;
	enum status status = shape_circle(centre, radius_mm, &d->areas[d->area_count]);
	d->area_count += status == STATUS_OK;
	return status;
}

static enum status wrong_is(char *wrong, const char *text)
{
	snprintf(wrong, WARNING_WRONG_MAX, "%s", text);
	return STATUS_MALFORMED;
}

enum status warning_draft_check(const struct warning_draft *d, char wrong[WARNING_WRONG_MAX])
{
	const struct warning *w = &d->w;
	bool cancel = w->type == WARNING_CANCEL;
	if (!*w->identifier || !*w->sender || w->sent_ms == INT64_MIN)
		return wrong_is(wrong, "identifier, sender and sent are needed");
	if (w->sent_ms < 0 || w->sent_ms > INT64_C(4102444800000) || w->from_ms < 0)
		return wrong_is(wrong, "sent, from: not within 1970..2100");
	if (w->type != WARNING_ALERT && !*w->references)
		return wrong_is(wrong, "references are needed to update or cancel");
	if (!cancel && (w->until_ms == INT64_MIN || w->until_ms <= w->from_ms))
		return wrong_is(wrong, "until (expires) is needed, and later than from");
	if (!cancel && w->until_ms - w->from_ms > WARNING_SPAN_MAX_MS)
		return wrong_is(wrong, "until: more than 60 days after from");
	if (!cancel && !d->area_count && !d->named_count)
		return wrong_is(wrong, "an area is needed");
	if (w->wind > 17 || w->gust > 17)
		return wrong_is(wrong, "wind, gust: grades 1 to 17");
	return STATUS_OK;
}

uint8_t warning_kind_of_text(const char *text)
{
	static const char *const words[] = {
#define X(code, NAME, token, chinese, names) [code] = names,
		WARNING_KIND_TABLE(X)
#undef X
	};
	for (unsigned k = 1; k < WARNING_KIND_COUNT; k++)
		for (const char *word = words[k]; *word;) {
			size_t size = strcspn(word, "|");
			char one[32];
			snprintf(one, sizeof one, "%.*s", (int)size, word);
			if (strcasestr(text, one))
				return k;
			word += size + (word[size] == '|');
		}
	return WARNING_OTHER;
}

/* --- JSON --- */

static const struct record_field *field_named(const char *key)
{
	for (size_t i = 0; i < warning_kind.count; i++) {
		const struct record_field *f = &fields[i];
		size_t size = strlen(f->name) - (f->type == RECORD_TIME ? strlen("_ms") : 0);
		if (f->given && strlen(key) == size && memcmp(f->name, key, size) == 0)
			return f;
	}
	return NULL;
}

static bool take_value(const struct record_field *f, struct warning *w, const json_t *v)
{
	struct span text = span_of(json_string_value(v), json_string_length(v));
	uint8_t word;
	int64_t ms;
	switch (f->type) {
	case RECORD_TEXT:
		return json_is_string(v) && !record_set_text(f, w, text);
	case RECORD_TOKEN:
		return json_is_string(v) && !record_word_parse(f->words, text, &word) &&
		       !record_set_integer(f, w, word);
	case RECORD_TIME:
		if (json_is_integer(v))
			return !record_set_integer(f, w, json_integer_value(v));
		return json_is_string(v) && !time_parse(text, CHINA_OFFSET_MS, &ms) && !record_set_integer(f, w, ms);
	default:
		return json_is_integer(v) && json_integer_value(v) >= 0 &&
		       !record_set_integer(f, w, json_integer_value(v));
	}
}

/* Texts of a list, a line each. */
static bool take_lines(const json_t *list, size_t max, char *out, size_t size)
{
	const json_t *v;
	size_t i, at = 0;
	if (!list)
		return true;
	if (!json_is_array(list) || json_array_size(list) > max)
		return false;
	json_array_foreach(list, i, v)
	{
		size_t n = json_string_length(v);
		if (!json_is_string(v) || !n || n > WARNING_ID_MAX || at + n + 2 > size ||
		    strcspn(json_string_value(v), "\r\n\t") != n)
			return false;
		memcpy(out + at, json_string_value(v), n);
		out[at + n] = '\n';
		at += n + 1;
	}
	return true;
}

static bool take_point(const json_t *v, struct geo_point *out)
{
	const json_t *lon = json_array_get(v, 0), *lat = json_array_get(v, 1);
	if (!json_is_number(lon) || !json_is_number(lat))
		return false;
	double x = json_number_value(lon), y = json_number_value(lat);
	if (!(fabs(x) <= 180) || !(fabs(y) <= 90))
		return false;
	*out = (struct geo_point){(int32_t)llround(y * 1e7), (int32_t)llround(x * 1e7)};
	return true;
}

static enum status take_polygon(struct warning_draft *d, const json_t *list)
{
	size_t count = json_array_size(list);
	struct geo_point *points;
	enum status status = STATUS_OK;
	if (count < 3 || count > FENCE_POINTS_MAX)
		return STATUS_INVALID;
	points = malloc(count * sizeof *points);
	if (!points)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < count && !status; i++)
		status = take_point(json_array_get(list, i), &points[i]) ? STATUS_OK : STATUS_INVALID;
	if (!status)
		status = warning_draft_ring(d, points, (uint32_t)count);
	free(points);
	return status;
}

static enum status take_circle(struct warning_draft *d, const json_t *centre, const json_t *radius_m)
{
	struct geo_point p;
	double m = json_number_value(radius_m);
	if (!take_point(centre, &p) || !json_is_number(radius_m) || !(m > 0) || !(m <= SHAPE_REACH_MAX_MM / 1e3))
		return STATUS_INVALID;
	return warning_draft_circle(d, p, llround(m * 1e3));
}

static enum status take_named(struct warning_draft *d, const char *prefix, const json_t *v)
{
	const char *text = json_string_value(v);
	if (d->named_count == WARNING_NAMED_MAX || !text || !*text || strlen(text) + strlen(prefix) > FENCE_ID_MAX)
		return STATUS_INVALID;
	snprintf(d->named[d->named_count++], sizeof d->named[0], "%s%s", prefix, text);
	return STATUS_OK;
}

static enum status take_areas(struct warning_draft *d, const json_t *list, char *wrong)
{
	enum status status = STATUS_OK;
	const json_t *v;
	size_t i;
	if (list && !json_is_array(list))
		return wrong_is(wrong, "areas: is no list");
	json_array_foreach(list, i, v)
	{
		const json_t *polygon = json_object_get(v, "polygon"), *circle = json_object_get(v, "circle");
		const json_t *fence = json_object_get(v, "fence"), *code = json_object_get(v, "code");
		status = polygon  ? take_polygon(d, polygon)
			 : circle ? take_circle(d, circle, json_object_get(v, "radius_m"))
			 : fence  ? take_named(d, "fence:", fence)
				  : take_named(d, "code:", code);
		if (status == STATUS_NO_MEMORY)
			return status;
		if (status) {
			snprintf(wrong, WARNING_WRONG_MAX, "areas[%zu]: is no area: %s", i, status_text(status));
			return STATUS_MALFORMED;
		}
	}
	return STATUS_OK;
}

static enum status take_object(struct warning_draft *d, const json_t *o, char *wrong)
{
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)o, key, v)
	{
		const struct record_field *f = field_named(key);
		bool list = !strcmp(key, "references") || !strcmp(key, "units") || !strcmp(key, "areas");
		if (!f && !list) {
			snprintf(wrong, WARNING_WRONG_MAX, "%.60s: is not known here", key);
			return STATUS_MALFORMED;
		}
		if (f && !take_value(f, &d->w, v)) {
			snprintf(wrong, WARNING_WRONG_MAX, "%.60s: is no value of its kind, or too long", key);
			return STATUS_MALFORMED;
		}
	}
	if (!json_object_get(o, "kind") && d->w.type != WARNING_CANCEL)
		return wrong_is(wrong, "kind: is missing");
	if (!take_lines(json_object_get(o, "references"), WARNING_REFERENCES_MAX, d->w.references,
			sizeof d->w.references))
		return wrong_is(wrong, "references: is no list of at most 16 identifiers");
	if (!take_lines(json_object_get(o, "units"), 200, d->w.units, sizeof d->w.units))
		return wrong_is(wrong, "units: is no list of names, or too long");
	if (d->w.from_ms == INT64_MIN)
		d->w.from_ms = d->w.sent_ms;
	enum status status = take_areas(d, json_object_get(o, "areas"), wrong);
	return status ? status : warning_draft_check(d, wrong);
}

static enum status read_json(struct span text, struct warning_drafts *out, char *wrong)
{
	json_error_t error;
	struct warning_draft *d = warning_draft_add(out);
	if (!d)
		return STATUS_NO_MEMORY;
	json_t *o = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
	enum status status = STATUS_MALFORMED;
	if (!o)
		snprintf(wrong, WARNING_WRONG_MAX, "line %d, column %d: %.120s", error.line, error.column, error.text);
	else if (!json_is_object(o))
		snprintf(wrong, WARNING_WRONG_MAX, "is no object");
	else
		status = take_object(d, o, wrong);
	json_decref(o);
	return status;
}

enum status warning_read(struct span text, struct warning_drafts *out, char wrong[WARNING_WRONG_MAX])
{
	size_t at = 0;
	out->count = 0;
	wrong[0] = '\0';
	if (text.size > WARNING_BYTES_MAX)
		return STATUS_TOO_LONG;
	if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	while (at < text.size && strchr(" \t\r\n", text.data[at]) && text.data[at])
		at++;
	enum status status = at < text.size && text.data[at] == '<' ? warning_read_cap(text, out, wrong)
								    : read_json(text, out, wrong);
	if (status)
		warning_drafts_deinit(out);
	return status;
}
