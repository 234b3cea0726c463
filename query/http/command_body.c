#include "query/http/command_body.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/fleet/commands_fence.h"
#include "query/http/http_body.h"
#include "query/http/http_params.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define EXPIRES_DEFAULT_MS MS_PER_DAY
#define EXPIRES_MAX_MS (30 * MS_PER_DAY)

struct reading {
	const json_t *body;
	struct context *context;
	int64_t now_ms;
	struct command_body *out;
};

static bool wrong(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct reading *r, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(r->out->wrong, sizeof r->out->wrong, format, args);
	va_end(args);
	return false;
}

/* --- members --- */

static const json_t *member(const struct reading *r, const char *key)
{
	return json_object_get(r->body, key);
}

/* A clean text into `out`; "" when it is left out. */
static bool read_text(struct reading *r, const json_t *from, const char *key, char *out, size_t room)
{
	const json_t *v = json_object_get(from, key);
	size_t size = json_string_length(v);
	*out = '\0';
	if (!v)
		return true;
	if (!json_is_string(v) || size >= room || !http_text_is_clean(span_of(json_string_value(v), size)))
		return wrong(r, "`%s` must be a text of at most %zu bytes without controls", key, room - 1);
	memcpy(out, json_string_value(v), size + 1);
	return true;
}

static bool read_number(struct reading *r, const json_t *from, const char *key, int64_t min, int64_t max,
			int64_t otherwise, int64_t *out)
{
	const json_t *v = json_object_get(from, key);
	*out = v ? json_integer_value(v) : otherwise;
	if (v && (!json_is_integer(v) || *out < min || *out > max))
		return wrong(r, "`%s` must be a whole number from %lld to %lld", key, (long long)min, (long long)max);
	return true;
}

static bool read_flag(struct reading *r, const char *key, bool otherwise, bool *out)
{
	const json_t *v = member(r, key);
	*out = v ? json_is_true(v) : otherwise;
	return !v || json_is_boolean(v) || wrong(r, "`%s` must be true or false", key);
}

/* --- text --- */

static bool read_message(struct reading *r)
{
	static const struct {
		const char *key;
		uint8_t flag;
		bool otherwise;
	} flags[] = {{"urgent", COMMAND_TEXT_URGENT, false},
		     {"display", COMMAND_TEXT_DISPLAY, true},
		     {"speech", COMMAND_TEXT_SPEECH, true},
		     {"advert", COMMAND_TEXT_ADVERT, false},
		     {"can_fault", COMMAND_TEXT_CAN_FAULT, false}};
	struct command_text *t = &r->out->content.text;
	char type[16];
	for (size_t i = 0; i < COUNT(flags); i++) {
		bool set;
		if (!read_flag(r, flags[i].key, flags[i].otherwise, &set))
			return false;
		t->flags |= set ? flags[i].flag : 0;
	}
	if (!read_text(r, r->body, "type", type, sizeof type))
		return false;
	t->type = strcmp(type, "service") == 0 ? COMMAND_TEXT_SERVICE : COMMAND_TEXT_NOTICE;
	if (*type && t->type == COMMAND_TEXT_NOTICE && strcmp(type, "notice") != 0)
		return wrong(r, "`type` must be notice or service");
	return read_text(r, r->body, "text", t->text, sizeof t->text);
}

/* --- parameters --- */

/* By name, or by 1 to 8 hex digits. */
static bool parameter_id(struct reading *r, const char *key, uint32_t *out)
{
	const struct parameter_definition *d = parameter_named(span_of_string(key));
	char *end;
	*out = d ? d->id : (uint32_t)strtoul(key, &end, 16);
	size_t size = strlen(key);
	return d || (size >= 1 && size <= 8 && strspn(key, "0123456789abcdefABCDEF") == size) ||
	       wrong(r, "'%.60s' is no parameter's name, and no hex id", key);
}

static bool add_parameter(struct reading *r, uint32_t id, uint8_t form, uint32_t number, struct span value)
{
	return !command_parameter_add(&r->out->content.parameters, id, form, number, value) ||
	       wrong(r, "more than %d parameters, or a value of more than 255 bytes", COMMAND_PARAMETERS_MAX);
}

static bool add_hours(struct reading *r, uint32_t id, const char *text)
{
	unsigned h1, m1, h2, m2;
	char behind;
	if (!text || sscanf(text, "%2u:%2u-%2u:%2u%c", &h1, &m1, &h2, &m2, &behind) != 4 || h1 > 255 || h2 > 255)
		return wrong(r, "%04X must be hours as \"22:50-10:30\"", id);
	return add_parameter(r, id, PARAMETER_HOURS, h1 << 24 | m1 << 16 | h2 << 8 | m2, (struct span){NULL, 0});
}

