/* handlers_tasks.c -- the calendar over HTTP: tasks, what becomes of them, and the enterprises it asks.
 *
 *   GET  /api/v1/tasks                          due within from..to, filtered
 *   POST /api/v1/tasks                          {"title", "unit", "due", ...}
 *   POST /api/v1/tasks/0123456789abcdef/done    {"note", "evidence", "day"}      If-Match: "2"
 */
#include <stdio.h>

#include "engine/core/clock.h"
#include "query/export/export_tasks.h"
#include "query/http/handlers_township.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

/* of deeds that somebody else did meanwhile, behind which no more are told; one more fits */
#define CHANGED_BYTES (64u << 10)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* days around today that a list shows without from and to */
#define LIST_BACK_DAYS 366
#define LIST_AHEAD_DAYS 366
/* days between from and to */
#define LIST_DAYS_MAX 4000
/* tasks of one answer in JSON */
#define LIST_TASKS_MAX 10000

/* --- lists --- */

enum {
	TASKS_FROM,
	TASKS_TO,
	TASKS_STATE,
	TASKS_UNIT,
	TASKS_SUBJECT,
	TASKS_ANNEX,
	TASKS_RULE,
	TASKS_LIMIT,
	TASKS_FORMAT
};
static const struct http_param tasks_params[] = {
	[TASKS_FROM] = {"from", HTTP_PARAM_TEXT, false, 0, 16, NULL, "due on or after this date; a year back"},
	[TASKS_TO] = {"to", HTTP_PARAM_TEXT, false, 0, 16, NULL, "due on or before this date; a year ahead"},
	[TASKS_STATE] = {"state", HTTP_PARAM_TEXT, false, 0, 100, NULL,
			 "upcoming, open, due_soon, overdue, done, done_late, waived; separated by commas"},
	[TASKS_UNIT] = {"unit", HTTP_PARAM_TEXT, false, 0, CALENDAR_TEXT_MAX, NULL, "responsible unit, exactly"},
	[TASKS_SUBJECT] = {"subject", HTTP_PARAM_TEXT, false, 0, CALENDAR_TEXT_MAX, NULL, "enterprise, exactly"},
	[TASKS_ANNEX] = {"annex", HTTP_PARAM_TEXT, false, 0, CALENDAR_TEXT_MAX, NULL, "exactly"},
	[TASKS_RULE] = {"rule", HTTP_PARAM_TEXT, false, 0, CALENDAR_TEXT_MAX, NULL, "id of a rule of the calendar"},
	[TASKS_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, LIST_TASKS_MAX, NULL, "1000 when left out; of json"},
	[TASKS_FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, PAPER_FORM_CHOICES, NULL},
};

static bool take_states(struct http_call *c, uint8_t *out)
{
	struct span rest = c->values[TASKS_STATE].text;
	uint8_t state;
	*out = 0;
	if (!c->values[TASKS_STATE].set)
		return true;
	while (rest.size) {
		const uint8_t *comma = memchr(rest.data, ',', rest.size);
		size_t size = comma ? (size_t)(comma - rest.data) : rest.size;
		if (task_state_parse(span_of(rest.data, size), &state))
			break;
		*out |= (uint8_t)(1u << state);
		rest = span_of(rest.data + size + (comma != NULL), rest.size - size - (comma != NULL));
	}
	if (*out && !rest.size)
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "state", "a word of it is not known");
	return false;
}

/* An enterprise sees what is asked of it, a village's office what is asked in the village. */
static bool take_scope(struct http_call *c, struct calendar_filter *f)
{
	const char *scope = c->principal.scope;
	struct span own = strlen(scope) > 8 ? span_of_string(scope + 8) : span_of(NULL, 0);
	if (!strcmp(scope, "all"))
		return true;
	if (!strncmp(scope, "company:", 8) && own.size && (!f->subject.size || span_equal(f->subject, own))) {
		f->subject = own;
		return true;
	}
	if (!strncmp(scope, "village:", 8) && own.size) {
		f->village = own;
		return true;
	}
	http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "outside your scope");
	return false;
}

