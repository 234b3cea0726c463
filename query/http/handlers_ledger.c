/* handlers_ledger.c -- the ledger of handled alarms (报警处置台账): every finding of a period, who or what reminded its
 * driver of it and what the terminal answered, and who dealt with it how. */
#include "engine/core/clock.h"
#include "query/export/export_commands.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/violation_filter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { LIMIT = VIOLATION_OWN, CURSOR, FORMAT };

static const struct http_param ledger_params[] = {
	VIOLATION_FILTER_PARAMS,
	[LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, PAGE_ROWS_MAX, NULL,
		   "violations of one answer, each with all its acts (JSON: 1000 when left out; others: all)"},
	[CURSOR] = {"cursor", HTTP_PARAM_CURSOR, false, 0, TIME_CURSOR_MAX, NULL, "`next` of the answer before"},
	[FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, FORMAT_CHOICES, "instead of Accept"},
};

struct ledger {
	struct http_call *call;
	struct http_stream *s;
	enum export_format format;
	uint64_t limit, violations;
	bool more, comma;
	char next[TIME_CURSOR_MAX];
	struct ledger_act act;
	unsigned acts; /* of the violation at hand */
};

static enum status put_act(struct ledger *l)
{
	struct buf *out = &l->s->chunk;
	enum status status = l->format == EXPORT_JSON && l->comma ? buf_append_u8(out, ',') : STATUS_OK;
	if (!status)
		status = export_ledger_act(&l->act, l->format, out);
	if (!status && l->format == EXPORT_NDJSON)
		status = buf_append_u8(out, '\n');
	l->comma = true;
	l->acts++;
	return status ? status : stream_flush(l->s, false);
}

static enum status put_reminder(void *context, const struct command *c)
{
	struct ledger *l = context;
	l->act.reminder = c;
	enum status status = put_act(l);
	l->act.reminder = NULL;
	return status;
}

static enum status put_handling(void *context, const struct case_event *e)
{
	struct ledger *l = context;
	if (e->kind != CASE_EVENT_HANDLED)
		return STATUS_OK;
	l->act.handling = e;
	enum status status = put_act(l);
	l->act.handling = NULL;
	return status;
}

/* What late data has withdrawn was never there to be handled. */
static enum status put_violation(void *context, const struct export_violation *e)
{
	struct ledger *l = context;
	struct engine *engine = http_engine(l->call->http);
	const struct violation *v = e->violation;
	if (v->state == CASE_WITHDRAWN)
		return STATUS_OK;
	l->more = l->violations == l->limit;
	if (l->more)
		return STATUS_END;
	l->violations++;
	time_cursor_format(v->finding.start_ms, v->id, l->next);
	l->act = (struct ledger_act){.about = e};
	l->acts = 0;
	enum status status = commands_of_violation(engine_commands(engine), v->id, put_reminder, l);
	if (!status)
		status = violation_history(engine_findings(engine), v->id, put_handling, l);
	return status || l->acts ? status : put_act(l);
}

static enum status write_ledger(struct ledger *l, struct violation_filter *f, int64_t after_ms, uint64_t after_id)
{
	struct buf *out = &l->s->chunk;
	enum status status = l->format == EXPORT_JSON  ? buf_printf(out, "{\"ledger\":[")
			     : l->format == EXPORT_CSV ? buf_printf(out, "%s", LEDGER_HEADER)
						       : STATUS_OK;
	if (!status)
		status = violation_filter_scan(f, after_ms, after_id, put_violation, l);
	if (status == STATUS_END && l->more)
		status = STATUS_OK;
	if (!status && l->format == EXPORT_JSON)
		status = l->more ? buf_printf(out, "],\"next\":\"%s\"}\n", l->next)
				 : buf_printf(out, "],\"next\":null}\n");
	return status;
}

static void get_ledger(struct http_call *c)
{
	const struct http_value *v = c->values;
	struct violation_filter f;
	struct http_stream s;
	struct ledger l = {.call = c, .s = &s};
	int64_t after_ms = 0;
	uint64_t after_id = 0;
	if (v[CURSOR].set && time_cursor_parse(v[CURSOR].text, &after_ms, &after_id)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "cursor", "this is no cursor of ours");
		return;
	}
	if (!call_format(c, &v[FORMAT], 1u << EXPORT_JSON | 1u << EXPORT_NDJSON | 1u << EXPORT_CSV, &l.format) ||
	    !violation_filter_read(&f, c))
		return;
	l.limit = (uint64_t)value_or(&v[LIMIT], l.format == EXPORT_JSON ? PAGE_ROWS_DEFAULT : INT64_MAX);
	stream_begin(&s, c, export_format_media(l.format));
	stream_close(&s, write_ledger(&l, &f, after_ms, after_id));
	violation_filter_deinit(&f);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/ledger", "getLedger",
	 "The ledger of handled alarms: findings by ascending start, a row for every reminder and every handling of "
	 "each, "
	 "or one row when nobody did anything.",
	 "application/json application/x-ndjson text/csv", ledger_params, COUNT(ledger_params), get_ledger, NULL},
};

enum status handlers_ledger_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
