/* series_status.c -- streams with what is found open of them; monitors installed and reporting.
 *
 *   streams, ordered by site ── last value, open findings ──> row ... counts
 *   streams, ordered by site ──> site with such a stream ── any value in the span? ──> groups ──> rows, and one of all
 */
#include "query/export/series_status.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/detect/rules.h"
#include "engine/fleet/findings.h"
#include "query/export/series_sites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define RULES_TEXT_MAX 512

static const char *const conditions[CONDITION_COUNT] = {
#define X(NAME, token) token,
	STREAM_CONDITION_TABLE(X)
#undef X
};

/* --- what is open --- */

struct open_findings {
	enum stream_condition condition;
	unsigned count, rank; /* rank: of `level` rules, 1 LL, 2 L, 3 H, 4 HH; 0 none */
	char rules[RULES_TEXT_MAX];
	size_t size;
};

/* What says that the sensor is not to be relied on is a fault; what it says, an alarm. */
static enum stream_condition condition_of(const struct finding *f)
{
	switch (f->kind) {
	case RULE_MISSING:
	case RULE_STUCK:
	case RULE_OUT_OF_RANGE:
	case RULE_DRIFT:
		return CONDITION_FAULT;
	case RULE_STATE:
		return f->confidence == CONFIDENCE_LOW ? CONDITION_TEST : CONDITION_ALARM;
	default:
		return CONDITION_ALARM;
	}
}

/* HH over H, LL over L; high over low of one severity. */
static unsigned severity(unsigned rank)
{
	static const unsigned order[] = {0, 3, 1, 2, 4};
	return order[rank < COUNT(order) ? rank : 0];
}

static enum status add_open(void *context, uint64_t id, struct decided decided, const struct finding *f)
{
	struct open_findings *o = context;
	(void)id;
	(void)decided;
	if (!f->open)
		return STATUS_OK;
	enum stream_condition condition = condition_of(f);
	int64_t rank = f->numbers[FINDING_LEVEL];
	o->count++;
	if (condition < o->condition)
		o->condition = condition;
	if (rank != NUMBER_UNKNOWN && severity((unsigned)rank) > severity(o->rank))
		o->rank = (unsigned)rank;
	if (o->size + strlen(f->rule) + 2 < sizeof o->rules)
		o->size += (size_t)sprintf(o->rules + o->size, "%s%s", o->size ? " " : "", f->rule);
	return STATUS_OK;
}

/* --- status --- */

struct totals {
	uint64_t streams, states[SITE_STATE_COUNT], conditions[CONDITION_COUNT], open;
};

static void cell_site(struct export_table *t, struct engine *e, const struct series_ask *a, uint64_t site,
		      enum device_field field)
{
	char value[DEVICE_VALUE_MAX + 1];
	bool said = !registry_value(engine_registry(e), site, field, a->now_ms, value);
	cell_text(t, said ? value : "");
}

static void put_last_value(struct export_table *t, struct engine *e, const struct series_ask *a, const struct stream *s,
			   const struct value *v, bool none)
{
	cell_time(t, none ? INT64_MIN : v->time_ms);
	if (none) {
		for (int i = 0; i < 4; i++)
			cell_none(t);
		return;
	}
	series_cell_value(t, e, v);
	cell_text(t, value_quality_token(v->quality));
	cell_bool(t, v->type == VALUE_TEXT || series_in_range(s, v));
	cell_integer(t, (a->now_ms - v->time_ms) / 1000);
}

