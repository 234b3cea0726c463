/* handlers_commands.c -- telling terminals something: asking for it, one or many; what became of it; cancelling. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "engine/core/clock.h"
#include "engine/core/limits.h"
#include "query/export/export_commands.h"
#include "query/export/json_out.h"
#include "query/http/command_body.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define COMMAND_JSON_MAX (1u << 20)
#define COMMANDS_PAGE_MAX 1000
#define COMMANDS_PAGE_DEFAULT 100
/* devices of one order: a command is a row of some 300 bytes, and all are one batch */
#define ORDER_DEVICES_MAX 20000
/* devices of the registry looked at at once */
#define BATCH 1024

static struct commands *commands_of(struct http_call *c)
{
	return engine_commands(http_engine(c->http));
}

static enum status audit_command(struct http_call *c, const char *action, uint64_t device)
{
	struct audit_entry entry = {.at_ms = clock_now_ms(), .device = device};
	snprintf(entry.action, sizeof entry.action, "%s", action);
	return call_audit(c, &entry);
}

/* --- one command as an answer --- */

static enum status put_event(void *context, const struct command_event *e)
{
	struct json_out *j = context;
	export_command_event(j, e);
	return j->status;
}

static void answer_command(struct http_call *c, unsigned code, uint64_t id)
{
	struct command *row = malloc(sizeof *row);
	struct buf text = buf_init(COMMAND_JSON_MAX);
	struct json_out j = json_out_init(&text);
	enum status status = row ? commands_get(commands_of(c), id, row) : STATUS_NO_MEMORY;
	if (!status) {
		jout_open(&j, '{');
		export_command_members(&j, row);
		jout_key(&j, "history");
		jout_open(&j, '[');
		status = commands_history(commands_of(c), id, put_event, &j);
		jout_close(&j, ']');
		jout_close(&j, '}');
	}
	if (!status)
		status = j.status;
	if (!status)
		status = buf_append_u8(&text, '\n');
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, code, "application/json", buf_view(&text));
	buf_deinit(&text);
	free(row);
}

/* --- asking --- */

/* The body's command, well formed and about a finding that there is. NULL: the problem is sent. */
static struct command_body *read_command(struct http_call *c, const json_t *from)
{
	struct engine *e = http_engine(c->http);
	struct command_body *body = malloc(sizeof *body);
	struct violation v;
	if (!body)
		http_problem_of_status(c->x, STATUS_NO_MEMORY);
	else if (!command_body_read(from, engine_context(e), clock_now_ms(), body))
		http_problem_send(c->x, body->unsayable ? HTTP_PROBLEM_UNPROCESSABLE : HTTP_PROBLEM_BAD_BODY, NULL,
				  body->wrong);
	else if (body->violation && violation_get(engine_findings(e), body->violation, &v))
		http_problem_send(c->x, HTTP_PROBLEM_NO_VIOLATION, "violation", "no such violation");
	else
		return body;
	free(body);
	return NULL;
}

static json_t *read_json(struct http_call *c)
{
	json_error_t error;
	json_t *body = json_loadb((const char *)c->x->request.body.data, c->x->request.body.size,
				  JSON_REJECT_DUPLICATES, &error);
	if (!body)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, error.text);
	return body;
}

static struct command_order order_of(const struct http_call *c, const struct command_body *b, uint64_t device)
{
	return (struct command_order){.device = device,
				      .content = &b->content,
				      .who = c->principal.name,
				      .why = b->why,
				      .violation = b->violation,
				      .not_before_ms = b->not_before_ms,
				      .expires_ms = b->expires_ms};
}

static const char *why_not(enum status status)
{
	return status == STATUS_FULL          ? "the terminal has as many open commands as it may have"
	       : status == STATUS_UNSUPPORTED ? "no terminal of JT/T 808: nothing can be told it"
					      : "no such device";
}

