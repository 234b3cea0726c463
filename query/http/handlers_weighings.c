/* handlers_weighings.c -- records of scales: taking them in, listing them, and who had too many overloads in a year.
 *
 *   POST one record, or {"weighings":[...]} ── checked ──> rows (synced) ──> values of the sites' streams ── answer */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "engine/core/clock.h"
#include "engine/fleet/audit.h"
#include "engine/fleet/values_writer.h"
#include "engine/fleet/weighing_tally.h"
#include "query/export/json_out.h"
#include "query/http/http_body.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define POSTED_MAX 1000
#define PAGE_MAX 1000
#define PAGE_DEFAULT 100
#define ANSWER_MAX (1u << 20)
#define DEVICES_BATCH 1024

/* --- taking in --- */

struct posted {
	struct weighing list[POSTED_MAX];
	const char *wrong[POSTED_MAX]; /* the field a record is refused for; NULL: good */
	size_t index[POSTED_MAX];      /* of the good ones, where they stand in `list` */
	struct weighing good[POSTED_MAX];
	enum weighing_outcome outcomes[POSTED_MAX];
	size_t count, good_count;
};

static bool take_number(const json_t *body, const char *name, bool required, uint32_t max, uint32_t *out)
{
	const json_t *j = json_object_get(body, name);
	if (!j)
		return !required;
	if (!json_is_integer(j) || json_integer_value(j) < 0 || json_integer_value(j) > max)
		return false;
	*out = (uint32_t)json_integer_value(j);
	return true;
}

static bool take_flag(const json_t *body, const char *name, bool *out)
{
	const json_t *j = json_object_get(body, name);
	*out = json_is_true(j);
	return !j || json_is_boolean(j);
}

static bool take_text(const json_t *body, enum weighing_text text, struct weighing *out)
{
	const json_t *j = json_object_get(body, weighing_text_token(text));
	if (!j)
		return !weighing_text_required(text);
	return json_is_string(j) && !weighing_text_set(out, text, span_of(json_string_value(j), json_string_length(j)));
}

/* One record; returns the field it is refused for, or NULL. */
static const char *read_weighing(const json_t *body, int64_t now_ms, struct weighing *out)
{
	uint32_t axles = 0;
	const char *field;
	*out = (struct weighing){.received_ms = now_ms};
	for (unsigned i = 0; i < WEIGHING_TEXT_COUNT; i++)
		if (!take_text(body, (enum weighing_text)i, out))
			return weighing_text_token((enum weighing_text)i);
	if (!body_instant(json_object_get(body, "time"), &out->time_ms))
		return "time";
	if (!take_number(body, "axles", true, WEIGHING_AXLES_MAX, &axles))
		return "axles";
	if (!take_number(body, "gross_kg", true, WEIGHING_KG_MAX, &out->gross_kg))
		return "gross_kg";
	if (!take_number(body, "tare_kg", false, WEIGHING_KG_MAX, &out->tare_kg))
		return "tare_kg";
	if (!take_flag(body, "train", &out->is_train) || !take_flag(body, "single_drive", &out->single_drive))
		return "train";
	out->axles = (uint8_t)axles;
	return weighing_check(out, &field) ? field : NULL;
}

struct streaming {
	struct http_call *call;
	struct values_writer *writer;
	const struct weighing *weighing;
	bool made;
};

static enum status stream_value(void *context, const char *quantity, const char *unit, const struct value *v,
				struct span text)
{
	struct streaming *s = context;
	struct streams *streams = engine_streams(http_engine(s->call->http));
	struct span site = span_of_string(s->weighing->texts[WEIGHING_SITE]), name = span_of_string(quantity);
	const struct registry_change changes[2] = {
		{DEVICE_FIELD_UNIT, span_of_string(unit)},
		{DEVICE_FIELD_STREAM_KIND, span_of_string(stream_kind_token(STREAM_STATE))}};
	uint64_t id;
	enum status status = stream_find(streams, site, name, &id);
	if (status == STATUS_NOT_FOUND) {
		bool is_text = v->type == VALUE_TEXT;
		status = stream_put(streams, site, name, &changes[is_text], is_text || *unit, VALID_ALWAYS_FROM,
				    s->call->principal.name, true, &id);
		s->made = true;
	}
	return status ? status : values_writer_add(s->writer, id, v, text);
}