static bool take_filter(struct http_call *c, struct calendar_filter *f)
{
	*f = (struct calendar_filter){.today = hazard_day(clock_now_ms()),
				      .unit = c->values[TASKS_UNIT].text,
				      .subject = c->values[TASKS_SUBJECT].text,
				      .annex = c->values[TASKS_ANNEX].text,
				      .rule = c->values[TASKS_RULE].text};
	if (!call_day(c, TASKS_FROM, f->today - LIST_BACK_DAYS, &f->from_day) ||
	    !call_day(c, TASKS_TO, f->today + LIST_AHEAD_DAYS, &f->to_day) || !take_states(c, &f->states))
		return false;
	if (f->to_day < f->from_day || (int64_t)f->to_day - f->from_day > LIST_DAYS_MAX) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "to",
				  "is before from, or more than ten years behind");
		return false;
	}
	return take_scope(c, f);
}

struct listing {
	struct json_out j;
	uint64_t told, all, limit;
	uint64_t by_state[TASK_STATE_COUNT];
};

static enum status tell_task(void *context, const struct calendar_task *t)
{
	struct listing *l = context;
	l->all++;
	l->by_state[t->state]++;
	if (l->told == l->limit)
		return STATUS_OK;
	l->told++;
	export_task(&l->j, t);
	return l->j.status;
}

static void list_json(struct http_call *c, const struct calendar_filter *f)
{
	struct buf text = buf_init((size_t)LIST_TASKS_MAX * EXPORT_TASK_BYTES_MAX);
	struct listing l = {.j = json_out_init(&text), .limit = (uint64_t)value_or(&c->values[TASKS_LIMIT], 1000)};
	jout_open(&l.j, '{');
	jout_key(&l.j, "tasks");
	jout_open(&l.j, '[');
	enum status status = calendar_list(township_of(c)->calendar, f, tell_task, &l);
	jout_close(&l.j, ']');
	jout_key(&l.j, "all");
	jout_unsigned(&l.j, l.all);
	jout_key(&l.j, "by_state");
	jout_open(&l.j, '{');
	for (unsigned i = 0; i < TASK_STATE_COUNT; i++) {
		jout_key(&l.j, task_state_token(i));
		jout_unsigned(&l.j, l.by_state[i]);
	}
	jout_close(&l.j, '}');
	jout_close(&l.j, '}');
	jout_line(&l.j);
	status = status ? status : l.j.status;
	if (status == STATUS_FULL)
		http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, NULL, "too many tasks: narrow it by from and to");
	else if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static enum status add_row(void *context, const struct calendar_task *t)
{
	export_task_row(context, t);
	return ((struct paper *)context)->status;
}

static void get_tasks(struct http_call *c)
{
	struct calendar_filter f;
	if (!take_filter(c, &f))
		return;
	if (c->values[TASKS_FORMAT].number == PAPER_JSON) {
		list_json(c, &f);
		return;
	}
	struct paper p = export_tasks_paper();
	enum status status = calendar_list(township_of(c)->calendar, &f, add_row, &p);
	answer_paper(c, &p, status, (unsigned)c->values[TASKS_FORMAT].number, "tasks");
}

/* --- one --- */

static bool may_see(const struct http_call *c, const struct calendar_task *t)
{
	const char *scope = c->principal.scope;
	return !strcmp(scope, "all") ||
	       (!strncmp(scope, "company:", 8) &&
		span_equal(t->texts[TASK_FIELD_SUBJECT], span_of_string(scope + 8))) ||
	       (!strncmp(scope, "village:", 8) && t->village.size && span_equal(t->village, span_of_string(scope + 8)));
}

struct showing {
	struct http_call *call;
	struct json_out j;
	uint32_t version;
};

static enum status show_task(void *context, const struct calendar_task *t)
{
	struct showing *s = context;
	if (!may_see(s->call, t))
		return STATUS_NOT_FOUND;
	s->version = t->version;
	export_task(&s->j, t);
	return s->j.status;
}

static void refuse(struct http_call *c, enum status status)
{
	if (status == STATUS_NOT_FOUND)
		http_problem_send(c->x, HTTP_PROBLEM_NO_ROUTE, NULL, "no such task, or outside your scope");
	else
		http_problem_of_status(c->x, status);
}

static enum status find(struct http_call *c, uint64_t id, struct showing *s)
{
	return calendar_find(township_of(c)->calendar, id, hazard_day(clock_now_ms()), show_task, s);
}