static enum status status_row(struct export_table *t, struct engine *e, const struct series_ask *a,
			      const struct stream *s, struct totals *totals)
{
	static const char *const ranks[] = {"", "LL", "L", "H", "HH"};
	struct value v = {.time_ms = INT64_MIN};
	struct open_findings o = {.condition = CONDITION_NORMAL};
	int64_t seen_ms;
	enum status found = series_last(e, s->id, a->now_ms, &v, &seen_ms);
	enum status status = found && found != STATUS_NOT_FOUND ? found : STATUS_OK;
	if (!status)
		status = findings_of(engine_findings(e), s->id, add_open, &o);
	if (status)
		return status;
	enum site_state state = site_state_of(s, found ? INT64_MIN : v.time_ms, a->now_ms);
	cell_hex64(t, s->id);
	cell_text(t, s->site_number);
	cell_site(t, e, a, s->site, DEVICE_FIELD_NAME);
	cell_site(t, e, a, s->site, DEVICE_FIELD_VILLAGE);
	cell_site(t, e, a, s->site, DEVICE_FIELD_SECTOR);
	cell_text(t, s->quantity);
	cell_text(t, stream_kind_token(s->kind));
	cell_text(t, s->unit);
	put_last_value(t, e, a, s, &v, found != STATUS_OK);
	cell_text(t, site_state_token(state));
	cell_text(t, conditions[o.condition]);
	cell_text(t, ranks[o.rank < COUNT(ranks) ? o.rank : 0]);
	cell_integer(t, o.count);
	cell_text(t, o.rules);
	totals->streams++;
	totals->states[state]++;
	totals->conditions[o.condition]++;
	totals->open += o.count;
	status = export_table_status(t);
	return status ? status : a->flush(a->context);
}

static void print_totals(const struct totals *n, char out[256])
{
	int at = snprintf(out, 256, "streams %llu, open findings %llu", (unsigned long long)n->streams,
			  (unsigned long long)n->open);
	for (unsigned i = 0; i < SITE_STATE_COUNT; i++)
		at += snprintf(out + at, 256 - (size_t)at, ", %s %llu", site_state_token((enum site_state)i),
			       (unsigned long long)n->states[i]);
	for (unsigned i = 0; i < CONDITION_COUNT; i++)
		at += snprintf(out + at, 256 - (size_t)at, ", %s %llu", conditions[i],
			       (unsigned long long)n->conditions[i]);
}

enum status site_status(struct engine *e, const struct series_ask *a, struct export_table *t)
{
	static const char *const columns[] = {"stream", "site",  "name",      "village", "sector",        "quantity",
					      "kind",   "unit",  "time",      "value",   "quality",       "in_range",
					      "age_s",  "state", "condition", "level",   "open_findings", "rules"};
	struct stream *streams = NULL;
	struct totals totals = {0};
	size_t count = 0;
	char counts[256];
	enum status status = series_ask_streams(e, a, &streams, &count);
	if (!status)
		status = export_table_begin(t, a->format, columns, COUNT(columns), t->out);
	for (size_t i = 0; i < count && !status; i++)
		if (!a->stream_kind_asked || streams[i].kind == a->stream_kind)
			status = status_row(t, e, a, &streams[i], &totals);
	free(streams);
	print_totals(&totals, counts);
	const struct export_note notes[] = {
		{"counts", counts},
		{"state", "how old the last value is, as on the board of sites: ok, late, silent, never 数据新鲜度"},
		{"condition", "of open findings: alarm, what the value says; fault, that it cannot be relied on; test; "
			      "else normal 报警, 故障, 测试, 正常"},
		{"level", "the worst open level: HH, H, L or LL 最高越限级别"},
	};
	return status ? status : export_table_end(t, notes, COUNT(notes));
}

/* --- coverage --- */

struct monitor {
	char group[DEVICE_VALUE_MAX + 1];
	uint64_t streams, reporting;
};

static enum status says_anything(struct engine *e, const struct series_ask *a, uint64_t stream, bool *out)
{
	struct series *reader;
	struct value v;
	enum status status = series_open(e, stream, a->from_ms, a->to_ms, &reader);
	if (status)
		return status;
	status = series_next(reader, &v);
	series_close(reader);
	*out = !status;
	return status == STATUS_END ? STATUS_OK : status;
}

