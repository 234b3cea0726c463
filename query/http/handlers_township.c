/* handlers_township.c -- what the township's handlers share: dates, bodies, papers. */
#include "query/http/handlers_township.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

bool call_day(struct http_call *c, unsigned param, int32_t otherwise, int32_t *out)
{
	*out = otherwise;
	if (!c->values[param].set || !hazard_day_parse(c->values[param].text, out))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, c->route->params[param].name, "is no date YYYY-MM-DD");
	return false;
}

/* --- papers --- */

/* Who took it, when and what for, on what a person carries away: a note, of which CSV has none but a last line. */
static enum status put_mark(struct http_call *c, struct paper *p, unsigned form)
{
	char text[CALL_MARK_MAX];
	if ((form == PAPER_HTML || form == PAPER_XLSX) && call_mark(c, text))
		paper_note(p, "导出", text);
	return p->status;
}

static enum status mark_csv(struct http_call *c, struct buf *out)
{
	char text[CALL_MARK_MAX];
	return call_mark(c, text) ? buf_printf(out, "# 导出 exported: %s\r\n", text) : STATUS_OK;
}

static enum status send_text(struct http_call *c, const struct paper *p, unsigned form)
{
	struct buf text = buf_init(1u << 30);
	enum status status = form == PAPER_JSON  ? paper_json(p, &text)
			     : form == PAPER_CSV ? paper_csv(p, &text)
						 : paper_html(p, &text);
	if (!status && form == PAPER_CSV)
		status = mark_csv(c, &text);
	if (!status)
		http_answer(c, 200, paper_form_media(form), buf_view(&text));
	buf_deinit(&text);
	return status;
}

static enum status send_book(struct http_call *c, const struct paper *p)
{
	char path[48], bytes[8192];
	size_t n;
	struct http_stream s;
	FILE *file = tmpfile();
	if (!file)
		return STATUS_IO;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(file));
	enum status status = paper_xlsx(p, path);
	if (!status) {
		stream_begin(&s, c, paper_form_media(PAPER_XLSX));
		while (!status && (n = fread(bytes, 1, sizeof bytes, file)) > 0) {
			status = buf_append(&s.chunk, bytes, n);
			if (!status)
				status = stream_flush(&s, false);
		}
		stream_close(&s, status ? status : ferror(file) ? STATUS_IO : STATUS_OK);
		status = STATUS_OK; /* answered, whole or cut */
	}
	fclose(file);
	return status;
}

void answer_paper(struct http_call *c, struct paper *p, enum status status, unsigned form, const char *name)
{
	char disposition[100];
	if (!status)
		status = put_mark(c, p, form);
	if (!status && form != PAPER_JSON && form != PAPER_HTML) {
		snprintf(disposition, sizeof disposition, "attachment; filename=\"%s.%s\"", name,
			 paper_form_token(form));
		status = exchange_header(c->x, "content-disposition", disposition);
	}
	if (!status && form == PAPER_HTML)
		status = exchange_header(c->x, "content-security-policy",
					 "default-src 'none'; style-src 'unsafe-inline'");
	if (!status)
		status = form == PAPER_XLSX ? send_book(c, p) : send_text(c, p, form);
	if (status == STATUS_FULL)
		http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, NULL, "more rows than one answer takes: narrow it");
	else if (status)
		http_problem_of_status(c->x, status);
	paper_deinit(p);
}

/* --- bodies --- */

static bool is_known(const char *key, const char *const *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

json_t *call_object(struct http_call *c, const char *const *keys, size_t count)
{
	json_error_t error;
	const char *key;
	json_t *value;
	const struct buf *text = &c->x->request.body;
	json_t *body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	if (!body || !json_is_object(body)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, body ? "the body must be an object" : error.text);
		json_decref(body);
		return NULL;
	}
	json_object_foreach(body, key, value)
	{
		if (is_known(key, keys, count))
			continue;
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, key, "is not known here");
		json_decref(body);
		return NULL;
	}
	return body;
}

bool body_text(struct http_call *c, const json_t *body, const char *key, size_t max, struct span *out)
{
	const json_t *v = json_object_get(body, key);
	*out = span_of(NULL, 0);
	if (!v || json_is_null(v))
		return true;
	*out = span_of(json_string_value(v), json_string_length(v));
	if (json_is_string(v) && out->size <= max && http_text_is_clean(*out))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, key, "is no text, or too long");
	return false;
}

bool body_day(struct http_call *c, const json_t *body, const char *key, int32_t *out)
{
	struct span text;
	*out = HAZARD_DAY_NONE;
	if (!body_text(c, body, key, 16, &text))
		return false;
	if (!text.size || !hazard_day_parse(text, out))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, key, "is no date YYYY-MM-DD");
	return false;
}

bool call_actor(struct http_call *c, struct hazard_actor *out)
{
	if (!hazard_actor_of(&c->principal, out))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "this principal has no role in the register");
	return false;
}

bool call_version(struct http_call *c, uint32_t *out)
{
	const char *text = c->x->request.if_match;
	unsigned version;
	int size = 0;
	*out = 0;
	if (!*text || !strcmp(text, "*"))
		return true;
	if (sscanf(text, "\"%u\"%n", &version, &size) != 1 || !size || text[size] || !version) {
		http_problem_send(c->x, HTTP_PROBLEM_STALE, "If-Match", "is no ETag of an earlier answer");
		return false;
	}
	*out = version;
	return true;
}

enum status township_route_add(struct http *h, const struct township *t)
{
	enum status status = tasks_route_add(h, t);
	if (!status)
		status = tables_route_add(h, t);
	return status ? status : blacklist_route_add(h, t);
}