static void answer_task(struct http_call *c, unsigned code, uint64_t id)
{
	char etag[24];
	struct buf text = buf_init(EXPORT_TASK_BYTES_MAX);
	struct showing s = {.call = c, .j = json_out_init(&text)};
	enum status status = find(c, id, &s);
	jout_line(&s.j);
	snprintf(etag, sizeof etag, "\"%u\"", s.version);
	status = status ? status : s.j.status;
	if (!status && s.version)
		status = exchange_header(c->x, "etag", etag);
	if (status)
		refuse(c, status);
	else
		http_answer(c, code, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static bool call_task(struct http_call *c, uint64_t *out)
{
	if (!parse_hex64(c->path_args[0], out))
		return true;
	refuse(c, STATUS_NOT_FOUND);
	return false;
}

static void get_task(struct http_call *c)
{
	uint64_t id;
	if (call_task(c, &id))
		answer_task(c, 200, id);
}

static enum status tell_deed(void *context, uint64_t id, const struct calendar_deed *d)
{
	struct json_out *j = context;
	(void)id;
	export_task_deed(j, d);
	return j->status;
}

static void get_task_history(struct http_call *c)
{
	uint64_t id;
	struct buf text = buf_init((size_t)CALENDAR_DEEDS_MAX * EXPORT_TASK_BYTES_MAX);
	struct showing s = {.call = c, .j = json_out_init(&text)};
	if (!call_task(c, &id))
		return;
	enum status status = find(c, id, &s);
	buf_clear(&text);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '[');
	if (!status)
		status = calendar_history(township_of(c)->calendar, id, tell_deed, &j);
	jout_close(&j, ']');
	jout_line(&j);
	status = status ? status : j.status;
	if (status)
		refuse(c, status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

/* --- deeds --- */

static void answer_refusal(struct http_call *c, unsigned refusal)
{
	struct buf text = buf_init(4096);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '{');
	http_problem_members(&j, HTTP_PROBLEM_REFUSED_STEP, task_refusal_english(refusal),
			     task_refusal_chinese(refusal));
	jout_key(&j, "reason");
	jout_string(&j, task_refusal_token(refusal));
	jout_close(&j, '}');
	jout_line(&j);
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, 422, "application/problem+json", buf_view(&text));
	buf_deinit(&text);
}

struct meanwhile {
	struct json_out j;
	uint32_t seen;
};

static enum status put_deed(void *context, uint64_t id, const struct calendar_deed *d)
{
	struct meanwhile *m = context;
	(void)id;
	if (d->number > m->seen)
		export_task_deed(&m->j, d);
	return m->j.out->size > CHANGED_BYTES ? STATUS_END : m->j.status;
}

/* Somebody was first: what he said since the version that was seen. */
static void answer_stale(struct http_call *c, const struct calendar_order *o)
{
	struct buf text = buf_init(CHANGED_BYTES + 2 * EXPORT_TASK_BYTES_MAX);
	struct meanwhile m = {json_out_init(&text), o->version};
	jout_open(&m.j, '{');
	http_problem_members(&m.j, HTTP_PROBLEM_STALE, "somebody said something meanwhile: look at what changed",
			     "他人已先办理，请查看变更后重试");
	jout_key(&m.j, "parameter");
	jout_string(&m.j, "If-Match");
	jout_key(&m.j, "changed");
	jout_open(&m.j, '[');
	enum status status = calendar_history(township_of(c)->calendar, o->id, put_deed, &m);
	jout_close(&m.j, ']');
	jout_close(&m.j, '}');
	jout_line(&m.j);
	status = status && status != STATUS_END ? status : m.j.status;
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 412, "application/problem+json", buf_view(&text));
	buf_deinit(&text);
}

static const char *const deed_keys[] = {"note", "evidence", "day"};
static const char *const task_keys[] = {"annex", "number", "title", "unit", "partners", "person",  "subject",
					"basis", "remark", "start", "due",  "note",     "evidence"};

static bool take_deed(struct http_call *c, const json_t *body, struct calendar_order *o)
{
	return body_text(c, body, "note", HAZARD_NOTE_MAX, &o->note) &&
	       body_text(c, body, "evidence", UINT8_MAX, &o->evidence) && body_day(c, body, "day", &o->day);
}

