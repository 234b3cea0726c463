#include "query/cli/fences_route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "query/export/export_fences.h"
#include "query/export/json_out.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

/* a change may begin so long ago without being asked for expressly */
#define REJUDGE_FREE_MS (5 * MS_PER_MINUTE)
#define ANSWER_MAX (16u << 20)

/* --- from a record to a version --- */

static enum status read_tags(const char *text, struct fence *out)
{
	while (*text) {
		size_t size = strcspn(text, " ");
		if (out->tag_count == FENCE_TAGS_MAX || tag_number(span_of(text, size), &out->tags[out->tag_count]))
			return STATUS_MALFORMED;
		out->tag_count++;
		text += size + (text[size] == ' ');
	}
	for (unsigned i = 1; i < out->tag_count; i++) /* ascending, each once */
		for (unsigned k = i; k > 0 && out->tags[k] < out->tags[k - 1]; k--) {
			uint16_t swap = out->tags[k];
			out->tags[k] = out->tags[k - 1];
			out->tags[k - 1] = swap;
		}
	return STATUS_OK;
}

enum status fence_of_record(const struct fence_record *record, int64_t now_ms, struct fence *out,
			    enum message *out_reason)
{
	*out = (struct fence){.valid_from_ms = record->valid_from_ms == INT64_MIN ? now_ms : record->valid_from_ms,
			      .valid_to_ms = record->valid_to_ms,
			      .when = SCHEDULE_ALWAYS,
			      .limit_dkmh = record->limit_dkmh,
			      .length_mm = record->length_mm,
			      .area = record->area};
	*out_reason = MESSAGE_COUNT;
	if (!*record->id || strlen(record->id) > FENCE_ID_MAX)
		*out_reason = MESSAGE_FENCE_NO_ID;
	else if (read_tags(record->tags, out))
		*out_reason = MESSAGE_FENCE_TAGS;
	else if (*record->schedule && schedule_parse(span_of_string(record->schedule), &out->when, NULL))
		*out_reason = MESSAGE_FENCE_WHEN;
	else if (out->valid_from_ms >= out->valid_to_ms)
		*out_reason = MESSAGE_FENCE_VALIDITY;
	if (*out_reason != MESSAGE_COUNT)
		return STATUS_MALFORMED;
	snprintf(out->id, sizeof out->id, "%s", record->id);
	snprintf(out->name, sizeof out->name, "%.*s", FENCE_NAME_MAX, record->name);
	return STATUS_OK;
}

/* --- taking them in --- */

struct taking {
	struct http_call *call;
	int64_t now_ms;
	bool rejudge;
	struct fence *list;
	size_t count, capacity;
	struct buf refused;
	struct json_out j;
	uint32_t refused_count;
};

static void refuse(struct taking *t, uint32_t feature, const char *id, struct span reason, struct span reason_zh)
{
	t->refused_count++;
	jout_open(&t->j, '{');
	jout_key(&t->j, "feature");
	jout_integer(&t->j, feature);
	jout_key(&t->j, "id");
	jout_string(&t->j, id);
	jout_key(&t->j, "reason");
	jout_text(&t->j, reason);
	jout_key(&t->j, "reason_zh");
	jout_text(&t->j, reason_zh);
	jout_close(&t->j, '}');
}

static void refuse_record(struct taking *t, const struct fence_record *record, enum message reason)
{
	refuse(t, record->feature, record->id, span_of_string(message_format(reason, LANGUAGE_ENGLISH)),
	       span_of_string(message_format(reason, LANGUAGE_CHINESE)));
}

static enum status take_refusal(void *context, const struct fence_refusal *refusal)
{
	struct taking *t = context;
	struct buf line = buf_init(4096), line_zh = buf_init(4096);
	enum status status = fence_refusal_print(refusal, false, &line);
	if (!status)
		status = fence_refusal_print(refusal, true, &line_zh);
	if (!status)
		refuse(t, refusal->feature, refusal->id, buf_view(&line), buf_view(&line_zh));
	buf_deinit(&line);
	buf_deinit(&line_zh);
	return status ? status : t->j.status;
}

static enum status take_record(void *context, const struct fence_record *record)
{
	struct taking *t = context;
	struct fence f;
	enum message reason;
	if (fence_of_record(record, t->now_ms, &f, &reason)) {
		refuse_record(t, record, reason);
		return t->j.status;
	}
	if (f.valid_from_ms < t->now_ms - REJUDGE_FREE_MS && !t->rejudge) {
		refuse_record(t, record, MESSAGE_FENCE_PAST);
		return t->j.status;
	}
	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? t->capacity * 2 : 16;
		struct fence *list = realloc(t->list, capacity * sizeof *list);
		if (!list)
			return STATUS_NO_MEMORY;
		t->list = list;
		t->capacity = capacity;
	}
	f.area = fence_area_ref(f.area);
	t->list[t->count++] = f;
	return STATUS_OK;
}