/* Values of all records that stand, also of those that came before: what a cut left out is so filled in. */
static enum status write_streams(struct http_call *c, const struct posted *p)
{
	struct engine *e = http_engine(c->http);
	struct streaming s = {.call = c};
	enum status status = values_writer_new(e, &s.writer);
	if (!status)
		status = values_writer_begin(s.writer, clock_now_ms());
	for (size_t i = 0; i < p->good_count && !status; i++) {
		s.weighing = &p->good[i];
		if (p->outcomes[i] != WEIGHING_CONFLICT)
			status = weighing_values(s.weighing, stream_value, &s);
	}
	if (!status && s.made)
		status = store_sync(engine_store(e));
	if (!status)
		status = values_writer_flush(s.writer);
	values_writer_free(s.writer);
	return status;
}

static void put_refusal(struct json_out *j, size_t index, const struct weighing *w, const char *reason)
{
	jout_open(j, '{');
	jout_key(j, "index");
	jout_unsigned(j, index);
	jout_key(j, "ticket");
	jout_string(j, w->texts[WEIGHING_TICKET]);
	jout_key(j, "reason");
	jout_string(j, reason);
	jout_close(j, '}');
}

static void answer_posted(struct http_call *c, const struct posted *p)
{
	struct buf body = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&body);
	size_t counts[3] = {0};
	for (size_t i = 0; i < p->good_count; i++)
		counts[p->outcomes[i]]++;
	jout_open(&j, '{');
	jout_key(&j, "taken");
	jout_unsigned(&j, counts[WEIGHING_TAKEN]);
	jout_key(&j, "repeated");
	jout_unsigned(&j, counts[WEIGHING_REPEATED]);
	jout_key(&j, "refused");
	jout_open(&j, '[');
	for (size_t i = 0; i < p->count; i++)
		if (p->wrong[i])
			put_refusal(&j, i, &p->list[i], p->wrong[i]);
	for (size_t i = 0; i < p->good_count; i++)
		if (p->outcomes[i] == WEIGHING_CONFLICT)
			put_refusal(&j, p->index[i], &p->good[i], "another record has this ticket");
	jout_close(&j, ']');
	jout_close(&j, '}');
	jout_line(&j);
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, 200, "application/json", buf_view(&body));
	buf_deinit(&body);
}

static void take_posted(struct http_call *c, const json_t *body, struct posted *p)
{
	const json_t *list = json_object_get(body, "weighings");
	int64_t now_ms = clock_now_ms();
	p->count = list ? json_array_size(list) : 1;
	if (!json_is_object(body) || (list && (!json_is_array(list) || !p->count || p->count > POSTED_MAX))) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL,
				  "one record, or `weighings` with 1 to 1000 of them");
		return;
	}
	for (size_t i = 0; i < p->count; i++) {
		p->wrong[i] = read_weighing(list ? json_array_get(list, i) : body, now_ms, &p->list[i]);
		if (p->wrong[i])
			continue;
		p->index[p->good_count] = i;
		p->good[p->good_count++] = p->list[i];
	}
	if (!list && p->wrong[0]) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, p->wrong[0], "missing, or not what it must be");
		return;
	}
	enum status status = weighings_keep(engine_store(http_engine(c->http)), p->good, p->good_count, p->outcomes);
	if (!status)
		status = write_streams(c, p);
	if (status)
		http_problem_of_status(c->x, status);
	else
		answer_posted(c, p);
}

static void post_weighings(struct http_call *c)
{
	json_error_t error;
	const struct buf *text = &c->x->request.body;
	if (!call_may_write(c))
		return;
	struct posted *p = calloc(1, sizeof *p);
	json_t *body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	if (!p)
		http_problem_of_status(c->x, STATUS_NO_MEMORY);
	else if (!body)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, error.text);
	else
		take_posted(c, body, p);
	json_decref(body);
	free(p);
}

/* --- listing --- */

