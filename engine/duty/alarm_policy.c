#include "engine/duty/alarm_policy.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/utf8.h"

const struct record_word alarm_priority_words[] = {
	{"normal", "一般"}, {"high", "重要"}, {"urgent", "紧急"}, {NULL, NULL}};

struct reading {
	alarm_policy_mistake *mistake;
	void *context;
	size_t at; /* the policy at hand */
	bool bad;
};

static void tell(struct reading *r, const char *key, const char *text)
{
	char path[128];
	r->bad = true;
	snprintf(path, sizeof path, "policies[%zu]%s%.60s", r->at, key ? "." : "", key ? key : "");
	r->mistake(r->context, path, text);
}

/* --- single values --- */

static bool is_word(const char *text)
{
	size_t size = text ? strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") : 0;
	return size && size <= RULE_ID_MAX && !text[size];
}

/* "10 min"; 0 with a mistake told. */
static int64_t span_ms_of(struct reading *r, const json_t *v, const char *key)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"s", MS_PER_SECOND}, {"min", MS_PER_MINUTE}, {"h", MS_PER_HOUR}};
	const char *text = json_string_value(v);
	char *end;
	unsigned long n = text && *text >= '1' && *text <= '9' ? strtoul(text, &end, 10) : 0;
	if (n && n <= 86400 && *end == ' ')
		for (size_t i = 0; i < sizeof units / sizeof *units; i++)
			if (strcmp(end + 1, units[i].unit) == 0 && (int64_t)n * units[i].ms <= MS_PER_DAY)
				return (int64_t)n * units[i].ms;
	tell(r, key, "is no span like \"10 min\", of a day at most");
	return 0;
}

static void take_words(struct reading *r, const json_t *o, const char *key, char words[][RULE_ID_MAX + 1],
		       unsigned *count)
{
	const json_t *list = json_object_get(o, key), *v;
	size_t i;
	if (list && (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > ALARM_WORDS_MAX)) {
		tell(r, key, "is no list of 1 to 64 words");
		return;
	}
	json_array_foreach(list, i, v)
	{
		if (is_word(json_string_value(v)))
			strcpy(words[(*count)++], json_string_value(v));
		else
			tell(r, key, "has something that is no word");
	}
}

static void take_classes(struct reading *r, const json_t *o, struct alarm_policy *p)
{
	const json_t *list = json_object_get(o, "classes"), *v;
	size_t i;
	uint8_t code;
	if (list && (!json_is_array(list) || !json_array_size(list)))
		tell(r, "classes", "is no list of words");
	json_array_foreach(list, i, v)
	{
		if (!json_is_string(v) || device_class_parse(span_of_string(json_string_value(v)), &code))
			tell(r, "classes", "has a word that is no class");
		else
			p->classes |= 1u << code;
	}
}

static void take_escalations(struct reading *r, const json_t *o, struct alarm_policy *p)
{
	const json_t *list = json_object_get(o, "escalate"), *v;
	size_t i;
	if (list && (!json_is_array(list) || json_array_size(list) > ALARM_ESCALATIONS_MAX)) {
		tell(r, "escalate", "is no list of at most 4");
		return;
	}
	json_array_foreach(list, i, v)
	{
		const json_t *to = json_object_get(v, "to");
		int64_t after_ms = span_ms_of(r, json_object_get(v, "after"), "escalate");
		int64_t before_ms = i ? p->escalations[i - 1].after_ms : 0;
		if (!json_is_string(to) || !json_string_length(to) || json_string_length(to) > ALARM_UNIT_MAX ||
		    !utf8_printable(span_of(json_string_value(to), json_string_length(to)))) {
			tell(r, "escalate", "`to` is no name");
			return;
		}
		if (after_ms && after_ms <= before_ms)
			tell(r, "escalate", "is not ascending");
		p->escalations[i].after_ms = after_ms;
		strcpy(p->escalations[i].to, json_string_value(to));
		p->escalation_count++;
	}
}

/* --- one policy --- */

static void check_keys(struct reading *r, const json_t *o)
{
	static const char *const known[] = {"id",      "sample",   "comment",  "rules",    "kinds",
					    "classes", "severity", "priority", "escalate", "acknowledge"};
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)o, key, v)
	{
		size_t i = 0;
		while (i < sizeof known / sizeof *known && strcmp(key, known[i]) != 0)
			i++;
		if (i == sizeof known / sizeof *known)
			tell(r, key, "is no key of a policy");
	}
}