static enum status audit_rejudge(struct taking *t)
{
	struct http_call *c = t->call;
	struct audit_entry entry = {.at_ms = t->now_ms,
				    .who = c->principal,
				    .from_ms = t->now_ms,
				    .to_ms = t->now_ms,
				    .action = "rejudge fences"};
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].valid_from_ms < entry.from_ms)
			entry.from_ms = t->list[i].valid_from_ms;
	if (entry.from_ms >= t->now_ms - REJUDGE_FREE_MS)
		return STATUS_OK;
	return audit_write(engine_store(http_engine(c->http)), &entry);
}

static void answer_taken(struct taking *t)
{
	struct buf text = buf_init(2 * ANSWER_MAX);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '{');
	jout_key(&j, "accepted");
	jout_unsigned(&j, t->count);
	jout_key(&j, "refused");
	if (!j.status)
		j.status = buf_append(&text, t->refused.data, t->refused.size);
	jout_raw(&j, "}\n");
	if (j.status)
		http_problem_of_status(t->call->x, j.status);
	else
		http_answer(t->call, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

enum { POST_REJUDGE, POST_CRS, POST_REPAIR };
static const struct http_param post_params[] = {
	[POST_REJUDGE] = {"rejudge", HTTP_PARAM_FLAG, false, 0, 0, NULL,
			  "fences may begin in the past, and what was judged since is judged again"},
	[POST_CRS] = {"crs", HTTP_PARAM_TEXT, false, 0, 63, NULL, "such as EPSG:4549 or GCJ-02; WGS-84 when left out"},
	[POST_REPAIR] = {"repair", HTTP_PARAM_FLAG, false, 0, 0, NULL, "mend geometry that is not valid"},
};

static void post_fences(struct http_call *c)
{
	const struct http_value *v = c->values;
	const struct buf *body = &c->x->request.body;
	struct taking t = {.call = c,
			   .now_ms = clock_now_ms(),
			   .rejudge = v[POST_REJUDGE].number,
			   .refused = buf_init(ANSWER_MAX)};
	struct fence_file_options options = {.format = FENCE_FORMAT_GEOJSON,
					     .crs = v[POST_CRS].set ? (const char *)v[POST_CRS].text.data : NULL,
					     .repair = v[POST_REPAIR].number,
					     .context = &t,
					     .record = take_record,
					     .refused = take_refusal};
	struct fence_file_result result;
	if (!call_may_write(c))
		return;
	t.j = json_out_init(&t.refused);
	jout_open(&t.j, '[');
	enum status status = fence_file_read(span_of(body->data, body->size), &options, &result);
	if (t.refused_count && status_class(status) == STATUS_CLASS_peer)
		status = STATUS_OK; /* the refusal says it */
	jout_close(&t.j, ']');
	if (!status)
		status = audit_rejudge(&t);
	if (!status && t.count)
		status = context_put_fences(engine_context(http_engine(c->http)), t.list, t.count);
	if (status == STATUS_CONFLICT)
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, NULL, "a later version of one of these fences exists");
	else if (status)
		http_problem_of_status(c->x, status);
	else
		answer_taken(&t);
	for (size_t i = 0; i < t.count; i++)
		fence_area_unref(t.list[i].area);
	free(t.list);
	buf_deinit(&t.refused);
}

/* --- giving them out --- */

enum { GET_AT, GET_TAG, GET_ID };
static const struct http_param get_params[] = {
	[GET_AT] = {"at", HTTP_PARAM_TIME, false, 0, 0, NULL, "versions that hold then; now when left out"},
	[GET_TAG] = {"tag", HTTP_PARAM_TEXT, false, 0, TAG_MAX, NULL, "with this tag"},
	[GET_ID] = {"id", HTTP_PARAM_TEXT, false, 0, FENCE_ID_MAX, NULL, "of this id"},
};

static bool is_wanted(const struct fence *f, const struct http_value *v, int64_t at_ms)
{
	bool tagged = !v[GET_TAG].set;
	for (unsigned i = 0; i < f->tag_count && !tagged; i++)
		tagged = span_equal(span_of_string(tag_text(f->tags[i])), v[GET_TAG].text);
	return tagged && f->valid_from_ms <= at_ms && at_ms < f->valid_to_ms &&
	       (!v[GET_ID].set || span_equal(span_of_string(f->id), v[GET_ID].text));
}

