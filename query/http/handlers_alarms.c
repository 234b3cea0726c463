/* handlers_alarms.c -- the alarm queue, how fast it is answered, the shift log and handovers. */
#include <stdio.h>

#include "engine/core/clock.h"
#include "query/http/handlers_duty.h"
#include "query/http/http_problem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ANSWER_MAX (16u << 20)

/* --- alarms --- */

static const struct http_param alarm_params[] = {PAGE_PARAMS("open|acknowledged|withdrawn")};

static enum status read_alarms(struct duty *d, uint64_t before, book_visit *visit, void *context)
{
	return alarms_list(duty_alarms(d), before, visit, context);
}

static void alarm_more(struct http_call *c, struct json_out *j, const void *row)
{
	const struct alarm *a = row;
	(void)c;
	jout_key(j, "overdue");
	jout_bool(j, a->state == ALARM_OPEN && a->due_ms < clock_now_ms());
	jout_key(j, "acknowledged_after_s");
	a->state == ALARM_ACKNOWLEDGED ? jout_integer(j, (a->acknowledged_ms - a->raised_ms) / MS_PER_SECOND)
				       : jout_null(j);
}

static void get_alarms(struct http_call *c)
{
	if (!call_sees_duty(c))
		return;
	enum status status = duty_audit(c, "alarms", 0, 0, 0);
	if (status)
		http_problem_of_status(c->x, status);
	else
		answer_page(&(struct duty_page){c, &alarm_kind, "alarms", NULL, alarm_more, read_alarms});
}

static void get_alarm(struct http_call *c)
{
	struct alarm a;
	struct buf answer = buf_init(ANSWER_MAX);
	uint64_t id;
	if (!call_sees_duty(c) || !call_number(c, &id))
		return;
	enum status status = alarms_get(duty_alarms(duty_of(c)), id, &a);
	if (!status)
		status = duty_audit(c, "alarm", a.device, a.began_ms, a.began_ms);
	struct json_out j = json_out_init(&answer);
	if (!status) {
		jout_open(&j, '{');
		record_members(&j, &alarm_kind, &a);
		alarm_more(c, &j, &a);
		jout_key(&j, "history");
		jout_open(&j, '[');
		status = alarms_history(duty_alarms(duty_of(c)), id, write_event, &j);
		jout_close(&j, ']');
		jout_close(&j, '}');
		jout_line(&j);
	}
	if (!duty_refused(c, status ? status : j.status))
		http_answer(c, 200, "application/json", buf_view(&answer));
	buf_deinit(&answer);
}

static void post_acknowledge(struct http_call *c)
{
	uint64_t id;
	json_t *body;
	bool good = true;
	if (!call_on_duty(c) || !call_number(c, &id) || !call_json(c, &body))
		return;
	const char *note = call_text(c, body, "note", BOOK_TEXT_MAX, &good);
	if (good && !duty_refused(c, alarms_acknowledge(duty_alarms(duty_of(c)), id, c->principal.name,
							note ? note : "", clock_now_ms())))
		answer_id(c, id);
	json_decref(body);
}

/* --- how fast --- */

enum { TIMES_FROM, TIMES_TO };
static const struct http_param times_params[] = {
	[TIMES_FROM] = {"from", HTTP_PARAM_TIME, false, 0, 0, NULL,
			"alarms raised since then; the last handover when "
			"left out"},
	[TIMES_TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "and before then; now when left out"},
};

static void member_ms(struct json_out *j, const char *key, int64_t ms)
{
	jout_key(j, key);
	ms == INT64_MIN ? jout_null(j) : jout_fixed(j, ms, 3);
}

static void times_object(struct json_out *j, int64_t from_ms, int64_t to_ms, const struct alarm_times *t)
{
	const struct {
		const char *key;
		uint64_t value;
	} counts[] = {{"raised", t->raised}, {"acknowledged", t->acknowledged}, {"in_time", t->in_time},
		      {"open", t->open},     {"withdrawn", t->withdrawn},       {"escalated", t->escalated}};
	jout_open(j, '{');
	jout_key(j, "from");
	jout_time(j, from_ms);
	jout_key(j, "to");
	jout_time(j, to_ms);
	for (size_t i = 0; i < COUNT(counts); i++) {
		jout_key(j, counts[i].key);
		jout_unsigned(j, counts[i].value);
	}
	member_ms(j, "p50_s", t->p50_ms);
	member_ms(j, "p90_s", t->p90_ms);
	member_ms(j, "p99_s", t->p99_ms);
	member_ms(j, "max_s", t->max_ms);
	jout_close(j, '}');
	jout_line(j);
}

static void get_alarm_times(struct http_call *c)
{
	struct duty *d = duty_of(c);
	struct buf answer = buf_init(4096);
	struct alarm_times times;
	if (!call_sees_duty(c))
		return;
	int64_t shift_ms = shift_log_shift(duty_shift_log(d));
	int64_t from_ms = value_or(&c->values[TIMES_FROM], shift_ms == INT64_MIN ? 0 : shift_ms);
	int64_t to_ms = value_or(&c->values[TIMES_TO], clock_now_ms());
	struct json_out j = json_out_init(&answer);
	enum status status = alarms_times(duty_alarms(d), from_ms, to_ms, &times);
	if (!status)
		times_object(&j, from_ms, to_ms, &times);
	if (!duty_refused(c, status ? status : j.status))
		http_answer(c, 200, "application/json", buf_view(&answer));
	buf_deinit(&answer);
}

