/* handlers_boat_messages.c -- words to boats by Beidou short message: queued for one, for several, or for every boat in
 * the area of a warning. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/fleet/vehicle.h"
#include "query/http/handlers_duty.h"
#include "query/http/http_problem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ANSWER_MAX (16u << 20)
#define BOATS_MAX 5000
#define EXPIRES_DEFAULT_MS (2 * MS_PER_HOUR)

static const struct http_param list_params[] = {
	PAGE_PARAMS("queued|sent|delivered|acknowledged|failed|expired|cancelled")};

static enum status read_messages(struct duty *d, uint64_t before, book_visit *visit, void *context)
{
	return boat_messages_list(duty_boat_messages(d), before, visit, context);
}

static void get_messages(struct http_call *c)
{
	if (call_sees_duty(c))
		answer_page(&(struct duty_page){c, &boat_message_kind, "messages", NULL, NULL, read_messages});
}

static void get_message(struct http_call *c)
{
	struct boat_messages *all = duty_boat_messages(duty_of(c));
	struct buf answer = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&answer);
	struct boat_message m;
	uint64_t id;
	if (!call_sees_duty(c) || !call_number(c, &id))
		return;
	enum status status = boat_messages_get(all, id, &m);
	if (!status) {
		jout_open(&j, '{');
		record_members(&j, &boat_message_kind, &m);
		jout_key(&j, "history");
		jout_open(&j, '[');
		status = boat_messages_history(all, id, write_event, &j);
		jout_close(&j, ']');
		jout_close(&j, '}');
		jout_line(&j);
	}
	if (!duty_refused(c, status ? status : j.status))
		http_answer(c, 200, "application/json", buf_view(&answer));
	buf_deinit(&answer);
}

static void delete_message(struct http_call *c)
{
	uint64_t id;
	if (!call_on_duty(c) || !call_number(c, &id) ||
	    duty_refused(c,
			 boat_messages_cancel(duty_boat_messages(duty_of(c)), id, c->principal.name, clock_now_ms())))
		return;
	exchange_begin(c->x, 204, NULL);
	exchange_end(c->x);
}

/* --- to whom --- */

struct recipients {
	uint64_t boats[BOATS_MAX];
	size_t count;
};

static bool add_boat(struct http_call *c, const json_t *v, struct recipients *r)
{
	if (r->count == BOATS_MAX || !json_is_string(v)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "boats", "is no list of at most 5000 boats");
		return false;
	}
	return call_device(c, span_of_string(json_string_value(v)), &r->boats[r->count]) && ++r->count;
}

struct in_area {
	const struct roll_call *call;
	struct recipients *to;
	bool *taken; /* of each boat of the call */
};

static enum status take_area(void *context, const struct fence *f)
{
	struct in_area *a = context;
	for (size_t i = 0; i < a->call->boat_count; i++) {
		const struct roll_boat *b = &a->call->boats[i];
		if (a->taken[i] || b->placed_ms == INT64_MIN || !fence_area_contains(f->area, b->at))
			continue;
		if (a->to->count == BOATS_MAX)
			return STATUS_FULL;
		a->taken[i] = true;
		a->to->boats[a->to->count++] = b->device;
	}
	return STATUS_OK;
}

/* Every boat whose last place lies in the area of the warning. */
static enum status add_area(struct http_call *c, uint64_t warning, struct recipients *r)
{
	struct duty *d = duty_of(c);
	int64_t now_ms = clock_now_ms();
	struct roll_question q = roll_question_default(now_ms);
	struct warning *w = malloc(sizeof *w);
	struct in_area a = {.to = r};
	struct roll_call *call = NULL;
	enum status status = w ? warnings_get(duty_warnings(d), warning, w) : STATUS_NO_MEMORY;
	if (!status)
		status = duty_audit(c, "boat-messages", 0, now_ms, now_ms);
	if (!status)
		status = roll_call(duty_engine(d), NULL, &q, &call);
	if (!status) {
		a.call = call;
		a.taken = calloc(call->boat_count + 1, sizeof *a.taken);
		status = a.taken ? warnings_areas(duty_warnings(d), warning, take_area, &a) : STATUS_NO_MEMORY;
	}
	free(a.taken);
	roll_call_free(call);
	free(w);
	return status;
}

static bool take_recipients(struct http_call *c, const json_t *body, uint64_t warning, struct recipients *r)
{
	const json_t *boat = json_object_get(body, "boat"), *boats = json_object_get(body, "boats"), *v;
	size_t i;
	if (boat && !add_boat(c, boat, r))
		return false;
	if (boats && !json_is_array(boats))
		return add_boat(c, NULL, r);
	json_array_foreach(boats, i, v)
	{
		if (!add_boat(c, v, r))
			return false;
	}
	if (json_is_true(json_object_get(body, "in_area")) && duty_refused(c, add_area(c, warning, r)))
		return false;
	if (r->count || json_is_true(json_object_get(body, "in_area")))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "boat", "say `boat`, `boats`, or `warning` with `in_area`");
	return false;
}