static enum status put_row(const struct fence *f, bool first, struct buf *out)
{
	char tags[FENCE_TAGS_MAX * (TAG_MAX + 1) + 1] = "";
	struct buf when = buf_init(2 * SCHEDULE_TEXT_MAX);
	for (unsigned i = 0; i < f->tag_count; i++) {
		strcat(tags, i ? " " : "");
		strcat(tags, tag_text(f->tags[i]));
	}
	enum status status = schedule_print(&f->when, &when);
	if (!status)
		status = buf_append_u8(&when, '\0');
	struct export_fence row = {.id = f->id,
				   .name = f->name,
				   .tags = tags,
				   .schedule = status ? NULL : (const char *)when.data,
				   .limit_dkmh = f->limit_dkmh,
				   .valid_from_ms = f->valid_from_ms,
				   .valid_to_ms = f->valid_to_ms,
				   .length_mm = f->length_mm,
				   .area = f->area};
	if (!status)
		status = export_fence_row(&row, first, out);
	buf_deinit(&when);
	return status;
}

static void get_fences(struct http_call *c)
{
	struct http_stream s;
	struct judged_by *by = context_take(engine_context(http_engine(c->http)));
	int64_t at_ms = value_or(&c->values[GET_AT], clock_now_ms());
	bool first = true;
	stream_begin(&s, c, "application/geo+json");
	s.chunk.max = EXPORT_FENCE_BYTES_MAX + STREAM_CHUNK_BYTES;
	enum status status = export_fences_begin(&s.chunk);
	for (uint32_t slot = 0; slot < fence_set_slots(by->fences) && !status; slot++) {
		const struct fence *f = fence_set_at(by->fences, slot);
		if (!f || !is_wanted(f, c->values, at_ms))
			continue;
		status = put_row(f, first, &s.chunk);
		first = false;
		if (!status)
			status = stream_flush(&s, false);
	}
	if (!status)
		status = export_fences_end(NULL, &s.chunk);
	stream_close(&s, status);
	judged_by_release(by);
}

/* --- ending one --- */

enum { END_FROM, END_REJUDGE };
static const struct http_param end_params[] = {
	[END_FROM] = {"from", HTTP_PARAM_TIME, false, 0, 0, NULL, "event time of its end; now when left out"},
	[END_REJUDGE] = {"rejudge", HTTP_PARAM_FLAG, false, 0, 0, NULL, "it may end in the past"},
};

static void delete_fence(struct http_call *c)
{
	struct fence end = {.valid_to_ms = INT64_MAX, .when = SCHEDULE_ALWAYS};
	struct taking t = {.call = c, .now_ms = clock_now_ms(), .list = &end, .count = 1};
	struct context *context = engine_context(http_engine(c->http));
	struct span id = c->path_args[0];
	if (!call_may_write(c))
		return;
	end.valid_from_ms = value_or(&c->values[END_FROM], t.now_ms);
	struct judged_by *by = context_take(context);
	const struct fence *f = fence_set_find(by->fences, id, end.valid_from_ms);
	if (f)
		memcpy(end.id, f->id, sizeof end.id);
	judged_by_release(by);
	if (!f) {
		http_problem_send(c->x, HTTP_PROBLEM_NO_ROUTE, "id", "no fence of this id holds then");
		return;
	}
	if (end.valid_from_ms < t.now_ms - REJUDGE_FREE_MS && !c->values[END_REJUDGE].number) {
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, "from", "this is in the past: say rejudge=1");
		return;
	}
	enum status status = audit_rejudge(&t);
	if (!status)
		status = context_put_fences(context, &end, 1);
	if (status == STATUS_CONFLICT)
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, NULL, "a later version of this fence exists");
	else if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", span_of_string("{}\n"));
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum status fences_route_add(struct http *h)
{
	static const struct http_route routes[] = {
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/fences", "postFences",
		 "New fences, or new versions of known ones, as GeoJSON; each feature is taken or refused by itself.",
		 "application/json", post_params, COUNT(post_params), post_fences, NULL},
		{HTTP_GET, 0, "/api/v1/fences", "listFences", "Fences as they hold at an instant.",
		 "application/geo+json", get_params, COUNT(get_params), get_fences, NULL},
		{HTTP_DELETE, 0, "/api/v1/fences/{id}", "endFence", "End a fence.", "application/json", end_params,
		 COUNT(end_params), delete_fence, NULL},
	};
	return add_routes(h, routes, COUNT(routes));
}