/* What of a task is given; an empty text says that there is none any more. */
static bool take_task(struct http_call *c, const json_t *body, struct calendar_order *o)
{
	for (unsigned i = 1; i < TASK_FIELD_RULE; i++)
		if (!body_text(c, body, task_field_token(i), CALENDAR_TEXT_MAX, &o->texts[i]))
			return false;
	return body_day(c, body, "start", &o->start_day) && body_day(c, body, "due", &o->due_day);
}

static void act(struct http_call *c, const struct calendar_order *o)
{
	struct calendar_outcome out;
	bool adds = o->deed == TASK_DEED_ADD;
	enum status status = calendar_do(township_of(c)->calendar, o, &out);
	if (!status)
		answer_task(c, adds ? 201 : 200, out.id);
	else if (status == STATUS_DENIED)
		answer_refusal(c, out.refusal);
	else if (status == STATUS_CONFLICT)
		answer_stale(c, o);
	else if (status == STATUS_EXISTS)
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, "title",
				  "annex, number, title and subject are there already");
	else if (status_class(status) == STATUS_CLASS_system || status == STATUS_NOT_FOUND)
		refuse(c, status);
	else
		http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, NULL, status_text(status));
}

static struct calendar_order order_of(unsigned deed)
{
	return (struct calendar_order){.deed = (uint8_t)deed,
				       .at_ms = clock_now_ms(),
				       .day = HAZARD_DAY_NONE,
				       .start_day = HAZARD_DAY_NONE,
				       .due_day = HAZARD_DAY_NONE};
}

static void post_task(struct http_call *c)
{
	struct calendar_order o = order_of(TASK_DEED_ADD);
	json_t *body = call_actor(c, &o.actor) ? call_object(c, task_keys, COUNT(task_keys)) : NULL;
	if (body && take_deed(c, body, &o) && take_task(c, body, &o))
		act(c, &o);
	json_decref(body);
}

/* The deed is the last word of the path. */
static void post_deed(struct http_call *c)
{
	uint8_t deed;
	const char *word = strrchr(c->route->path, '/') + 1;
	struct buf scrap = buf_init(EXPORT_TASK_BYTES_MAX);
	struct showing s = {.call = c, .j = json_out_init(&scrap)};
	if (task_deed_parse(span_of_string(word), &deed)) {
		http_problem_of_status(c->x, STATUS_INVALID);
		return;
	}
	struct calendar_order o = order_of(deed);
	bool amends = deed == TASK_DEED_AMEND;
	if (!call_task(c, &o.id) || !call_actor(c, &o.actor) || !call_version(c, &o.version))
		return;
	enum status status = find(c, o.id, &s);
	buf_deinit(&scrap);
	if (status) {
		refuse(c, status);
		return;
	}
	json_t *body =
		amends ? call_object(c, task_keys, COUNT(task_keys)) : call_object(c, deed_keys, COUNT(deed_keys));
	if (body && take_deed(c, body, &o) && (!amends || take_task(c, body, &o)))
		act(c, &o);
	json_decref(body);
}

/* --- enterprises --- */

struct telling {
	struct json_out j;
	const char *scope;
};

static enum status tell_subject(void *context, const struct calendar_subject *s)
{
	struct telling *t = context;
	bool seen = !strcmp(t->scope, "all") ||
		    (!strncmp(t->scope, "company:", 8) && span_equal(s->name, span_of_string(t->scope + 8))) ||
		    (!strncmp(t->scope, "village:", 8) && span_equal(s->village, span_of_string(t->scope + 8)));
	if (seen)
		export_task_subject(&t->j, s);
	return t->j.status;
}

