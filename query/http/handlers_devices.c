/* handlers_devices.c -- the registry: listing, one device, its bindings, changes. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "engine/core/clock.h"
#include "engine/fleet/streams.h"
#include "query/export/export_devices.h"
#include "query/export/json_out.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define BATCH 256
#define DEVICE_JSON_MAX (1u << 20)

enum { CLASS, COMPANY, VILLAGE, STATE, QUERY, LIMIT, CURSOR, FORMAT };

static const struct http_param list_params[] = {
	[CLASS] = {"class", HTTP_PARAM_TEXT, false, 0, 32, NULL, "class token, such as muck or fishing"},
	[COMPANY] = {"company", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX, NULL, "whole name"},
	[VILLAGE] = {"village", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX, NULL, "whole name"},
	[STATE] = {"state", HTTP_PARAM_TEXT, false, 0, 32, NULL, "registered, unregistered or revoked"},
	[QUERY] = {"q", HTTP_PARAM_TEXT, false, 0, 64, NULL, "part of a phone, plate, second plate, SIM, VIN or name"},
	[LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, PAGE_ROWS_MAX, NULL,
		   "devices of one answer (JSON: 1000 when left out; others: all)"},
	[CURSOR] = {"cursor", HTTP_PARAM_CURSOR, false, 0, 16, NULL, "`next` of the answer before"},
	[FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, FORMAT_CHOICES, "instead of Accept"},
};

static bool has_value(const struct device *d, enum device_field field, const struct http_value *wanted, int64_t now_ms)
{
	if (!wanted->set)
		return true;
	const char *value = export_device_value(d, (uint8_t)field, now_ms);
	return value && span_equal(span_of_string(value), wanted->text);
}

static bool has_part(const struct device *d, const struct http_value *wanted, int64_t now_ms)
{
	static const enum device_field searched[] = {DEVICE_FIELD_PHONE, DEVICE_FIELD_PLATE, DEVICE_FIELD_SECOND_PLATE,
						     DEVICE_FIELD_SIM,   DEVICE_FIELD_VIN,   DEVICE_FIELD_NAME};
	if (!wanted->set)
		return true;
	for (size_t i = 0; i < sizeof searched / sizeof searched[0]; i++) {
		const char *value = export_device_value(d, (uint8_t)searched[i], now_ms);
		if (value && memmem(value, strlen(value), wanted->text.data, wanted->text.size))
			return true;
	}
	return false;
}

struct device_listing {
	struct http_stream *s;
	struct registry *registry;
	struct export_list w;
	int64_t now_ms;
	uint8_t class_code; /* of the filter */
	uint64_t limit, last_id;
	bool more;
};

static bool is_wanted(const struct device_listing *l, const struct device *d)
{
	const struct http_value *v = l->s->call->values;
	return (!v[CLASS].set || registry_class(l->registry, d->id, l->now_ms) == l->class_code) &&
	       has_value(d, DEVICE_FIELD_COMPANY, &v[COMPANY], l->now_ms) &&
	       has_value(d, DEVICE_FIELD_VILLAGE, &v[VILLAGE], l->now_ms) &&
	       has_value(d, DEVICE_FIELD_STATE, &v[STATE], l->now_ms) && has_part(d, &v[QUERY], l->now_ms) &&
	       scope_allows(l->registry, &l->s->call->principal, d->id, l->now_ms);
}

/* STATUS_END when the page is full. */
static enum status put_device(struct device_listing *l, uint64_t id)
{
	struct device d;
	enum status status = registry_device(l->registry, id, &d);
	if (status)
		return status == STATUS_NOT_FOUND ? STATUS_OK : status;
	if (is_wanted(l, &d)) {
		l->more = l->w.rows == l->limit;
		status = l->more ? STATUS_END : export_device_row(&l->w, &d, l->now_ms, &l->s->chunk);
		if (!status) {
			l->last_id = id;
			status = stream_flush(l->s, false);
		}
	}
	device_deinit(&d);
	return status;
}

