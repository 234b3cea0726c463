#include "query/http/record_body.h"

#include <math.h>
#include <stdio.h>

#include "engine/core/utf8.h"
#include "query/http/http_body.h"
#include "query/http/http_problem.h"

void record_key(const struct record_field *f, char out[RECORD_KEY_MAX])
{
	const char *suffix = f->type == RECORD_TIME ? "_ms" : f->type == RECORD_DEGREES ? "_e7" : "";
	size_t size = strlen(f->name), cut = strlen(suffix);
	if (cut && size > cut && strcmp(f->name + size - cut, suffix) == 0)
		size -= cut;
	snprintf(out, RECORD_KEY_MAX, "%.*s", (int)size, f->name);
}

static void token_members(struct json_out *j, const struct record_field *f, const char *key, int64_t v)
{
	char chinese[RECORD_KEY_MAX + 4];
	jout_key(j, key);
	jout_string(j, f->words[v].token);
	snprintf(chinese, sizeof chinese, "%s_zh", key);
	jout_key(j, chinese);
	jout_string(j, f->words[v].chinese);
}

static void member(struct json_out *j, const struct record_field *f, const void *row)
{
	char key[RECORD_KEY_MAX];
	bool nothing = record_is_nothing(f, row);
	record_key(f, key);
	if (f->type == RECORD_TOKEN) {
		token_members(j, f, key, record_integer(f, row));
		return;
	}
	if (f->type == RECORD_HEX && nothing)
		return;
	jout_key(j, key);
	switch ((enum record_type)f->type) {
	case RECORD_TEXT:
		nothing ? jout_null(j) : jout_string(j, (const char *)row + f->offset);
		break;
	case RECORD_TIME:
		nothing ? jout_null(j) : jout_time(j, record_integer(f, row));
		break;
	case RECORD_DEGREES:
		nothing ? jout_null(j) : jout_fixed(j, record_integer(f, row), 7);
		break;
	case RECORD_HEX:
		jout_hex64(j, (uint64_t)record_integer(f, row));
		break;
	case RECORD_FLAG:
		jout_bool(j, !nothing);
		break;
	case RECORD_NUMBER:
		jout_unsigned(j, (uint64_t)record_integer(f, row));
		break;
	case RECORD_SIGNED:
	case RECORD_TOKEN:
		jout_integer(j, record_integer(f, row));
		break;
	}
}

void record_members(struct json_out *j, const struct record_kind *k, const void *row)
{
	for (size_t i = 0; i < k->count; i++)
		member(j, &k->fields[i], row);
}

/* --- bodies --- */

static bool bad(struct http_call *c, const char *key, const char *detail)
{
	http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, key, detail);
	return false;
}

bool call_json(struct http_call *c, json_t **out)
{
	json_error_t error;
	const struct buf *text = &c->x->request.body;
	*out = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	if (*out && json_is_object(*out))
		return true;
	bad(c, NULL, *out ? "the body must be an object" : error.text);
	json_decref(*out);
	*out = NULL;
	return false;
}

const char *call_text(struct http_call *c, const json_t *body, const char *key, size_t max, bool *good)
{
	const json_t *v = json_object_get(body, key);
	if (!v || !*good)
		return NULL;
	if (json_is_string(v) && json_string_length(v) <= max &&
	    utf8_printable(span_of(json_string_value(v), json_string_length(v))))
		return json_string_value(v);
	*good = bad(c, key, "is no text, or too long");
	return NULL;
}

static bool take_degrees(const struct record_field *f, void *row, const json_t *v)
{
	double degrees = json_number_value(v);
	if (!json_is_number(v) || !(fabs(degrees) <= 180))
		return false;
	return !record_set_integer(f, row, llround(degrees * E7_PER_DEGREE));
}

static bool take_value(const struct record_field *f, void *row, const json_t *v)
{
	struct span text = span_of(json_string_value(v), json_string_length(v));
	int64_t ms;
	uint8_t word;
	switch ((enum record_type)f->type) {
	case RECORD_TEXT:
		return json_is_string(v) && !record_set_text(f, row, text);
	case RECORD_TIME:
		return body_instant(v, &ms) && !record_set_integer(f, row, ms);
	case RECORD_TOKEN:
		return json_is_string(v) && !record_word_parse(f->words, text, &word) &&
		       !record_set_integer(f, row, word);
	case RECORD_FLAG:
		return json_is_boolean(v) && !record_set_integer(f, row, json_is_true(v));
	case RECORD_DEGREES:
		return take_degrees(f, row, v);
	case RECORD_NUMBER:
		return json_is_integer(v) && json_integer_value(v) >= 0 &&
		       !record_set_integer(f, row, json_integer_value(v));
	case RECORD_SIGNED:
		return json_is_integer(v) && !record_set_integer(f, row, json_integer_value(v));
	case RECORD_HEX:
		break;
	}
	return false;
}

static const struct record_field *field_of(const struct record_kind *k, const char *key)
{
	char name[RECORD_KEY_MAX];
	for (size_t i = 0; i < k->count; i++) {
		record_key(&k->fields[i], name);
		if (k->fields[i].given && strcmp(name, key) == 0)
			return &k->fields[i];
	}
	return NULL;
}

static bool is_among(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

bool call_record(struct http_call *c, const json_t *body, const struct record_kind *k, const char *const *others,
		 void *row)
{
	char name[RECORD_KEY_MAX];
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)body, key, v)
	{
		const struct record_field *f = field_of(k, key);
		if (!f && !is_among(others, key))
			return bad(c, key, "is not known here");
		if (f && !take_value(f, row, v))
			return bad(c, key, "is no value of its kind, or too long");
	}
	for (size_t i = 0; i < k->count; i++) {
		record_key(&k->fields[i], name);
		if (k->fields[i].given == RECORD_NEEDED && !json_object_get(body, name))
			return bad(c, name, "is missing");
	}
	return true;
}
