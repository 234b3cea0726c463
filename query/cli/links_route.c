/* links_route.c -- how links are, how long they were up, and what is asked and answered over them. */
#include "query/cli/links_route.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "ingest/platform/platform.h"
#include "query/export/json_out.h"
#include "query/http/http_body.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ANSWER_MAX (8u << 20)
#define ASKS_PAGE 1000
/* without a span the connectivity is that of the last 31 days, as the yearly assessment counts it */
#define RATE_SPAN_MS (31 * MS_PER_DAY)
#define DUE_DEFAULT_S 600

static struct platform *platform_of(const struct http_call *c)
{
	return c->route->context;
}

static enum status audit_link(struct http_call *c, const char *action, const char *link)
{
	struct audit_entry entry = {.at_ms = clock_now_ms(), .who = c->principal};
	snprintf(entry.action, sizeof entry.action, "%s", action);
	snprintf(entry.case_number, sizeof entry.case_number, "%s", link);
	return audit_write(engine_store(http_engine(c->http)), &entry);
}

static void answer(struct http_call *c, unsigned code, struct json_out *j)
{
	if (!j->status)
		j->status = buf_append_u8(j->out, '\n');
	if (j->status)
		http_problem_of_status(c->x, j->status);
	else
		http_answer(c, code, "application/json", buf_view(j->out));
}

/* The link of the path, or the problem is sent. */
static bool call_link(struct http_call *c, size_t *out, char name[LINK_NAME_MAX + 1])
{
	struct platform *p = platform_of(c);
	struct span text = c->path_args[0];
	if (p && text.size && text.size <= LINK_NAME_MAX) {
		snprintf(name, LINK_NAME_MAX + 1, "%.*s", (int)text.size, (const char *)text.data);
		if (platform_find(p, name, out) == STATUS_OK)
			return true;
	}
	http_problem_send(c->x, HTTP_PROBLEM_NO_LINK, NULL, "no such link");
	return false;
}

/* --- links --- */

static void put_counters(struct json_out *j, struct platform *p, size_t link)
{
	const char *name;
	uint64_t value;
	jout_key(j, "counters");
	jout_open(j, '{');
	for (size_t i = 0; platform_counter(p, link, i, &name, &value) == STATUS_OK; i++) {
		jout_key(j, name);
		jout_unsigned(j, value);
	}
	jout_close(j, '}');
}

static void put_time(struct json_out *j, const char *key, int64_t ms)
{
	jout_key(j, key);
	if (ms)
		jout_time(j, ms);
	else
		jout_null(j);
}

static void put_link(struct json_out *j, struct platform *p, size_t index)
{
	static const char *const editions[] = {"2011", "2019", "detect"};
	struct link_status s;
	if (platform_link(p, index, &s))
		return;
	jout_open(j, '{');
	jout_key(j, "link");
	jout_string(j, s.config->name);
	jout_key(j, "title");
	jout_string(j, s.config->title);
	jout_key(j, "role");
	jout_string(j, s.config->role == LINK_LOWER ? "lower" : "upper");
	jout_key(j, "access_code");
	jout_unsigned(j, s.config->access_code);
	jout_key(j, "edition");
	jout_string(j, editions[s.edition]);
	jout_key(j, "up");
	jout_bool(j, s.up_since_ms != 0);
	put_time(j, "up_since", s.up_since_ms);
	jout_key(j, "main");
	jout_bool(j, s.main_up);
	jout_key(j, "sub");
	jout_bool(j, s.sub_up);
	jout_key(j, "main_address");
	jout_string(j, s.main_address);
	jout_key(j, "sub_address");
	jout_string(j, s.sub_address);
	jout_key(j, "vehicles");
	jout_unsigned(j, s.vehicles);
	jout_key(j, "asks_open");
	jout_unsigned(j, s.asks_open);
	put_counters(j, p, index);
	jout_close(j, '}');
}

static void get_links(struct http_call *c)
{
	struct platform *p = platform_of(c);
	struct buf text = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&text);
	if (!call_may_write(c))
		return; /* a link belongs to nobody's scope */
	jout_open(&j, '{');
	jout_key(&j, "links");
	jout_open(&j, '[');
	for (size_t i = 0; p && i < platform_links(p); i++)
		put_link(&j, p, i);
	jout_close(&j, ']');
	jout_close(&j, '}');
	answer(c, 200, &j);
	buf_deinit(&text);
}