static void add_to_one(struct http_call *c, uint64_t device, const struct command_body *b)
{
	struct command_order order = order_of(c, b, device);
	enum status status = audit_command(c, "command", device);
	if (!status)
		status = commands_add(commands_of(c), &order, 1, clock_now_ms());
	if (status == STATUS_FULL)
		status = STATUS_BUSY; /* of all devices: later again */
	if (status)
		http_problem_of_status(c->x, status);
	else if (order.status)
		http_problem_send(c->x,
				  order.status == STATUS_FULL ? HTTP_PROBLEM_CONFLICT : HTTP_PROBLEM_UNPROCESSABLE,
				  NULL, why_not(order.status));
	else
		answer_command(c, 201, order.id);
}

static void post_command(struct http_call *c)
{
	uint64_t device;
	if (!call_may_write(c) || !call_device(c, c->path_args[0], &device))
		return;
	json_t *json = read_json(c);
	struct command_body *b = json ? read_command(c, json) : NULL;
	if (b)
		add_to_one(c, device, b);
	free(b);
	json_decref(json);
}

/* --- many devices --- */

struct selection {
	uint64_t *devices;
	size_t count;
	const char *wrong;
};

static bool value_is(const struct registry *r, uint64_t device, enum device_field field, const json_t *wanted,
		     int64_t now_ms)
{
	char value[DEVICE_VALUE_MAX + 1];
	if (!wanted)
		return true;
	return registry_value(r, device, field, now_ms, value) == STATUS_OK &&
	       strcmp(value, json_string_value(wanted)) == 0;
}

static bool in_box(struct engine *e, uint64_t device, const json_t *box)
{
	struct last last;
	if (!box)
		return true;
	if (engine_last(e, device, &last))
		return false;
	double lon = last.report.lon_e7 / 1e7, lat = last.report.lat_e7 / 1e7;
	return lon >= json_number_value(json_array_get(box, 0)) && lat >= json_number_value(json_array_get(box, 1)) &&
	       lon <= json_number_value(json_array_get(box, 2)) && lat <= json_number_value(json_array_get(box, 3));
}

static bool add_device(struct selection *s, uint64_t device)
{
	if (s->count == ORDER_DEVICES_MAX) {
		s->wrong = "more than 20000 devices";
		return false;
	}
	s->devices[s->count++] = device;
	return true;
}

/* Those of the registry that are of the class, of the company and in the box, as far as they are named. */
static bool select_by_filter(struct engine *e, const json_t *filter, struct selection *s)
{
	const json_t *class_name = json_object_get(filter, "class"), *company = json_object_get(filter, "company"),
		     *box = json_object_get(filter, "box");
	struct registry *r = engine_registry(e);
	uint64_t ids[BATCH];
	uint8_t class_code = 0;
	int64_t now_ms = clock_now_ms();
	size_t n;
	s->wrong = "`class` is none";
	if (class_name && (!json_is_string(class_name) ||
			   device_class_parse(span_of_string(json_string_value(class_name)), &class_code)))
		return false;
	s->wrong = "`company` must be a text, `box` a list of four numbers: lonmin, latmin, lonmax, latmax";
	if ((company && !json_is_string(company)) || (box && json_array_size(box) != 4) ||
	    !(class_name || company || box))
		return false;
	for (uint64_t after = 0; (n = registry_list(r, after, ids, BATCH)) != 0; after = ids[n - 1])
		for (size_t i = 0; i < n; i++)
			if ((!class_name || registry_class(r, ids[i], now_ms) == class_code) &&
			    value_is(r, ids[i], DEVICE_FIELD_COMPANY, company, now_ms) && in_box(e, ids[i], box) &&
			    !add_device(s, ids[i]))
				return false;
	return true;
}

static bool select_by_list(struct engine *e, const json_t *list, struct selection *s)
{
	s->wrong = "`list` must name known devices";
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		uint64_t device;
		if (!json_is_string(one) ||
		    device_reference(engine_registry(e), span_of_string(json_string_value(one)), clock_now_ms(),
				     &device) ||
		    !add_device(s, device))
			return false;
	}
	return json_is_array(list);
}

