#include "query/outbox/outbox_config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/fleet/findings.h"
#include "engine/register/calendar.h"

const char *const outbox_kind_tokens[OUTBOX_KIND_COUNT] = {"webhook", "mqtt", "smtp"};

struct reading {
	outbox_mistake *mistake;
	void *context;
	bool wrong;
	size_t at; /* of the destination */
};

static void tell(struct reading *r, const char *member, const char *text)
{
	char path[96];
	snprintf(path, sizeof path, "destinations[%zu]%s%.60s", r->at, *member ? "." : "", member);
	r->mistake(r->context, path, text);
	r->wrong = true;
}

/* Absent is "" unless `required`. No control characters: these texts end in headers. */
static void take_text(struct reading *r, const json_t *d, const char *key, bool required, char *out, size_t room)
{
	const json_t *v = json_object_get(d, key);
	const char *text = json_string_value(v);
	if (!v && !required)
		return;
	if (!text || !*text || json_string_length(v) >= room || strlen(text) != json_string_length(v)) {
		tell(r, key, v ? "is no text, empty, or too long" : "is missing");
		return;
	}
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f) {
			tell(r, key, "has control characters");
			return;
		}
	memcpy(out, text, strlen(text) + 1);
}

static void take_secret(struct reading *r, const json_t *d, bool required, struct outbox_destination *out)
{
	char path[OUTBOX_TEXT_MAX + 1] = "";
	take_text(r, d, "secret_file", required, path, sizeof path);
	if (!*path)
		return;
	FILE *f = fopen(path, "r");
	if (!f) {
		tell(r, "secret_file", "cannot be read");
		return;
	}
	out->secret_size = fread(out->secret, 1, sizeof out->secret, f);
	fclose(f);
	if (out->secret_size == sizeof out->secret) {
		tell(r, "secret_file", "is too long");
		out->secret_size = 0;
	}
	while (out->secret_size && strchr("\r\n", out->secret[out->secret_size - 1]))
		out->secret_size--;
	out->secret[out->secret_size] = '\0';
	if (!out->secret_size)
		tell(r, "secret_file", "is empty");
}

/* --- what goes there --- */

typedef enum status word_parse(struct span text, uint8_t *out);

static enum status parse_step(struct span text, uint8_t *out)
{
	return hazard_parse(HAZARD_TABLE_STEP, text, out);
}

static enum status parse_grade(struct span text, uint8_t *out)
{
	return hazard_parse(HAZARD_TABLE_GRADE, text, out);
}