static void get_link(struct http_call *c)
{
	size_t at;
	char name[LINK_NAME_MAX + 1];
	struct buf text = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&text);
	if (!call_may_write(c) || !call_link(c, &at, name))
		return;
	put_link(&j, platform_of(c), at);
	answer(c, 200, &j);
	buf_deinit(&text);
}

/* --- connectivity --- */

enum { FROM, TO };

static const struct http_param span_params[] = {
	[FROM] = {"from", HTTP_PARAM_TIME, false, 0, 0, NULL, "31 days before `to` when left out"},
	[TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "now when left out"},
};

static void put_rate(struct json_out *j, const char *name, const struct link_rate *r)
{
	jout_open(j, '{');
	jout_key(j, "link");
	jout_string(j, name);
	put_time(j, "from", r->from_ms);
	put_time(j, "to", r->to_ms);
	jout_key(j, "online_minutes");
	jout_integer(j, r->online_minutes);
	jout_key(j, "total_minutes");
	jout_integer(j, r->total_minutes);
	jout_key(j, "rate");
	jout_fixed(j, r->rate_e4, 4);
	jout_key(j, "score"); /* 平台连通率, of 15 */
	jout_fixed(j, (int64_t)r->rate_e4 * 15, 4);
	jout_key(j, "sessions");
	jout_unsigned(j, r->sessions);
	jout_key(j, "positions");
	jout_unsigned(j, r->positions);
	jout_key(j, "backfilled");
	jout_unsigned(j, r->backfilled);
	jout_key(j, "refused");
	jout_unsigned(j, r->refused);
	jout_key(j, "bad_frames");
	jout_unsigned(j, r->bad_frames);
	jout_close(j, '}');
}

static void get_connectivity(struct http_call *c)
{
	size_t at;
	char name[LINK_NAME_MAX + 1];
	struct link_rate rate;
	struct buf text = buf_init(4096);
	struct json_out j = json_out_init(&text);
	int64_t to_ms = value_or(&c->values[TO], clock_now_ms());
	if (!call_may_write(c) || !call_link(c, &at, name))
		return;
	enum status status =
		platform_rate(platform_of(c), name, value_or(&c->values[FROM], to_ms - RATE_SPAN_MS), to_ms, &rate);
	if (status == STATUS_INVALID) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "from", "`from` must be before `to`");
	} else if (status) {
		http_problem_of_status(c->x, status);
	} else {
		put_rate(&j, name, &rate);
		answer(c, 200, &j);
	}
	buf_deinit(&text);
}

/* --- asks --- */

static void put_text(struct json_out *j, const char *key, const char *text)
{
	if (!*text)
		return;
	jout_key(j, key);
	jout_string(j, text);
}

static const char *state_of(const struct link_ask *a, int64_t now_ms)
{
	if (a->answered_ms)
		return a->due_ms && a->answered_ms > a->due_ms ? "answered-late" : "answered";
	if (a->due_ms && now_ms > a->due_ms)
		return "overdue";
	return a->sent_ms || a->incoming ? "waiting" : "queued";
}

static void put_ask(struct json_out *j, const struct link_ask *a, int64_t now_ms)
{
	jout_open(j, '{');
	jout_key(j, "id");
	jout_unsigned(j, a->id);
	put_text(j, "link", a->link);
	jout_key(j, "kind");
	jout_string(j, link_ask_token(a->kind));
	jout_key(j, "kind_zh");
	jout_string(j, link_ask_chinese(a->kind));
	jout_key(j, "incoming");
	jout_bool(j, a->incoming);
	jout_key(j, "state");
	jout_string(j, state_of(a, now_ms));
	put_text(j, "plate", a->plate);
	put_text(j, "object", a->object);
	put_text(j, "by", a->who);
	put_text(j, "text", a->text);
	put_time(j, "asked", a->asked_ms);
	put_time(j, "due", a->due_ms);
	put_time(j, "sent", a->sent_ms);
	put_time(j, "answered", a->answered_ms);
	put_time(j, "from", a->from_ms);
	put_time(j, "to", a->to_ms);
	if (a->result >= 0) {
		jout_key(j, "result");
		jout_integer(j, a->result);
	}
	put_text(j, "answer", a->answer);
	put_text(j, "answerer", a->answerer);
	jout_close(j, '}');
}

enum { AFTER, OPEN };