/* The Beidou card of the boat: its own or of one of its sources. */
static uint32_t card_of(const struct registry *r, uint64_t boat, int64_t at_ms)
{
	char value[DEVICE_VALUE_MAX + 1];
	uint64_t sources[REGISTRY_SOURCES_MAX];
	if (!registry_value(r, boat, DEVICE_FIELD_BEIDOU_CARD, at_ms, value))
		return (uint32_t)strtoul(value, NULL, 10);
	size_t n = vehicle_sources(r, boat, at_ms, sources, REGISTRY_SOURCES_MAX);
	for (size_t i = 0; i < n; i++)
		if (!registry_value(r, sources[i], DEVICE_FIELD_BEIDOU_CARD, at_ms, value))
			return (uint32_t)strtoul(value, NULL, 10);
	return 0;
}

/* --- queueing --- */

static void write_outcome(struct json_out *j, const struct boat_message *m, enum status status)
{
	jout_open(j, '{');
	jout_key(j, "device");
	jout_hex64(j, m->device);
	jout_key(j, "hull");
	jout_string(j, m->hull);
	if (status) {
		jout_key(j, "refused");
		jout_string(j, !m->card ? "no Beidou card" : status_text(status));
	} else {
		jout_key(j, "id");
		jout_unsigned(j, m->row.id);
	}
	jout_close(j, '}');
}

static void queue_all(struct http_call *c, const struct boat_message *form, const struct recipients *r)
{
	struct registry *registry = engine_registry(duty_engine(duty_of(c)));
	struct buf answer = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&answer);
	int64_t now_ms = clock_now_ms();
	enum status status = STATUS_OK;
	size_t queued = 0;
	jout_open(&j, '{');
	jout_key(&j, "messages");
	jout_open(&j, '[');
	for (size_t i = 0; i < r->count && status_class(status) != STATUS_CLASS_system; i++) {
		struct boat_message m = *form;
		m.device = r->boats[i];
		m.card = card_of(registry, m.device, now_ms);
		if (registry_value(registry, m.device, DEVICE_FIELD_PLATE, now_ms, m.hull))
			*m.hull = '\0';
		status = boat_messages_add(duty_boat_messages(duty_of(c)), &m, now_ms);
		queued += status == STATUS_OK;
		write_outcome(&j, &m, status);
	}
	jout_close(&j, ']');
	jout_close(&j, '}');
	jout_line(&j);
	/* of one boat a refusal is the answer; of many each has its own */
	if (!queued && r->count == 1)
		duty_refused(c, status);
	else if (!duty_refused(c, j.status))
		http_answer(c, 201, "application/json", buf_view(&answer));
	buf_deinit(&answer);
}

static void post_message(struct http_call *c)
{
	static const char *const others[] = {"boat", "boats", "in_area", NULL};
	struct recipients *r = NULL;
	struct boat_message form;
	json_t *body;
	if (!call_on_duty(c) || !call_json(c, &body))
		return;
	record_clear(&boat_message_kind, &form);
	form.expires_ms = clock_now_ms() + EXPIRES_DEFAULT_MS;
	memcpy(form.who, c->principal.name, sizeof form.who);
	r = calloc(1, sizeof *r);
	if (!r)
		http_problem_of_status(c->x, STATUS_NO_MEMORY);
	else if (call_record(c, body, &boat_message_kind, others, &form) && take_recipients(c, body, form.warning, r))
		queue_all(c, &form, r);
	free(r);
	json_decref(body);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/boat-messages", "listBoatMessages",
	 "Words to boats by Beidou short message and what became of them, newest first.", "application/json",
	 list_params, COUNT(list_params), get_messages, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/boat-messages", "postBoatMessage",
	 "Queue words for boats: {\"text\", \"boat\" or \"boats\" or \"warning\" and \"in_area\": true, \"expires\", "
	 "\"incident\"}; at most 72 bytes of GBK.",
	 "application/json", NULL, 0, post_message, NULL},
	{HTTP_GET, 0, "/api/v1/boat-messages/{number}", "getBoatMessage", "One message and its history.",
	 "application/json", NULL, 0, get_message, NULL},
	{HTTP_DELETE, 0, "/api/v1/boat-messages/{number}", "cancelBoatMessage",
	 "Cancel a message that was not sent yet.", "", NULL, 0, delete_message, NULL},
};

enum status boat_messages_route_add(struct http *h, struct duty *d)
{
	return duty_routes(h, d, routes, COUNT(routes));
}
