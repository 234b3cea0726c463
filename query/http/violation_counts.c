/* violation_counts.c -- how many violations of which sort, and how many of them were dealt with (违规处理率).
 *
 *   slots   hash of a key ──> place in groups + 1     twice as many as groups, 0 empty
 *   groups  {key, count, handled} ...                 as they first came; sorted by count when all are in */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "query/export/json_out.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/violation_filter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* different keys of one answer, 272 bytes each: more vehicles than a township has */
#define GROUPS_MAX 200000
#define GROUPS_FIRST 256

/* The legal line of the handling rate, percent (道路运输车辆动态监督管理办法, article on unhandled violations). */
#define HANDLING_LINE_PERCENT 90

struct group {
	char key[DEVICE_VALUE_MAX + 1]; /* "": none */
	uint64_t count, handled;
};

struct tally {
	int64_t by;
	struct group *groups;
	uint32_t *slots;
	size_t count, capacity; /* of groups; slots are 2 * capacity */
	uint64_t total, handled;
};

enum { BY_RULE, BY_KIND, BY_DEVICE, BY_COMPANY, BY_VILLAGE, BY_FENCE, BY_SEVERITY, BY_STATE, BY_DAY };
#define BY_CHOICES "rule|kind|device|company|village|fence|severity|state|day"

static void key_of(int64_t by, const struct export_violation *e, char out[DEVICE_VALUE_MAX + 1])
{
	const struct finding *f = &e->violation->finding;
	const char *text = "";
	char room[TIME_TEXT_MAX];
	switch (by) {
	case BY_RULE:
		text = f->rule;
		break;
	case BY_KIND:
		text = rule_kind_token(f->kind);
		break;
	case BY_DEVICE:
		snprintf(room, sizeof room, "%016llx", (unsigned long long)f->device);
		text = f->device ? room : "";
		break;
	case BY_COMPANY:
		text = e->company ? e->company : "";
		break;
	case BY_VILLAGE:
		text = e->village ? e->village : "";
		break;
	case BY_FENCE:
		text = f->fence;
		break;
	case BY_SEVERITY:
		snprintf(room, sizeof room, "%u", e->rule ? e->rule->severity : 0u);
		text = e->rule ? room : "";
		break;
	case BY_STATE:
		text = case_state_token(e->violation->state);
		break;
	default: /* the day in China on which it began */
		time_format(f->start_ms, CHINA_OFFSET_MS, room);
		room[10] = '\0';
		text = room;
		break;
	}
	snprintf(out, DEVICE_VALUE_MAX + 1, "%s", text);
}

static uint32_t *slot_of(const struct tally *t, const char *key)
{
	size_t mask = 2 * t->capacity - 1, at = hash64(span_of_string(key)) & mask;
	while (t->slots[at] && strcmp(t->groups[t->slots[at] - 1].key, key))
		at = (at + 1) & mask;
	return &t->slots[at];
}

/* Room for one group more; capacities are powers of two. */
static enum status tally_grow(struct tally *t)
{
	size_t capacity = t->capacity ? 2 * t->capacity : GROUPS_FIRST;
	if (t->count < t->capacity)
		return STATUS_OK;
	if (t->count >= GROUPS_MAX)
		return STATUS_FULL;
	struct group *groups = realloc(t->groups, capacity * sizeof *groups);
	if (!groups)
		return STATUS_NO_MEMORY;
	t->groups = groups;
	uint32_t *slots = calloc(2 * capacity, sizeof *slots);
	if (!slots)
		return STATUS_NO_MEMORY;
	free(t->slots);
	t->slots = slots;
	t->capacity = capacity;
	for (size_t i = 0; i < t->count; i++)
		*slot_of(t, t->groups[i].key) = (uint32_t)i + 1;
	return STATUS_OK;
}