static void take_policy(struct reading *r, const json_t *o, struct alarm_policies *all)
{
	struct alarm_policy *p = &all->items[all->count++];
	const json_t *severity = json_object_get(o, "severity"), *priority = json_object_get(o, "priority");
	const char *id = json_string_value(json_object_get(o, "id"));
	if (!json_is_object(o)) {
		tell(r, NULL, "is no object");
		return;
	}
	check_keys(r, o);
	if (!is_word(id))
		tell(r, "id", "is missing, or not made of a-z 0-9 - _ (at most 47)");
	else if (alarm_policy_named(all, id))
		tell(r, "id", "is there twice");
	else
		strcpy(p->id, id);
	take_words(r, o, "rules", p->rules, &p->rule_count);
	take_words(r, o, "kinds", p->kinds, &p->kind_count);
	take_classes(r, o, p);
	p->severity = (uint8_t)(severity ? json_integer_value(severity) : 1);
	if (severity &&
	    (!json_is_integer(severity) || json_integer_value(severity) < 1 || json_integer_value(severity) > 3))
		tell(r, "severity", "is none of 1, 2, 3");
	if (priority &&
	    (!json_is_string(priority) ||
	     record_word_parse(alarm_priority_words, span_of_string(json_string_value(priority)), &p->priority)))
		tell(r, "priority", "is none of normal, high, urgent");
	p->acknowledge_ms = span_ms_of(r, json_object_get(o, "acknowledge"), "acknowledge");
	take_escalations(r, o, p);
}

enum status alarm_policies_parse(struct span text, alarm_policy_mistake *mistake, void *context,
				 struct alarm_policies **out)
{
	struct reading r = {.mistake = mistake, .context = context};
	json_error_t error;
	const json_t *v;
	if (text.size > ALARM_POLICY_BYTES_MAX)
		return STATUS_TOO_LONG;
	json_t *root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
	const json_t *list = json_object_get(root, "policies");
	if (!root || !json_is_array(list) || json_array_size(list) > ALARM_POLICIES_MAX) {
		char where[64];
		snprintf(where, sizeof where, "line %d, column %d", root ? 1 : error.line, root ? 1 : error.column);
		mistake(context, where, root ? "`policies` is no list of at most 128" : error.text);
		json_decref(root);
		return STATUS_MALFORMED;
	}
	struct alarm_policies *all = calloc(1, sizeof *all);
	if (all)
		all->items = calloc(json_array_size(list) + 1, sizeof *all->items);
	enum status status = all && all->items ? STATUS_OK : STATUS_NO_MEMORY;
	if (!status) {
		json_array_foreach(list, r.at, v) take_policy(&r, v, all);
		status = r.bad ? STATUS_MALFORMED : STATUS_OK;
	}
	json_decref(root);
	if (status)
		alarm_policies_free(all);
	else
		*out = all;
	return status;
}

void alarm_policies_free(struct alarm_policies *p)
{
	if (p)
		free(p->items);
	free(p);
}

/* --- asking --- */

static bool is_among(char words[][RULE_ID_MAX + 1], unsigned count, const char *word)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

const struct alarm_policy *alarm_policy_of(const struct alarm_policies *p, const char *rule, const char *kind,
					   uint8_t class_code, uint8_t severity)
{
	for (size_t i = 0; i < p->count; i++) {
		struct alarm_policy *one = &p->items[i];
		bool named = (!one->rule_count && !one->kind_count) || is_among(one->rules, one->rule_count, rule) ||
			     is_among(one->kinds, one->kind_count, kind);
		if (named && severity >= one->severity && (!one->classes || one->classes >> class_code & 1))
			return one;
	}
	return NULL;
}

const struct alarm_policy *alarm_policy_named(const struct alarm_policies *p, const char *id)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->items[i].id, id) == 0)
			return &p->items[i];
	return NULL;
}

/* --- the shipped file, taken in by the assembler --- */

__asm__(".pushsection .rodata\n"
	".global alarm_policies_begin\n"
	"alarm_policies_begin:\n"
	".incbin \"" ALARM_POLICIES_FILE "\"\n"
	".global alarm_policies_end\n"
	"alarm_policies_end:\n"
	".byte 0\n"
	".popsection\n");

extern const uint8_t alarm_policies_begin[], alarm_policies_end[];

struct span alarm_policies_default(void)
{
	return span_of(alarm_policies_begin, (size_t)((uintptr_t)alarm_policies_end - (uintptr_t)alarm_policies_begin));
}