/* Streams of one site are neighbours. */
static enum status gather(struct engine *e, const struct series_ask *a, const struct stream *s, size_t count,
			  struct monitor *out, size_t *out_count)
{
	enum status status = STATUS_OK;
	*out_count = 0;
	for (size_t i = 0; i < count && !status; i++) {
		bool says = false;
		if (!i || s[i].site != s[i - 1].site) {
			struct monitor *m = &out[(*out_count)++];
			if (registry_value(engine_registry(e), s[i].site, series_group_field(a->group), a->now_ms,
					   m->group))
				m->group[0] = '\0';
		}
		status = says_anything(e, a, s[i].id, &says);
		out[*out_count - 1].streams++;
		out[*out_count - 1].reporting += says;
	}
	return status;
}

static int by_group(const void *a, const void *b)
{
	return strcmp(((const struct monitor *)a)->group, ((const struct monitor *)b)->group);
}

static enum status coverage_row(struct export_table *t, const struct series_ask *a, const char *name,
				const struct monitor *m, size_t count)
{
	uint64_t streams = 0, streams_reporting = 0, reporting = 0;
	for (size_t i = 0; i < count; i++) {
		streams += m[i].streams;
		streams_reporting += m[i].reporting;
		reporting += m[i].reporting > 0;
	}
	cell_text(t, name);
	cell_integer(t, (int64_t)count);
	cell_integer(t, (int64_t)reporting);
	series_cell_percent(t, reporting, count);
	cell_integer(t, (int64_t)streams);
	cell_integer(t, (int64_t)streams_reporting);
	enum status status = export_table_status(t);
	return status ? status : a->flush(a->context);
}

static enum status put_coverage(struct export_table *t, const struct series_ask *a, const struct monitor *m,
				size_t count)
{
	enum status status = STATUS_OK;
	for (size_t at = 0, end; at < count && !status; at = end) {
		for (end = at + 1; end < count && !strcmp(m[end].group, m[at].group); end++)
			;
		status = coverage_row(t, a, m[at].group, m + at, end - at);
	}
	return status ? status : coverage_row(t, a, "*", m, count);
}

static void print_target(const struct series_ask *a, size_t installed, char out[128])
{
	uint64_t hundredths = a->target ? (uint64_t)installed * 10000 / a->target : 0;
	snprintf(out, 128, "%zu of %llu installed, %llu.%02llu %% 安装进度", installed, (unsigned long long)a->target,
		 (unsigned long long)(hundredths / 100), (unsigned long long)(hundredths % 100));
}

enum status site_coverage(struct engine *e, const struct series_ask *a, struct export_table *t)
{
	const char *columns[] = {series_group_token(a->group), "installed", "reporting",
				 "coverage_percent",           "streams",   "streams_reporting"};
	struct stream *streams = NULL;
	size_t count = 0, sites = 0;
	char target[128];
	enum status status = series_ask_streams(e, a, &streams, &count);
	struct monitor *m = status ? NULL : calloc(count + 1, sizeof *m);
	if (!status && !m)
		status = STATUS_NO_MEMORY;
	if (!status)
		status = gather(e, a, streams, count, m, &sites);
	if (!status && sites)
		qsort(m, sites, sizeof *m, by_group);
	if (!status)
		status = export_table_begin(t, a->format, columns, COUNT(columns), t->out);
	if (!status)
		status = put_coverage(t, a, m, sites);
	free(streams);
	free(m);
	print_target(a, sites, target);
	const struct export_note notes[] = {
		{"installed",
		 "sites that have a stream as asked for (quantity, kind of monitor) 已安装=有该监测项的站点"},
		{"reporting", "installed sites with at least one value of it in the span 在线=时段内有数据的站点"},
		{"coverage_percent", "reporting of installed, rounded down to two places; the row * is all of them "
				     "在线率, 向下取两位小数; *为合计"},
		{"target", target},
	};
	return status ? status : export_table_end(t, notes, a->target ? 4 : 3);
}
