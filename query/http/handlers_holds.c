/* handlers_holds.c -- what is held for a case (证据封存): listing, holding, releasing. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "engine/core/clock.h"
#include "engine/fleet/streams.h"
#include "engine/store/keys.h"
#include "query/export/json_out.h"
#include "query/http/http_body.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define STREAMS_BATCH 256
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HOLDS_PAGE_MAX 1000
#define HOLDS_PAGE_DEFAULT 100
#define HOLD_DEVICES_MAX 1000

static enum status audit_hold(struct http_call *c, const char *action, const char *case_number, uint64_t device,
			      int64_t from_ms, int64_t to_ms)
{
	struct audit_entry entry = {.at_ms = clock_now_ms(), .device = device, .from_ms = from_ms, .to_ms = to_ms};
	snprintf(entry.action, sizeof entry.action, "%s", action);
	snprintf(entry.case_number, sizeof entry.case_number, "%s", case_number);
	return call_audit(c, &entry);
}

/* --- listing --- */

enum { CASE, LIMIT, CURSOR };

static const struct http_param list_params[] = {
	[CASE] = {"case", HTTP_PARAM_TEXT, false, 0, CASE_NUMBER_MAX, NULL, "only holds of this case"},
	[LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, HOLDS_PAGE_MAX, NULL,
		   "holds of one answer; 100 when left out"},
	[CURSOR] = {"cursor", HTTP_PARAM_CURSOR, false, 0, 2 * KEY_HOLD_MAX, NULL, "`next` of the answer before"},
};

struct hold_page {
	const char *case_number; /* "": of all cases */
	struct hold_key *items;
	size_t count, max;
	bool more;
};

static enum status visit_hold(void *context, const struct hold_key *hold)
{
	struct hold_page *p = context;
	if (*p->case_number && strcmp(hold->case_number, p->case_number) != 0)
		return STATUS_END;
	p->more = p->count == p->max;
	if (p->more)
		return STATUS_END;
	p->items[p->count++] = *hold;
	return STATUS_OK;
}

static bool cursor_parse(struct span text, struct hold_key *out)
{
	uint8_t key[KEY_HOLD_MAX];
	struct buf b = {key, 0, sizeof key, sizeof key};
	return text.size <= 2 * sizeof key && !hex_decode(&b, text) && !key_hold_parse(buf_view(&b), out);
}

static void hold_object(struct json_out *j, const struct hold_key *hold)
{
	jout_open(j, '{');
	jout_key(j, "case");
	jout_string(j, hold->case_number);
	jout_key(j, "device");
	jout_hex64(j, hold->device);
	jout_key(j, "from");
	jout_time(j, hold->from_ms);
	jout_key(j, "to");
	jout_time(j, hold->to_ms);
	jout_close(j, '}');
}

static enum status write_holds(struct http_stream *s, const struct hold_page *p)
{
	uint8_t key[KEY_HOLD_MAX];
	struct json_out j = json_out_init(&s->chunk);
	jout_open(&j, '{');
	jout_key(&j, "holds");
	jout_open(&j, '[');
	for (size_t i = 0; i < p->count && !j.status; i++) {
		hold_object(&j, &p->items[i]);
		if (!j.status)
			j.status = stream_flush(s, false);
	}
	jout_close(&j, ']');
	jout_key(&j, "next");
	if (p->more)
		jout_hex(&j, span_of(key, key_hold(&p->items[p->count - 1], key)));
	else
		jout_null(&j);
	jout_close(&j, '}');
	return j.status ? j.status : buf_append_u8(&s->chunk, '\n');
}

/* Holds behind `after`, audited before the first byte. */
static enum status read_holds(struct http_call *c, const struct hold_key *after, struct hold_page *p)
{
	enum status status = audit_hold(c, "holds", p->case_number, 0, 0, 0);
	return status ? status : store_holds(engine_store(http_engine(c->http)), after, visit_hold, p);
}

static void get_holds(struct http_call *c)
{
	const struct http_value *v = c->values;
	struct hold_key after = {.from_ms = INT64_MIN, .to_ms = INT64_MIN}; /* with a case: before its first */
	struct hold_page p = {.max = (size_t)value_or(&v[LIMIT], HOLDS_PAGE_DEFAULT)};
	struct http_stream s;
	char case_number[CASE_NUMBER_MAX + 1] = "";
	if (!call_may_write(c))
		return; /* a case belongs to nobody's scope */
	if (v[CASE].set)
		snprintf(case_number, sizeof case_number, "%s", (const char *)v[CASE].text.data);
	p.case_number = case_number;
	strcpy(after.case_number, case_number);
	if (v[CURSOR].set && !cursor_parse(v[CURSOR].text, &after)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "cursor", "this is no cursor of ours");
		return;
	}
	p.items = malloc(p.max * sizeof *p.items);
	stream_begin(&s, c, "application/json");
	enum status status =
		p.items ? read_holds(c, v[CURSOR].set || *case_number ? &after : NULL, &p) : STATUS_NO_MEMORY;
	stream_close(&s, status ? status : write_holds(&s, &p));
	free(p.items);
}

