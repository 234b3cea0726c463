/* violation_counts.c -- how many violations of which sort, who leads in which period, and how many were dealt with
 * (违规处理率). */
#include <stdio.h>

#include "query/export/json_out.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/violation_filter.h"
#include "query/http/violation_tally.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The legal line of the handling rate, percent (道路运输车辆动态监督管理办法, article on unhandled violations). */
#define HANDLING_LINE_PERCENT 90

#define TALLY_FORMATS (1u << EXPORT_JSON | 1u << EXPORT_NDJSON | 1u << EXPORT_CSV)

/* --- a group as a row --- */

static void member_text(struct json_out *j, const char *key, const char *text)
{
	jout_key(j, key);
	if (text && *text)
		jout_string(j, text);
	else
		jout_null(j);
}

static void member_key(struct json_out *j, enum tally_by by, const char *name, const char *name_zh, const char *key)
{
	const char *chinese = tally_chinese(by, key);
	member_text(j, name, key);
	if (chinese)
		member_text(j, name_zh, chinese);
}

static void member_counts(struct json_out *j, const struct tally_group *g)
{
	jout_key(j, "count");
	jout_unsigned(j, g->count);
	jout_key(j, "handled");
	jout_unsigned(j, g->handled);
}

static enum status csv_key(struct buf *out, enum tally_by by, const char *key)
{
	const char *chinese = tally_chinese(by, key);
	enum status status = csv_append(out, span_of_string(key));
	if (!status)
		status = buf_append_u8(out, ',');
	if (!status && chinese)
		status = csv_append(out, span_of_string(chinese));
	return status ? status : buf_append_u8(out, ',');
}

static enum status csv_counts(struct buf *out, const struct tally_group *g)
{
	return buf_printf(out, "%llu,%llu\r\n", (unsigned long long)g->count, (unsigned long long)g->handled);
}

/* --- counts --- */

static enum status put_group(struct export_list *w, const struct tally *t, const struct tally_group *g, struct buf *out)
{
	size_t size = out->size;
	struct json_out j = json_out_init(out);
	j.comma = w->rows > 0 && w->format != EXPORT_NDJSON;
	if (w->format == EXPORT_CSV) {
		j.status = csv_key(out, t->by, g->key);
		if (!j.status)
			j.status = csv_key(out, t->second, g->second);
		if (!j.status)
			j.status = csv_counts(out, g);
	} else {
		jout_open(&j, '{');
		member_key(&j, t->by, "key", "key_zh", g->key);
		if (t->second != TALLY_NONE)
			member_key(&j, t->second, "and", "and_zh", g->second);
		member_counts(&j, g);
		jout_close(&j, '}');
	}
	return export_list_row_end(w, &j, out, size);
}

static enum status end_groups(const struct export_list *w, const struct tally *t, struct buf *out)
{
	struct json_out j = json_out_init(out);
	if (w->format != EXPORT_JSON)
		return STATUS_OK;
	jout_close(&j, ']');
	jout_key(&j, "total");
	jout_unsigned(&j, t->total);
	jout_key(&j, "handled");
	jout_unsigned(&j, t->handled);
	jout_close(&j, '}');
	return j.status ? j.status : buf_append_u8(out, '\n');
}

static enum status write_groups(struct http_stream *s, enum export_format format, const struct tally *t)
{
	struct export_list w = {format, "groups", "key,key_zh,and,and_zh,count,handled", 0};
	enum status status = export_list_begin(&w, &s->chunk);
	for (size_t i = 0; i < t->count && !status; i++) {
		status = put_group(&w, t, &t->groups[i], &s->chunk);
		if (!status)
			status = stream_flush(s, false);
	}
	return status ? status : end_groups(&w, t, &s->chunk);
}

/* Everything that fits, counted and in order; `f` is released. */
static enum status count_all(struct violation_filter *f, struct tally *t)
{
	enum status status = violation_filter_scan(f, 0, 0, tally_add, t);
	violation_filter_deinit(f);
	if (!status)
		tally_sort(t);
	return status;
}

enum { BY = VIOLATION_OWN, AND, COUNT_FORMAT };

static const struct http_param count_params[] = {
	VIOLATION_FILTER_PARAMS,
	[BY] = {"by", HTTP_PARAM_CHOICE, true, 0, 0, TALLY_CHOICES, "what to count by; periods are those of China"},
	[AND] = {"and", HTTP_PARAM_CHOICE, false, 0, 0, TALLY_CHOICES, "count pairs of both"},
	[COUNT_FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, FORMAT_CHOICES, "json, ndjson or csv"},
};

