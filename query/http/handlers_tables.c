/* handlers_tables.c -- figures that people enter, and the tables that the township hands in. */
#include <stdio.h>

#include "engine/core/clock.h"
#include "query/export/export_tasks.h"
#include "query/export/kpi_fleet.h"
#include "query/export/township_tables.h"
#include "query/http/handlers_township.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- figures --- */

static const char *const figure_keys[] = {"place", "village",  "day",  "reporter",
					  "phone", "reviewer", "unit", "figures"};

static bool take_values(struct http_call *c, const json_t *body, struct figures_entry *e)
{
	const json_t *figures = json_object_get(body, "figures");
	const char *key;
	json_t *value;
	if (!json_is_object(figures) || !json_object_size(figures)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "figures", "is no object of figures");
		return false;
	}
	json_object_foreach((json_t *)figures, key, value)
	{
		if (e->count == FIGURE_COUNT - 1 || figure_parse(span_of_string(key), &e->values[e->count].figure) ||
		    !json_is_integer(value)) {
			http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, key, "is no figure, or no whole number");
			return false;
		}
		e->values[e->count++].value = json_integer_value(value);
	}
	return true;
}

static bool take_entry(struct http_call *c, const json_t *body, struct figures_entry *e)
{
	if (!body_text(c, body, "place", FIGURES_TEXT_MAX, &e->place) ||
	    !body_text(c, body, "village", FIGURES_TEXT_MAX, &e->village) ||
	    !body_text(c, body, "reporter", FIGURES_TEXT_MAX, &e->reporter) ||
	    !body_text(c, body, "phone", FIGURES_TEXT_MAX, &e->phone) ||
	    !body_text(c, body, "reviewer", FIGURES_TEXT_MAX, &e->reviewer) ||
	    !body_text(c, body, "unit", FIGURES_TEXT_MAX, &e->unit) || !body_day(c, body, "day", &e->day))
		return false;
	if (!e->place.size || e->day == HAZARD_DAY_NONE) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, e->place.size ? "day" : "place", "is missing");
		return false;
	}
	return take_values(c, body, e);
}

/* A clerk of a village enters its figures and no other's. */
static bool is_in_scope(struct http_call *c, const struct figures_entry *e)
{
	const char *scope = c->principal.scope;
	if (!strcmp(scope, "all") ||
	    (!strncmp(scope, "village:", 8) && span_equal(e->village, span_of_string(scope + 8))))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "outside your scope");
	return false;
}

static void enter(struct http_call *c, const struct figures_entry *e)
{
	uint8_t figure = 0;
	enum status status = figures_enter(township_of(c)->figures, e, &figure);
	const char *name = figure ? figure_token(figure) : NULL;
	if (!status)
		http_answer(c, 201, "application/json", span_of_string("{}\n"));
	else if (status == STATUS_DENIED)
		http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "this role enters no figures");
	else if (status == STATUS_CONFLICT)
		http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, name, "is more than the whole it is a part of");
	else if (status_class(status) == STATUS_CLASS_system)
		http_problem_of_status(c->x, status);
	else
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, name, status_text(status));
}

static void post_figures(struct http_call *c)
{
	struct figures_entry e = {.at_ms = clock_now_ms()};
	json_t *body = call_actor(c, &e.actor) ? call_object(c, figure_keys, COUNT(figure_keys)) : NULL;
	if (body && take_entry(c, body, &e) && is_in_scope(c, &e))
		enter(c, &e);
	json_decref(body);
}

enum { FIGURES_PLACE, FIGURES_VILLAGE, FIGURES_DAY };
static const struct http_param figures_params[] = {
	[FIGURES_PLACE] = {"place", HTTP_PARAM_TEXT, false, 0, FIGURES_TEXT_MAX, NULL, "all when left out"},
	[FIGURES_VILLAGE] = {"village", HTTP_PARAM_TEXT, false, 0, FIGURES_TEXT_MAX, NULL, "all when left out"},
	[FIGURES_DAY] = {"day", HTTP_PARAM_TEXT, false, 0, 16, NULL, "what holds on this date; today"},
};

/* The village that a table is of, by what is asked and who asks. False: the problem is sent. */
static bool take_village(struct http_call *c, unsigned param, struct span *out)
{
	const char *scope = c->principal.scope;
	*out = c->values[param].text;
	if (!strcmp(scope, "all"))
		return true;
	struct span own = strlen(scope) > 8 ? span_of_string(scope + 8) : span_of(NULL, 0);
	if (!strncmp(scope, "village:", 8) && own.size && (!out->size || span_equal(*out, own))) {
		*out = own;
		return true;
	}
	http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "outside your scope");
	return false;
}

