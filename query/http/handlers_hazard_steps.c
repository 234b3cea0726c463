/* handlers_hazard_steps.c -- steps of the register: found, taken on, refused with the reason in both tongues.
 *
 *   POST /api/v1/hazards              {"fields": {...}}
 *   POST /api/v1/hazards/7/steps      {"step": "assign", "note", "document", "link", "fields": {...}}    If-Match: "3"
 *   POST /api/v1/hazards/7/attachments?name=photo.jpg      the file                                      If-Match: "3"
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "query/export/export_hazards.h"
#include "query/export/json_out.h"
#include "query/http/handlers_hazards.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

/* of steps that somebody else took meanwhile, behind which no more are told; one more fits */
#define CHANGED_BYTES (64u << 10)

/* --- what a step is asked with --- */

struct asking {
	struct http_call *call;
	struct hazard_order order;
	struct hazard_change changes[HAZARD_FIELD_COUNT];
	json_t *body;
};

static bool bad(struct asking *a, const char *name, const char *detail)
{
	http_problem_send(a->call->x, HTTP_PROBLEM_BAD_BODY, name, detail);
	return false;
}

static bool take_text(struct asking *a, const char *key, size_t max, struct span *out)
{
	const json_t *v = json_object_get(a->body, key);
	if (!v)
		return true;
	*out = span_of(json_string_value(v), json_string_length(v));
	if (json_is_string(v) && out->size <= max && http_text_is_clean(*out))
		return true;
	return bad(a, key, "is no text, or too long");
}

static bool take_fields(struct asking *a)
{
	const json_t *fields = json_object_get(a->body, "fields");
	const char *key;
	json_t *value;
	if (fields && !json_is_object(fields))
		return bad(a, "fields", "is no object");
	json_object_foreach((json_t *)fields, key, value)
	{
		struct hazard_change *change = &a->changes[a->order.change_count];
		if (a->order.change_count == HAZARD_FIELD_COUNT - 1 ||
		    hazard_parse(HAZARD_TABLE_FIELD, span_of_string(key), &change->field))
			return bad(a, key, "is no field of a hazard");
		if (!json_is_string(value) && !json_is_null(value))
			return bad(a, key, "is neither a text nor null");
		change->value = span_of(json_string_value(value), json_string_length(value));
		a->order.change_count++;
	}
	a->order.changes = a->changes;
	return true;
}

static bool keys_are_known(struct asking *a)
{
	static const char *const known[] = {"step", "note", "document", "link", "fields"};
	const char *key;
	json_t *value;
	json_object_foreach(a->body, key, value)
	{
		size_t i = 0;
		while (i < sizeof known / sizeof *known && strcmp(key, known[i]) != 0)
			i++;
		if (i == sizeof known / sizeof *known)
			return bad(a, key, "is not known here");
	}
	return true;
}

static bool take_body(struct asking *a)
{
	json_error_t error;
	const struct buf *text = &a->call->x->request.body;
	a->body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	if (!a->body)
		return bad(a, NULL, error.text);
	if (!json_is_object(a->body))
		return bad(a, NULL, "the body must be an object");
	return keys_are_known(a) && take_text(a, "note", HAZARD_NOTE_MAX, &a->order.note) &&
	       take_text(a, "document", HAZARD_DOCUMENT_MAX, &a->order.document) &&
	       take_text(a, "link", UINT8_MAX, &a->order.link) && take_fields(a);
}

static bool take_actor(struct asking *a)
{
	if (!hazard_actor_of(&a->call->principal, &a->order.actor))
		return true;
	http_problem_send(a->call->x, HTTP_PROBLEM_FORBIDDEN, NULL, "this principal has no role in the register");
	return false;
}