static bool add_bytes(struct reading *r, uint32_t id, const char *hex)
{
	struct buf bytes = buf_init(UINT8_MAX);
	bool good = hex && !hex_decode(&bytes, span_of_string(hex));
	good = good ? add_parameter(r, id, PARAMETER_BYTES, 0, buf_view(&bytes))
		    : wrong(r, "%04X must be at most 255 bytes as hex digits", id);
	buf_deinit(&bytes);
	return good;
}

static bool set_parameter(struct reading *r, const char *key, const json_t *v)
{
	uint32_t id;
	if (!parameter_id(r, key, &id))
		return false;
	const struct parameter_definition *d = parameter_find(id);
	if (!d || d->form == PARAMETER_BYTES)
		return add_bytes(r, id, json_string_value(v));
	if (d->form == PARAMETER_HOURS)
		return add_hours(r, id, json_string_value(v));
	if (d->form == PARAMETER_TEXT)
		return json_is_string(v) ? add_parameter(r, id, PARAMETER_TEXT, 0,
							 span_of(json_string_value(v), json_string_length(v)))
					 : wrong(r, "`%s` must be a text", key);
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > d->max)
		return wrong(r, "`%s` must be a whole number from 0 to %u", key, d->max);
	return add_parameter(r, id, d->form, (uint32_t)json_integer_value(v), (struct span){NULL, 0});
}

static bool read_parameters(struct reading *r)
{
	json_t *list = json_object_get(r->body, "parameters"), *v;
	const char *key;
	if (!json_is_object(list))
		return wrong(r, "`parameters` must be an object of names and values");
	json_object_foreach(list, key, v)
	{
		if (!set_parameter(r, key, v))
			return false;
	}
	return true;
}

static bool read_parameter_ids(struct reading *r)
{
	const json_t *list = member(r, "parameters");
	if (list && !json_is_array(list))
		return wrong(r, "`parameters` must be a list of names or hex ids");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *key = json_string_value(json_array_get(list, i));
		uint32_t id;
		if (!key)
			return wrong(r, "`parameters` must be a list of names or hex ids");
		if (!parameter_id(r, key, &id) || !add_parameter(r, id, 0, 0, (struct span){NULL, 0}))
			return false;
	}
	return true;
}

/* --- small ones --- */

static bool read_track(struct reading *r)
{
	int64_t interval_s, for_s;
	if (!read_number(r, r->body, "interval_s", 0, UINT16_MAX, 0, &interval_s) ||
	    !read_number(r, r->body, "for_s", 0, UINT32_MAX, 0, &for_s))
		return false;
	r->out->content.track.interval_s = (uint16_t)interval_s;
	r->out->content.track.for_s = (uint32_t)for_s;
	return true;
}

static bool read_confirm(struct reading *r)
{
	const json_t *bits = member(r, "bits");
	int64_t serial;
	if (!read_number(r, r->body, "serial", 0, UINT16_MAX, 0, &serial))
		return false;
	r->out->content.confirm.serial = (uint16_t)serial;
	for (size_t i = 0; i < json_array_size(bits); i++) {
		const json_t *bit = json_array_get(bits, i);
		if (!json_is_integer(bit) || json_integer_value(bit) < 0 || json_integer_value(bit) > 31)
			return wrong(r, "`bits` must be a list of numbers from 0 to 31");
		r->out->content.confirm.bits |= UINT32_C(1) << json_integer_value(bit);
	}
	return true;
}

/* --- areas --- */

static bool read_flags(struct reading *r, uint16_t *out)
{
	static const struct {
		const char *token;
		uint16_t flag;
	} flags[] = {{"enter_driver", AREA_ENTER_DRIVER}, {"enter_platform", AREA_ENTER_PLATFORM},
		     {"leave_driver", AREA_LEAVE_DRIVER}, {"leave_platform", AREA_LEAVE_PLATFORM},
		     {"no_doors", AREA_NO_DOORS},         {"no_communication", AREA_NO_COMMUNICATION},
		     {"gnss_detail", AREA_GNSS_DETAIL}};
	const json_t *list = member(r, "flags");
	*out = list ? 0 : AREA_ENTER_DRIVER | AREA_ENTER_PLATFORM | AREA_LEAVE_PLATFORM;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));
		size_t k = 0;
		while (k < COUNT(flags) && (!word || strcmp(word, flags[k].token) != 0))
			k++;
		if (k == COUNT(flags))
			return wrong(r, "`flags` knows enter_driver, enter_platform, leave_driver, leave_platform, "
					"no_doors, no_communication, gnss_detail");
		*out |= flags[k].flag;
	}
	return !list || json_is_array(list) || wrong(r, "`flags` must be a list");
}