static void get_counts(struct http_call *c)
{
	const struct http_value *v = c->values;
	struct violation_filter f;
	struct http_stream s;
	enum export_format format;
	struct tally t = tally_init((enum tally_by)v[BY].number, (enum tally_by)value_or(&v[AND], TALLY_NONE));
	if (t.by == t.second) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "and", "`and` is what `by` is");
		return;
	}
	if (!call_format(c, &v[COUNT_FORMAT], TALLY_FORMATS, &format) || !violation_filter_read(&f, c))
		return;
	stream_begin(&s, c, export_format_media(format));
	enum status status = count_all(&f, &t);
	stream_close(&s, status ? status : write_groups(&s, format, &t));
	tally_deinit(&t);
}

/* --- top lists ---
 *
 *   cursor  hex of: period NUL key NUL count        the last row of the answer before; what is behind it in the order
 *                                                   of the list comes next, even when counts have changed since */

#define CURSOR_TEXT_MAX 600
#define FIRST_MAX 1000
#define FIRST_DEFAULT 10

enum { TOP_BY = VIOLATION_OWN, PERIOD, FIRST, TOP_LIMIT, TOP_CURSOR, TOP_FORMAT };

static const struct http_param top_params[] = {
	VIOLATION_FILTER_PARAMS,
	[TOP_BY] = {"by", HTTP_PARAM_CHOICE, true, 0, 0, TALLY_TOP_CHOICES, "who or what leads"},
	[PERIOD] = {"period", HTTP_PARAM_CHOICE, false, 0, 0, TALLY_PERIOD_CHOICES,
		    "a list for each day, week (from Monday) or month of China; one for all when left out"},
	[FIRST] = {"first", HTTP_PARAM_INTEGER, false, 1, FIRST_MAX, NULL, "places of each list; 10 when left out"},
	[TOP_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, PAGE_ROWS_MAX, NULL,
		       "rows of one answer (JSON: 1000 when left out; others: all)"},
	[TOP_CURSOR] = {"cursor", HTTP_PARAM_CURSOR, false, 0, 2 * CURSOR_TEXT_MAX, NULL,
			"`next` of the answer before"},
	[TOP_FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, FORMAT_CHOICES, "json, ndjson or csv"},
};

struct top {
	struct http_stream s;
	struct export_list w;
	struct tally tally; /* by the period, or by nothing, and then by what is asked */
	uint64_t first, limit;
	bool has_after;
	struct tally_group after; /* its keys are in after_text */
	char after_text[CURSOR_TEXT_MAX + 1];
	char next[2 * CURSOR_TEXT_MAX + 1];
};

static bool cursor_read(struct top *t, struct span text)
{
	struct buf b = {(uint8_t *)t->after_text, 0, CURSOR_TEXT_MAX, CURSOR_TEXT_MAX};
	if (hex_decode(&b, text))
		return false;
	t->after_text[b.size] = '\0';
	t->after.key = t->after_text;
	t->after.second = t->after_text + strlen(t->after_text) + 1;
	const char *count = t->after.second - t->after_text < (ptrdiff_t)b.size
				    ? t->after.second + strlen(t->after.second) + 1
				    : t->after_text + b.size;
	int64_t number;
	if (count - t->after_text >= (ptrdiff_t)b.size ||
	    http_integer_parse(span_of(count, (size_t)(t->after_text + b.size - count)), 1, INT64_MAX, &number))
		return false;
	t->after.count = (uint64_t)number;
	return t->has_after = true;
}

/* STATUS_FULL: a name too long for a cursor, which no value of a registry is. */
static enum status cursor_write(struct top *t, const struct tally_group *g)
{
	char text[CURSOR_TEXT_MAX];
	int n = snprintf(text, sizeof text, "%s%c%s%c%llu", g->key, 0, g->second, 0, (unsigned long long)g->count);
	if (n < 0 || n >= (int)sizeof text)
		return STATUS_FULL;
	hex_encode(t->next, span_of(text, (size_t)n));
	return STATUS_OK;
}

static enum status put_place(struct top *t, const struct tally_group *g, uint64_t rank)
{
	struct buf *out = &t->s.chunk;
	struct export_list *w = &t->w;
	size_t size = out->size;
	struct json_out j = json_out_init(out);
	j.comma = w->rows > 0 && w->format != EXPORT_NDJSON;
	if (w->format == EXPORT_CSV) {
		j.status = buf_printf(out, "%s,%llu,", g->key, (unsigned long long)rank);
		if (!j.status)
			j.status = csv_key(out, t->tally.second, g->second);
		if (!j.status)
			j.status = csv_counts(out, g);
	} else {
		jout_open(&j, '{');
		member_text(&j, "period", g->key);
		jout_key(&j, "rank");
		jout_unsigned(&j, rank);
		member_key(&j, t->tally.second, "key", "key_zh", g->second);
		member_counts(&j, g);
		jout_close(&j, '}');
	}
	return export_list_row_end(w, &j, out, size);
}