/* If-Match: "7"; without one whatever it is. */
static bool take_version(struct asking *a)
{
	const char *text = a->call->x->request.if_match;
	unsigned version;
	int size = 0;
	if (!*text || !strcmp(text, "*"))
		return true;
	if (sscanf(text, "\"%u\"%n", &version, &size) != 1 || !size || text[size] || !version) {
		http_problem_send(a->call->x, HTTP_PROBLEM_STALE, "If-Match", "is no ETag of a hazard");
		return false;
	}
	a->order.version = version;
	return true;
}

/* --- what is answered --- */

static void answer_refusal(struct http_call *c, const struct hazard_outcome *o)
{
	struct buf text = buf_init(8192);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '{');
	http_problem_members(&j, HTTP_PROBLEM_REFUSED_STEP, hazard_refusal_english(o->refusal.reason),
			     hazard_refusal_chinese(o->refusal.reason));
	jout_key(&j, "reason");
	jout_string(&j, hazard_refusal_token(o->refusal.reason));
	if (o->refusal.field) {
		jout_key(&j, "parameter");
		jout_string(&j, hazard_token(HAZARD_TABLE_FIELD, o->refusal.field));
		jout_key(&j, "field_zh");
		jout_string(&j, hazard_chinese(HAZARD_TABLE_FIELD, o->refusal.field));
	}
	jout_close(&j, '}');
	jout_line(&j);
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, 422, "application/problem+json", buf_view(&text));
	buf_deinit(&text);
}

static enum status put_event(void *context, uint64_t id, const struct hazard_event *e,
			     const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	struct json_out *j = context;
	(void)id;
	export_hazard_event(j, e, digest);
	return j->out->size > CHANGED_BYTES ? STATUS_END : j->status;
}

/* Somebody was first: what he did since the version that was seen. */
static void answer_stale(struct http_call *c, const struct hazard_order *o)
{
	struct buf text = buf_init(CHANGED_BYTES + 2 * EXPORT_HAZARD_BYTES_MAX);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '{');
	http_problem_members(&j, HTTP_PROBLEM_STALE, "somebody took a step meanwhile: look at what changed",
			     "他人已先办理，请查看变更后重试");
	jout_key(&j, "parameter");
	jout_string(&j, "If-Match");
	jout_key(&j, "changed");
	jout_open(&j, '[');
	enum status status = hazards_history(c->route->context, o->id, o->version, put_event, &j);
	jout_close(&j, ']');
	jout_close(&j, '}');
	jout_line(&j);
	status = status && status != STATUS_END ? status : j.status;
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 412, "application/problem+json", buf_view(&text));
	buf_deinit(&text);
}

static void take(struct asking *a)
{
	struct hazard_outcome out;
	struct http_call *c = a->call;
	bool found = a->order.step == HAZARD_STEP_FIND;
	a->order.at_ms = clock_now_ms();
	enum status status = hazards_step(c->route->context, &a->order, &out);
	const char *field = out.field ? hazard_token(HAZARD_TABLE_FIELD, out.field) : NULL;
	if (!status)
		answer_hazard(c, found ? 201 : 200, out.id);
	else if (status == STATUS_DENIED)
		answer_refusal(c, &out);
	else if (status == STATUS_CONFLICT)
		answer_stale(c, &a->order);
	else if (field)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, field, status_text(status));
	else if (status == STATUS_EXISTS)
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, "reference", "is in the register already");
	else if (status_class(status) == STATUS_CLASS_system)
		http_problem_of_status(c->x, status);
	else
		http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, NULL, status_text(status));
}

/* --- routes --- */

static void post_hazard(struct http_call *c)
{
	struct asking a = {.call = c, .order = {.step = HAZARD_STEP_FIND}};
	if (take_actor(&a) && take_body(&a)) {
		if (json_object_get(a.body, "step"))
			bad(&a, "step", "a hazard begins with being found");
		else
			take(&a);
	}
	json_decref(a.body);
}