static bool read_wish(struct reading *r, struct area_wish *out)
{
	char setting[16];
	int64_t over_s, night_kmh;
	*out = (struct area_wish){.setting = AREA_APPEND};
	if (!read_flags(r, &out->flags) || !read_number(r, r->body, "over_s", 0, UINT8_MAX, 10, &over_s) ||
	    !read_number(r, r->body, "night_limit_kmh", 0, 1000, 0, &night_kmh) ||
	    !read_text(r, r->body, "setting", setting, sizeof setting))
		return false;
	out->over_s = (uint8_t)over_s;
	out->night_limit_kmh = (uint16_t)night_kmh;
	if (strcmp(setting, "update") == 0)
		out->setting = AREA_UPDATE;
	else if (strcmp(setting, "modify") == 0)
		out->setting = AREA_MODIFY;
	else if (*setting && strcmp(setting, "append") != 0)
		return wrong(r, "`setting` must be update, append or modify");
	return true;
}

static bool read_fence(struct reading *r, const struct area_wish *wish)
{
	char id[FENCE_ID_MAX + 1];
	struct command_refusal why = {""};
	if (!read_text(r, r->body, "fence", id, sizeof id))
		return false;
	struct judged_by *by = context_take(r->context);
	const struct fence *f = fence_set_find(by->fences, span_of_string(id), r->now_ms);
	enum status status = f ? command_of_fence(f, wish, r->now_ms, &r->out->content, &why) : STATUS_NOT_FOUND;
	judged_by_release(by);
	if (status == STATUS_NOT_FOUND)
		return wrong(r, "`fence` must be the id of a fence that holds now");
	r->out->unsayable = status != STATUS_OK;
	return !status || wrong(r, "%s", why.text);
}

static bool read_degrees(const json_t *v, double limit, int32_t *out_e6)
{
	double degrees = json_number_value(v);
	if (!json_is_number(v) || !(degrees >= -limit && degrees <= limit))
		return false;
	*out_e6 = (int32_t)lround(degrees * 1e6);
	return true;
}

static bool read_line(struct reading *r, const json_t *line, struct command_area *a)
{
	size_t count = json_array_size(line);
	if (count < 2 || count > COMMAND_POINTS_MAX)
		return wrong(r, "`line` must have 2 to %d points", COMMAND_POINTS_MAX);
	for (size_t i = 0; i < count; i++) {
		const json_t *p = json_array_get(line, i);
		if (json_array_size(p) != 2 || !read_degrees(json_array_get(p, 0), 180, &a->points[i].lon_e6) ||
		    !read_degrees(json_array_get(p, 1), 90, &a->points[i].lat_e6))
			return wrong(r, "`line` must be a list of [longitude, latitude]");
	}
	a->point_count = (uint16_t)count;
	return true;
}

static bool read_route(struct reading *r, const json_t *route, const struct area_wish *wish)
{
	struct command_area *a = &r->out->content.area;
	char id[FENCE_ID_MAX + 1];
	int64_t width_m, limit_kmh;
	if (!json_is_object(route) || !read_text(r, route, "id", id, sizeof id) ||
	    !read_text(r, route, "name", a->name, sizeof a->name) ||
	    !read_number(r, route, "limit_kmh", 0, 1000, 0, &limit_kmh) ||
	    !read_number(r, route, "width_m", 1, 1000000, 0, &width_m))
		return *r->out->wrong ? false : wrong(r, "`route` must be an object");
	if (!*id || !width_m)
		return wrong(r, "`route` needs `id`, `line` and `width_m`");
	if (width_m > UINT8_MAX) {
		r->out->unsayable = true;
		return wrong(r, "width %lld m: a terminal's route is at most 255 m wide", (long long)width_m);
	}
	a->shape = AREA_ROUTE;
	a->id = area_id_of_fence(span_of_string(id));
	a->flags = wish->flags;
	a->limit_kmh = (uint16_t)limit_kmh;
	a->over_s = limit_kmh ? wish->over_s : 0;
	a->night_limit_kmh = wish->night_limit_kmh;
	a->width_m = (uint8_t)width_m;
	return read_line(r, json_object_get(route, "line"), a);
}

static bool read_area(struct reading *r)
{
	struct area_wish wish;
	const json_t *route = member(r, "route"), *fence = member(r, "fence");
	if (!route == !fence)
		return wrong(r, "one of `fence` and `route` is needed");
	if (!read_wish(r, &wish))
		return false;
	return route ? read_route(r, route, &wish) : read_fence(r, &wish);
}