enum { FROM, TO, SITE, PLATE, OVERLOADED, LIMIT, CURSOR };
static const struct http_param list_params[] = {
	[FROM] = {"from", HTTP_PARAM_TIME, false, 0, 0, NULL, "weighed at or after; a day before `to` when left out"},
	[TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "weighed at or before; now when left out"},
	[SITE] = {"site", HTTP_PARAM_TEXT, false, 0, WEIGHING_TEXT_MAX, NULL, "only of this site"},
	[PLATE] = {"plate", HTTP_PARAM_TEXT, false, 0, WEIGHING_TEXT_MAX, NULL, "only of this vehicle, as 2:闽C12345"},
	[OVERLOADED] = {"overloaded", HTTP_PARAM_FLAG, false, 0, 0, NULL, "only what was over its limit"},
	[LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, PAGE_MAX, NULL, "records of one answer; 100 when left out"},
	[CURSOR] = {"cursor", HTTP_PARAM_CURSOR, false, 0, 48, NULL, "`next` of the answer before"},
};

static enum status audit_reading(struct http_call *c, const char *action, int64_t from_ms, int64_t to_ms)
{
	struct audit_entry entry = {.at_ms = clock_now_ms(), .from_ms = from_ms, .to_ms = to_ms};
	snprintf(entry.action, sizeof entry.action, "%s", action);
	return call_audit(c, &entry);
}

static void put_weighing(struct json_out *j, const struct weighing *w)
{
	uint32_t over_kg = weighing_over_kg(w);
	jout_open(j, '{');
	jout_key(j, "time");
	jout_time(j, w->time_ms);
	for (unsigned i = 0; i < WEIGHING_TEXT_COUNT; i++) {
		if (!w->texts[i][0])
			continue;
		jout_key(j, weighing_text_token((enum weighing_text)i));
		jout_string(j, w->texts[i]);
	}
	const struct {
		const char *name;
		uint32_t value;
		bool told;
	} numbers[] = {{"axles", w->axles, true},           {"gross_kg", w->gross_kg, true},
		       {"tare_kg", w->tare_kg, w->tare_kg}, {"limit_kg", weighing_limit_kg(w), true},
		       {"over_kg", over_kg, over_kg},       {"points", weighing_points(w), over_kg}};
	for (size_t i = 0; i < COUNT(numbers); i++) {
		if (!numbers[i].told)
			continue;
		jout_key(j, numbers[i].name);
		jout_unsigned(j, numbers[i].value);
	}
	if (w->gross_kg >= WEIGHING_HUNDRED_TONNES_KG) {
		jout_key(j, "hundred_tonnes");
		jout_bool(j, true);
	}
	jout_key(j, "received");
	jout_time(j, w->received_ms);
	jout_close(j, '}');
}

struct page {
	struct http_call *call;
	struct http_stream stream;
	struct json_out json;
	char site[WEIGHING_TEXT_MAX + 1], plate[WEIGHING_TEXT_MAX + 1];
	bool overloaded, more;
	size_t count, max;
	struct weighing_place last;
};

static bool is_wanted(const struct page *p, const struct weighing_place *place, const struct weighing *w)
{
	return (!*p->site || strcmp(p->site, w->texts[WEIGHING_SITE]) == 0) &&
	       (!*p->plate || strcmp(p->plate, w->texts[WEIGHING_PLATE]) == 0) &&
	       (!p->overloaded || weighing_over_kg(w)) &&
	       scope_allows(engine_registry(http_engine(p->call->http)), &p->call->principal, place->site, w->time_ms);
}

static enum status visit_weighing(void *context, const struct weighing_place *place, const struct weighing *w)
{
	struct page *p = context;
	if (!is_wanted(p, place, w))
		return STATUS_OK;
	p->more = p->count == p->max;
	if (p->more)
		return STATUS_END;
	put_weighing(&p->json, w);
	p->last = *place;
	p->count++;
	return p->json.status ? p->json.status : stream_flush(&p->stream, false);
}

static enum status write_page(struct page *p, int64_t from_ms, int64_t to_ms, const struct weighing_place *after)
{
	struct json_out *j = &p->json;
	uint8_t cursor[24];
	jout_open(j, '{');
	jout_key(j, "weighings");
	jout_open(j, '[');
	enum status status =
		weighings_visit(engine_store(http_engine(p->call->http)), from_ms, to_ms, after, visit_weighing, p);
	if (status)
		return status;
	jout_close(j, ']');
	jout_key(j, "next");
	store_be64(cursor, (uint64_t)p->last.time_ms);
	store_be64(cursor + 8, p->last.site);
	store_be64(cursor + 16, p->last.ticket);
	if (p->more)
		jout_hex(j, span_of(cursor, sizeof cursor));
	else
		jout_null(j);
	jout_close(j, '}');
	jout_line(j);
	return j->status;
}