static enum status put_devices(struct device_listing *l, uint64_t after)
{
	uint64_t ids[BATCH];
	size_t count;
	enum status status = export_devices_begin(&l->w, l->w.format, &l->s->chunk);
	while (!status && (count = registry_list(l->registry, after, ids, BATCH))) {
		for (size_t i = 0; i < count && !status; i++)
			status = put_device(l, ids[i]);
		after = ids[count - 1];
		if (!status && exchange_is_cancelled(l->s->call->x))
			status = STATUS_CANCELLED;
	}
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status write_devices(struct device_listing *l, uint64_t after)
{
	char next[17];
	uint8_t be[8];
	enum status status = put_devices(l, after);
	if (status)
		return status;
	store_be64(be, l->last_id);
	hex_encode(next, span_of(be, sizeof be));
	return export_list_end(&l->w, l->more ? next : NULL, &l->s->chunk);
}

static void get_devices(struct http_call *c)
{
	const struct http_value *v = c->values;
	struct http_stream s;
	struct device_listing l = {
		.s = &s, .registry = engine_registry(http_engine(c->http)), .now_ms = clock_now_ms()};
	uint64_t after = 0;
	if (v[CURSOR].set && parse_hex64(v[CURSOR].text, &after)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "cursor", "this is no cursor of ours");
		return;
	}
	if (v[CLASS].set && device_class_parse(v[CLASS].text, &l.class_code)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "class", "no such class");
		return;
	}
	if (!call_format(c, &v[FORMAT], 1u << EXPORT_JSON | 1u << EXPORT_NDJSON | 1u << EXPORT_CSV, &l.w.format))
		return;
	l.limit = (uint64_t)value_or(&v[LIMIT], l.w.format == EXPORT_JSON ? PAGE_ROWS_DEFAULT : INT64_MAX);
	stream_begin(&s, c, export_format_media(l.w.format));
	stream_close(&s, write_devices(&l, after));
}

/* --- one --- */

static void answer_device(struct http_call *c, uint64_t id, int64_t at_ms, bool bindings, unsigned code)
{
	struct device d;
	struct buf text = buf_init(DEVICE_JSON_MAX);
	struct json_out j = json_out_init(&text);
	enum status status = registry_device(engine_registry(http_engine(c->http)), id, &d);
	if (status) {
		http_problem_of_status(c->x, status);
		return;
	}
	export_device_object(&j, &d, at_ms, bindings);
	device_deinit(&d);
	if (!j.status)
		j.status = buf_append_u8(&text, '\n');
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else if (code == 200)
		http_answer_cached(c, "application/json", buf_view(&text));
	else
		http_answer(c, code, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static const struct http_param at_params[] = {
	{"at", HTTP_PARAM_TIME, false, 0, 0, NULL, "what was true then; now when left out"},
};

static void get_device(struct http_call *c)
{
	uint64_t id;
	if (call_device(c, c->path_args[0], &id))
		answer_device(c, id, value_or(&c->values[0], clock_now_ms()), false, 200);
}

static void get_history(struct http_call *c)
{
	uint64_t id;
	if (call_device(c, c->path_args[0], &id))
		answer_device(c, id, clock_now_ms(), true, 200);
}

/* --- changes --- */

#define CHANGES_MAX (DEVICE_FIELD_COUNT + 1)

struct edit {
	uint64_t id;
	enum device_kind kind;
	bool made; /* the device was not known */
	int64_t from_ms;
	struct registry_change changes[CHANGES_MAX];
	size_t count;
	char vehicle[DEVICE_VALUE_MAX + 1]; /* a change borrows it */
	char detail[160];                   /* what is wrong with the body */
};

/* Fields that the terminal says of itself: replacing a device's record leaves them. */
static bool is_terminals_own(unsigned field)
{
	return field == DEVICE_FIELD_VEHICLE || field == DEVICE_FIELD_AUTH_CODE || field == DEVICE_FIELD_VIDEO ||
	       field == DEVICE_FIELD_TERMINAL_ID || field == DEVICE_FIELD_TERMINAL_MODEL ||
	       field == DEVICE_FIELD_MANUFACTURER || field == DEVICE_FIELD_PHONE || field == DEVICE_FIELD_SITE;
}

static bool wrong(struct edit *e, const char *what, const char *name)
{
	snprintf(e->detail, sizeof e->detail, "%s: %.80s", what, name);
	return false;
}

static bool read_field(struct edit *e, const char *key, const json_t *value)
{
	uint8_t field;
	if (device_field_parse(span_of_string(key), &field) || field >= DEVICE_FIELD_STREAMS)
		return wrong(e, "no such field", key);
	if (field == DEVICE_FIELD_AUTH_CODE)
		return wrong(e, "this field is not set from here", key);
	if (!json_is_string(value) && !json_is_null(value))
		return wrong(e, "a field is a text, or null to end it", key);
	struct span text =
		json_is_null(value) ? span_of("", 0) : span_of(json_string_value(value), json_string_length(value));
	if (text.size > DEVICE_VALUE_MAX || !http_text_is_clean(text))
		return wrong(e, "too long, or with control characters", key);
	e->changes[e->count++] = (struct registry_change){field, text};
	return true;
}

static bool read_from(struct edit *e, const json_t *from)
{
	if (!from)
		return true;
	if (json_is_integer(from)) {
		e->from_ms = json_integer_value(from);
		return true;
	}
	const char *text = json_string_value(from);
	if (text && !strcmp(text, "always")) {
		e->from_ms = VALID_ALWAYS_FROM;
		return true;
	}
	if (text && !http_time_parse(span_of_string(text), &e->from_ms))
		return true;
	return wrong(e, "a time as RFC 3339, ms since 1970, or \"always\"", "from");
}

static bool read_body(struct edit *e, json_t *body)
{
	const char *key;
	json_t *value;
	json_t *fields = json_object_get(body, "fields");
	if (!json_is_object(body) || !json_is_object(fields))
		return wrong(e, "the body must be an object with an object", "fields");
	json_object_foreach(body, key, value)
	{
		if (strcmp(key, "fields") && strcmp(key, "from"))
			return wrong(e, "not known here", key);
	}
	if (!read_from(e, json_object_get(body, "from")))
		return false;
	json_object_foreach(fields, key, value)
	{
		if (e->count == DEVICE_FIELD_COUNT || !read_field(e, key, value))
			return e->detail[0] ? false : wrong(e, "too many fields", key);
	}
	return true;
}

static bool is_mentioned(const struct edit *e, unsigned field)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->changes[i].field == field)
			return true;
	return false;
}