static void get_figures(struct http_call *c)
{
	struct figures_sum sum;
	struct span village;
	int32_t day;
	struct buf text = buf_init(65536);
	struct json_out j = json_out_init(&text);
	if (!take_village(c, FIGURES_VILLAGE, &village) || !call_day(c, FIGURES_DAY, hazard_day(clock_now_ms()), &day))
		return;
	figures_on(township_of(c)->figures, c->values[FIGURES_PLACE].text, village, day, &sum);
	jout_open(&j, '{');
	jout_key(&j, "day");
	jout_day(&j, day);
	jout_key(&j, "places");
	jout_unsigned(&j, sum.places);
	jout_key(&j, "figures");
	jout_open(&j, '{');
	for (unsigned i = 1; i < FIGURE_COUNT; i++)
		if (sum.said >> i & 1) {
			jout_key(&j, figure_token(i));
			jout_integer(&j, sum.values[i]);
		}
	jout_close(&j, '}');
	jout_close(&j, '}');
	jout_line(&j);
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

/* --- tables --- */

enum { LANES_QUARTER, LANES_VILLAGE, LANES_FORMAT };
static const struct http_param lanes_params[] = {
	[LANES_QUARTER] = {"quarter", HTTP_PARAM_TEXT, true, 0, 39, NULL, "2026Q1"},
	[LANES_VILLAGE] = {"village", HTTP_PARAM_TEXT, false, 0, FIGURES_TEXT_MAX, NULL, "the township when left out"},
	[LANES_FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, PAPER_FORM_CHOICES, NULL},
};

static void get_fire_lanes(struct http_call *c)
{
	struct table_period quarter;
	struct span village;
	struct paper p;
	if (table_quarter_parse(c->values[LANES_QUARTER].text, &quarter)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "quarter", "is no quarter like 2026Q1");
		return;
	}
	if (!take_village(c, LANES_VILLAGE, &village))
		return;
	enum status status = table_fire_lanes(township_of(c)->figures, township_of(c)->hazards, &quarter, village, &p);
	answer_paper(c, &p, status, (unsigned)value_or(&c->values[LANES_FORMAT], PAPER_JSON), "fire-lanes");
}

enum { SITES_MONTH, SITES_SECTOR, SITES_VILLAGE, SITES_FORMAT };
static const struct http_param sites_params[] = {
	[SITES_MONTH] = {"month", HTTP_PARAM_TEXT, true, 0, 39, NULL, "2026-03"},
	[SITES_SECTOR] = {"sector", HTTP_PARAM_TEXT, false, 0, HAZARD_VALUE_MAX, NULL, "消防 when left out"},
	[SITES_VILLAGE] = {"village", HTTP_PARAM_TEXT, false, 0, HAZARD_VALUE_MAX, NULL, "all when left out"},
	[SITES_FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, PAPER_FORM_CHOICES, NULL},
};

static void get_fire_sites(struct http_call *c)
{
	struct table_period month;
	struct hazard_filter f = {.today = hazard_day(clock_now_ms())};
	struct paper p;
	if (table_month_parse(c->values[SITES_MONTH].text, &month)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "month", "is no month like 2026-03");
		return;
	}
	f.words[HAZARD_WORD_VILLAGE] = c->values[SITES_VILLAGE].text;
	if (!call_hazard_scope(c, &f))
		return;
	enum status status = table_fire_sites(township_of(c)->hazards, &f, c->values[SITES_SECTOR].text, &month, &p);
	answer_paper(c, &p, status, (unsigned)value_or(&c->values[SITES_FORMAT], PAPER_JSON), "fire-sites");
}

/* --- rates --- */