static bool parse_cursor(struct span text, struct weighing_place *out)
{
	uint8_t bytes[24];
	struct buf b = {bytes, 0, sizeof bytes, sizeof bytes};
	if (text.size != 48 || hex_decode(&b, text))
		return false;
	*out = (struct weighing_place){(int64_t)load_be64(bytes), load_be64(bytes + 8), load_be64(bytes + 16)};
	return true;
}

static void copy_text(const struct http_value *v, char out[WEIGHING_TEXT_MAX + 1])
{
	if (v->set)
		snprintf(out, WEIGHING_TEXT_MAX + 1, "%s", (const char *)v->text.data);
}

static void get_weighings(struct http_call *c)
{
	const struct http_value *v = c->values;
	int64_t to_ms = value_or(&v[TO], clock_now_ms()), from_ms = value_or(&v[FROM], to_ms - MS_PER_DAY);
	struct page p = {.call = c,
			 .max = (size_t)value_or(&v[LIMIT], PAGE_DEFAULT),
			 .overloaded = value_or(&v[OVERLOADED], 0) != 0};
	struct weighing_place after;
	copy_text(&v[SITE], p.site);
	copy_text(&v[PLATE], p.plate);
	if (v[CURSOR].set && !parse_cursor(v[CURSOR].text, &after)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "cursor", "this is no cursor of ours");
		return;
	}
	stream_begin(&p.stream, c, "application/json");
	p.json = json_out_init(&p.stream.chunk);
	enum status status = audit_reading(c, "weighings", from_ms, to_ms);
	stream_close(&p.stream, status ? status : write_page(&p, from_ms, to_ms, v[CURSOR].set ? &after : NULL));
}

/* --- overloads of a year --- */

enum { AS_OF };
static const struct http_param overload_params[] = {
	[AS_OF] = {"as_of", HTTP_PARAM_TIME, false, 0, 0, NULL, "end of the year that is counted; now when left out"},
};

struct counting {
	struct http_call *call;
	struct weighing_tally *tally;
	uint64_t records, overloads;
};

/* What the record does not say of its vehicle, the registry may: as it held then. */
static void fill_in(const struct registry *r, struct weighing *w)
{
	const struct {
		enum weighing_text text;
		enum device_field field;
	} said[] = {{WEIGHING_DRIVER, DEVICE_FIELD_DRIVER}, {WEIGHING_HAULIER, DEVICE_FIELD_COMPANY}};
	char value[DEVICE_VALUE_MAX + 1];
	uint64_t device;
	if (registry_find(r, DEVICE_FIELD_PLATE, span_of_string(w->texts[WEIGHING_PLATE]), w->time_ms, &device))
		return;
	for (size_t i = 0; i < COUNT(said); i++)
		if (!w->texts[said[i].text][0] && !registry_value(r, device, said[i].field, w->time_ms, value) &&
		    strlen(value) <= WEIGHING_TEXT_MAX)
			memcpy(w->texts[said[i].text], value, strlen(value) + 1);
}

static enum status count_weighing(void *context, const struct weighing_place *place, const struct weighing *w)
{
	struct counting *n = context;
	const struct registry *r = engine_registry(http_engine(n->call->http));
	struct weighing whole = *w;
	if (!scope_allows(r, &n->call->principal, place->site, w->time_ms))
		return STATUS_OK;
	fill_in(r, &whole);
	n->records++;
	n->overloads += weighing_over_kg(w) != 0;
	return weighing_tally_add(n->tally, &whole);
}

/* Vehicles on the books of a company: those with a plate. */
static uint32_t trucks_of(const struct registry *r, const char *company, int64_t at_ms)
{
	uint64_t ids[DEVICES_BATCH], after = 0;
	char value[DEVICE_VALUE_MAX + 1];
	uint32_t trucks = 0;
	size_t n;
	for (; (n = registry_list(r, after, ids, DEVICES_BATCH)); after = ids[n - 1])
		for (size_t i = 0; i < n; i++)
			trucks += !registry_value(r, ids[i], DEVICE_FIELD_COMPANY, at_ms, value) &&
				  strcmp(value, company) == 0 &&
				  !registry_value(r, ids[i], DEVICE_FIELD_PLATE, at_ms, value);
	return trucks;
}

