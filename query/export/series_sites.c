/* series_sites.c -- streams gathered into sites, sites into groups.
 *
 *   streams, ordered by site ──> site: best state of its streams, last time ──> group: how many of each state
 *   registered sites without any stream count as sites that never reported */
#include "query/export/series_sites.h"

#include <stdio.h>
#include <stdlib.h>

#define LATE_INTERVALS 3
#define LATE_DEFAULT_MS (INT64_C(15) * 60000) /* of a stream whose interval nobody said */
#define SILENT_MS (INT64_C(24) * 3600000)
#define LIST_BATCH 1024
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const states[SITE_STATE_COUNT] = {
#define X(NAME, token) token,
	SITE_STATE_TABLE(X)
#undef X
};
static const struct {
	const char *token;
	enum device_field field;
} groups[SERIES_GROUP_COUNT] = {
#define X(NAME, token, field) {token, field},
	SERIES_GROUP_TABLE(X)
#undef X
};

const struct export_note site_notes[SITE_NOTES] = {
	{"ok", "the last value is younger than three sampling intervals, or than 15 min where no interval is known "
	       "最近数据不超过3个采样间隔"},
	{"late", "older than that, but not a day 超过3个采样间隔"},
	{"silent", "older than a day 超过24小时无数据"},
	{"never", "no value was ever taken in; a site is as good as the best of its streams 从未上报"},
};
const struct export_note rate_notes[RATE_NOTES] = {
	{"coverage",
	 "sites with at least one value in the span, of all registered sites 在线覆盖率=有数据站点/登记站点"},
	{"availability",
	 "sampling intervals of the span that hold at least one good value in range, of all; streams without "
	 "an interval are left out 数据可用率=有有效数据的采样间隔数/应有采样间隔数"},
	{"percent", "rounded down to two places 百分数向下取两位小数"},
};

const char *site_state_token(enum site_state state)
{
	return states[state];
}

