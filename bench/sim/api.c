#include "bench/sim/api.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bench/sim/http_get.h"
#include "engine/core/clock.h"

#define BASE "/api/v1"
#define FENCES_HOLD_FROM "2020-01-01T00:00:00+08:00"
/* what a video terminal says of itself in 0x1003: it has H.264 */
#define VIDEO_ATTRIBUTES "08010001014001620404"

/* --- asking --- */

struct answer {
	int code;
	char *text;
	size_t size;
	FILE *into;
};

static void take_line(void *context, char *line, size_t size)
{
	struct answer *a = context;
	fwrite(line, 1, size, a->into);
	fputc('\n', a->into);
}

static int ask(int port, const char *method, const char *path, const char *type, struct span body, struct answer *out)
{
	*out = (struct answer){0};
	out->into = open_memstream(&out->text, &out->size);
	if (!out->into)
		abort();
	enum status status = http_send(port, method, path, type, body, &out->code, take_line, out);
	fclose(out->into);
	if (!status && out->code < 300)
		return 0;
	fprintf(stderr, "%s %s: HTTP %d, %s\n%.2000s", method, path, out->code, status_text(status), out->text);
	return -1;
}

static int ask_json(int port, const char *method, const char *path, const json_t *body, struct answer *out)
{
	char *text = json_dumps(body, JSON_COMPACT);
	if (!text)
		abort();
	int result = ask(port, method, path, "application/json", span_of_string(text), out);
	free(text);
	return result;
}

static void clock_text(int64_t ms, char out[TIME_TEXT_MAX])
{
	time_format(ms, CHINA_OFFSET_MS, out);
}

/* --- the registry --- */

static json_t *fields_of(const struct scene *s, const struct scene_vehicle *v)
{
	char plate[32] = "2:", phone[SCENE_PHONE_MAX], value[SCENE_VALUE_MAX + 1];
	json_t *fields = json_pack("{s:s, s:s, s:s}", "class", v->class_token, "state", "registered", "company",
				   "演示数据运输公司");
	scene_plate(v, plate + 2);
	scene_phone(v, phone);
	json_object_set_new(fields, "plate", json_string(v->voice == VOICE_JT808 ? plate : phone));
	if (!strcmp(v->class_token, "muck"))
		json_object_set_new(fields, "video", json_string(VIDEO_ATTRIBUTES));
	for (unsigned i = 0; i < v->field_count; i++) {
		scene_field_value(s, &v->fields[i], value);
		if (strcmp(value, "none"))
			json_object_set_new(fields, v->fields[i].name, json_string(value));
		else
			json_object_del(fields, v->fields[i].name);
	}
	return fields;
}

static void set_time(json_t *object, const char *key, const struct scene *s, int64_t ms)
{
	char text[TIME_TEXT_MAX];
	if (ms == SCENE_NOT_GIVEN)
		return;
	clock_text(s->midnight_ms + ms, text);
	json_object_set_new(object, key, json_string(text));
}

static int put_permit(int port, const struct scene *s, const struct scene_vehicle *v, unsigned at, const char *device)
{
	const struct scene_permit *p = &v->permits[at];
	char path[128];
	struct answer a;
	json_t *fences = json_array(), *body = json_pack("{s:s, s:s}", "device", device, "kind", p->kind);
	for (unsigned i = 0; i < p->fence_count; i++)
		json_array_append_new(fences, json_string(p->fences[i]));
	json_object_set_new(body, "fences", fences);
	if (p->hours[0])
		json_object_set_new(body, "hours", json_string(p->hours));
	json_object_set_new(body, "valid_from", json_string(FENCES_HOLD_FROM));
	set_time(body, "valid_from", s, p->from_ms);
	set_time(body, "valid_to", s, p->to_ms);
	snprintf(path, sizeof path, BASE "/permits/DEMO-%04u-%u", v->number, at + 1);
	int result = ask_json(port, "PUT", path, body, &a);
	free(a.text);
	json_decref(body);
	return result;
}

/* Says `body` of a device; its id is copied to `out_id`. */
static int put_device(int port, const char *reference, const json_t *body, char out_id[32])
{
	char path[160];
	struct answer a;
	snprintf(path, sizeof path, BASE "/devices/%s", reference);
	int result = ask_json(port, "PUT", path, body, &a);
	json_t *device = result ? NULL : json_loads(a.text, 0, NULL);
	const char *id = json_string_value(json_object_get(device, "id"));
	snprintf(out_id, 32, "%s", id ? id : "");
	if (!result && !id) {
		fprintf(stderr, "PUT %s: an answer without an id\n", path);
		result = -1;
	}
	json_decref(device);
	free(a.text);
	return result;
}