static const struct http_param ask_params[] = {
	[AFTER] = {"after", HTTP_PARAM_INTEGER, false, 0, UINT32_MAX, NULL, "the last id of the page before"},
	[OPEN] = {"open", HTTP_PARAM_FLAG, false, 0, 0, NULL, "only what is not answered"},
};

struct ask_page {
	struct json_out *j;
	const char *link;
	bool open_only;
	unsigned count;
	int64_t now_ms;
	uint32_t last;
};

static enum status visit_ask(void *context, const struct link_ask *a)
{
	struct ask_page *page = context;
	if (page->count == ASKS_PAGE)
		return STATUS_END;
	page->last = a->id;
	if (strcmp(a->link, page->link) != 0 || (page->open_only && a->answered_ms))
		return STATUS_OK;
	page->count++;
	put_ask(page->j, a, page->now_ms);
	return page->j->status;
}

static void get_asks(struct http_call *c)
{
	size_t at;
	char name[LINK_NAME_MAX + 1];
	struct buf text = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&text);
	struct ask_page page = {.j = &j, .link = name, .now_ms = clock_now_ms()};
	if (!call_may_write(c) || !call_link(c, &at, name))
		return;
	page.open_only = value_or(&c->values[OPEN], 0) != 0;
	jout_open(&j, '{');
	jout_key(&j, "asks");
	jout_open(&j, '[');
	enum status status = link_asks(engine_store(http_engine(c->http)), (uint32_t)value_or(&c->values[AFTER], 0),
				       visit_ask, &page);
	jout_close(&j, ']');
	jout_key(&j, "next");
	if (page.count == ASKS_PAGE)
		jout_unsigned(&j, page.last);
	else
		jout_null(&j);
	jout_close(&j, '}');
	if (!j.status)
		j.status = status;
	answer(c, 200, &j);
	buf_deinit(&text);
}

static bool take_text(const json_t *body, const char *key, char *out, size_t room)
{
	const json_t *value = json_object_get(body, key);
	if (!value)
		return true;
	if (!json_is_string(value) || json_string_length(value) >= room ||
	    !http_text_is_clean(span_of(json_string_value(value), json_string_length(value))))
		return false;
	memcpy(out, json_string_value(value), json_string_length(value) + 1);
	return true;
}

static bool take_number(const json_t *body, const char *key, int64_t max, int64_t *out)
{
	const json_t *value = json_object_get(body, key);
	if (!value)
		return true;
	*out = json_integer_value(value);
	return json_is_integer(value) && *out >= 0 && *out <= max;
}

/* What is wrong with the body, or NULL. */
static const char *read_ask(const json_t *body, struct link_ask *a)
{
	char kind[32] = "", plate[DEVICE_VALUE_MAX + 1] = "";
	int64_t within_s = DUE_DEFAULT_S, object_type = 1, type = 0, level = 0;
	if (!take_text(body, "kind", kind, sizeof kind) || link_ask_parse(kind, &a->kind))
		return "`kind` must be one of duty-check, text, supervision, backfill, driver, waybill, static, "
		       "statistics, start, end";
	if (!take_text(body, "plate", plate, sizeof plate) ||
	    device_value_normalise(DEVICE_FIELD_PLATE, span_of_string(plate), a->plate))
		return "`plate` must be COLOUR:PLATE";
	if (!take_text(body, "text", a->text, sizeof a->text) || !take_text(body, "object", a->object, 21))
		return "`text` has up to 1000 bytes, `object` up to 20";
	if (!take_number(body, "within_s", 255 * 60, &within_s) ||
	    !take_number(body, "object_type", 255, &object_type) ||
	    !take_number(body, "alarm_type", UINT16_MAX, &type) || !take_number(body, "level", 255, &level))
		return "`within_s`, `object_type`, `alarm_type` or `level` is out of range";
	if ((json_object_get(body, "from") && !body_instant(json_object_get(body, "from"), &a->from_ms)) ||
	    (json_object_get(body, "to") && !body_instant(json_object_get(body, "to"), &a->to_ms)))
		return "`from` and `to` must be times";
	a->due_ms = clock_now_ms() + within_s * 1000;
	a->limit_min = (uint8_t)((within_s + 59) / 60);
	a->object_type = (uint8_t)object_type;
	a->alarm_type = (uint16_t)type;
	a->level = (uint8_t)level;
	return NULL;
}