enum {
	KPI_FROM,
	KPI_TO,
	KPI_BY,
	KPI_ORDER,
	KPI_COMPANY,
	KPI_VILLAGE,
	KPI_PARAM_GAP_M,
	KPI_PARAM_GAP_S,
	KPI_PARAM_DRIFT,
	KPI_RATES,
	KPI_FORMAT
};
static const struct http_param kpi_params[] = {
	[KPI_FROM] = {"from", HTTP_PARAM_TIME, true, 0, 0, NULL, "first instant of the period"},
	[KPI_TO] = {"to", HTTP_PARAM_TIME, true, 0, 0, NULL, "last instant of the period"},
	[KPI_BY] = {"by", HTTP_PARAM_CHOICE, false, 0, 0, KPI_BY_CHOICES, "a row for each of them; all"},
	[KPI_ORDER] = {"order", HTTP_PARAM_CHOICE, false, 0, 0, KPI_ORDER_CHOICES,
		       "the worst of this rate first; name"},
	[KPI_COMPANY] = {"company", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX, NULL, "exactly"},
	[KPI_VILLAGE] = {"village", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX, NULL, "exactly"},
	[KPI_PARAM_GAP_M] = {"gap_m", HTTP_PARAM_INTEGER, false, 1, 1000000, NULL, "longest unbroken leg, m; 2000"},
	[KPI_PARAM_GAP_S] = {"gap_s", HTTP_PARAM_INTEGER, false, 1, 1000000, NULL, "longest unbroken gap, s; 300"},
	[KPI_PARAM_DRIFT] = {"drift_kmh", HTTP_PARAM_INTEGER, false, 1, 10000, NULL, "faster is drift, km/h; 160"},
	[KPI_RATES] = {"rates_only", HTTP_PARAM_FLAG, false, 0, 0, NULL, "reads no tracks: without mileage and drift"},
	[KPI_FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, PAPER_FORM_CHOICES, NULL},
};

/* Narrowed to what the asker may see. False: the problem is sent. */
static bool take_kpi_scope(struct http_call *c, struct kpi_request *q)
{
	const char *scope = c->principal.scope;
	struct span own = strlen(scope) > 8 ? span_of_string(scope + 8) : span_of(NULL, 0);
	struct span *asked = !strncmp(scope, "company:", 8) ? &q->company : &q->village;
	if (!strcmp(scope, "all"))
		return true;
	if (own.size && (!strncmp(scope, "company:", 8) || !strncmp(scope, "village:", 8)) &&
	    (!asked->size || span_equal(*asked, own))) {
		*asked = own;
		return true;
	}
	http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "outside your scope");
	return false;
}

static void get_kpi(struct http_call *c)
{
	struct kpi_request q = {.by = (uint8_t)value_or(&c->values[KPI_BY], KPI_BY_ALL),
				.order = (uint8_t)value_or(&c->values[KPI_ORDER], KPI_ORDER_NAME),
				.from_ms = c->values[KPI_FROM].number,
				.to_ms = c->values[KPI_TO].number,
				.gap_m = value_or(&c->values[KPI_PARAM_GAP_M], KPI_GAP_M),
				.gap_s = value_or(&c->values[KPI_PARAM_GAP_S], KPI_GAP_S),
				.drift_kmh = value_or(&c->values[KPI_PARAM_DRIFT], KPI_DRIFT_KMH),
				.company = c->values[KPI_COMPANY].text,
				.village = c->values[KPI_VILLAGE].text,
				.rates_only = c->values[KPI_RATES].number};
	struct paper p;
	if (q.from_ms > q.to_ms) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "to", "is before from");
		return;
	}
	if (!take_kpi_scope(c, &q))
		return;
	enum status status = kpi_fleet(http_engine(c->http), &q, &p);
	answer_paper(c, &p, status, (unsigned)value_or(&c->values[KPI_FORMAT], PAPER_JSON), "kpi");
}

enum status tables_route_add(struct http *h, const struct township *t)
{
	void *context = (void *)t;
	const struct http_route routes[] = {
		{HTTP_GET, 0, "/api/v1/figures", "getFigures",
		 "Entered figures that hold on a day, summed over places.", "application/json", figures_params,
		 COUNT(figures_params), get_figures, context},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/figures", "enterFigures",
		 "Figures of a place from a day on: {\"place\", \"village\", \"day\", \"reporter\", \"phone\", "
		 "\"reviewer\", "
		 "\"unit\", \"figures\": {}}.",
		 "application/json", NULL, 0, post_figures, context},
		{HTTP_GET, 0, "/api/v1/tables/fire-lanes", "getFireLanesTable",
		 "打通消防生命通道工作统计表 of a quarter.", PAPER_MEDIA, lanes_params, COUNT(lanes_params),
		 get_fire_lanes, context},
		{HTTP_GET, 0, "/api/v1/tables/fire-sites", "getFireSitesTable",
		 "消防安全隐患突出场所隐患问题汇总表 of a month.", PAPER_MEDIA, sites_params, COUNT(sites_params),
		 get_fire_sites, context},
		{HTTP_GET, 0, "/api/v1/kpi", "getFleetRates",
		 "Rates of dynamic monitoring (安装率, 入网率, 上线率, 轨迹完整率, 漂移率) with their definitions and "
		 "settings.",
		 PAPER_MEDIA, kpi_params, COUNT(kpi_params), get_kpi, context},
	};
	return add_routes(h, routes, COUNT(routes));
}
