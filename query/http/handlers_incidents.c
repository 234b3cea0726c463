/* handlers_incidents.c -- accidents reported directly (直报), and what is done about them. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "query/http/handlers_duty.h"
#include "query/http/http_problem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ANSWER_MAX (16u << 20)

static const struct http_param list_params[] = {PAGE_PARAMS("reported|verified|responding|closed|void")};

static enum status read_incidents(struct duty *d, uint64_t before, book_visit *visit, void *context)
{
	return incidents_list(duty_incidents(d), before, visit, context);
}

static void incident_more(struct http_call *c, struct json_out *j, const void *row)
{
	const struct incident *i = row;
	(void)c;
	jout_key(j, "reported_after_s");
	jout_integer(j, (i->first_report_ms - i->occurred_ms) / MS_PER_SECOND);
}

static void get_incidents(struct http_call *c)
{
	if (!call_sees_duty(c))
		return;
	enum status status = duty_audit(c, "incidents", 0, 0, 0);
	if (status)
		http_problem_of_status(c->x, status);
	else
		answer_page(&(struct duty_page){c, &incident_kind, "incidents", NULL, incident_more, read_incidents});
}

static enum status write_incident(struct http_call *c, uint64_t id, struct incident *i, struct json_out *j)
{
	struct incidents *all = duty_incidents(duty_of(c));
	enum status status = incidents_get(all, id, i);
	if (!status)
		status = duty_audit(c, "incident", i->device, i->occurred_ms, i->occurred_ms);
	if (status)
		return status;
	jout_open(j, '{');
	record_members(j, &incident_kind, i);
	incident_more(c, j, i);
	jout_key(j, "history");
	jout_open(j, '[');
	status = incidents_history(all, id, write_event, j);
	jout_close(j, ']');
	jout_close(j, '}');
	jout_line(j);
	return status ? status : j->status;
}

static void get_incident(struct http_call *c)
{
	struct buf answer = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&answer);
	struct incident *i = malloc(sizeof *i);
	uint64_t id;
	if (!i)
		http_problem_of_status(c->x, STATUS_NO_MEMORY);
	else if (call_sees_duty(c) && call_number(c, &id) && !duty_refused(c, write_incident(c, id, i, &j)))
		http_answer(c, 200, "application/json", buf_view(&answer));
	free(i);
	buf_deinit(&answer);
}

/* Whoever has a role may report an accident, whatever his scope. */
static void post_incident(struct http_call *c)
{
	static const char *const others[] = {"boat", NULL};
	struct incident *i = malloc(sizeof *i);
	json_t *body = NULL;
	bool good = true;
	if (!*c->principal.role) {
		http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "this principal has no role");
	} else if (!i) {
		http_problem_of_status(c->x, STATUS_NO_MEMORY);
	} else if (call_json(c, &body)) {
		record_clear(&incident_kind, i);
		memcpy(i->by, c->principal.name, sizeof i->by);
		const char *boat = call_text(c, body, "boat", DEVICE_VALUE_MAX + 16, &good);
		if (good && boat)
			good = call_device(c, span_of_string(boat), &i->device);
		if (good && call_record(c, body, &incident_kind, others, i)) {
			if (i->device && !*i->boat_name &&
			    registry_value(engine_registry(duty_engine(duty_of(c))), i->device, DEVICE_FIELD_PLATE,
					   i->occurred_ms, i->boat_name))
				*i->boat_name = '\0';
			if (!duty_refused(c, incidents_report(duty_incidents(duty_of(c)), i, clock_now_ms())))
				answer_id(c, i->row.id);
		}
	}
	json_decref(body);
	free(i);
}

/* -1 when it is missing. */
static int32_t take_people(struct http_call *c, const json_t *body, const char *key, bool *good)
{
	const json_t *v = json_object_get(body, key);
	if (!v || !*good)
		return -1;
	if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= PERSONS_MAX)
		return (int32_t)json_integer_value(v);
	*good = false;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, key, "is no number of people");
	return -1;
}

static void post_follow_up(struct http_call *c)
{
	struct incident_follow f = {.state = INCIDENT_STATE_SAME, .who = c->principal.name};
	uint64_t id;
	json_t *body;
	bool good = true;
	if (!call_on_duty(c) || !call_number(c, &id) || !call_json(c, &body))
		return;
	const char *state = call_text(c, body, "state", 32, &good),
		   *text = call_text(c, body, "text", BOOK_TEXT_MAX, &good);
	f.text = text ? text : "";
	f.missing = take_people(c, body, "missing", &good);
	f.dead = take_people(c, body, "dead", &good);
	f.injured = take_people(c, body, "injured", &good);
	if (good && state && record_word_parse(incident_state_words, span_of_string(state), &f.state)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "state", "is no state of an incident");
		good = false;
	}
	if (good && !duty_refused(c, incidents_follow(duty_incidents(duty_of(c)), id, &f, clock_now_ms())))
		answer_id(c, id);
	json_decref(body);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/incidents", "listIncidents", "Accidents reported directly (事故直报), newest first.",
	 "application/json", list_params, COUNT(list_params), get_incidents, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/incidents", "postIncident",
	 "Report an accident: {\"kind\": \"collision|sinking|wind|fire\", \"occurred\", \"text\", \"boat\", "
	 "\"first_report\", \"lon\", \"lat\", \"place\", \"aboard\", \"missing\", \"dead\", \"injured\", \"reporter\", "
	 "\"phone\"}.",
	 "application/json", NULL, 0, post_incident, NULL},
	{HTTP_GET, 0, "/api/v1/incidents/{number}", "getIncident", "One accident and its follow-ups.",
	 "application/json", NULL, 0, get_incident, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/incidents/{number}/follow-ups", "followIncident",
	 "What was done: {\"text\", \"state\", \"missing\", \"dead\", \"injured\"}.", "application/json", NULL, 0,
	 post_follow_up, NULL},
};

enum status incidents_route_add(struct http *h, struct duty *d)
{
	return duty_routes(h, d, routes, COUNT(routes));
}