static enum status parse_case_event(struct span text, uint8_t *out)
{
	for (unsigned i = 1; i < CASE_EVENT_COUNT; i++)
		if (span_equal(text, span_of_string(case_event_token(i)))) {
			*out = (uint8_t)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

static enum status parse_notice(struct span text, uint8_t *out)
{
	enum status status = task_deed_parse(text, out);
	return status || *out == TASK_DEED_REMIND || *out == TASK_DEED_ESCALATE ? status : STATUS_NOT_FOUND;
}

static uint32_t take_words(struct reading *r, const json_t *list, const char *key, word_parse *parse)
{
	uint32_t bits = 0;
	uint8_t code;
	size_t i;
	const json_t *one;
	if (!json_array_size(list))
		tell(r, key, "is no list of words, or an empty one");
	json_array_foreach(list, i, one)
	{
		if (!json_is_string(one) || parse(span_of_string(json_string_value(one)), &code))
			tell(r, key, "has a word that is none");
		else
			bits |= 1u << code;
	}
	return bits;
}

static void take_rules(struct reading *r, const json_t *list, struct outbox_destination *out)
{
	size_t i;
	const json_t *one;
	if (!json_array_size(list) || json_array_size(list) > OUTBOX_RULES_MAX)
		tell(r, "findings.rules", "names 1 to 64 rules");
	json_array_foreach(list, i, one)
	{
		const char *text = json_string_value(one);
		if (!text || !*text || strlen(text) > RULE_ID_MAX || out->rule_count == OUTBOX_RULES_MAX)
			tell(r, "findings.rules", "has one that is no rule's id");
		else
			strcpy(out->rules[out->rule_count++], text);
	}
}

/* Nothing but `known`, which ends with NULL. */
static void keys_fit(struct reading *r, const json_t *o, const char *path, const char *const *known)
{
	const char *key;
	json_t *value;
	char name[80];
	json_object_foreach((json_t *)o, key, value)
	{
		size_t i = 0;
		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (known[i])
			continue;
		snprintf(name, sizeof name, "%s%.60s", path, key);
		tell(r, name, "is not known");
	}
}

/* NULL when it is absent, or wrong. */
static const json_t *take_kind(struct reading *r, const json_t *d, const char *kind, const char *const *known)
{
	const json_t *o = json_object_get(d, kind);
	char path[16];
	if (o && !json_is_object(o)) {
		tell(r, kind, "is no object");
		return NULL;
	}
	snprintf(path, sizeof path, "%s.", kind);
	keys_fit(r, o, path, known);
	return o;
}

static void take_what(struct reading *r, const json_t *d, struct outbox_destination *out)
{
	static const char *const of_hazards[] = {"steps", "grades", NULL},
				 *const of_findings[] = {"events", "rules", NULL}, *const of_tasks[] = {"events", NULL};
	const json_t *hazards = take_kind(r, d, "hazards", of_hazards),
		     *findings = take_kind(r, d, "findings", of_findings), *tasks = take_kind(r, d, "tasks", of_tasks);
	const json_t *steps = json_object_get(hazards, "steps"), *grades = json_object_get(hazards, "grades"),
		     *notices = json_object_get(tasks, "events");
	if (hazards || (!findings && !tasks))
		out->steps = steps ? take_words(r, steps, "hazards.steps", parse_step) : UINT32_MAX;
	out->grades = grades ? (uint8_t)take_words(r, grades, "hazards.grades", parse_grade) : 0;
	if (tasks)
		out->notices = notices ? take_words(r, notices, "tasks.events", parse_notice)
				       : 1u << TASK_DEED_REMIND | 1u << TASK_DEED_ESCALATE;
	if (!findings)
		return;
	out->case_events = take_words(r, json_object_get(findings, "events"), "findings.events", parse_case_event);
	if (json_object_get(findings, "rules"))
		take_rules(r, json_object_get(findings, "rules"), out);
}

/* --- where it goes --- */

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static void take_webhook(struct reading *r, const json_t *d, struct outbox_destination *out)
{
	take_text(r, d, "url", true, out->url, sizeof out->url);
	take_secret(r, d, true, out);
	if (*out->url && !begins(out->url, "http://") && !begins(out->url, "https://"))
		tell(r, "url", "begins with http:// or https://");
	if (out->secret_size && out->secret_size < OUTBOX_KEY_MIN)
		tell(r, "secret_file", "a key has at least 16 bytes");
}

static void take_mqtt(struct reading *r, const json_t *d, struct outbox_destination *out)
{
	const json_t *port = json_object_get(d, "port");
	take_text(r, d, "host", true, out->host, sizeof out->host);
	take_text(r, d, "topic", true, out->topic, sizeof out->topic);
	take_text(r, d, "username", false, out->username, sizeof out->username);
	take_secret(r, d, false, out);
	if (strpbrk(out->topic, "+#"))
		tell(r, "topic", "has a wildcard");
	if (port && (!json_is_integer(port) || json_integer_value(port) < 1 || json_integer_value(port) > 65535))
		tell(r, "port", "is none");
	out->port = port ? (uint16_t)json_integer_value(port) : *out->ca_file ? 8883 : 1883;
}

static bool is_address(const char *text)
{
	const char *at = strchr(text, '@');
	return at && at != text && at[1] && !strpbrk(text, " <>,;\"");
}

static void take_mail(struct reading *r, const json_t *d, struct outbox_destination *out)
{
	const json_t *list = json_object_get(d, "to"), *tls = json_object_get(d, "tls"), *one;
	size_t i;
	take_text(r, d, "url", true, out->url, sizeof out->url);
	take_text(r, d, "from", true, out->from, sizeof out->from);
	take_text(r, d, "username", false, out->username, sizeof out->username);
	take_secret(r, d, false, out);
	if (*out->url && !begins(out->url, "smtp://") && !begins(out->url, "smtps://"))
		tell(r, "url", "begins with smtp:// or smtps://");
	if (*out->from && !is_address(out->from))
		tell(r, "from", "is no address");
	if (!json_array_size(list) || json_array_size(list) > OUTBOX_RECIPIENTS_MAX)
		tell(r, "to", "names 1 to 32 addresses");
	json_array_foreach(list, i, one)
	{
		const char *text = json_string_value(one);
		if (!text || strlen(text) > OUTBOX_TEXT_MAX || !is_address(text) || i >= OUTBOX_RECIPIENTS_MAX)
			tell(r, "to", "has one that is no address");
		else
			strcpy(out->to[out->to_count++], text);
	}
	if (tls && !json_is_boolean(tls))
		tell(r, "tls", "is neither true nor false");
	out->tls = json_is_true(tls) || *out->ca_file;
}

static void take_destination(struct reading *r, const json_t *d, struct outbox_destination *out)
{
	static const char *const common[] = {"name",    "kind",     "url",   "host",     "port",        "topic",
					     "from",    "to",       "tls",   "username", "secret_file", "ca_file",
					     "hazards", "findings", "tasks", NULL};
	static void (*const takers[])(struct reading *, const json_t *,
				      struct outbox_destination *) = {take_webhook, take_mqtt, take_mail};
	char kind[16] = "";
	if (!json_is_object(d)) {
		tell(r, "", "is no object");
		return;
	}
	keys_fit(r, d, "", common);
	take_text(r, d, "name", true, out->name, sizeof out->name);
	take_text(r, d, "kind", true, kind, sizeof kind);
	take_text(r, d, "ca_file", false, out->ca_file, sizeof out->ca_file);
	take_what(r, d, out);
	while (out->kind < OUTBOX_KIND_COUNT && strcmp(outbox_kind_tokens[out->kind], kind) != 0)
		out->kind++;
	if (out->kind == OUTBOX_KIND_COUNT)
		tell(r, "kind", "is webhook, mqtt or smtp");
	else
		takers[out->kind](r, d, out);
}

static void take_all(struct reading *r, const json_t *list, struct outbox_config *c)
{
	for (r->at = 0; r->at < json_array_size(list); r->at++) {
		if (c->count == OUTBOX_DESTINATIONS_MAX) {
			tell(r, "", "is one too many: 16 are taken");
			return;
		}
		struct outbox_destination *d = &c->items[c->count];
		take_destination(r, json_array_get(list, r->at), d);
		for (size_t i = 0; i < c->count; i++)
			if (!strcmp(c->items[i].name, d->name))
				tell(r, "name", "is taken by one before it");
		c->count++;
	}
}

enum status outbox_config_parse(struct span text, outbox_mistake *mistake, void *context, struct outbox_config **out)
{
	json_error_t error;
	struct reading r = {.mistake = mistake, .context = context};
	struct outbox_config *c = calloc(1, sizeof *c);
	json_t *file = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
	const json_t *list = json_object_get(file, "destinations");
	if (c && !file) {
		char at[32];
		snprintf(at, sizeof at, "line %d", error.line);
		mistake(context, at, error.text);
		r.wrong = true;
	} else if (c && (!json_is_array(list) || json_object_size(file) != 1)) {
		mistake(context, "destinations", "wanted {\"destinations\": [...]} and nothing else");
		r.wrong = true;
	} else if (c) {
		take_all(&r, list, c);
	}
	json_decref(file);
	*out = r.wrong ? NULL : c;
	if (r.wrong)
		free(c);
	return !c ? STATUS_NO_MEMORY : r.wrong ? STATUS_MALFORMED : STATUS_OK;
}