static enum status write_top(struct top *t)
{
	const struct tally *tally = &t->tally;
	const struct tally_group *last = NULL;
	uint64_t rank = 0;
	bool more = false;
	enum status status = export_list_begin(&t->w, &t->s.chunk);
	for (size_t i = 0; i < tally->count && !status; i++) {
		const struct tally_group *g = &tally->groups[i];
		rank = i && !strcmp(g->key, g[-1].key) ? rank + 1 : 1;
		if (rank > t->first || (t->has_after && tally_compare(tally->by, g, &t->after) <= 0))
			continue;
		more = last && t->w.rows == t->limit;
		if (more)
			break;
		last = g;
		status = put_place(t, g, rank);
		if (!status)
			status = stream_flush(&t->s, false);
	}
	if (!status && more)
		status = cursor_write(t, last);
	return status ? status : export_list_end(&t->w, more ? t->next : NULL, &t->s.chunk);
}

static void get_top(struct http_call *c)
{
	const struct http_value *v = c->values;
	struct violation_filter f;
	struct top t = {.w = {.member = "top", .header = "period,rank,key,key_zh,count,handled"}};
	enum tally_by period = v[PERIOD].set ? (enum tally_by)(TALLY_DAY + v[PERIOD].number) : TALLY_NONE;
	if (v[TOP_CURSOR].set && !cursor_read(&t, v[TOP_CURSOR].text)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "cursor", "this is no cursor of ours");
		return;
	}
	if (!call_format(c, &v[TOP_FORMAT], TALLY_FORMATS, &t.w.format) || !violation_filter_read(&f, c))
		return;
	t.tally = tally_init(period, (enum tally_by)v[TOP_BY].number);
	t.first = (uint64_t)value_or(&v[FIRST], FIRST_DEFAULT);
	t.limit = (uint64_t)value_or(&v[TOP_LIMIT], t.w.format == EXPORT_JSON ? PAGE_ROWS_DEFAULT : INT64_MAX);
	stream_begin(&t.s, c, export_format_media(t.w.format));
	enum status status = count_all(&f, &t.tally);
	stream_close(&t.s, status ? status : write_top(&t));
	tally_deinit(&t.tally);
}

/* --- the handling rate --- */

struct rate {
	uint64_t raised, handled;
};

/* What late data took away again was never there to be handled. */
static enum status rate_add(void *context, const struct export_violation *e)
{
	struct rate *r = context;
	if (e->violation->state == CASE_WITHDRAWN)
		return STATUS_OK;
	r->raised++;
	r->handled += e->violation->handled;
	return STATUS_OK;
}

static const struct http_param rate_params[] = {VIOLATION_FILTER_PARAMS};

static void get_handling_rate(struct http_call *c)
{
	struct violation_filter f;
	struct rate r = {0, 0};
	struct buf text = buf_init(1024);
	struct json_out j = json_out_init(&text);
	if (!violation_filter_read(&f, c))
		return;
	j.status = violation_filter_scan(&f, 0, 0, rate_add, &r);
	violation_filter_deinit(&f);
	jout_open(&j, '{');
	jout_key(&j, "raised");
	jout_unsigned(&j, r.raised);
	jout_key(&j, "handled");
	jout_unsigned(&j, r.handled);
	jout_key(&j, "percent");
	if (r.raised)
		jout_unsigned(&j, r.handled * 100 / r.raised);
	else
		jout_null(&j);
	jout_key(&j, "line_percent");
	jout_unsigned(&j, HANDLING_LINE_PERCENT);
	jout_key(&j, "enough");
	jout_bool(&j, r.handled * 100 >= r.raised * HANDLING_LINE_PERCENT);
	jout_close(&j, '}');
	if (!j.status)
		j.status = buf_append_u8(&text, '\n');
	if (j.status && j.status != STATUS_CANCELLED)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/violations/counts", "countViolations",
	 "How many, by what is asked or by pairs; most first, periods in order.",
	 "application/json application/x-ndjson text/csv", count_params, COUNT(count_params), get_counts, NULL},
	{HTTP_GET, 0, "/api/v1/violations/top", "topViolations",
	 "Who or what leads by number of violations, for each period by rank: period, rank, key, count, handled.",
	 "application/json application/x-ndjson text/csv", top_params, COUNT(top_params), get_top, NULL},
	{HTTP_GET, 0, "/api/v1/violations/handling-rate", "getHandlingRate",
	 "Handled of raised, whole percent rounded down, and whether it reaches the legal line; withdrawn ones do not "
	 "count.",
	 "application/json", rate_params, COUNT(rate_params), get_handling_rate, NULL},
};

enum status handlers_violation_counts_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