static bool take_step(struct asking *a)
{
	const char *step = json_string_value(json_object_get(a->body, "step"));
	if (!step || hazard_parse(HAZARD_TABLE_STEP, span_of_string(step), &a->order.step) ||
	    a->order.step == HAZARD_STEP_FIND || a->order.step == HAZARD_STEP_ATTACH)
		return bad(a, "step", "is no step that is taken here");
	return true;
}

static void post_step(struct http_call *c)
{
	struct asking a = {.call = c};
	struct hazard h;
	if (!call_hazard(c, &h))
		return;
	a.order.id = h.id;
	hazard_deinit(&h);
	if (take_actor(&a) && take_version(&a) && take_body(&a) && take_step(&a))
		take(&a);
	json_decref(a.body);
}

static const struct http_param attachment_params[] = {
	{"name", HTTP_PARAM_TEXT, true, 1, UINT8_MAX, NULL, "of the file"},
};

static void post_attachment(struct http_call *c)
{
	struct asking a = {.call = c, .order = {.step = HAZARD_STEP_ATTACH, .link = c->values[0].text}};
	struct hazard h;
	if (!call_hazard(c, &h))
		return;
	a.order.id = h.id;
	hazard_deinit(&h);
	a.order.attachment = buf_view(&c->x->request.body);
	if (!a.order.attachment.size)
		bad(&a, NULL, "the file is empty");
	else if (take_actor(&a) && take_version(&a))
		take(&a);
}

/* --- attachments out --- */

struct looking {
	const uint8_t *digest;
	bool found;
};

static enum status look(void *context, uint64_t id, const struct hazard_event *e,
			const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	struct looking *l = context;
	(void)id, (void)digest;
	l->found |= e->digest && memcmp(e->digest, l->digest, HAZARD_DIGEST_SIZE) == 0;
	return l->found ? STATUS_END : STATUS_OK;
}

/* Only through a hazard that has it and that the principal may see. */
static void get_attachment(struct http_call *c)
{
	struct hazard h;
	struct buf digest = buf_init(HAZARD_DIGEST_SIZE), file = buf_init(REGISTER_ATTACHMENT_MAX);
	if (!call_hazard(c, &h))
		return;
	enum status status = hex_decode(&digest, c->path_args[1]);
	if (status || digest.size != HAZARD_DIGEST_SIZE)
		status = STATUS_NOT_FOUND;
	struct looking l = {.digest = digest.data};
	if (!status)
		status = hazards_history(c->route->context, h.id, 0, look, &l);
	if (status == STATUS_END)
		status = hazards_attachment(c->route->context, digest.data, &file);
	else if (!status)
		status = STATUS_NOT_FOUND;
	if (!status)
		status = exchange_header(c->x, "content-disposition", "attachment");
	if (!status)
		status = exchange_header(c->x, "x-content-type-options", "nosniff");
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/octet-stream", buf_view(&file));
	hazard_deinit(&h);
	buf_deinit(&digest);
	buf_deinit(&file);
}

enum status hazards_steps_route_add(struct http *h, struct hazards *r)
{
	const struct http_route routes[] = {
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/hazards", "findHazard",
		 "A hazard that was found: {\"fields\": {}}.", "application/json", NULL, 0, post_hazard, r},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/hazards/{hazard}/steps", "takeHazardStep",
		 "A step: {\"step\", \"note\", \"document\", \"link\", \"fields\": {}}; If-Match names the version it "
		 "is "
		 "meant for.",
		 "application/json", NULL, 0, post_step, r},
		{HTTP_POST, HTTP_ROUTE_BYTES, "/api/v1/hazards/{hazard}/attachments", "attachToHazard",
		 "A file of any kind; known by its SHA-256.", "application/json", attachment_params, 1, post_attachment,
		 r},
		{HTTP_GET, 0, "/api/v1/hazards/{hazard}/attachments/{digest}", "getHazardAttachment",
		 "A file that was attached.", "application/octet-stream", NULL, 0, get_attachment, r},
	};
	return add_routes(h, routes, sizeof routes / sizeof *routes);
}