static bool select_devices(struct engine *e, const json_t *devices, struct selection *s)
{
	const json_t *list = json_object_get(devices, "list");
	const char *key;
	json_t *value;
	s->wrong = "`devices` must be {\"list\":[...]}, or of class, company and box what is meant";
	json_object_foreach((json_t *)devices, key, value)
	{
		if (strcmp(key, "list") && strcmp(key, "class") && strcmp(key, "company") && strcmp(key, "box"))
			return false;
	}
	if (list && json_object_size(devices) != 1)
		return false;
	return list ? select_by_list(e, list, s) : select_by_filter(e, devices, s);
}

static void answer_orders(struct http_call *c, const struct command_order *orders, size_t count)
{
	struct buf text = buf_init(64u << 20);
	struct json_out j = json_out_init(&text);
	uint64_t accepted = 0;
	jout_open(&j, '{');
	jout_key(&j, "commands");
	jout_open(&j, '[');
	for (size_t i = 0; i < count; i++)
		if (orders[i].id) {
			accepted++;
			jout_unsigned(&j, orders[i].id);
		}
	jout_close(&j, ']');
	jout_key(&j, "accepted");
	jout_unsigned(&j, accepted);
	jout_key(&j, "refused");
	jout_open(&j, '[');
	for (size_t i = 0; i < count; i++) {
		if (orders[i].id)
			continue;
		jout_open(&j, '{');
		jout_key(&j, "device");
		jout_hex64(&j, orders[i].device);
		jout_key(&j, "reason");
		jout_string(&j, why_not(orders[i].status));
		jout_close(&j, '}');
	}
	jout_close(&j, ']');
	jout_close(&j, '}');
	if (!j.status)
		j.status = buf_append_u8(&text, '\n');
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, accepted ? 201 : 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static void add_to_many(struct http_call *c, const struct selection *s, const struct command_body *b)
{
	struct command_order *orders = calloc(s->count ? s->count : 1, sizeof *orders);
	enum status status = orders ? audit_command(c, "commands", 0) : STATUS_NO_MEMORY;
	for (size_t i = 0; i < s->count && !status; i++)
		orders[i] = order_of(c, b, s->devices[i]);
	if (!status)
		status = commands_add(commands_of(c), orders, s->count, clock_now_ms());
	if (status)
		http_problem_of_status(c->x, status == STATUS_FULL ? STATUS_BUSY : status);
	else
		answer_orders(c, orders, s->count);
	free(orders);
}

static void post_commands(struct http_call *c)
{
	struct selection s = {.devices = malloc(ORDER_DEVICES_MAX * sizeof *s.devices)};
	json_t *json = call_may_write(c) ? read_json(c) : NULL;
	struct command_body *b = NULL;
	if (json && !s.devices)
		http_problem_of_status(c->x, STATUS_NO_MEMORY);
	else if (json && json_object_size(json) != 2)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, "wanted {\"devices\":{...}, \"command\":{...}}");
	else if (json)
		b = read_command(c, json_object_get(json, "command"));
	if (b && !select_devices(http_engine(c->http), json_object_get(json, "devices"), &s))
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "devices", s.wrong);
	else if (b)
		add_to_many(c, &s, b);
	free(b);
	json_decref(json);
	free(s.devices);
}

/* --- reading --- */

/* `device` comes last: the list of one device takes those before it */
enum { STATE, KIND, FROM, TO, LIMIT, CURSOR, DEVICE };

static const struct http_param list_params[] = {
	[STATE] = {"state", HTTP_PARAM_CHOICE, false, 0, 0, "queued|sent|answered|refused|expired|cancelled",
		   "of the command now"},
	[KIND] = {"kind", HTTP_PARAM_TEXT, false, 0, 32, NULL, "such as text or set_fence"},
	[FROM] = {"from", HTTP_PARAM_TIME, false, 0, 0, NULL, "those asked for then or later"},
	[TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "those asked for then or earlier"},
	[LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, COMMANDS_PAGE_MAX, NULL,
		   "commands of one answer; 100 when left out"},
	[CURSOR] = {"cursor", HTTP_PARAM_CURSOR, false, 0, 20, NULL, "`next` of the answer before"},
	[DEVICE] = {"device", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX + 8, NULL,
		    "16 hex digits, phone:NUMBER or plate:COLOUR:PLATE"},
};