static void put_subject(struct json_out *j, const struct weighing_subject *s, uint32_t registered)
{
	bool is_haulier = s->kind == WEIGHING_SUBJECT_HAULIER_OF;
	const struct {
		const char *name;
		uint64_t value;
		bool told;
	} numbers[] = {{"overloads", s->overloads, true},
		       {"over_kg", s->over_kg, true},
		       {"trucks_weighed", s->trucks, is_haulier},
		       {"trucks_overloaded", s->trucks_over, is_haulier},
		       {"trucks_registered", registered, is_haulier}};
	jout_open(j, '{');
	jout_key(j, "subject");
	jout_string(j, weighing_subject_token((enum weighing_subject_kind)s->kind));
	jout_key(j, "name");
	jout_string(j, s->name);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		if (!numbers[i].told)
			continue;
		jout_key(j, numbers[i].name);
		jout_unsigned(j, numbers[i].value);
	}
	jout_key(j, "last");
	jout_time(j, s->last_ms);
	jout_key(j, "too_many");
	jout_bool(j, weighing_subject_is_over(s, registered));
	jout_close(j, '}');
}

static enum status write_overloads(struct http_stream *s, struct counting *n, int64_t from_ms, int64_t as_of_ms)
{
	const struct registry *r = engine_registry(http_engine(n->call->http));
	struct json_out j = json_out_init(&s->chunk);
	const struct weighing_subject *const *list;
	size_t count = weighing_tally_subjects(n->tally, &list);
	jout_open(&j, '{');
	jout_key(&j, "from");
	jout_time(&j, from_ms);
	jout_key(&j, "as_of");
	jout_time(&j, as_of_ms);
	jout_key(&j, "weighings");
	jout_unsigned(&j, n->records);
	jout_key(&j, "overloads");
	jout_unsigned(&j, n->overloads);
	jout_key(&j, "subjects");
	jout_open(&j, '[');
	for (size_t i = 0; i < count && !j.status; i++) {
		bool is_haulier = list[i]->kind == WEIGHING_SUBJECT_HAULIER_OF;
		put_subject(&j, list[i], is_haulier ? trucks_of(r, list[i]->name, as_of_ms) : 0);
		if (!j.status)
			j.status = stream_flush(s, false);
	}
	jout_close(&j, ']');
	jout_close(&j, '}');
	jout_line(&j);
	return j.status;
}

static void get_overloads(struct http_call *c)
{
	struct counting n = {.call = c};
	struct http_stream s;
	int64_t as_of_ms = value_or(&c->values[AS_OF], clock_now_ms()), from_ms = weighing_year_before(as_of_ms) + 1;
	stream_begin(&s, c, "application/json");
	enum status status = audit_reading(c, "overloads", from_ms, as_of_ms);
	if (!status)
		status = weighing_tally_new(&n.tally);
	if (!status)
		status = weighings_visit(engine_store(http_engine(c->http)), from_ms, as_of_ms, NULL, count_weighing,
					 &n);
	stream_close(&s, status ? status : write_overloads(&s, &n, from_ms, as_of_ms));
	weighing_tally_free(n.tally);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/weighings", "listWeighings",
	 "Records of scales by time, with limit and what is over it.", "application/json", list_params,
	 COUNT(list_params), get_weighings, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/weighings", "postWeighings",
	 "Records of scales: one, or {\"weighings\":[...]}; each with site, ticket, time, plate, axles, gross_kg, and "
	 "if "
	 "known tare_kg, train, single_drive, driver, haulier, source, goods, image. A ticket sent again changes "
	 "nothing.",
	 "application/json", NULL, 0, post_weighings, NULL},
	{HTTP_GET, 0, "/api/v1/weighings/overloads", "listOverloads",
	 "Vehicles, drivers, hauliers and sources with overloads within a year, and which of them have too many.",
	 "application/json", overload_params, COUNT(overload_params), get_overloads, NULL},
};

enum status handlers_weighings_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
