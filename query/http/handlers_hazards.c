/* handlers_hazards.c -- reading the register: lists with cursors, one hazard, its history, counts, who answers. */
#include "query/http/handlers_hazards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "query/export/export_hazards.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

static struct hazards *hazards_of(struct http_call *c)
{
	return c->route->context;
}

enum status hazard_actor_of(const struct principal *p, struct hazard_actor *out)
{
	memset(out, 0, sizeof *out);
	if (hazard_parse(HAZARD_TABLE_ROLE, span_of_string(p->role), &out->role) || out->role == HAZARD_ROLE_SYSTEM)
		return STATUS_DENIED;
	memcpy(out->name, p->name, sizeof out->name);
	memcpy(out->unit, p->unit, sizeof out->unit);
	return STATUS_OK;
}

/* --- scope --- */

static bool is_value(const struct hazard *h, unsigned field, const char *text)
{
	return span_equal(hazard_value(h, field), span_of_string(text));
}

static bool may_see(const struct principal *p, const struct hazard *h)
{
	if (!strcmp(p->scope, "all"))
		return true;
	if (!strncmp(p->scope, "company:", 8))
		return is_value(h, HAZARD_FIELD_COMPANY, p->scope + 8) || is_value(h, HAZARD_FIELD_UNIT, p->scope + 8);
	return !strncmp(p->scope, "village:", 8) && is_value(h, HAZARD_FIELD_VILLAGE, p->scope + 8);
}

bool call_hazard(struct http_call *c, struct hazard *out)
{
	int64_t id;
	enum status status = http_integer_parse(c->path_args[0], 1, INT64_MAX, &id) ? STATUS_NOT_FOUND : STATUS_OK;
	if (!status)
		status = hazards_get(hazards_of(c), (uint64_t)id, out);
	if (!status && !may_see(&c->principal, out)) {
		hazard_deinit(out);
		status = STATUS_NOT_FOUND;
	}
	if (status == STATUS_NOT_FOUND)
		http_problem_send(c->x, HTTP_PROBLEM_NO_HAZARD, NULL, "no such hazard, or outside your scope");
	else if (status)
		http_problem_of_status(c->x, status);
	return !status;
}

/* --- lists --- */

enum {
	LIST_LIST,
	LIST_STATE,
	LIST_GRADE,
	LIST_SOURCE,
	LIST_COMPANY,
	LIST_VILLAGE,
	LIST_SECTOR,
	LIST_CATEGORY,
	LIST_UNIT,
	LIST_SUPERVISOR,
	LIST_OVERDUE,
	LIST_RELAPSED,
	LIST_ORDER,
	LIST_LIMIT,
	LIST_CURSOR,
	LIST_FORMAT
};
#define FILTER_PARAMS                                                                                                  \
	[LIST_LIST] = {"list",                                                                                         \
		       HTTP_PARAM_TEXT,                                                                                \
		       false,                                                                                          \
		       0,                                                                                              \
		       32,                                                                                             \
		       NULL,                                                                                           \
		       "one of the six lists: supervision, hazards, rectification, acceptance, enforcement, "          \
		       "accountability"},                                                                              \
	[LIST_STATE] = {"state", HTTP_PARAM_TEXT, false, 0, 200, NULL, "states, separated by commas"},                 \
	[LIST_GRADE] = {"grade", HTTP_PARAM_TEXT, false, 0, 64, NULL, "grades, separated by commas"},                  \
	[LIST_SOURCE] = {"source", HTTP_PARAM_TEXT, false, 0, 100, NULL, "sources, separated by commas"},              \
	[LIST_COMPANY] = {"company", HTTP_PARAM_TEXT, false, 0, HAZARD_VALUE_MAX, NULL, "exactly"},                    \
	[LIST_VILLAGE] = {"village", HTTP_PARAM_TEXT, false, 0, HAZARD_VALUE_MAX, NULL, "exactly"},                    \
	[LIST_SECTOR] = {"sector", HTTP_PARAM_TEXT, false, 0, HAZARD_VALUE_MAX, NULL, "exactly"},                      \
	[LIST_CATEGORY] = {"category", HTTP_PARAM_TEXT, false, 0, HAZARD_VALUE_MAX, NULL, "exactly"},                  \
	[LIST_UNIT] = {"unit", HTTP_PARAM_TEXT, false, 0, HAZARD_VALUE_MAX, NULL, "responsible unit, exactly"},        \
	[LIST_SUPERVISOR] =                                                                                            \
		{"supervisor", HTTP_PARAM_TEXT, false, 0, HAZARD_VALUE_MAX, NULL, "supervising unit, exactly"},        \
	[LIST_OVERDUE] = {"overdue", HTTP_PARAM_FLAG, false, 0, 0, NULL, "past the deadline and not accepted"},        \
	[LIST_RELAPSED] = {"relapsed", HTTP_PARAM_FLAG, false, 0, 0, NULL, "came back after they were closed"}

