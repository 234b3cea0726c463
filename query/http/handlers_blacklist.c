/* handlers_blacklist.c -- score cards of drivers, vehicles and enterprises from their violations, candidates for the
 * quarter's list, and who was put on it.
 *
 *   score = notices x w1 + violations x w2 + serious x w3;  stars = 5 less one for each star_step of score, at least 1
 *   candidate (黑名单候选): score >= line, until somebody with the right confirms
 *
 * Rejected and withdrawn findings count nothing. The weights, the step and the line are the asker's; the defaults are a
 * sample, and every answer prints them. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "query/export/json_out.h"
#include "query/export/mask.h"
#include "query/export/township_tables.h"
#include "query/http/handlers_township.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"
#include "query/http/violation_filter.h"
#include "query/http/violation_tally.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEVERITIES 3
#define STARS_MAX 5
#define CARDS_MAX 10000

enum {
	SCORE_BY = VIOLATION_OWN,
	SCORE_QUARTER,
	SCORE_W1,
	SCORE_W2,
	SCORE_W3,
	SCORE_STAR,
	SCORE_LINE,
	SCORE_LIMIT,
	SCORE_FORMAT
};

static const struct http_param score_params[] = {
	VIOLATION_FILTER_PARAMS,
	[SCORE_BY] = {"by", HTTP_PARAM_CHOICE, true, 0, 0, BLACKLIST_KIND_CHOICES, "whose cards"},
	[SCORE_QUARTER] = {"quarter", HTTP_PARAM_TEXT, true, 0, 16, NULL, "2026Q1; from and to narrow it"},
	[SCORE_W1] = {"w1", HTTP_PARAM_INTEGER, false, 0, 1000, NULL, "weight of a notice; 1"},
	[SCORE_W2] = {"w2", HTTP_PARAM_INTEGER, false, 0, 1000, NULL, "weight of a violation; 3"},
	[SCORE_W3] = {"w3", HTTP_PARAM_INTEGER, false, 0, 1000, NULL, "weight of a serious violation; 6"},
	[SCORE_STAR] = {"star_step", HTTP_PARAM_INTEGER, false, 1, 100000, NULL, "score that costs a star; 6"},
	[SCORE_LINE] = {"line", HTTP_PARAM_INTEGER, false, 1, 1000000, NULL, "score of a candidate; 24"},
	[SCORE_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, CARDS_MAX, NULL, "100 when left out"},
	[SCORE_FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, PAPER_FORM_CHOICES, NULL},
};
_Static_assert(COUNT(score_params) <= HTTP_PARAMS_MAX, "parameters of one route");

struct card {
	const char *name; /* in the tally */
	uint64_t counts[SEVERITIES], score;
};

struct scoring {
	struct tally tally; /* by whom, and by severity */
	uint64_t weights[SEVERITIES], star_step, line;
	struct card *cards;
	size_t count;
	uint8_t kind;
	struct span quarter;
};

static enum status count_finding(void *context, const struct export_violation *e)
{
	bool counts = e->violation->state != CASE_REJECTED && e->violation->state != CASE_WITHDRAWN;
	return counts ? tally_add(context, e) : STATUS_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tally_group *)a)->key, ((const struct tally_group *)b)->key);
}

static int worst_first(const void *a, const void *b)
{
	const struct card *x = a, *y = b;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Groups of one name lie together; what has no name is nobody's. */
static enum status make_cards(struct scoring *s)
{
	struct tally *t = &s->tally;
	tally_sort(t);
	if (t->count)
		qsort(t->groups, t->count, sizeof *t->groups, by_name);
	s->cards = calloc(t->count + 1, sizeof *s->cards);
	if (!s->cards)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < t->count; i++) {
		const struct tally_group *g = &t->groups[i];
		unsigned severity = (unsigned)atoi(g->second);
		if (!*g->key)
			continue;
		if (severity < 1 || severity > SEVERITIES) /* its rule is in no rulebook any more */
			severity = 1;
		if (!s->count || strcmp(s->cards[s->count - 1].name, g->key) != 0)
			s->cards[s->count++].name = g->key;
		struct card *c = &s->cards[s->count - 1];
		c->counts[severity - 1] += g->count;
		c->score += g->count * s->weights[severity - 1];
	}
	if (s->count)
		qsort(s->cards, s->count, sizeof *s->cards, worst_first);
	return STATUS_OK;
}