static void get_subjects(struct http_call *c)
{
	struct buf text = buf_init((size_t)CALENDAR_SUBJECTS_MAX * 4 * CALENDAR_TEXT_MAX);
	struct telling t = {json_out_init(&text), c->principal.scope};
	jout_open(&t.j, '[');
	enum status status = calendar_subjects(township_of(c)->calendar, tell_subject, &t);
	jout_close(&t.j, ']');
	jout_line(&t.j);
	status = status ? status : t.j.status;
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static const char *const subject_keys[] = {"name", "village", "sector", "risk", "high_risk", "since", "until"};

static bool take_subject(struct http_call *c, const json_t *body, struct calendar_subject *s)
{
	struct span risk;
	const json_t *high = json_object_get(body, "high_risk");
	if (!body_text(c, body, "name", CALENDAR_TEXT_MAX, &s->name) ||
	    !body_text(c, body, "village", CALENDAR_TEXT_MAX, &s->village) ||
	    !body_text(c, body, "sector", CALENDAR_TEXT_MAX, &s->sector) || !body_text(c, body, "risk", 32, &risk) ||
	    !body_day(c, body, "since", &s->since_day) || !body_day(c, body, "until", &s->until_day))
		return false;
	s->high_risk = json_is_true(high);
	const char *wrong = !s->name.size                                      ? "name"
			    : high && !json_is_boolean(high)                   ? "high_risk"
			    : risk.size && calendar_risk_parse(risk, &s->risk) ? "risk"
									       : NULL;
	if (wrong)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, wrong, "is missing, or none of its values");
	return !wrong;
}

static void post_subject(struct http_call *c)
{
	struct hazard_actor actor;
	struct calendar_subject s = {.risk = CALENDAR_RISK_NONE};
	json_t *body = call_actor(c, &actor) ? call_object(c, subject_keys, COUNT(subject_keys)) : NULL;
	if (!body)
		return;
	if (take_subject(c, body, &s)) {
		enum status status = calendar_subject_set(township_of(c)->calendar, &s, &actor, clock_now_ms());
		if (status == STATUS_DENIED)
			http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "this role enters no enterprises");
		else if (status == STATUS_OUT_OF_RANGE)
			http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "until", "is before since");
		else if (status)
			http_problem_of_status(c->x, status);
		else
			http_answer(c, 201, "application/json", span_of_string("{}\n"));
	}
	json_decref(body);
}

enum status tasks_route_add(struct http *h, const struct township *t)
{
	void *context = (void *)t;
	const struct http_route routes[] = {
		{HTTP_GET, 0, "/api/v1/tasks", "listTasks", "Tasks (任务日历) due within a span of days.", PAPER_MEDIA,
		 tasks_params, COUNT(tasks_params), get_tasks, context},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/tasks", "addTask",
		 "A task of its own: {\"title\", \"unit\", \"due\", \"start\", \"annex\", \"number\", \"partners\", "
		 "\"person\", \"subject\", \"basis\", \"remark\", \"note\"}.",
		 "application/json", NULL, 0, post_task, context},
		{HTTP_GET, 0, "/api/v1/tasks/subjects", "listTaskSubjects", "Enterprises that the calendar asks.",
		 "application/json", NULL, 0, get_subjects, context},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/tasks/subjects", "setTaskSubject",
		 "An enterprise as it is from now on: {\"name\", \"village\", \"sector\", \"risk\", \"high_risk\", "
		 "\"since\", "
		 "\"until\"}.",
		 "application/json", NULL, 0, post_subject, context},
		{HTTP_GET, 0, "/api/v1/tasks/{task}", "getTask", "One task.", "application/json", NULL, 0, get_task,
		 context},
		{HTTP_GET, 0, "/api/v1/tasks/{task}/history", "getTaskHistory",
		 "What was done and said of it, and when it was reminded of.", "application/json", NULL, 0,
		 get_task_history, context},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/tasks/{task}/done", "doTask",
		 "It is done: {\"note\", \"evidence\", \"day\"}; If-Match names the version it is meant for.",
		 "application/json", NULL, 0, post_deed, context},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/tasks/{task}/waive", "waiveTask",
		 "It need not be done: {\"note\", \"evidence\"}.", "application/json", NULL, 0, post_deed, context},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/tasks/{task}/reopen", "reopenTask",
		 "It was not done after all: {\"note\", \"evidence\"}.", "application/json", NULL, 0, post_deed,
		 context},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/tasks/{task}/note", "noteTask",
		 "A note: {\"note\", \"evidence\"}.", "application/json", NULL, 0, post_deed, context},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/tasks/{task}/amend", "amendTask",
		 "What an entered task is: the members of addTask that change.", "application/json", NULL, 0, post_deed,
		 context},
	};
	return add_routes(h, routes, COUNT(routes));
}