/* --- the shift log --- */

enum { LOG_LIMIT, LOG_BEFORE };
static const struct http_param log_params[] = {
	[LOG_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, DUTY_PAGE_MAX, NULL, "100 when left out"},
	[LOG_BEFORE] = {"before", HTTP_PARAM_INTEGER, false, 1, INT64_MAX, NULL, "`next` of the answer before"},
};

struct log_out {
	struct http_stream stream;
	struct json_out j;
	int64_t left;
	uint64_t next;
};

static enum status write_entry(void *context, const struct shift_entry *e)
{
	struct log_out *o = context;
	if (!o->left) {
		o->next = e->number + 1;
		return STATUS_END;
	}
	o->left--;
	jout_open(&o->j, '{');
	record_members(&o->j, &shift_entry_kind, e);
	jout_close(&o->j, '}');
	return o->j.status ? o->j.status : stream_flush(&o->stream, false);
}

static void get_shift_log(struct http_call *c)
{
	struct log_out o = {.left = value_or(&c->values[LOG_LIMIT], 100)};
	if (!call_sees_duty(c))
		return;
	stream_begin(&o.stream, c, "application/json");
	o.j = json_out_init(&o.stream.chunk);
	jout_open(&o.j, '{');
	jout_key(&o.j, "entries");
	jout_open(&o.j, '[');
	enum status status = shift_log_list(duty_shift_log(duty_of(c)), (uint64_t)value_or(&c->values[LOG_BEFORE], 0),
					    write_entry, &o);
	jout_close(&o.j, ']');
	jout_key(&o.j, "next");
	o.next ? jout_unsigned(&o.j, o.next) : jout_null(&o.j);
	jout_close(&o.j, '}');
	jout_line(&o.j);
	stream_close(&o.stream, status ? status : o.j.status);
}

static void entry_of(struct http_call *c, uint8_t kind, struct shift_entry *out)
{
	record_clear(&shift_entry_kind, out);
	out->kind = kind;
	out->at_ms = clock_now_ms();
	memcpy(out->who, c->principal.name, sizeof out->who);
	memcpy(out->unit, c->principal.unit, sizeof out->unit);
}

static void answer_entry(struct http_call *c, const struct shift_entry *e)
{
	struct buf answer = buf_init(65536);
	struct json_out j = json_out_init(&answer);
	jout_open(&j, '{');
	record_members(&j, &shift_entry_kind, e);
	jout_close(&j, '}');
	jout_line(&j);
	if (!duty_refused(c, j.status))
		http_answer(c, 201, "application/json", buf_view(&answer));
	buf_deinit(&answer);
}

static void post_shift_log(struct http_call *c)
{
	static const char *const others[] = {NULL};
	struct shift_entry e;
	json_t *body;
	if (!call_on_duty(c) || !call_json(c, &body))
		return;
	entry_of(c, SHIFT_NOTE, &e);
	if (call_record(c, body, &shift_entry_kind, others, &e) &&
	    !duty_refused(c, shift_log_add(duty_shift_log(duty_of(c)), &e)))
		answer_entry(c, &e);
	json_decref(body);
}

/* {"to", "text"} hands over; {"accept": N, "text"} takes over. */
static void post_handover(struct http_call *c)
{
	static const char *const others[] = {"accept", NULL};
	struct shift_entry e;
	json_t *body;
	if (!call_on_duty(c) || !call_json(c, &body))
		return;
	const json_t *accept = json_object_get(body, "accept");
	entry_of(c, accept ? SHIFT_TAKEOVER : SHIFT_HANDOVER, &e);
	e.refers = json_integer_value(accept) > 0 ? (uint64_t)json_integer_value(accept) : 0;
	if (call_record(c, body, &shift_entry_kind, others, &e) &&
	    !duty_refused(c, accept ? shift_log_add(duty_shift_log(duty_of(c)), &e) : duty_hand_over(duty_of(c), &e)))
		answer_entry(c, &e);
	json_decref(body);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/alarms", "listAlarms",
	 "The alarm queue of the duty room (值班报警队列), newest first; `before` goes on.", "application/json",
	 alarm_params, COUNT(alarm_params), get_alarms, NULL},
	{HTTP_GET, 0, "/api/v1/alarms/{number}", "getAlarm", "One alarm and its history.", "application/json", NULL, 0,
	 get_alarm, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/alarms/{number}/acknowledge", "acknowledgeAlarm",
	 "Acknowledge an alarm that is open: {\"note\"}.", "application/json", NULL, 0, post_acknowledge, NULL},
	{HTTP_GET, 0, "/api/v1/alarm-times", "alarmTimes",
	 "How fast alarms were acknowledged, of a shift or a span of time: counts and percentiles.", "application/json",
	 times_params, COUNT(times_params), get_alarm_times, NULL},
	{HTTP_GET, 0, "/api/v1/shift-log", "listShiftLog", "The shift log (值班日志), newest first.",
	 "application/json", log_params, COUNT(log_params), get_shift_log, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/shift-log", "postShiftLog", "Write into the shift log: {\"text\"}.",
	 "application/json", NULL, 0, post_shift_log, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/handovers", "postHandover",
	 "Hand the shift over, {\"to\", \"text\"}, or take it over, {\"accept\": number of the handover}.",
	 "application/json", NULL, 0, post_handover, NULL},
};

enum status alarms_route_add(struct http *h, struct duty *d)
{
	return duty_routes(h, d, routes, COUNT(routes));
}