/* PUT says everything: what it does not mention ends. */
static enum status end_the_rest(struct edit *e, const struct registry *r)
{
	struct device d;
	enum status status = registry_device(r, e->id, &d);
	if (status)
		return status == STATUS_NOT_FOUND ? STATUS_OK : status;
	for (unsigned field = 1; field < DEVICE_FIELD_COUNT && e->count < CHANGES_MAX; field++)
		if (!is_terminals_own(field) && !is_mentioned(e, field) &&
		    export_device_value(&d, (uint8_t)field, e->from_ms))
			e->changes[e->count++] = (struct registry_change){(uint8_t)field, span_of("", 0)};
	e->kind = (enum device_kind)d.kind;
	device_deinit(&d);
	return STATUS_OK;
}

/* "jt809:ACCESS CODE:COLOUR:PLATE": a vehicle as another platform forwards it. */
static bool make_forwarded(struct edit *e, struct span text)
{
	char *end, copy[DEVICE_VALUE_MAX + 1];
	if (text.size <= 6 || text.size >= sizeof copy || memcmp(text.data, "jt809:", 6) != 0)
		return false;
	memcpy(copy, text.data + 6, text.size - 6);
	copy[text.size - 6] = '\0';
	unsigned long code = strtoul(copy, &end, 10);
	if (end == copy || *end != ':' || code > UINT32_MAX ||
	    device_value_normalise(DEVICE_FIELD_VEHICLE, span_of_string(end + 1), e->vehicle) || !*e->vehicle)
		return false;
	e->id = device_id_jt809((uint32_t)code, e->vehicle);
	e->kind = DEVICE_KIND_JT809;
	e->made = true;
	if (!is_mentioned(e, DEVICE_FIELD_VEHICLE))
		e->changes[e->count++] = (struct registry_change){DEVICE_FIELD_VEHICLE, span_of_string(e->vehicle)};
	return true;
}

/* "site:N" */
static bool make_site(struct edit *e, struct span text)
{
	if (text.size <= 5 || text.size > 5 + SITE_MAX || memcmp(text.data, "site:", 5) != 0)
		return false;
	struct span site = span_of(text.data + 5, text.size - 5);
	e->made = true;
	e->kind = DEVICE_KIND_SENSOR;
	e->id = site_id(site);
	if (!is_mentioned(e, DEVICE_FIELD_SITE))
		e->changes[e->count++] = (struct registry_change){DEVICE_FIELD_SITE, site};
	return true;
}

/* "mmsi:N", "beidou_card:N" and "plate:boat:HULL NUMBER": a boat's sources and the boat, as stations and the import
 * know them. */
static bool make_at_sea(struct edit *e, struct span text)
{
	static const struct {
		const char *prefix;
		enum device_kind kind;
		enum device_field field;
	} forms[] = {{"mmsi:", DEVICE_KIND_AIS, DEVICE_FIELD_MMSI},
		     {"beidou_card:", DEVICE_KIND_BEIDOU, DEVICE_FIELD_BEIDOU_CARD},
		     {"plate:boat:", DEVICE_KIND_BOAT, DEVICE_FIELD_PLATE}};
	char value[DEVICE_VALUE_MAX + 1];
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		size_t size = strlen(forms[i].prefix), colon = strcspn(forms[i].prefix, ":") + 1;
		if (text.size <= size || memcmp(text.data, forms[i].prefix, size) != 0)
			continue;
		struct span said = span_of(text.data + colon, text.size - colon);
		if (device_value_normalise(forms[i].field, said, value))
			return false;
		e->made = true;
		e->kind = forms[i].kind;
		e->id = device_id(e->kind, span_of_string(value));
		if (!is_mentioned(e, forms[i].field))
			e->changes[e->count++] = (struct registry_change){(uint8_t)forms[i].field, said};
		return true;
	}
	return false;
}

