/* handlers_warnings.c -- warnings (预警): taken in as JSON or CAP 1.2, listed, acknowledged by units; who was reached.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "query/http/handlers_duty.h"
#include "query/http/http_problem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ANSWER_MAX (16u << 20)

/* --- lists --- */

enum { AT, KIND, LIMIT, BEFORE };
static const struct http_param list_params[] = {
	[AT] = {"at", HTTP_PARAM_TIME, false, 0, 0, NULL, "only those that stood at that instant"},
	[KIND] = {"kind", HTTP_PARAM_TEXT, false, 0, 32, NULL,
		  "typhoon, gale, rainstorm, wave, ban ... or its Chinese "
		  "name"},
	[LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, DUTY_PAGE_MAX, NULL, "100 when left out"},
	[BEFORE] = {"before", HTTP_PARAM_INTEGER, false, 1, INT64_MAX, NULL, "`next` of the answer before"},
};

struct listing {
	struct http_stream stream;
	struct json_out j;
	const struct http_value *values;
	int64_t left;
	uint8_t kind; /* WARNING_KIND_COUNT: any */
	uint64_t next;
};

static void warning_members(struct json_out *j, const struct warning *w)
{
	int64_t now_ms = clock_now_ms();
	record_members(j, &warning_kind, w);
	jout_key(j, "active");
	jout_bool(j, warning_is_active(w, now_ms));
	jout_key(j, "tag");
	char tag[80];
	snprintf(tag, sizeof tag, w->level ? "%s-%s-%s" : "%s-%s", WARNING_TAG, warning_kind_words[w->kind].token,
		 warning_level_words[w->level].token);
	jout_string(j, tag);
}

static enum status write_row(void *context, const void *row)
{
	struct listing *l = context;
	const struct warning *w = row;
	if (l->kind != WARNING_KIND_COUNT && w->kind != l->kind)
		return STATUS_OK;
	if (l->values[AT].set && !warning_is_active(w, l->values[AT].number))
		return STATUS_OK;
	if (!l->left) {
		l->next = w->row.id + 1;
		return STATUS_END;
	}
	l->left--;
	jout_open(&l->j, '{');
	warning_members(&l->j, w);
	jout_close(&l->j, '}');
	return l->j.status ? l->j.status : stream_flush(&l->stream, false);
}

static void get_warnings(struct http_call *c)
{
	struct listing l = {.values = c->values, .left = value_or(&c->values[LIMIT], 100), .kind = WARNING_KIND_COUNT};
	if (c->values[KIND].set && record_word_parse(warning_kind_words, c->values[KIND].text, &l.kind)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "kind", "is no kind of warning");
		return;
	}
	stream_begin(&l.stream, c, "application/json");
	l.j = json_out_init(&l.stream.chunk);
	jout_open(&l.j, '{');
	jout_key(&l.j, "warnings");
	jout_open(&l.j, '[');
	enum status status =
		warnings_list(duty_warnings(duty_of(c)), (uint64_t)value_or(&c->values[BEFORE], 0), write_row, &l);
	jout_close(&l.j, ']');
	jout_key(&l.j, "next");
	l.next ? jout_unsigned(&l.j, l.next) : jout_null(&l.j);
	jout_close(&l.j, '}');
	jout_line(&l.j);
	stream_close(&l.stream, status ? status : l.j.status);
}

/* --- one, and whom it reached --- */

struct reach {
	uint64_t warning;
	int64_t received_ms;
	uint64_t states[BOAT_MESSAGE_CANCELLED + 1];
};

static enum status count_message(void *context, const void *row)
{
	struct reach *r = context;
	const struct boat_message *m = row;
	if (m->created_ms < r->received_ms)
		return STATUS_END;
	if (m->warning == r->warning)
		r->states[m->state]++;
	return STATUS_OK;
}

struct taken_note {
	struct json_out *j;
	const char *unit;
	size_t size;
	struct book_event event;
	bool found;
};

static enum status find_note(void *context, const struct book_event *e)
{
	struct taken_note *n = context;
	if (strcmp(e->what, "acknowledged") != 0 || strlen(e->text) != n->size ||
	    memcmp(e->text, n->unit, n->size) != 0)
		return STATUS_OK;
	n->event = *e;
	n->found = true;
	return STATUS_END;
}

/* Each unit that is to be told, and when it took note. */
static enum status write_units(struct http_call *c, const struct warning *w, struct json_out *j)
{
	enum status status = STATUS_OK;
	for (const char *line = w->units; *line && !status;) {
		struct taken_note n = {.unit = line, .size = strcspn(line, "\n")};
		status = warnings_history(duty_warnings(duty_of(c)), w->row.id, find_note, &n);
		jout_open(j, '{');
		jout_key(j, "unit");
		jout_text(j, span_of(line, n.size));
		jout_key(j, "acknowledged");
		n.found ? jout_time(j, n.event.at_ms) : jout_null(j);
		jout_key(j, "who");
		n.found ? jout_string(j, n.event.who) : jout_null(j);
		jout_close(j, '}');
		line += n.size + (line[n.size] == '\n');
	}
	return status;
}