static const struct http_param list_params[] = {
	FILTER_PARAMS,
	[LIST_ORDER] = {"order", HTTP_PARAM_CHOICE, false, 0, 0, "deadline|newest|id", "deadline when left out"},
	[LIST_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, HAZARDS_PAGE_MAX, NULL, "100 when left out"},
	[LIST_CURSOR] = {"cursor", HTTP_PARAM_TEXT, false, 0, 64, NULL, "`next` of the answer before"},
	[LIST_FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, "json|csv", "json when left out"},
};

/* Bits of the words of a list like "assigned,rectifying". */
static bool take_bits(struct http_call *c, unsigned param, enum hazard_table table, unsigned *out)
{
	struct span rest = c->values[param].text;
	uint8_t code;
	*out = 0;
	if (!c->values[param].set)
		return true;
	while (rest.size) {
		const uint8_t *comma = memchr(rest.data, ',', rest.size);
		size_t size = comma ? (size_t)(comma - rest.data) : rest.size;
		if (hazard_parse(table, span_of(rest.data, size), &code))
			break;
		*out |= 1u << code;
		rest = span_of(rest.data + size + (comma != NULL), rest.size - size - (comma != NULL));
	}
	if (*out && !rest.size)
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, list_params[param].name, "a word of it is not known");
	return false;
}

static void take_words(const struct http_call *c, struct hazard_filter *f)
{
	static const uint8_t params[HAZARD_WORD_COUNT] = {
		[HAZARD_WORD_COMPANY] = LIST_COMPANY, [HAZARD_WORD_VILLAGE] = LIST_VILLAGE,
		[HAZARD_WORD_SECTOR] = LIST_SECTOR,   [HAZARD_WORD_CATEGORY] = LIST_CATEGORY,
		[HAZARD_WORD_UNIT] = LIST_UNIT,       [HAZARD_WORD_SUPERVISOR] = LIST_SUPERVISOR,
	};
	for (unsigned i = 0; i < HAZARD_WORD_COUNT; i++)
		if (params[i] && c->values[params[i]].set)
			f->words[i] = c->values[params[i]].text;
}

bool call_hazard_scope(struct http_call *c, struct hazard_filter *f)
{
	const char *scope = c->principal.scope;
	if (!strcmp(scope, "all"))
		return true;
	if (!strncmp(scope, "company:", 8)) {
		f->scope_unit = span_of_string(scope + 8);
		return true;
	}
	struct span village = span_of_string(scope + 8);
	if (!strncmp(scope, "village:", 8) &&
	    (!f->words[HAZARD_WORD_VILLAGE].size || span_equal(f->words[HAZARD_WORD_VILLAGE], village))) {
		f->words[HAZARD_WORD_VILLAGE] = village;
		return true;
	}
	http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "outside your scope");
	return false;
}

static bool take_filter(struct http_call *c, struct hazard_filter *f)
{
	unsigned states, grades, sources;
	memset(f, 0, sizeof *f);
	f->list = HAZARD_LIST_HAZARDS;
	f->today = hazard_day(clock_now_ms());
	f->overdue = c->values[LIST_OVERDUE].number;
	f->relapsed = c->values[LIST_RELAPSED].number;
	if (c->values[LIST_LIST].set && hazard_list_parse(c->values[LIST_LIST].text, &f->list)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "list", "is none of the six lists");
		return false;
	}
	if (!take_bits(c, LIST_STATE, HAZARD_TABLE_STATE, &states) ||
	    !take_bits(c, LIST_GRADE, HAZARD_TABLE_GRADE, &grades) ||
	    !take_bits(c, LIST_SOURCE, HAZARD_TABLE_SOURCE, &sources))
		return false;
	f->states = (uint16_t)states;
	f->grades = (uint8_t)grades;
	f->sources = (uint8_t)sources;
	take_words(c, f);
	return call_hazard_scope(c, f);
}

static bool take_cursor(struct http_call *c, struct hazard_cursor *out)
{
	char text[65] = "";
	long long value;
	unsigned long long id;
	int size = 0;
	*out = (struct hazard_cursor){0};
	if (!c->values[LIST_CURSOR].set)
		return true;
	memcpy(text, c->values[LIST_CURSOR].text.data, c->values[LIST_CURSOR].text.size);
	if (sscanf(text, "%lld.%llu%n", &value, &id, &size) == 2 && !text[size] && id) {
		*out = (struct hazard_cursor){value, id};
		return true;
	}
	http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "cursor", "is none that an answer gave");
	return false;
}