static bool read_areas(struct reading *r)
{
	struct command_ids *ids = &r->out->content.ids;
	const json_t *list = member(r, "fences");
	char shape[16];
	if (!read_text(r, r->body, "shape", shape, sizeof shape))
		return false;
	ids->shape = area_shape_parse(span_of_string(shape));
	if (!ids->shape)
		return wrong(r, "`shape` must be circle, rectangle, polygon or route");
	if (json_array_size(list) > COMMAND_IDS_MAX)
		return wrong(r, "`fences` names more than %d", COMMAND_IDS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		if (!json_is_string(one))
			return wrong(r, "`fences` must be a list of ids");
		ids->ids[ids->count++] = area_id_of_fence(span_of(json_string_value(one), json_string_length(one)));
	}
	return !list || json_is_array(list) || wrong(r, "`fences` must be a list of ids");
}

/* --- the whole --- */

static bool read_nothing(struct reading *r)
{
	(void)r;
	return true;
}

static const struct {
	uint8_t kind;
	const char *members; /* between blanks */
	bool (*read)(struct reading *r);
} kinds[] = {
	{COMMAND_TEXT, " text urgent display speech advert can_fault type ", read_message},
	{COMMAND_SET_PARAMETERS, " parameters ", read_parameters},
	{COMMAND_QUERY_PARAMETERS, " parameters ", read_parameter_ids},
	{COMMAND_LOCATE, " ", read_nothing},
	{COMMAND_IDENTIFY_DRIVER, " ", read_nothing},
	{COMMAND_TRACK, " interval_s for_s ", read_track},
	{COMMAND_CONFIRM_ALARM, " serial bits ", read_confirm},
	{COMMAND_SET_AREA, " fence route setting flags over_s night_limit_kmh ", read_area},
	{COMMAND_DELETE_AREAS, " shape fences ", read_areas},
	{COMMAND_QUERY_AREAS, " shape fences ", read_areas},
};

static bool has_word(const char *words, const char *word)
{
	size_t size = strlen(word);
	for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
		if (at[-1] == ' ' && at[size] == ' ' && size)
			return true;
	return false;
}

static bool check_members(struct reading *r, const char *members)
{
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)r->body, key, v)
	{
		if (!has_word(members, key) && !has_word(" kind why not_before expires violation ", key))
			return wrong(r, "not known here: %.80s", key);
	}
	return true;
}

static bool read_common(struct reading *r)
{
	struct command_body *out = r->out;
	const json_t *not_before = member(r, "not_before"), *expires = member(r, "expires");
	int64_t violation;
	if (!read_text(r, r->body, "why", out->why, sizeof out->why) ||
	    !read_number(r, r->body, "violation", 1, INT64_MAX, 0, &violation))
		return false;
	out->violation = (uint64_t)violation;
	if (not_before && !body_instant(not_before, &out->not_before_ms))
		return wrong(r, "`not_before` must be a time");
	int64_t from_ms = out->not_before_ms > r->now_ms ? out->not_before_ms : r->now_ms;
	if (from_ms > r->now_ms + EXPIRES_MAX_MS)
		return wrong(r, "`not_before` is more than 30 days ahead");
	out->expires_ms = from_ms + EXPIRES_DEFAULT_MS;
	if (expires && !body_instant(expires, &out->expires_ms))
		return wrong(r, "`expires` must be a time");
	if (out->expires_ms <= from_ms || out->expires_ms > from_ms + EXPIRES_MAX_MS)
		return wrong(r, "`expires` must be after now and `not_before`, by at most 30 days");
	return true;
}

bool command_body_read(const json_t *body, struct context *context, int64_t now_ms, struct command_body *out)
{
	struct reading r = {body, context, now_ms, out};
	struct command_refusal why;
	memset(out, 0, sizeof *out);
	const char *kind = json_string_value(json_object_get(body, "kind"));
	size_t i = 0;
	if (!json_is_object(body) || !kind || command_kind_parse(span_of_string(kind), &out->content.kind))
		return wrong(&r, "`kind` must be one of text, set_parameters, query_parameters, locate, track, "
				 "confirm_alarm, set_fence, delete_fences, query_fences, identify_driver");
	while (i < COUNT(kinds) && kinds[i].kind != out->content.kind)
		i++;
	if (i == COUNT(kinds))
		return wrong(&r, "`kind` is an answer's");
	if (!check_members(&r, kinds[i].members) || !read_common(&r) || !kinds[i].read(&r))
		return false;
	if (command_check(&out->content, &why)) {
		out->unsayable = true;
		return wrong(&r, "%s", why.text);
	}
	return true;
}