static const struct paper_column columns[] = {
	{"rank", "名次", 8},         {"name", "名称", 26},  {"notices", "提示", 10},   {"violations", "一般违法", 10},
	{"serious", "严重违法", 10}, {"score", "得分", 10}, {"stars", "诚信星级", 10}, {"candidate", "黑名单候选", 12},
	{"decision", "认定", 12},
};

static void add_card(struct paper *p, const struct scoring *s, const struct card *c, struct blacklist *b)
{
	uint64_t lost = c->score / s->star_step;
	bool candidate = c->score >= s->line;
	uint8_t decision = blacklist_stands(b, s->kind, span_of_string(c->name), s->quarter);
	paper_number(p, (int64_t)paper_rows(p) + 1);
	if (s->kind == BLACKLIST_DRIVER)
		paper_people(p, span_of_string(c->name));
	else
		paper_string(p, c->name);
	for (unsigned i = 0; i < SEVERITIES; i++)
		paper_number(p, (int64_t)c->counts[i]);
	paper_number(p, (int64_t)c->score);
	paper_number(p, lost >= STARS_MAX ? 1 : STARS_MAX - (int64_t)lost);
	paper_string(p, candidate ? "是" : "否");
	paper_string(p, blacklist_decision_chinese(decision));
}

static void add_notes(struct paper *p, const struct scoring *s)
{
	char text[200], quarter[20];
	snprintf(quarter, sizeof quarter, "%.*s", (int)s->quarter.size, (const char *)s->quarter.data);
	paper_note(p, "统计期间", quarter);
	snprintf(text, sizeof text, "提示×%llu + 一般违法×%llu + 严重违法×%llu (w1, w2, w3)，不含误报和已撤回",
		 (unsigned long long)s->weights[0], (unsigned long long)s->weights[1],
		 (unsigned long long)s->weights[2]);
	paper_note(p, "得分", text);
	snprintf(text, sizeof text, "五星，每 %llu 分减一星，最低一星 (star_step)", (unsigned long long)s->star_step);
	paper_note(p, "诚信星级", text);
	snprintf(text, sizeof text, "得分不低于 %llu (line)；认定前仅为候选", (unsigned long long)s->line);
	paper_note(p, "黑名单候选", text);
	paper_note(p, "权重", "示例，须由安办核定");
}

/* Within the quarter, whatever else is asked. */
static void narrow(struct violation_filter *f, const struct table_period *quarter)
{
	int64_t from_ms = (int64_t)quarter->first_day * MS_PER_DAY - CHINA_OFFSET_MS;
	int64_t to_ms = (quarter->last_day + INT64_C(1)) * MS_PER_DAY - CHINA_OFFSET_MS - 1;
	f->from_ms = f->from_ms > from_ms ? f->from_ms : from_ms;
	f->to_ms = f->to_ms < to_ms ? f->to_ms : to_ms;
}

static void get_score(struct http_call *c)
{
	static const uint8_t tallied[] = {TALLY_DRIVER, TALLY_PLATE, TALLY_COMPANY};
	static const uint8_t defaults[SEVERITIES] = {1, 3, 6};
	const struct http_value *v = c->values;
	struct table_period quarter;
	struct violation_filter f;
	struct scoring s = {.kind = (uint8_t)v[SCORE_BY].number, .quarter = v[SCORE_QUARTER].text};
	size_t limit = (size_t)value_or(&v[SCORE_LIMIT], 100);
	if (table_quarter_parse(s.quarter, &quarter)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "quarter", "is no quarter like 2026Q1");
		return;
	}
	if (!violation_filter_read(&f, c))
		return;
	narrow(&f, &quarter);
	for (unsigned i = 0; i < SEVERITIES; i++)
		s.weights[i] = (uint64_t)value_or(&v[SCORE_W1 + i], defaults[i]);
	s.star_step = (uint64_t)value_or(&v[SCORE_STAR], 6);
	s.line = (uint64_t)value_or(&v[SCORE_LINE], 24);
	s.tally = tally_init((enum tally_by)tallied[s.kind], TALLY_SEVERITY);
	struct paper p = paper_init("违法积分与黑名单候选", columns, COUNT(columns));
	enum status status = violation_filter_scan(&f, 0, 0, count_finding, &s.tally);
	violation_filter_deinit(&f);
	if (!status)
		status = make_cards(&s);
	for (size_t i = 0; i < s.count && i < limit && !status; i++)
		add_card(&p, &s, &s.cards[i], township_of(c)->blacklist);
	add_notes(&p, &s);
	answer_paper(c, &p, status, (unsigned)value_or(&v[SCORE_FORMAT], PAPER_JSON), "score");
	tally_deinit(&s.tally);
	free(s.cards);
}