static enum status write_one(struct http_stream *s, struct json_out *j, bool csv, uint64_t id, int32_t today)
{
	struct hazard h;
	enum status status = hazards_get(hazards_of(s->call), id, &h);
	if (status)
		return status;
	if (csv) {
		status = export_hazard_csv_row(&h, today, &s->chunk);
	} else {
		jout_open(j, '{');
		export_hazard_members(j, &h, today);
		jout_close(j, '}');
		status = j->status;
	}
	hazard_deinit(&h);
	return status ? status : stream_flush(s, false);
}

static void open_list(struct json_out *j)
{
	jout_open(j, '{');
	jout_key(j, "hazards");
	jout_open(j, '[');
}

static void end_list(struct json_out *j, const struct hazard_cursor *cursor, bool more)
{
	char next[64];
	snprintf(next, sizeof next, "%lld.%llu", (long long)cursor->value, (unsigned long long)cursor->id);
	jout_close(j, ']');
	jout_key(j, "next");
	if (more)
		jout_string(j, next);
	else
		jout_null(j);
	jout_close(j, '}');
	jout_line(j);
}

static void get_hazards(struct http_call *c)
{
	struct hazard_filter f;
	struct hazard_cursor cursor;
	struct http_stream s;
	uint64_t ids[HAZARDS_PAGE_MAX];
	bool csv = c->values[LIST_FORMAT].number == 1;
	size_t limit = (size_t)value_or(&c->values[LIST_LIMIT], csv ? HAZARDS_PAGE_MAX : 100), n;
	enum hazard_order_by order = (enum hazard_order_by)value_or(&c->values[LIST_ORDER], HAZARD_BY_DEADLINE);
	if (!take_filter(c, &f) || !take_cursor(c, &cursor))
		return;
	stream_begin(&s, c, csv ? export_format_media(EXPORT_CSV) : export_format_media(EXPORT_JSON));
	s.chunk.max = EXPORT_HAZARD_BYTES_MAX + STREAM_CHUNK_BYTES;
	struct json_out j = json_out_init(&s.chunk);
	enum status status = csv ? export_hazards_csv_begin(&s.chunk) : STATUS_OK;
	if (!csv)
		open_list(&j);
	do {
		n = hazards_page(hazards_of(c), &f, order, &cursor, ids, limit);
		for (size_t i = 0; i < n && !status; i++)
			status = write_one(&s, &j, csv, ids[i], f.today);
	} while (csv && !c->values[LIST_LIMIT].set && n == limit && !status);
	if (!csv && !status) {
		end_list(&j, &cursor, n == limit);
		status = j.status;
	}
	stream_close(&s, status);
}

/* --- one --- */

static void member_steps(struct json_out *j, const struct hazard *h, const struct principal *p)
{
	struct hazard_actor actor;
	uint32_t steps = hazard_actor_of(p, &actor) ? 0 : hazard_steps(h, &actor);
	jout_key(j, "allowed");
	jout_open(j, '[');
	for (unsigned step = 1; step < HAZARD_STEP_COUNT; step++)
		if (steps >> step & 1)
			jout_string(j, hazard_token(HAZARD_TABLE_STEP, step));
	jout_close(j, ']');
}

static void answer_one(struct http_call *c, unsigned status, const struct hazard *h)
{
	char etag[32];
	struct buf text = buf_init(EXPORT_HAZARD_BYTES_MAX);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '{');
	export_hazard_members(&j, h, hazard_day(clock_now_ms()));
	member_steps(&j, h, &c->principal);
	jout_close(&j, '}');
	jout_line(&j);
	snprintf(etag, sizeof etag, "\"%u\"", h->events);
	if (!j.status)
		j.status = exchange_header(c->x, "etag", etag);
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, status, "application/json", buf_view(&text));
	buf_deinit(&text);
}

void answer_hazard(struct http_call *c, unsigned status, uint64_t id)
{
	struct hazard h;
	enum status failed = hazards_get(hazards_of(c), id, &h);
	if (failed) {
		http_problem_of_status(c->x, failed);
		return;
	}
	answer_one(c, status, &h);
	hazard_deinit(&h);
}

static void get_hazard(struct http_call *c)
{
	struct hazard h;
	if (!call_hazard(c, &h))
		return;
	answer_one(c, 200, &h);
	hazard_deinit(&h);
}

struct telling {
	struct http_stream *s;
	struct json_out j;
};

static enum status tell_event(void *context, uint64_t id, const struct hazard_event *e,
			      const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	struct telling *t = context;
	(void)id;
	export_hazard_event(&t->j, e, digest);
	return t->j.status ? t->j.status : stream_flush(t->s, false);
}