struct listing {
	struct http_call *call;
	struct http_stream *s;
	struct json_out j;
	const struct http_value *v;
	uint8_t kind;
	int64_t now_ms;
	uint64_t limit, count, next;
	bool more;
};

static bool is_wanted(const struct listing *l, const struct command *row)
{
	const struct http_value *v = l->v;
	return (!v[STATE].set || row->state == v[STATE].number) && (!v[KIND].set || row->content.kind == l->kind) &&
	       (!v[FROM].set || row->created_ms >= v[FROM].number) && (!v[TO].set || row->created_ms <= v[TO].number) &&
	       scope_allows(engine_registry(http_engine(l->call->http)), &l->call->principal, row->device, l->now_ms);
}

static enum status put_command(void *context, const struct command *row)
{
	struct listing *l = context;
	/* newest first; the clock may have been set, but not by a day */
	if (l->v[FROM].set && row->created_ms < l->v[FROM].number - MS_PER_DAY)
		return STATUS_END;
	if (exchange_is_cancelled(l->call->x))
		return STATUS_CANCELLED;
	if (!is_wanted(l, row))
		return STATUS_OK;
	l->more = l->count == l->limit;
	if (l->more)
		return STATUS_END;
	l->count++;
	l->next = row->id;
	jout_open(&l->j, '{');
	export_command_members(&l->j, row);
	jout_close(&l->j, '}');
	return l->j.status ? l->j.status : stream_flush(l->s, false);
}

static enum status write_list(struct listing *l, uint64_t device, uint64_t before)
{
	char next[24];
	jout_open(&l->j, '{');
	jout_key(&l->j, "commands");
	jout_open(&l->j, '[');
	enum status status = commands_list(commands_of(l->call), device, before, put_command, l);
	if (status && status != STATUS_END)
		return status;
	jout_close(&l->j, ']');
	jout_key(&l->j, "next");
	snprintf(next, sizeof next, "%llu", (unsigned long long)l->next);
	if (l->more)
		jout_string(&l->j, next);
	else
		jout_null(&l->j);
	jout_close(&l->j, '}');
	return l->j.status ? l->j.status : buf_append_u8(&l->s->chunk, '\n');
}

static void list_commands(struct http_call *c, uint64_t device)
{
	const struct http_value *v = c->values;
	struct http_stream s;
	int64_t before = 0;
	struct listing l = {.call = c, .s = &s, .v = v, .now_ms = clock_now_ms()};
	l.limit = (uint64_t)value_or(&v[LIMIT], COMMANDS_PAGE_DEFAULT);
	if (v[CURSOR].set && http_integer_parse(v[CURSOR].text, 1, INT64_MAX, &before)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "cursor", "this is no cursor of ours");
		return;
	}
	if (v[KIND].set && command_kind_parse(v[KIND].text, &l.kind)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "kind", "no such kind of command");
		return;
	}
	stream_begin(&s, c, "application/json");
	l.j = json_out_init(&s.chunk);
	stream_close(&s, write_list(&l, device, (uint64_t)before));
}

static void get_commands(struct http_call *c)
{
	uint64_t device = 0;
	if (!c->values[DEVICE].set || call_device(c, c->values[DEVICE].text, &device))
		list_commands(c, device);
}

static void get_device_commands(struct http_call *c)
{
	uint64_t device;
	if (call_device(c, c->path_args[0], &device))
		list_commands(c, device);
}

/* The command named in the path, if who asks may see it. False: the problem is sent. */
static bool call_command(struct http_call *c, uint64_t *out)
{
	struct command *row = malloc(sizeof *row);
	int64_t id = 0;
	enum status status = row ? STATUS_OK : STATUS_NO_MEMORY;
	if (!status && http_integer_parse(c->path_args[0], 1, INT64_MAX, &id))
		status = STATUS_NOT_FOUND;
	if (!status)
		status = commands_get(commands_of(c), (uint64_t)id, row);
	if (!status && !scope_allows(engine_registry(http_engine(c->http)), &c->principal, row->device, clock_now_ms()))
		status = STATUS_NOT_FOUND;
	free(row);
	*out = (uint64_t)id;
	if (status == STATUS_NOT_FOUND)
		http_problem_send(c->x, HTTP_PROBLEM_NO_ROUTE, NULL, "no such command, or outside your scope");
	else if (status)
		http_problem_of_status(c->x, status);
	return !status;
}

