/* duty_call.c -- what the duty room's handlers share: who may, numbers, lists, refusals. */
#include <stdio.h>

#include "engine/core/clock.h"
#include "query/http/handlers_duty.h"
#include "query/http/http_problem.h"

#define PAGE_DEFAULT 100

/* --- who may --- */

static bool admit(struct http_call *c, const char *const *roles)
{
	if (!strcmp(c->principal.scope, "all"))
		for (; *roles; roles++)
			if (!strcmp(c->principal.role, *roles))
				return true;
	http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "this is for the duty room");
	return false;
}

bool call_on_duty(struct http_call *c)
{
	return admit(c, (const char *const[]){"fishery", "office", "administrator", NULL});
}

bool call_sees_duty(struct http_call *c)
{
	return admit(c, (const char *const[]){"fishery", "office", "administrator", "police", "auditor", NULL});
}

enum status duty_audit(struct http_call *c, const char *action, uint64_t device, int64_t from_ms, int64_t to_ms)
{
	struct audit_entry e = {.at_ms = clock_now_ms(), .device = device, .from_ms = from_ms, .to_ms = to_ms};
	snprintf(e.action, sizeof e.action, "%s", action);
	return call_audit(c, &e);
}

enum status duty_routes(struct http *h, struct duty *d, const struct http_route *routes, size_t count)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < count && !status; i++) {
		struct http_route route = routes[i];
		route.context = d;
		status = http_add_route(h, &route);
	}
	return status;
}

enum status duty_route_add(struct http *h, struct duty *d)
{
	static enum status (*const adders[])(struct http *, struct duty *) = {roll_call_route_add, alarms_route_add,
									      warnings_route_add, incidents_route_add,
									      boat_messages_route_add};
	enum status status = STATUS_OK;
	for (size_t i = 0; i < sizeof adders / sizeof adders[0] && !status; i++)
		status = adders[i](h, d);
	return status;
}

/* --- numbers and refusals --- */

bool call_number(struct http_call *c, uint64_t *out)
{
	int64_t number;
	if (!http_integer_parse(c->path_args[0], 1, INT64_MAX, &number)) {
		*out = (uint64_t)number;
		return true;
	}
	http_problem_send(c->x, HTTP_PROBLEM_NO_RECORD, NULL, "the path does not name a record by its number");
	return false;
}

bool duty_refused(struct http_call *c, enum status status)
{
	if (!status)
		return false;
	if (status == STATUS_NOT_FOUND)
		http_problem_send(c->x, HTTP_PROBLEM_NO_RECORD, NULL, "there is no record of that number");
	else if (status == STATUS_CONFLICT || status == STATUS_EXISTS)
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, NULL, "it no longer stands so, or is there already");
	else if (status_class(status) == STATUS_CLASS_system || status == STATUS_DENIED)
		http_problem_of_status(c->x, status);
	else
		http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, NULL, status_text(status));
	return true;
}

void answer_id(struct http_call *c, uint64_t id)
{
	char text[40];
	int n = snprintf(text, sizeof text, "{\"id\":%llu}\n", (unsigned long long)id);
	http_answer(c, 201, "application/json", span_of(text, (size_t)n));
}

/* --- lists --- */

struct paging {
	const struct duty_page *page;
	struct http_stream stream;
	struct json_out j;
	const struct record_field *state;
	int64_t left;
	uint64_t next; /* 0: no more */
};

static enum status write_row(void *context, const void *row)
{
	struct paging *p = context;
	struct http_call *c = p->page->call;
	const struct http_value *state = &c->values[PAGE_STATE];
	if (p->state && state->set && record_integer(p->state, row) != state->number)
		return STATUS_OK;
	if (p->page->wanted && !p->page->wanted(c, row))
		return STATUS_OK;
	if (!p->left) {
		p->next = ((const struct book_row *)row)->id + 1;
		return STATUS_END;
	}
	p->left--;
	jout_open(&p->j, '{');
	record_members(&p->j, p->page->kind, row);
	if (p->page->more)
		p->page->more(c, &p->j, row);
	jout_close(&p->j, '}');
	return p->j.status ? p->j.status : stream_flush(&p->stream, false);
}

void answer_page(const struct duty_page *page)
{
	struct http_call *c = page->call;
	struct paging p = {.page = page, .left = value_or(&c->values[PAGE_LIMIT], PAGE_DEFAULT)};
	for (size_t i = 0; i < page->kind->count; i++)
		if (!strcmp(page->kind->fields[i].name, "state"))
			p.state = &page->kind->fields[i];
	stream_begin(&p.stream, c, "application/json");
	p.j = json_out_init(&p.stream.chunk);
	jout_open(&p.j, '{');
	jout_key(&p.j, page->list);
	jout_open(&p.j, '[');
	enum status status = page->read(duty_of(c), (uint64_t)value_or(&c->values[PAGE_BEFORE], 0), write_row, &p);
	jout_close(&p.j, ']');
	jout_key(&p.j, "next");
	p.next ? jout_unsigned(&p.j, p.next) : jout_null(&p.j);
	jout_close(&p.j, '}');
	jout_line(&p.j);
	stream_close(&p.stream, status ? status : p.j.status);
}

enum status write_event(void *context, const struct book_event *e)
{
	struct json_out *j = context;
	jout_open(j, '{');
	jout_key(j, "number");
	jout_unsigned(j, e->number);
	record_members(j, &book_event_kind, e);
	jout_close(j, '}');
	return j->status;
}