static void get_history(struct http_call *c)
{
	struct hazard h;
	struct http_stream s;
	struct telling t = {.s = &s};
	if (!call_hazard(c, &h))
		return;
	stream_begin(&s, c, "application/json");
	s.chunk.max = EXPORT_HAZARD_BYTES_MAX + STREAM_CHUNK_BYTES;
	t.j = json_out_init(&s.chunk);
	jout_open(&t.j, '[');
	enum status status = hazards_history(hazards_of(c), h.id, 0, tell_event, &t);
	jout_close(&t.j, ']');
	jout_line(&t.j);
	hazard_deinit(&h);
	stream_close(&s, status ? status : t.j.status);
}

static const struct http_param liability_params[] = {
	{"at", HTTP_PARAM_TIME, true, 0, 0, NULL, "of the accident"},
};

static void get_liability(struct http_call *c)
{
	static const char *const words[][2] = {
		{"nobody", "未交办或已销号"}, {"enterprise", "企业主体责任"}, {"supervisor", "监管责任"}};
	struct hazard h;
	struct hazard_liability l;
	struct buf text = buf_init(4 * HAZARD_VALUE_MAX);
	struct json_out j = json_out_init(&text);
	if (!call_hazard(c, &h))
		return;
	enum status status = hazards_liability(hazards_of(c), h.id, c->values[0].number, &l);
	hazard_deinit(&h);
	jout_open(&j, '{');
	jout_key(&j, "liable");
	jout_string(&j, words[status ? 0 : l.liable][0]);
	jout_key(&j, "liable_zh");
	jout_string(&j, words[status ? 0 : l.liable][1]);
	jout_key(&j, "party");
	jout_string(&j, status ? "" : l.party);
	jout_close(&j, '}');
	jout_line(&j);
	status = status ? status : j.status;
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

/* --- counts --- */

#define COUNT_BY LIST_ORDER
static const struct http_param count_params[] = {
	FILTER_PARAMS,
	[COUNT_BY] = {"by", HTTP_PARAM_CHOICE, false, 0, 0,
		      "none|company|village|sector|category|unit|supervisor|leader",
		      "counts for each value of it, beside those of all"},
};

static enum status tell_group(void *context, struct span word, const struct hazard_counts *counts)
{
	struct json_out *j = context;
	jout_open(j, '{');
	jout_key(j, "value");
	jout_text(j, word);
	export_hazard_counts(j, counts);
	jout_close(j, '}');
	return j->status;
}

static void get_counts(struct http_call *c)
{
	struct hazard_filter f;
	struct hazard_counts all;
	struct buf text = buf_init(256u << 20);
	struct json_out j = json_out_init(&text);
	enum status status = STATUS_OK;
	if (!take_filter(c, &f))
		return;
	hazards_counts(hazards_of(c), &f, &all);
	jout_open(&j, '{');
	export_hazard_counts(&j, &all);
	if (c->values[COUNT_BY].number > 0) {
		jout_key(&j, "groups");
		jout_open(&j, '[');
		status = hazards_groups(hazards_of(c), &f, (enum hazard_word)(c->values[COUNT_BY].number - 1),
					tell_group, &j);
		jout_close(&j, ']');
	}
	jout_close(&j, '}');
	jout_line(&j);
	status = status ? status : j.status;
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum status hazards_route_add(struct http *h, struct hazards *r)
{
	const struct http_route routes[] = {
		{HTTP_GET, 0, "/api/v1/hazards", "listHazards", "Hazards (隐患) of a list, filtered, a page at a time.",
		 "application/json text/csv", list_params, COUNT(list_params), get_hazards, r},
		{HTTP_GET, 0, "/api/v1/hazards/counts", "countHazards", "How many, by state, grade, source and age.",
		 "application/json", count_params, COUNT(count_params), get_counts, r},
		{HTTP_GET, 0, "/api/v1/hazards/{hazard}", "getHazard", "One hazard, and the steps that you may take.",
		 "application/json", NULL, 0, get_hazard, r},
		{HTTP_GET, 0, "/api/v1/hazards/{hazard}/history", "getHazardHistory",
		 "Every step of it, each with the digest of the one before.", "application/json", NULL, 0, get_history,
		 r},
		{HTTP_GET, 0, "/api/v1/hazards/{hazard}/liability", "getHazardLiability",
		 "Who answers for an accident at an instant.", "application/json", liability_params,
		 COUNT(liability_params), get_liability, r},
	};
	enum status status = hazards_books_route_add(h, r); /* before {hazard} */
	if (!status)
		status = add_routes(h, routes, COUNT(routes));
	return status ? status : hazards_steps_route_add(h, r);
}