/* --- decisions --- */

static const char *const keys[] = {"kind", "name", "quarter", "decision", "note", "document"};

static bool take_decision(struct http_call *c, const json_t *body, struct blacklist_entry *e)
{
	struct span kind, decision;
	struct table_period quarter;
	if (!body_text(c, body, "kind", 16, &kind) || !body_text(c, body, "decision", 16, &decision) ||
	    !body_text(c, body, "name", BLACKLIST_NAME_MAX, &e->name) ||
	    !body_text(c, body, "quarter", 16, &e->quarter) || !body_text(c, body, "note", HAZARD_NOTE_MAX, &e->note) ||
	    !body_text(c, body, "document", HAZARD_DOCUMENT_MAX, &e->document))
		return false;
	const char *wrong = blacklist_kind_parse(kind, &e->kind)                               ? "kind"
			    : blacklist_decision_parse(decision, &e->decision) || !e->decision ? "decision"
			    : !e->name.size                                                    ? "name"
			    : table_quarter_parse(e->quarter, &quarter)                        ? "quarter"
											       : NULL;
	if (wrong)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, wrong, "is missing, or none of its values");
	return !wrong;
}

static void decide(struct http_call *c, const struct blacklist_entry *e)
{
	enum status status = blacklist_decide(township_of(c)->blacklist, e);
	if (!status)
		http_answer(c, 201, "application/json", span_of_string("{}\n"));
	else if (status == STATUS_DENIED)
		http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "this role does not decide on it");
	else if (status == STATUS_EMPTY)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, e->decision == BLACKLIST_CONFIRM ? "document" : "note",
				  "is needed");
	else if (status == STATUS_CONFLICT)
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, "decision", "stands so already, or nothing is listed");
	else
		http_problem_of_status(c->x, status);
}

static void post_blacklist(struct http_call *c)
{
	struct blacklist_entry e = {.at_ms = clock_now_ms()};
	json_t *body = call_actor(c, &e.actor) ? call_object(c, keys, COUNT(keys)) : NULL;
	if (body && take_decision(c, body, &e))
		decide(c, &e);
	json_decref(body);
}

static void member(struct json_out *j, const char *key, struct span text)
{
	jout_key(j, key);
	jout_text(j, text);
}

static enum status tell_decision(void *context, const struct blacklist_entry *e)
{
	struct json_out *j = context;
	jout_open(j, '{');
	member(j, "kind", span_of_string(blacklist_kind_token(e->kind)));
	bool before = mask_people(e->kind == BLACKLIST_DRIVER);
	member(j, "name", e->name);
	mask_people(before);
	member(j, "quarter", e->quarter);
	member(j, "decision", span_of_string(blacklist_decision_token(e->decision)));
	member(j, "decision_zh", span_of_string(blacklist_decision_chinese(e->decision)));
	member(j, "note", e->note);
	member(j, "document", e->document);
	jout_key(j, "at");
	jout_time(j, e->at_ms);
	member(j, "who", span_of_string(e->actor.name));
	member(j, "unit", span_of_string(e->actor.unit));
	jout_close(j, '}');
	return j->status;
}

static void get_blacklist(struct http_call *c)
{
	struct buf text = buf_init(256u << 20);
	struct json_out j = json_out_init(&text);
	if (strcmp(c->principal.scope, "all") != 0) {
		http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "outside your scope");
		return;
	}
	jout_open(&j, '[');
	enum status status = blacklist_entries(township_of(c)->blacklist, tell_decision, &j);
	jout_close(&j, ']');
	jout_line(&j);
	status = status ? status : j.status;
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

enum status blacklist_route_add(struct http *h, const struct township *t)
{
	void *context = (void *)t;
	const struct http_route routes[] = {
		{HTTP_GET, 0, "/api/v1/blacklist/score", "scoreViolations",
		 "Score, stars and candidates for the black list of a quarter, of drivers, vehicles or enterprises.",
		 PAPER_MEDIA, score_params, COUNT(score_params), get_score, context},
		{HTTP_GET, 0, "/api/v1/blacklist", "listBlacklist", "Who was put on the list, or not, and by whom.",
		 "application/json", NULL, 0, get_blacklist, context},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/blacklist", "decideBlacklist",
		 "A decision: {\"kind\", \"name\", \"quarter\", \"decision\": \"confirm\" | \"reject\" | \"lift\", "
		 "\"note\", "
		 "\"document\"}.",
		 "application/json", NULL, 0, post_blacklist, context},
	};
	return add_routes(h, routes, COUNT(routes));
}