enum status series_group_parse(struct span token, enum series_group *out)
{
	for (unsigned i = 0; i < SERIES_GROUP_COUNT; i++)
		if (span_equal(token, span_of_string(groups[i].token))) {
			*out = (enum series_group)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

const char *series_group_token(enum series_group group)
{
	return groups[group].token;
}

enum device_field series_group_field(enum series_group group)
{
	return groups[group].field;
}

enum site_state site_state_of(const struct stream *s, int64_t last_ms, int64_t now_ms)
{
	int64_t due_ms = s->interval_ms ? s->interval_ms * LATE_INTERVALS : LATE_DEFAULT_MS;
	if (last_ms == INT64_MIN)
		return SITE_NEVER;
	if (last_ms >= now_ms - due_ms)
		return SITE_OK;
	return last_ms >= now_ms - (due_ms > SILENT_MS ? due_ms : SILENT_MS) ? SITE_LATE : SITE_SILENT;
}

/* --- sites --- */

struct site {
	uint64_t id;
	char name[DEVICE_VALUE_MAX + 1]; /* of its group */
	uint64_t streams, reporting;     /* streams, and those with a value in the span, or in state OK */
	int64_t last_ms;
	enum site_state state;
	uint64_t due, filled; /* intervals */
};

struct sites {
	struct site *list;
	size_t count, capacity;
};

static enum status add_site(struct sites *s, uint64_t id)
{
	if (s->count == s->capacity) {
		size_t capacity = s->capacity ? s->capacity * 2 : 64;
		struct site *list = realloc(s->list, capacity * sizeof *list);
		if (!list)
			return STATUS_NO_MEMORY;
		s->list = list;
		s->capacity = capacity;
	}
	s->list[s->count++] = (struct site){.id = id, .last_ms = INT64_MIN, .state = SITE_NEVER};
	return STATUS_OK;
}

static bool says(struct engine *e, uint64_t site, enum device_field field, int64_t at_ms, struct span wanted)
{
	char value[DEVICE_VALUE_MAX + 1];
	return !wanted.size || (!registry_value(engine_registry(e), site, field, at_ms, value) &&
				span_equal(wanted, span_of_string(value)));
}

static bool is_wanted(struct engine *e, const struct series_ask *a, uint64_t id)
{
	char number[DEVICE_VALUE_MAX + 1];
	if (registry_value(engine_registry(e), id, DEVICE_FIELD_SITE, a->now_ms, number) ||
	    site_id(span_of_string(number)) != id)
		return false; /* a vehicle, a boat */
	return (!a->site.size || span_equal(a->site, span_of_string(number))) &&
	       says(e, id, DEVICE_FIELD_VILLAGE, a->now_ms, a->village) &&
	       says(e, id, DEVICE_FIELD_SECTOR, a->now_ms, a->sector) &&
	       says(e, id, DEVICE_FIELD_COMPANY, a->now_ms, a->company) && (!a->allows || a->allows(a->context, id));
}

/* Every registered site that is asked for, by id. */
static enum status list_sites(struct engine *e, const struct series_ask *a, struct sites *out)
{
	uint64_t ids[LIST_BATCH], after = 0;
	size_t n;
	enum status status = STATUS_OK;
	while (!status && (n = registry_list(engine_registry(e), after, ids, LIST_BATCH))) {
		for (size_t i = 0; i < n && !status; i++)
			if (is_wanted(e, a, ids[i]))
				status = add_site(out, ids[i]);
		after = ids[n - 1];
	}
	for (size_t i = 0; i < out->count && !status; i++)
		if (registry_value(engine_registry(e), out->list[i].id, groups[a->group].field, a->now_ms,
				   out->list[i].name))
			out->list[i].name[0] = '\0';
	return status;
}

static int by_id(const void *a, const void *b)
{
	const struct site *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

static struct site *site_of(const struct sites *s, uint64_t id)
{
	struct site key = {.id = id};
	return s->count ? bsearch(&key, s->list, s->count, sizeof key, by_id) : NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct site *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order ? order : by_id(a, b);
}

/* --- what each stream adds --- */

static enum status add_state(struct engine *e, const struct series_ask *a, const struct stream *s, struct site *site)
{
	struct value v = {.time_ms = INT64_MIN};
	int64_t seen_ms;
	enum status status = series_last(e, s->id, a->now_ms, &v, &seen_ms);
	if (status && status != STATUS_NOT_FOUND)
		return status;
	enum site_state state = site_state_of(s, v.time_ms, a->now_ms);
	site->streams++;
	site->reporting += state == SITE_OK;
	if (v.time_ms > site->last_ms)
		site->last_ms = v.time_ms;
	if (state < site->state)
		site->state = state;
	return STATUS_OK;
}

static enum status count_filled(void *context, const struct series_step *step)
{
	struct site *site = context;
	site->due++;
	site->filled += step->count > 0;
	return STATUS_OK;
}

static enum status add_rate(struct engine *e, const struct series_ask *a, const struct stream *s, struct site *site)
{
	struct series *reader;
	struct value v;
	struct series_question q = {.stream = s->id,
				    .from_ms = a->from_ms,
				    .until_ms = a->to_ms + 1,
				    .step_ms = s->interval_ms,
				    .want = 1u << SERIES_COUNT};
	site->streams++;
	enum status status = series_open(e, s->id, a->from_ms, a->to_ms, &reader);
	if (status)
		return status;
	status = series_next(reader, &v);
	series_close(reader);
	site->reporting += !status;
	if (status && status != STATUS_END)
		return status;
	return s->interval_ms ? series_steps(e, &q, count_filled, site) : STATUS_OK;
}

typedef enum status stream_adds(struct engine *e, const struct series_ask *a, const struct stream *s,
				struct site *site);

static enum status gather(struct engine *e, const struct series_ask *a, stream_adds *adds, struct sites *out)
{
	struct stream *streams = NULL;
	size_t count = 0;
	enum status status = list_sites(e, a, out);
	if (!status)
		status = series_ask_streams(e, a, &streams, &count);
	for (size_t i = 0; i < count && !status; i++) {
		struct site *site = site_of(out, streams[i].site);
		if (site)
			status = adds(e, a, &streams[i], site);
	}
	free(streams);
	if (!status && out->count)
		qsort(out->list, out->count, sizeof *out->list, by_name);
	return status;
}

/* --- rows --- */

struct group {
	uint64_t sites, in_state[SITE_STATE_COUNT], streams, reporting, covered, due, filled;
	int64_t last_ms;
	enum site_state best;
};

/* Sites [from, returned) are one group. */
static size_t take_group(const struct sites *s, size_t from, struct group *out)
{
	size_t i = from;
	*out = (struct group){.last_ms = INT64_MIN, .best = SITE_NEVER};
	for (; i < s->count && !strcmp(s->list[i].name, s->list[from].name); i++) {
		const struct site *one = &s->list[i];
		out->sites++;
		out->in_state[one->state]++;
		out->streams += one->streams;
		out->reporting += one->reporting;
		out->covered += one->reporting > 0;
		out->due += one->due;
		out->filled += one->filled;
		if (one->last_ms > out->last_ms)
			out->last_ms = one->last_ms;
		if (one->state < out->best)
			out->best = one->state;
	}
	return i;
}

void series_cell_percent(struct export_table *t, uint64_t part, uint64_t whole)
{
	char text[32] = "";
	uint64_t hundredths = whole ? (uint64_t)((unsigned __int128)part * 10000 / whole) : 0;
	if (whole)
		snprintf(text, sizeof text, "%llu.%02u", (unsigned long long)(hundredths / 100),
			 (unsigned)(hundredths % 100));
	cell_number(t, text);
}

static void board_row(struct export_table *t, const struct series_ask *a, const char *name, const struct group *g)
{
	cell_text(t, name);
	cell_integer(t, (int64_t)g->sites);
	for (unsigned i = 0; i < SITE_STATE_COUNT; i++)
		cell_integer(t, (int64_t)g->in_state[i]);
	cell_integer(t, (int64_t)g->streams);
	cell_integer(t, (int64_t)g->reporting);
	cell_time(t, g->last_ms);
	if (g->last_ms == INT64_MIN)
		cell_none(t);
	else
		cell_integer(t, (a->now_ms - g->last_ms) / 1000);
	cell_text(t, site_state_token(g->best));
}

static void rate_row(struct export_table *t, const struct series_ask *a, const char *name, const struct group *g)
{
	(void)a;
	cell_text(t, name);
	cell_integer(t, (int64_t)g->sites);
	cell_integer(t, (int64_t)g->covered);
	series_cell_percent(t, g->covered, g->sites);
	cell_integer(t, (int64_t)g->streams);
	cell_integer(t, (int64_t)g->reporting);
	cell_integer(t, (int64_t)g->due);
	cell_integer(t, (int64_t)g->filled);
	series_cell_percent(t, g->filled, g->due);
}

typedef void group_row(struct export_table *t, const struct series_ask *a, const char *name, const struct group *g);

static enum status put_groups(struct export_table *t, const struct series_ask *a, const struct sites *s, group_row *row)
{
	enum status status = export_table_status(t);
	for (size_t at = 0, end; at < s->count && !status; at = end) {
		struct group g;
		end = take_group(s, at, &g);
		row(t, a, s->list[at].name, &g);
		status = export_table_status(t);
		if (!status)
			status = a->flush(a->context);
	}
	return status;
}

enum status site_board(struct engine *e, const struct series_ask *a, struct export_table *t)
{
	const char *columns[] = {groups[a->group].token, "sites", "ok",    "late", "silent", "never", "streams",
				 "streams_ok",           "last",  "age_s", "state"};
	struct sites s = {NULL, 0, 0};
	enum status status = gather(e, a, add_state, &s);
	if (!status)
		status = export_table_begin(t, a->format, columns, COUNT(columns), t->out);
	if (!status)
		status = put_groups(t, a, &s, board_row);
	free(s.list);
	return status ? status : export_table_end(t, site_notes, SITE_NOTES);
}

enum status site_availability(struct engine *e, const struct series_ask *a, struct export_table *t)
{
	const char *columns[] = {
		groups[a->group].token, "sites",     "sites_reporting",  "coverage_percent",    "streams",
		"streams_reporting",    "intervals", "intervals_filled", "availability_percent"};
	struct sites s = {NULL, 0, 0};
	enum status status = gather(e, a, add_rate, &s);
	if (!status)
		status = export_table_begin(t, a->format, columns, COUNT(columns), t->out);
	if (!status)
		status = put_groups(t, a, &s, rate_row);
	free(s.list);
	return status ? status : export_table_end(t, rate_notes, RATE_NOTES);
}