/* The transmitter of a boat belongs to it, and what is said of the boat is lent to it. */
static int put_transmitter(int port, const struct scene_vehicle *v)
{
	char reference[64], phone[SCENE_PHONE_MAX], id[32];
	scene_phone(v, phone);
	snprintf(reference, sizeof reference, "%s:%u", v->voice == VOICE_BEIDOU ? "beidou_card" : "mmsi",
		 scene_call_number(v));
	json_t *body = json_pack("{s:s, s:{s:s}}", "from", "always", "fields", "vehicle", phone);
	int result = put_device(port, reference, body, id);
	json_decref(body);
	return result;
}

/* In a path: what is no ASCII is escaped. */
static void escape(const char *text, char out[3 * SCENE_PHONE_MAX + 16])
{
	for (size_t at = 0; *text; text++)
		at += (size_t)sprintf(out + at, *text & 0x80 ? "%%%02X" : "%c", (unsigned char)*text);
}

int api_put_vehicle(int port, const struct scene *s, const struct scene_vehicle *v)
{
	char reference[3 * SCENE_PHONE_MAX + 32], phone[SCENE_PHONE_MAX], named[SCENE_PHONE_MAX + 8], id[32];
	bool boat = v->voice != VOICE_JT808;
	if (v->unregistered)
		return 0;
	if (v->of)
		return put_transmitter(port, v);
	scene_phone(v, phone);
	snprintf(named, sizeof named, "%s:%s", boat ? "plate" : "phone", phone);
	escape(named, reference);
	json_t *body = json_pack("{s:s, s:o}", "from", "always", "fields", fields_of(s, v));
	int result = put_device(port, reference, body, id);
	json_decref(body);
	for (unsigned i = 0; i < v->permit_count && !result; i++)
		result = put_permit(port, s, v, i, id);
	return result || !boat ? result : put_transmitter(port, v);
}

/* --- sites --- */

static json_t *said_fields(const struct scene *s, const struct scene_field *list, unsigned count)
{
	char value[SCENE_VALUE_MAX + 1];
	json_t *fields = json_object();
	for (unsigned i = 0; i < count; i++) {
		scene_field_value(s, &list[i], value);
		json_object_set_new(fields, list[i].name, json_string(value));
	}
	return fields;
}

static int put_stream(int port, const struct scene *s, const char *number, const struct scene_stream *stream)
{
	struct answer a;
	json_t *body = json_pack("{s:s, s:s, s:s, s:o}", "site", number, "quantity", stream->quantity, "from", "always",
				 "fields", said_fields(s, stream->fields, stream->field_count));
	int result = ask_json(port, "PUT", BASE "/streams", body, &a);
	json_decref(body);
	free(a.text);
	return result;
}

int api_put_site(int port, const struct scene *s, struct scene_site *site)
{
	char path[256], number[2 * SCENE_NAME_MAX];
	struct answer a;
	scene_site_number(s, site, number);
	snprintf(path, sizeof path, BASE "/devices/site:%s", number);
	json_t *fields = said_fields(s, site->fields, site->field_count);
	json_object_set_new(fields, "company", json_string("演示数据企业"));
	json_t *body = json_pack("{s:s, s:o}", "from", "always", "fields", fields);
	int result = ask_json(port, "PUT", path, body, &a);
	json_decref(body);
	json_t *device = result ? NULL : json_loads(a.text, 0, NULL);
	const char *id = json_string_value(json_object_get(device, "id"));
	snprintf(site->id, sizeof site->id, "%s", id ? id : "");
	json_decref(device);
	free(a.text);
	for (unsigned i = 0; i < site->stream_count && !result; i++)
		result = put_stream(port, s, number, &site->streams[i]);
	return result;
}

int api_write_lines(int port, struct span lines)
{
	struct answer a;
	int result = ask(port, "POST", "/write?precision=ms", "text/plain", lines, &a);
	free(a.text);
	return result;
}

/* --- fences and rules --- */

/* "day-5 10:00:00" to a time; anything else stays. */
static void resolve_time(json_t *properties, const char *key, int64_t midnight_ms)
{
	int days, hours, minutes, seconds;
	char text[TIME_TEXT_MAX];
	const char *said = json_string_value(json_object_get(properties, key));
	if (!said || sscanf(said, "day%d %d:%d:%d", &days, &hours, &minutes, &seconds) != 4)
		return;
	clock_text(midnight_ms + days * MS_PER_DAY + ((hours * 60 + minutes) * 60 + seconds) * MS_PER_SECOND, text);
	json_object_set_new(properties, key, json_string(text));
}

static int check_refused(const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);
	json_t *refused = json_object_get(answer, "refused");
	int result = json_is_array(refused) && json_array_size(refused) == 0 ? 0 : -1;
	if (result)
		fprintf(stderr, "fences were refused: %.2000s\n", text);
	json_decref(answer);
	return result;
}