/* --- holding and releasing --- */

struct hold {
	char case_number[CASE_NUMBER_MAX + 1];
	int64_t from_ms, to_ms;
	uint64_t devices[HOLD_DEVICES_MAX];
	size_t count;
	const char *wrong;
};

static bool read_hold(const struct registry *r, const json_t *body, struct hold *out)
{
	const json_t *devices = json_object_get(body, "devices");
	out->wrong = BODY_CASE_WRONG;
	if (!body_case(json_object_get(body, "case"), out->case_number))
		return false;
	out->wrong = "`from` and `to` must be times, `from` not after `to`";
	if (!body_instant(json_object_get(body, "from"), &out->from_ms) ||
	    !body_instant(json_object_get(body, "to"), &out->to_ms) || out->from_ms > out->to_ms)
		return false;
	out->wrong = "`devices` must name 1 to 1000 known devices";
	out->count = json_array_size(devices);
	if (!out->count || out->count > HOLD_DEVICES_MAX)
		return false;
	for (size_t i = 0; i < out->count; i++) {
		const json_t *one = json_array_get(devices, i);
		if (!json_is_string(one) ||
		    device_reference(r, span_of_string(json_string_value(one)), clock_now_ms(), &out->devices[i]))
			return false;
	}
	return true;
}

/* A site is held with its streams: their values lie under ids of their own. */
static enum status hold_streams(struct http_call *c, const struct hold *hold, uint64_t site)
{
	struct engine *e = http_engine(c->http);
	uint64_t ids[STREAMS_BATCH], after = 0;
	size_t n;
	enum status status = STATUS_OK;
	while (!status && (n = streams_list(engine_streams(e), site, after, ids, STREAMS_BATCH))) {
		for (size_t i = 0; i < n && !status; i++)
			status = store_hold(engine_store(e), ids[i], hold->from_ms, hold->to_ms, hold->case_number);
		after = ids[n - 1];
	}
	return status;
}

static void set_hold(struct http_call *c, const struct hold *hold)
{
	struct store *s = engine_store(http_engine(c->http));
	char text[160];
	enum status status = STATUS_OK;
	for (size_t i = 0; i < hold->count && !status; i++) {
		status = audit_hold(c, "hold", hold->case_number, hold->devices[i], hold->from_ms, hold->to_ms);
		if (!status)
			status = store_hold(s, hold->devices[i], hold->from_ms, hold->to_ms, hold->case_number);
		if (!status)
			status = hold_streams(c, hold, hold->devices[i]);
	}
	if (status) {
		http_problem_of_status(c->x, status);
		return;
	}
	int n = snprintf(text, sizeof text, "{\"devices\":%zu}\n", hold->count);
	http_answer(c, 201, "application/json", span_of(text, (size_t)n));
}

static void post_hold(struct http_call *c)
{
	json_error_t error;
	const struct buf *text = &c->x->request.body;
	if (!call_may_write(c))
		return;
	struct hold *hold = calloc(1, sizeof *hold);
	json_t *body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	if (!hold)
		http_problem_of_status(c->x, STATUS_NO_MEMORY);
	else if (!body)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, error.text);
	else if (!read_hold(engine_registry(http_engine(c->http)), body, hold))
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, hold->wrong);
	else
		set_hold(c, hold);
	json_decref(body);
	free(hold);
}

static void delete_hold(struct http_call *c)
{
	char number[CASE_NUMBER_MAX + 1];
	struct span text = c->path_args[0];
	if (!call_may_write(c))
		return;
	snprintf(number, sizeof number, "%.*s", (int)text.size, (const char *)text.data);
	enum status status = text.size < sizeof number ? STATUS_OK : STATUS_NOT_FOUND;
	if (!status)
		status = store_release(engine_store(http_engine(c->http)), number);
	if (!status)
		status = audit_hold(c, "release", number, 0, 0, 0);
	if (status == STATUS_NOT_FOUND) {
		http_problem_send(c->x, HTTP_PROBLEM_NO_CASE, NULL, "nothing is held under this case number");
	} else if (status) {
		http_problem_of_status(c->x, status);
	} else {
		exchange_begin(c->x, 204, NULL);
		exchange_end(c->x);
	}
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/holds", "listHolds",
	 "What is held for cases, by case number and device: case, device, from, to.", "application/json", list_params,
	 COUNT(list_params), get_holds, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/holds", "postHold",
	 "Keep reports for a case: {\"case\":..., \"devices\":[...], \"from\":..., \"to\":...}.", "application/json",
	 NULL, 0, post_hold, NULL},
	{HTTP_DELETE, 0, "/api/v1/holds/{case}", "deleteHold", "Release what is kept for a case.", "", NULL, 0,
	 delete_hold, NULL},
};

enum status handlers_holds_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
