/* handlers_evidence.c -- the evidence sheet of a violation; audited before its first byte. */
#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "query/export/evidence.h"
#include "query/http/handlers_violations.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { FORMAT, CASE };

static const struct http_param params[] = {
	[FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, "html|json", "a page to print, when left out"},
	[CASE] = {"case", HTTP_PARAM_TEXT, false, 0, 63, NULL, "case number, for the audit"},
};

static enum status audit(struct http_call *c, const struct finding *f)
{
	const struct http_value *number = &c->values[CASE];
	struct audit_entry entry = {.at_ms = clock_now_ms(),
				    .action = "evidence",
				    .device = f->device,
				    .from_ms = f->start_ms,
				    .to_ms = f->end_ms};
	if (number->set)
		snprintf(entry.case_number, sizeof entry.case_number, "%.*s", (int)number->text.size,
			 (const char *)number->text.data);
	return call_audit(c, &entry);
}

struct sheet {
	struct http_stream *s;
	const struct evidence_writer *writer;
	const struct evidence *evidence;
};

static enum status visit_event(void *context, const struct case_event *event)
{
	struct sheet *sheet = context;
	enum status status = sheet->writer->event(event, &sheet->s->chunk);
	return status ? status : stream_flush(sheet->s, false);
}

static enum status write_stretch(struct sheet *sheet, struct engine *engine, const struct stretch *stretch,
				 uint64_t *number)
{
	struct track *t;
	struct report r;
	enum status status = track_open(engine, stretch->device, stretch->from_ms, stretch->to_ms, &t);
	if (status)
		return status;
	while (!status && !(status = track_next(t, &r))) {
		status = sheet->writer->report(++*number, stretch->device, &r, &sheet->s->chunk);
		if (!status)
			status = stream_flush(sheet->s, false);
	}
	track_close(t);
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status write_reports(struct sheet *sheet, struct engine *engine)
{
	const struct stretches *s = &sheet->evidence->stretches;
	enum status status = STATUS_OK;
	uint64_t number = 0;
	for (size_t i = 0; i < s->count && !status; i++)
		status = write_stretch(sheet, engine, &s->list[i], &number);
	return status;
}

static enum status write_sheet(struct sheet *sheet)
{
	struct engine *engine = http_engine(sheet->s->call->http);
	struct buf *out = &sheet->s->chunk;
	const struct evidence *e = sheet->evidence;
	enum status status = sheet->writer->head(e, out);
	if (!status)
		status = violation_history(engine_findings(engine), e->row.violation->id, visit_event, sheet);
	if (!status)
		status = sheet->writer->middle(e, out);
	if (!status)
		status = write_reports(sheet, engine);
	return status ? status : sheet->writer->tail(e, out);
}

/* A page that came from a terminal's data runs nothing and fetches nothing, whatever it holds. */
static void answer_sheet(struct http_call *c, const struct evidence *e, const struct evidence_writer *writer)
{
	struct http_stream s;
	struct sheet sheet = {&s, writer, e};
	if (exchange_header(c->x, "content-security-policy", "default-src 'none'; style-src 'unsafe-inline'") ||
	    exchange_header(c->x, "x-content-type-options", "nosniff") ||
	    exchange_header(c->x, "cache-control", "no-store"))
		log_warn("http", "no room for a header");
	stream_begin(&s, c, writer->media);
	s.chunk.max += EVIDENCE_BYTES_MAX;
	stream_close(&s, write_sheet(&sheet));
}

static void get_evidence(struct http_call *c)
{
	struct engine *engine = http_engine(c->http);
	struct violation v;
	struct evidence e;
	struct audit_entry mark = {.at_ms = 0};
	char maker[256];
	if (!call_violation(c, &v))
		return;
	enum status status = audit(c, &v.finding);
	if (status) {
		http_problem_of_status(c->x, status);
		return;
	}
	struct judged_by *by = context_take(engine_context(engine));
	call_audit_fill(c, &mark);
	snprintf(maker, sizeof maker, "%s%s%s", c->principal.name, *mark.purpose ? "；用途 purpose: " : "",
		 mark.purpose);
	status = evidence_gather(&e, engine, by, &v, maker, clock_now_ms());
	if (status) {
		http_problem_of_status(c->x, status);
	} else {
		answer_sheet(c, &e, c->values[FORMAT].number ? &evidence_json : &evidence_html);
		evidence_deinit(&e);
	}
	judged_by_release(by);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/violations/{violation}/evidence", "getEvidence",
	 "The evidence sheet: what speaks for a violation, raw reports and their digest included; audited.",
	 "text/html application/json", params, COUNT(params), get_evidence, NULL},
};

enum status handlers_evidence_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