int api_post_fences(int port, const char *path, int64_t now_ms)
{
	json_error_t error;
	json_t *fences = json_load_file(path, 0, &error), *feature;
	int64_t local = now_ms + CHINA_OFFSET_MS, midnight_ms = local - local % MS_PER_DAY - CHINA_OFFSET_MS;
	size_t i;
	struct answer a;
	if (!fences) {
		fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
		return -1;
	}
	json_array_foreach(json_object_get(fences, "features"), i, feature)
	{
		json_t *properties = json_object_get(feature, "properties");
		resolve_time(properties, "valid_from", midnight_ms);
		resolve_time(properties, "valid_to", midnight_ms);
		if (!json_object_get(properties, "valid_from"))
			json_object_set_new(properties, "valid_from", json_string(FENCES_HOLD_FROM));
	}
	int result = ask_json(port, "POST", BASE "/fences?rejudge=1", fences, &a);
	if (!result)
		result = check_refused(a.text);
	free(a.text);
	json_decref(fences);
	return result;
}

int api_put_rules(int port, const char *path)
{
	struct buf text = buf_init(1u << 20);
	struct answer a;
	FILE *from = fopen(path, "rb");
	char bytes[65536];
	enum status status = from ? STATUS_OK : STATUS_IO;
	for (size_t n; !status && (n = fread(bytes, 1, sizeof bytes, from));)
		status = buf_append(&text, bytes, n);
	if (from)
		fclose(from);
	if (status) {
		fprintf(stderr, "%s: %s\n", path, status_text(status));
		buf_deinit(&text);
		return -1;
	}
	int result = ask(port, "PUT", BASE "/rules?rejudge=1&from=2020-01-01T00:00:00Z", "text/plain; charset=utf-8",
			 buf_view(&text), &a);
	free(a.text);
	buf_deinit(&text);
	return result;
}

/* --- stations --- */

int api_get_station(int port, const char *name, struct station_state *out)
{
	struct answer a;
	size_t i;
	json_t *one;
	int result = ask(port, "GET", BASE "/stations", NULL, (struct span){NULL, 0}, &a);
	json_t *answer = result ? NULL : json_loads(a.text, 0, NULL);
	free(a.text);
	*out = (struct station_state){.port = -1};
	json_array_foreach(json_object_get(answer, "stations"), i, one)
	{
		const char *called = json_string_value(json_object_get(one, "name"));
		if (!called || strcmp(called, name) != 0)
			continue;
		out->port = (int)json_integer_value(json_object_get(one, "port"));
		out->lines = json_integer_value(json_object_get(one, "lines"));
		out->refused = json_integer_value(json_object_get(one, "lines_refused"));
		out->taken = json_integer_value(json_object_get(one, "reports")) +
			     json_integer_value(json_object_get(one, "folded")) +
			     json_integer_value(json_object_get(one, "messages"));
	}
	json_decref(answer);
	return result || out->port < 0 ? -1 : 0;
}

/* --- findings --- */

int api_settle(int port, int64_t as_of_ms)
{
	char path[128];
	struct answer a;
	snprintf(path, sizeof path, BASE "/judge/settle?as_of=%lld", (long long)as_of_ms);
	int result = ask(port, "POST", path, "application/json", span_of_string("{}"), &a);
	free(a.text);
	return result;
}

static void copy_text(const json_t *object, const char *key, char *out, size_t room)
{
	const char *text = json_string_value(json_object_get(object, key));
	snprintf(out, room, "%s", text ? text : "");
}

static int take_finding(struct found_list *out, const char *line)
{
	json_t *f = json_loads(line, 0, NULL);
	if (!json_is_object(f))
		return -1;
	const char *state = json_string_value(json_object_get(f, "state"));
	if (state && strcmp(state, "withdrawn") == 0) {
		json_decref(f);
		return 0; /* what came late took it away */
	}
	struct found *to = found_list_add(out);
	copy_text(f, "rule", to->rule, sizeof to->rule);
	copy_text(f, "phone", to->phone, sizeof to->phone);
	if (!to->phone[0]) /* a boat is known by its hull number */
		copy_text(f, "plate", to->phone, sizeof to->phone);
	copy_text(f, "fence", to->fence, sizeof to->fence);
	copy_text(f, "device", to->device, sizeof to->device);
	to->start_ms = json_integer_value(json_object_get(f, "start_ms"));
	to->end_ms = json_integer_value(json_object_get(f, "end_ms"));
	json_decref(f);
	return 0;
}

int api_get_findings(int port, int64_t from_ms, int64_t to_ms, struct found_list *out)
{
	char path[256], *save = NULL;
	struct answer a;
	snprintf(path, sizeof path, BASE "/violations?format=ndjson&from=%lld&to=%lld", (long long)from_ms,
		 (long long)to_ms);
	int result = ask(port, "GET", path, NULL, (struct span){NULL, 0}, &a);
	for (char *line = strtok_r(a.text, "\n", &save); line && !result; line = strtok_r(NULL, "\n", &save)) {
		result = take_finding(out, line);
		if (result)
			fprintf(stderr, "GET %s: `%.200s` is no finding\n", path, line);
	}
	free(a.text);
	return result;
}
