#include "ingest/sites/json_values.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"

struct reading {
	const struct topic_config *topic;
	const char *name; /* of the topic */
	int64_t received_ms;
	json_value_visit *visit; /* NULL: only looking */
	void *context;
	unsigned untold;
	struct json_value_told told;
};

const struct topic_config *topic_find(const struct sites_config *c, unsigned broker, const char *topic)
{
	for (size_t i = 0; i < c->topic_count; i++)
		if (c->topics[i].broker == broker && topic_matches(c->topics[i].filter, topic))
			return &c->topics[i];
	return NULL;
}

static json_t *follow(json_t *from, const struct json_path *path)
{
	for (size_t i = 0; i < path->count && from; i++)
		from = path->steps[i].is_index ? json_array_get(from, path->steps[i].index)
					       : json_object_get(from, path->steps[i].name);
	return from;
}

/* --- the site --- */

struct name {
	char *at, *end; /* `end` is where the NUL must fit */
};

static bool put_text(struct name *n, const char *text, size_t size)
{
	if ((size_t)(n->end - n->at) < size)
		return false;
	memcpy(n->at, text, size);
	n->at += size;
	return true;
}

static bool put_level(struct name *n, const char *topic, unsigned level)
{
	for (; level > 1; level--) {
		const char *slash = strchr(topic, '/');
		if (!slash)
			return false;
		topic = slash + 1;
	}
	return put_text(n, topic, strcspn(topic, "/"));
}

static bool put_member(struct name *n, json_t *root, struct span path_text)
{
	struct json_path path;
	char number[24];
	json_t *j = json_path_parse(path_text, &path) ? NULL : follow(root, &path);
	if (json_is_string(j))
		return put_text(n, json_string_value(j), json_string_length(j));
	if (!json_is_integer(j))
		return false;
	int size = snprintf(number, sizeof number, "%lld", (long long)json_integer_value(j));
	return put_text(n, number, (size_t)size);
}

static enum status make_site(struct reading *r, json_t *root)
{
	struct name n = {r->told.site, r->told.site + SITE_MAX};
	for (const char *at = r->topic->site; *at;) {
		const char *close = *at == '{' ? strchr(at, '}') : NULL;
		bool good = false;
		if (!close)
			good = put_text(&n, at, 1);
		else if (at[1] == '$')
			good = put_member(&n, root, span_of(at + 1, (size_t)(close - at - 1)));
		else
			good = put_level(&n, r->name, (unsigned)strtoul(at + 1, NULL, 10));
		if (!good)
			return STATUS_NOT_FOUND;
		at = close ? close + 1 : at + 1;
	}
	*n.at = '\0';
	return n.at == r->told.site ? STATUS_NOT_FOUND : STATUS_OK;
}

/* --- time and values --- */

static enum status take_time(struct reading *r, json_t *root)
{
	json_t *j = r->topic->time_is_receipt ? NULL : follow(root, &r->topic->time);
	r->told.value.time_ms = r->received_ms;
	if (r->topic->time_is_receipt)
		return STATUS_OK;
	if (json_is_string(j))
		return time_parse(span_of(json_string_value(j), json_string_length(j)), CHINA_OFFSET_MS,
				  &r->told.value.time_ms);
	if (!json_is_number(j))
		return STATUS_BAD_TIME;
	double n = json_number_value(j);
	if (n < (double)JSON_SECONDS_BELOW)
		n *= 1000;
	if (!(n > 0 && n < 253402300800000.0)) /* year 10000 */
		return STATUS_BAD_TIME;
	bool whole_ms = json_is_integer(j) && json_integer_value(j) >= JSON_SECONDS_BELOW;
	r->told.value.time_ms = whole_ms ? (int64_t)json_integer_value(j) : (int64_t)llround(n);
	return STATUS_OK;
}

static bool take_value(json_t *j, struct json_value_told *out)
{
	out->value.quality = VALUE_QUALITY_GOOD;
	switch (j ? json_typeof(j) : JSON_NULL) {
	case JSON_TRUE:
	case JSON_FALSE:
		value_set_decimal(&out->value, json_is_true(j), 0);
		return true;
	case JSON_INTEGER:
		value_set_decimal(&out->value, json_integer_value(j), 0);
		return true;
	case JSON_REAL:
		return value_set_double(&out->value, json_real_value(j)) == STATUS_OK;
	case JSON_STRING:
		out->text = span_of(json_string_value(j), json_string_length(j));
		out->value.type = VALUE_TEXT;
		out->value.scale = 0;
		out->value.bits = (int64_t)value_text_hash(out->text);
		return out->text.size <= VALUE_TEXT_MAX;
	default:
		return false;
	}
}

static enum status tell(struct reading *r, const char *quantity, json_t *j)
{
	size_t size = strlen(quantity);
	if (!size || size > QUANTITY_MAX || !take_value(j, &r->told)) {
		r->untold++;
		return STATUS_OK;
	}
	memcpy(r->told.quantity, quantity, size + 1);
	return r->visit ? r->visit(r->context, &r->told) : STATUS_OK;
}

static enum status read_one(struct reading *r, json_t *root)
{
	enum status status = make_site(r, root);
	if (!status)
		status = take_time(r, root);
	for (size_t i = 0; i < r->topic->field_count && !status; i++) {
		const struct topic_field *f = &r->topic->fields[i];
		json_t *j = follow(root, &f->path), *member;
		const char *key;
		if (strcmp(f->quantity, "*") != 0) {
			status = tell(r, f->quantity, j);
			continue;
		}
		r->untold += !json_is_object(j);
		json_object_foreach(j, key, member)
		{
			status = tell(r, key, member);
			if (status)
				break;
		}
	}
	return status;
}

static enum status read_all(struct reading *r, json_t *root)
{
	enum status status = STATUS_OK;
	json_t *list = r->topic->has_each ? follow(root, &r->topic->each) : NULL;
	r->untold = 0;
	if (!r->topic->has_each)
		return read_one(r, root);
	if (!json_is_array(list))
		return STATUS_MALFORMED;
	for (size_t i = 0; i < json_array_size(list) && !status; i++)
		status = read_one(r, json_array_get(list, i));
	return status;
}

enum status json_values_read(const struct topic_config *t, const char *topic, struct span payload, int64_t received_ms,
			     json_value_visit *visit, void *context, unsigned *untold)
{
	struct reading r = {.topic = t, .name = topic, .received_ms = received_ms, .context = context};
	if (payload.size > JSON_PAYLOAD_MAX)
		return STATUS_TOO_LONG;
	json_t *root =
		payload.size ? json_loadb((const char *)payload.data, payload.size, JSON_DECODE_ANY, NULL) : NULL;
	if (!root)
		return STATUS_MALFORMED;
	enum status status = read_all(&r, root);
	r.visit = visit;
	if (!status)
		status = read_all(&r, root);
	*untold = r.untold;
	json_decref(root);
	return status;
}