static enum status write_warning(struct http_call *c, const struct warning *w, struct json_out *j)
{
	struct duty *d = duty_of(c);
	struct reach r = {.warning = w->row.id, .received_ms = w->received_ms};
	enum status status = boat_messages_list(duty_boat_messages(d), 0, count_message, &r);
	jout_open(j, '{');
	warning_members(j, w);
	jout_key(j, "reach");
	jout_open(j, '{');
	jout_key(j, "messages");
	jout_open(j, '{');
	for (unsigned s = 0; s <= BOAT_MESSAGE_CANCELLED; s++) {
		jout_key(j, boat_message_state_words[s].token);
		jout_unsigned(j, r.states[s]);
	}
	jout_close(j, '}');
	jout_key(j, "units");
	jout_open(j, '[');
	if (!status)
		status = write_units(c, w, j);
	jout_close(j, ']');
	jout_close(j, '}');
	jout_key(j, "history");
	jout_open(j, '[');
	if (!status)
		status = warnings_history(duty_warnings(d), w->row.id, write_event, j);
	jout_close(j, ']');
	jout_close(j, '}');
	jout_line(j);
	return status ? status : j->status;
}

static void get_warning(struct http_call *c)
{
	struct buf answer = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&answer);
	struct warning *w = malloc(sizeof *w);
	uint64_t id;
	if (!w) {
		http_problem_of_status(c->x, STATUS_NO_MEMORY);
	} else if (call_number(c, &id)) {
		enum status status = warnings_get(duty_warnings(duty_of(c)), id, w);
		if (!status)
			status = write_warning(c, w, &j);
		if (!duty_refused(c, status))
			http_answer(c, 200, "application/json", buf_view(&answer));
	}
	free(w);
	buf_deinit(&answer);
}

/* --- taking in --- */

static void answer_taken(struct http_call *c, const uint64_t *ids, size_t count, bool any_new)
{
	struct buf answer = buf_init(4096);
	struct json_out j = json_out_init(&answer);
	jout_open(&j, '{');
	jout_key(&j, "ids");
	jout_open(&j, '[');
	for (size_t i = 0; i < count; i++)
		jout_unsigned(&j, ids[i]);
	jout_close(&j, ']');
	jout_close(&j, '}');
	jout_line(&j);
	if (!duty_refused(c, j.status))
		http_answer(c, any_new ? 201 : 200, "application/json", buf_view(&answer));
	buf_deinit(&answer);
}

static void post_warning(struct http_call *c)
{
	struct warning_drafts drafts = {.count = 0};
	uint64_t ids[WARNING_PARTS_MAX];
	char wrong[WARNING_WRONG_MAX] = "";
	bool any_new = false;
	if (!call_on_duty(c))
		return;
	enum status status = warning_read(buf_view(&c->x->request.body), &drafts, wrong);
	for (size_t i = 0; i < drafts.count && !status; i++) {
		status = warnings_take(duty_warnings(duty_of(c)), drafts.items[i], c->principal.name, clock_now_ms(),
				       &ids[i], wrong);
		any_new |= status == STATUS_OK;
		status = status == STATUS_EXISTS ? STATUS_OK : status;
	}
	if (!status)
		answer_taken(c, ids, drafts.count, any_new);
	else if (status == STATUS_CONFLICT)
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, "identifier",
				  "the same identifier and instant said something else before");
	else if (*wrong)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, wrong);
	else
		duty_refused(c, status);
	warning_drafts_deinit(&drafts);
}

static void post_acknowledgement(struct http_call *c)
{
	uint64_t id;
	json_t *body;
	bool good = true;
	if (!call_number(c, &id) || !call_json(c, &body))
		return;
	const char *unit = call_text(c, body, "unit", BOOK_WHO_MAX, &good);
	if (good && unit && strcmp(unit, c->principal.unit) != 0)
		good = call_on_duty(c); /* for another than one's own */
	if (good &&
	    !duty_refused(c, warnings_acknowledge(duty_warnings(duty_of(c)), id, unit ? unit : c->principal.unit,
						  c->principal.name, clock_now_ms())))
		answer_id(c, id);
	json_decref(body);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/warnings", "listWarnings", "Warnings and forecasts (预警), newest first.",
	 "application/json", list_params, COUNT(list_params), get_warnings, NULL},
	{HTTP_POST, HTTP_ROUTE_BYTES, "/api/v1/warnings", "postWarning",
	 "Take in a warning, an update or a cancel: a JSON object, or a CAP 1.2 message in XML. Rules see it as "
	 "tag:warning-KIND-LEVEL.",
	 "application/json", NULL, 0, post_warning, NULL},
	{HTTP_GET, 0, "/api/v1/warnings/{number}", "getWarning", "One warning, whom it reached, and its history.",
	 "application/json", NULL, 0, get_warning, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/warnings/{number}/acknowledgements", "acknowledgeWarning",
	 "A unit takes note (签收): {\"unit\"}; one's own when left out.", "application/json", NULL, 0,
	 post_acknowledgement, NULL},
};

enum status warnings_route_add(struct http *h, struct duty *d)
{
	return duty_routes(h, d, routes, COUNT(routes));
}