/* Which device is meant; "phone:N" of an unknown terminal, "jt809:CODE:COLOUR:PLATE", "site:N" of an unknown site and
 * those of boats make a new one. */
static bool find_or_make(struct http_call *c, struct edit *e)
{
	struct span text = c->path_args[0], phone;
	struct registry *r = engine_registry(http_engine(c->http));
	enum status status = device_reference(r, text, clock_now_ms(), &e->id);
	struct device d;
	if (!status && !registry_device(r, e->id, &d)) {
		e->kind = (enum device_kind)d.kind;
		device_deinit(&d);
	}
	if (!status)
		return true;
	if (status == STATUS_NOT_FOUND && c->x->request.method == HTTP_PUT &&
	    (make_site(e, text) || make_at_sea(e, text)))
		return true;
	if (c->x->request.method == HTTP_PUT && make_forwarded(e, text)) {
		e->made = !registry_has(r, e->id);
		return true;
	}
	if (status == STATUS_NOT_FOUND && c->x->request.method == HTTP_PUT && text.size > 6 &&
	    !memcmp(text.data, "phone:", 6)) {
		phone = span_of(text.data + 6, text.size - 6);
		while (phone.size > 1 && phone.data[0] == '0')
			phone = span_of(phone.data + 1, phone.size - 1);
		e->made = true;
		e->id = device_id(DEVICE_KIND_JT808, phone);
		if (!is_mentioned(e, DEVICE_FIELD_PHONE))
			e->changes[e->count++] = (struct registry_change){DEVICE_FIELD_PHONE, phone};
		return true;
	}
	return call_device(c, text, &e->id); /* says what is wrong */
}

static void answer_conflict(struct http_call *c, uint64_t other)
{
	char detail[96];
	snprintf(detail, sizeof detail, "a value that may name one device only belongs to %016llx then",
		 (unsigned long long)other);
	http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, NULL, detail);
}

static void apply_edit(struct http_call *c, struct edit *e)
{
	struct registry *r = engine_registry(http_engine(c->http));
	uint64_t other = 0;
	enum status status = STATUS_OK;
	if (c->x->request.method == HTTP_PUT)
		status = end_the_rest(e, r);
	if (!status)
		status = registry_apply(r, e->id, e->kind, e->changes, e->count, e->from_ms, c->principal.name, &other);
	if (status == STATUS_CONFLICT)
		answer_conflict(c, other);
	else if (status == STATUS_OUT_OF_RANGE || status == STATUS_TOO_LONG || status == STATUS_INVALID)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, "a value is none of its field");
	else if (status)
		http_problem_of_status(c->x, status);
	else
		answer_device(c, e->id, e->from_ms > clock_now_ms() ? e->from_ms : clock_now_ms(), false,
			      e->made ? 201 : 200);
}

static void put_device_record(struct http_call *c)
{
	json_error_t error;
	struct edit e = {.kind = DEVICE_KIND_JT808, .from_ms = clock_now_ms()};
	const struct buf *text = &c->x->request.body;
	if (!call_may_write(c))
		return;
	json_t *body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	if (!body)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, error.text);
	else if (!read_body(&e, body))
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, e.detail);
	else if (find_or_make(c, &e))
		apply_edit(c, &e);
	json_decref(body);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/devices", "listDevices", "Devices of the registry, by ascending id.",
	 "application/json application/x-ndjson text/csv", list_params, COUNT(list_params), get_devices, NULL},
	{HTTP_GET, 0, "/api/v1/devices/{id}", "getDevice", "One device as of an instant.", "application/json",
	 at_params, COUNT(at_params), get_device, NULL},
	{HTTP_GET, 0, "/api/v1/devices/{id}/history", "getDeviceHistory", "Everything that was ever said of a device.",
	 "application/json", NULL, 0, get_history, NULL},
	{HTTP_PUT, HTTP_ROUTE_BODY, "/api/v1/devices/{id}", "putDevice",
	 "Say everything of a device from an instant on: {\"from\":..., \"fields\":{...}}; makes phone:N, site:N, "
	 "mmsi:N, beidou_card:N, plate:boat:N and "
	 "jt809:ACCESS CODE:COLOUR:PLATE.",
	 "application/json", NULL, 0, put_device_record, NULL},
	{HTTP_PATCH, HTTP_ROUTE_BODY, "/api/v1/devices/{id}", "patchDevice",
	 "Change some fields of a device from an instant on.", "application/json", NULL, 0, put_device_record, NULL},
};

enum status handlers_devices_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