static void get_command(struct http_call *c)
{
	uint64_t id;
	if (call_command(c, &id))
		answer_command(c, 200, id);
}

static void cancel_command(struct http_call *c)
{
	uint64_t id;
	if (!call_may_write(c) || !call_command(c, &id))
		return;
	json_t *body = read_json(c);
	if (!body)
		return;
	const json_t *why = json_object_get(body, "why");
	const char *text = why ? json_string_value(why) : "";
	if (!json_is_object(body) || json_object_size(body) != (why != NULL) || !text ||
	    strlen(text) > COMMAND_WHY_MAX || !http_text_is_clean(span_of_string(text))) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "why", "wanted {\"why\":\"...\"} of at most 255 bytes");
		json_decref(body);
		return;
	}
	enum status status = audit_command(c, "command cancel", 0);
	if (!status)
		status = commands_cancel(commands_of(c), id, c->principal.name, text, clock_now_ms());
	if (status == STATUS_CONFLICT)
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, NULL, "it has ended already");
	else if (status)
		http_problem_of_status(c->x, status);
	else
		answer_command(c, 200, id);
	json_decref(body);
}

static enum status write_metrics(void *context, struct buf *out)
{
	struct commands_stats s;
	commands_stats_read(context, &s);
	return buf_printf(out,
			  "# TYPE zayton_commands_open gauge\nzayton_commands_open %llu\n"
			  "# TYPE zayton_commands_open_bytes gauge\nzayton_commands_open_bytes %llu\n"
			  "# TYPE zayton_commands_total counter\n"
			  "zayton_commands_total{step=\"added\"} %llu\nzayton_commands_total{step=\"sent\"} %llu\n"
			  "zayton_commands_total{step=\"answered\"} %llu\nzayton_commands_total{step=\"refused\"} "
			  "%llu\n"
			  "zayton_commands_total{step=\"expired\"} %llu\nzayton_commands_total{step=\"cancelled\"} "
			  "%llu\n"
			  "# TYPE zayton_reminders_total counter\nzayton_reminders_total %llu\n",
			  (unsigned long long)s.open, (unsigned long long)s.open_bytes, (unsigned long long)s.added,
			  (unsigned long long)s.sent, (unsigned long long)s.answered, (unsigned long long)s.refused,
			  (unsigned long long)s.expired, (unsigned long long)s.cancelled,
			  (unsigned long long)s.reminders);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/devices/{id}/commands", "listDeviceCommands", "What a terminal was told, newest first.",
	 "application/json", list_params, DEVICE, get_device_commands, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/devices/{id}/commands", "postCommand",
	 "Tell a terminal something: {\"kind\":\"text\", \"text\":...}; kinds and members: query/http/command_body.h.",
	 "application/json", NULL, 0, post_command, NULL},
	{HTTP_GET, 0, "/api/v1/commands", "listCommands", "What terminals were told, newest first.", "application/json",
	 list_params, COUNT(list_params), get_commands, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/commands", "postCommands",
	 "Tell many: {\"devices\":{\"class\":..., \"company\":..., \"box\":[...]} or {\"list\":[...]}, "
	 "\"command\":{...}}; those that can be told, all at once.",
	 "application/json", NULL, 0, post_commands, NULL},
	{HTTP_GET, 0, "/api/v1/commands/{command}", "getCommand", "One, with its history and the terminal's answer.",
	 "application/json", NULL, 0, get_command, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/commands/{command}/cancel", "cancelCommand",
	 "Tell it no more: {\"why\":...}; what was sent already is not taken back.", "application/json", NULL, 0,
	 cancel_command, NULL},
};

enum status handlers_commands_add(struct http *h)
{
	enum status status = add_routes(h, routes, COUNT(routes));
	if (!status && http_engine(h))
		status = http_add_metrics(h, write_metrics, engine_commands(http_engine(h)));
	return status;
}