static enum status tally_add(void *context, const struct export_violation *e)
{
	struct tally *t = context;
	char key[DEVICE_VALUE_MAX + 1];
	enum status status = tally_grow(t);
	if (status)
		return status;
	key_of(t->by, e, key);
	uint32_t *slot = slot_of(t, key);
	if (!*slot) {
		struct group *g = &t->groups[t->count++];
		memset(g, 0, sizeof *g);
		memcpy(g->key, key, sizeof key);
		*slot = (uint32_t)t->count;
	}
	struct group *g = &t->groups[*slot - 1];
	g->count++;
	g->handled += e->violation->handled;
	t->total++;
	t->handled += e->violation->handled;
	return STATUS_OK;
}

/* Most first; days in their order. */
static int compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->key, y->key);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(((const struct group *)a)->key, ((const struct group *)b)->key);
}

static const char *chinese_of(int64_t by, const char *key)
{
	uint8_t state;
	if (by == BY_STATE && !case_state_parse(span_of_string(key), &state))
		return case_state_chinese(state);
	for (unsigned kind = 1; by == BY_KIND && kind < RULE_KIND_COUNT; kind++)
		if (!strcmp(rule_kind_token(kind), key))
			return rule_kind_chinese(kind);
	return NULL;
}

static void group_object(struct json_out *j, int64_t by, const struct group *g)
{
	const char *chinese = chinese_of(by, g->key);
	jout_open(j, '{');
	jout_key(j, "key");
	if (*g->key)
		jout_string(j, g->key);
	else
		jout_null(j);
	if (chinese) {
		jout_key(j, "key_zh");
		jout_string(j, chinese);
	}
	jout_key(j, "count");
	jout_unsigned(j, g->count);
	jout_key(j, "handled");
	jout_unsigned(j, g->handled);
	jout_close(j, '}');
}

static enum status write_tally(struct http_stream *s, const struct tally *t)
{
	struct json_out j = json_out_init(&s->chunk);
	jout_open(&j, '{');
	jout_key(&j, "groups");
	jout_open(&j, '[');
	for (size_t i = 0; i < t->count && !j.status; i++) {
		group_object(&j, t->by, &t->groups[i]);
		if (!j.status)
			j.status = stream_flush(s, false);
	}
	jout_close(&j, ']');
	jout_key(&j, "total");
	jout_unsigned(&j, t->total);
	jout_key(&j, "handled");
	jout_unsigned(&j, t->handled);
	jout_close(&j, '}');
	return j.status ? j.status : buf_append_u8(&s->chunk, '\n');
}

enum { BY = VIOLATION_OWN };

static const struct http_param count_params[] = {
	VIOLATION_FILTER_PARAMS,
	[BY] = {"by", HTTP_PARAM_CHOICE, true, 0, 0, BY_CHOICES, "what to count by; a day is one of China"},
};

static void get_counts(struct http_call *c)
{
	struct violation_filter f;
	struct http_stream s;
	struct tally t = {.by = c->values[BY].number};
	if (!violation_filter_read(&f, c))
		return;
	stream_begin(&s, c, "application/json");
	enum status status = violation_filter_scan(&f, 0, 0, tally_add, &t);
	violation_filter_deinit(&f);
	if (!status && t.count)
		qsort(t.groups, t.count, sizeof *t.groups, t.by == BY_DAY ? compare_keys : compare_groups);
	stream_close(&s, status ? status : write_tally(&s, &t));
	free(t.groups);
	free(t.slots);
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
	{HTTP_GET, 0, "/api/v1/violations/counts", "countViolations", "How many, by what is asked; most first.",
	 "application/json", count_params, COUNT(count_params), get_counts, NULL},
	{HTTP_GET, 0, "/api/v1/violations/handling-rate", "getHandlingRate",
	 "Handled of raised, whole percent rounded down, and whether it reaches the legal line; withdrawn ones do not "
	 "count.",
	 "application/json", rate_params, COUNT(rate_params), get_handling_rate, NULL},
};

enum status handlers_violation_counts_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