static void answer_ask(struct http_call *c, const struct link_ask *a)
{
	struct buf text = buf_init(65536);
	struct json_out j = json_out_init(&text);
	put_ask(&j, a, clock_now_ms());
	answer(c, 201, &j);
	buf_deinit(&text);
}

static void send_ask(struct http_call *c, const char *link, struct link_ask *a)
{
	snprintf(a->who, sizeof a->who, "%s", c->principal.name);
	enum status status = audit_link(c, "link-ask", link);
	if (!status)
		status = platform_ask(platform_of(c), link, a);
	if (status == STATUS_INVALID)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL,
				  "the link is not one to a platform below, or a plate, a text or a span is missing");
	else if (status)
		http_problem_of_status(c->x, status);
	else
		answer_ask(c, a);
}

static void post_ask(struct http_call *c)
{
	size_t at;
	char name[LINK_NAME_MAX + 1];
	json_error_t error;
	const struct buf *text = &c->x->request.body;
	if (!call_may_write(c) || !call_link(c, &at, name))
		return;
	struct link_ask *a = calloc(1, sizeof *a);
	json_t *body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	const char *wrong = body && a ? read_ask(body, a) : NULL;
	if (!a)
		http_problem_of_status(c->x, STATUS_NO_MEMORY);
	else if (!body || wrong)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, body ? wrong : error.text);
	else
		send_ask(c, name, a);
	json_decref(body);
	free(a);
}

static void post_answer(struct http_call *c)
{
	size_t at;
	char name[LINK_NAME_MAX + 1], words[LINK_ASK_TEXT_MAX + 1] = "", telephone[21] = "", who[17] = "";
	json_error_t error;
	int64_t id, result = 1;
	const struct buf *text = &c->x->request.body;
	if (!call_may_write(c) || !call_link(c, &at, name))
		return;
	if (http_integer_parse(c->path_args[1], 1, UINT32_MAX, &id)) {
		http_problem_send(c->x, HTTP_PROBLEM_NO_LINK, NULL, "no such ask");
		return;
	}
	json_t *body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	bool right = body && take_text(body, "text", words, sizeof words) && take_text(body, "by", who, sizeof who) &&
		     take_text(body, "telephone", telephone, sizeof telephone) &&
		     take_number(body, "result", 255, &result);
	json_decref(body);
	if (!right) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, "wanted text, by, telephone, result");
		return;
	}
	enum status status = audit_link(c, "link-answer", name);
	if (!status)
		status = platform_answer(platform_of(c), (uint32_t)id, *who ? who : c->principal.name, telephone, words,
					 (int)result);
	if (status == STATUS_NOT_FOUND) {
		http_problem_send(c->x, HTTP_PROBLEM_NO_LINK, NULL, "nothing asked of us waits under this id");
	} else if (status) {
		http_problem_of_status(c->x, status);
	} else {
		exchange_begin(c->x, 204, NULL);
		exchange_end(c->x);
	}
}

enum status links_route_add(struct http *h, struct platform *p)
{
	const struct http_route routes[] = {
		{HTTP_GET, 0, "/api/v1/links", "listLinks",
		 "Links with other platforms (JT/T 809): which are up, since when, and what they brought.",
		 "application/json", NULL, 0, get_links, p},
		{HTTP_GET, 0, "/api/v1/links/{link}", "getLink", "One link.", "application/json", NULL, 0, get_link, p},
		{HTTP_GET, 0, "/api/v1/links/{link}/connectivity", "getConnectivity",
		 "Connectivity (平台连通率) of a link: online minutes of all minutes.", "application/json", span_params,
		 COUNT(span_params), get_connectivity, p},
		{HTTP_GET, 0, "/api/v1/links/{link}/asks", "listAsks",
		 "What was asked over a link: duty checks (查岗), supervision (督办), backfill ..., with the answers.",
		 "application/json", ask_params, COUNT(ask_params), get_asks, p},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/links/{link}/asks", "postAsk",
		 "Ask the platform below: {\"kind\":..., \"text\":..., \"plate\":..., \"from\":..., \"to\":..., "
		 "\"within_s\":...}; leaves at once or after its next login.",
		 "application/json", NULL, 0, post_ask, p},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/links/{link}/asks/{id}/answer", "postAnswer",
		 "Answer what the platform above asks: {\"text\":..., \"by\":..., \"telephone\":..., \"result\":...}.",
		 "", NULL, 0, post_answer, p},
	};
	return add_routes(h, routes, COUNT(routes));
}
