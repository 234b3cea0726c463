#include "engine/register/feed_policy.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/utf8.h"
#include "engine/fleet/findings.h"

struct reading {
	feed_policy_mistake *mistake;
	void *context;
	size_t at; /* the policy at hand */
	bool bad;
};

static const char *const per_words[FEED_PER_COUNT] = {"company", "plate", "driver", "device", "fence"};

/* Keys whose text goes to a field of the hazard as it is proposed. */
static const struct {
	const char *key;
	uint8_t field;
} templates[] = {
	{"grade", HAZARD_FIELD_GRADE},
	{"sector", HAZARD_FIELD_SECTOR},
	{"category", HAZARD_FIELD_CATEGORY},
	{"basis", HAZARD_FIELD_BASIS},
	{"unit", HAZARD_FIELD_UNIT},
	{"person", HAZARD_FIELD_PERSON},
	{"supervisor", HAZARD_FIELD_SUPERVISOR},
	{"site", HAZARD_FIELD_SITE},
	{"description", HAZARD_FIELD_DESCRIPTION},
};
#define TEMPLATES (sizeof templates / sizeof *templates)

static const char *const other_keys[] = {"id",          "sample",        "rules",  "kinds",  "classes",
					 "states",      "per",           "count",  "within", "unanswered",
					 "life_threat", "deadline_days", "comment"};

static void tell(struct reading *r, const char *key, const char *text)
{
	char path[128];
	r->bad = true;
	snprintf(path, sizeof path, "policies[%zu]%s%.60s", r->at, key ? "." : "", key ? key : "");
	r->mistake(r->context, path, text);
}

/* --- single values --- */

/* NULL when it is missing or, with a mistake told, no text. */
static const char *text_of(struct reading *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	if (!v)
		return NULL;
	if (!json_is_string(v) || json_string_length(v) > HAZARD_VALUE_MAX ||
	    !utf8_printable(span_of(json_string_value(v), json_string_length(v)))) {
		tell(r, key, "is no text of at most 1000 bytes");
		return NULL;
	}
	return json_string_value(v);
}

static bool yes_of(struct reading *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	if (v && !json_is_boolean(v))
		tell(r, key, "is neither true nor false");
	return json_is_true(v);
}

static long long number_of(struct reading *r, const json_t *o, const char *key, long long min, long long max,
			   long long missing)
{
	const json_t *v = json_object_get(o, key);
	char text[96];
	if (!v)
		return missing;
	if (json_is_integer(v) && json_integer_value(v) >= min && json_integer_value(v) <= max)
		return json_integer_value(v);
	snprintf(text, sizeof text, "is no whole number from %lld to %lld", min, max);
	tell(r, key, text);
	return missing;
}

/* "7 d", "10 min": 0 when it is missing. */
static int64_t span_ms_of(struct reading *r, const json_t *o, const char *key)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"s", MS_PER_SECOND}, {"min", MS_PER_MINUTE}, {"h", MS_PER_HOUR}, {"d", MS_PER_DAY}};
	const char *text = text_of(r, o, key);
	if (!text)
		return 0;
	char *end;
	unsigned long n = *text >= '1' && *text <= '9' ? strtoul(text, &end, 10) : 0;
	if (n && n <= 3650 * 24 && *end == ' ')
		for (size_t i = 0; i < sizeof units / sizeof *units; i++)
			if (strcmp(end + 1, units[i].unit) == 0 && (int64_t)n * units[i].ms <= 3650 * MS_PER_DAY)
				return (int64_t)n * units[i].ms;
	tell(r, key, "is no span like \"7 d\", \"10 min\", of ten years at most");
	return 0;
}

/* --- lists --- */

typedef bool take_word(struct feed_policy *p, const char *word);

static bool take_rule(struct feed_policy *p, const char *word)
{
	if (p->rule_count == FEED_RULES_MAX || !*word || strlen(word) > RULE_ID_MAX)
		return false;
	strcpy(p->rules[p->rule_count++], word);
	return true;
}

static bool take_kind(struct feed_policy *p, const char *word)
{
	for (unsigned kind = 1; kind < RULE_KIND_COUNT; kind++)
		if (rule_kind_exists(kind) && strcmp(word, rule_kind_token(kind)) == 0) {
			p->kinds |= UINT64_C(1) << kind;
			return true;
		}
	return false;
}

static bool take_class(struct feed_policy *p, const char *word)
{
	uint8_t code;
	if (device_class_parse(span_of_string(word), &code))
		return false;
	p->classes |= 1u << code;
	return true;
}

static bool take_state(struct feed_policy *p, const char *word)
{
	uint8_t state;
	if (case_state_parse(span_of_string(word), &state) || state == CASE_WITHDRAWN || state == CASE_REJECTED)
		return false;
	p->states |= (uint8_t)(1u << state);
	return true;
}

static void take_list(struct reading *r, const json_t *o, const char *key, take_word *take, struct feed_policy *p)
{
	const json_t *list = json_object_get(o, key), *item;
	size_t i;
	if (list && (!json_is_array(list) || !json_array_size(list)))
		tell(r, key, "is no list of words");
	json_array_foreach(list, i, item) if (!json_is_string(item) || !take(p, json_string_value(item)))
	{
		char text[128];
		snprintf(text, sizeof text, "\"%.60s\" is not known here",
			 json_is_string(item) ? json_string_value(item) : "?");
		tell(r, key, text);
	}
}

/* --- one policy --- */

static bool is_known(const char *key)
{
	for (size_t i = 0; i < TEMPLATES; i++)
		if (strcmp(key, templates[i].key) == 0)
			return true;
	for (size_t i = 0; i < sizeof other_keys / sizeof *other_keys; i++)
		if (strcmp(key, other_keys[i]) == 0)
			return true;
	return false;
}

static bool is_id(const char *text)
{
	size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return size && size <= RULE_ID_MAX && !text[size];
}

static bool braces_are_known(const char *text)
{
	static const char *const words[] = {"{plate}", "{company}", "{village}", "{driver}", "{device}",
					    "{fence}", "{rule}",    "{kind}",    "{count}",  "{within}"};
	while ((text = strchr(text, '{'))) {
		bool known = false;
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			known |= strncmp(text, words[i], strlen(words[i])) == 0;
		if (!known)
			return false;
		text++;
	}
	return true;
}

static enum status take_templates(struct reading *r, const json_t *o, struct feed_policy *p)
{
	uint8_t grade;
	for (size_t i = 0; i < TEMPLATES; i++) {
		const char *text = text_of(r, o, templates[i].key);
		if (!text || !*text)
			continue;
		if (!braces_are_known(text))
			tell(r, templates[i].key, "has a word in braces that is not known");
		p->texts[templates[i].field] = strdup(text);
		if (!p->texts[templates[i].field])
			return STATUS_NO_MEMORY;
	}
	const char *text = p->texts[HAZARD_FIELD_GRADE];
	if (text && (hazard_parse(HAZARD_TABLE_GRADE, span_of_string(text), &grade) || grade == HAZARD_GRADE_NONE))
		tell(r, "grade", "is none of general, larger, major");
	if (!p->texts[HAZARD_FIELD_DESCRIPTION])
		tell(r, "description", "is missing");
	if (yes_of(r, o, "life_threat") && !(p->texts[HAZARD_FIELD_LIFE_THREAT] = strdup("yes")))
		return STATUS_NO_MEMORY;
	return STATUS_OK;
}

/* "7天": the largest unit that divides it. */
static void write_span(int64_t ms, char *out, size_t size)
{
	static const struct {
		int64_t ms;
		const char *word;
	} units[] = {{MS_PER_DAY, "天"}, {MS_PER_HOUR, "小时"}, {MS_PER_MINUTE, "分钟"}, {MS_PER_SECOND, "秒"}};
	size_t i = 0;
	while (ms % units[i].ms)
		i++;
	snprintf(out, size, "%lld%s", (long long)(ms / units[i].ms), units[i].word);
}

static void take_counting(struct reading *r, const json_t *o, struct feed_policy *p)
{
	const char *per = text_of(r, o, "per");
	for (p->per = 0; p->per < FEED_PER_COUNT && (!per || strcmp(per, per_words[p->per]) != 0);)
		p->per++;
	if (p->per == FEED_PER_COUNT)
		tell(r, "per", "is none of company, plate, driver, device, fence");
	p->count = (unsigned)number_of(r, o, "count", 1, FEED_COUNT_MAX, 1);
	p->within_ms = span_ms_of(r, o, "within");
	if (p->count > 1 && !p->within_ms)
		tell(r, "within", "is missing: a count needs its span");
	if (p->within_ms)
		write_span(p->within_ms, p->within_text, sizeof p->within_text);
	p->unanswered_ms = span_ms_of(r, o, "unanswered");
	p->deadline_days = (int)number_of(r, o, "deadline_days", 0, 3650, 0);
}

static enum status take_policy(struct reading *r, const json_t *o, struct feed_policies *all)
{
	struct feed_policy *p = &all->items[all->count++];
	const char *key, *id;
	json_t *value;
	if (!json_is_object(o)) {
		tell(r, NULL, "is no object");
		return STATUS_OK;
	}
	json_object_foreach((json_t *)o, key, value) if (!is_known(key)) tell(r, key, "is no key of a policy");
	id = text_of(r, o, "id");
	if (!id || !is_id(id))
		tell(r, "id", "is missing, or not made of a-z 0-9 - (at most 47)");
	else
		strcpy(p->id, id);
	for (size_t i = 0; i + 1 < all->count; i++)
		if (*p->id && strcmp(all->items[i].id, p->id) == 0)
			tell(r, "id", "is there twice");
	p->sample = yes_of(r, o, "sample");
	take_list(r, o, "rules", take_rule, p);
	take_list(r, o, "kinds", take_kind, p);
	take_list(r, o, "classes", take_class, p);
	take_list(r, o, "states", take_state, p);
	if (!p->rule_count && !p->kinds)
		tell(r, "rules", "is missing, and so is kinds");
	if (!p->states)
		p->states = 1u << CASE_PENDING | 1u << CASE_CONFIRMED | 1u << CASE_TRANSFERRED;
	take_counting(r, o, p);
	return take_templates(r, o, p);
}

static enum status take_all(struct reading *r, const json_t *root, struct feed_policies *all)
{
	const json_t *list = json_object_get(root, "policies"), *item;
	enum status status = STATUS_OK;
	if (!json_is_array(list) || json_array_size(list) > FEED_POLICIES_MAX) {
		r->bad = true;
		r->mistake(r->context, "policies", "is no list of at most 256 policies");
		return STATUS_OK;
	}
	all->items = calloc(json_array_size(list) + 1, sizeof *all->items);
	if (!all->items)
		return STATUS_NO_MEMORY;
	json_array_foreach(list, r->at, item) if (!status) status = take_policy(r, item, all);
	return status;
}

enum status feed_policies_parse(struct span text, feed_policy_mistake *mistake, void *context,
				struct feed_policies **out)
{
	struct reading r = {.mistake = mistake, .context = context};
	json_error_t error;
	if (text.size > FEED_POLICY_BYTES_MAX)
		return STATUS_TOO_LONG;
	json_t *root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		char where[64];
		snprintf(where, sizeof where, "line %d, column %d", error.line, error.column);
		mistake(context, where, error.text);
		return STATUS_MALFORMED;
	}
	struct feed_policies *all = calloc(1, sizeof *all);
	enum status status = all ? take_all(&r, root, all) : STATUS_NO_MEMORY;
	json_decref(root);
	if (!status && r.bad)
		status = STATUS_MALFORMED;
	if (status)
		feed_policies_free(all);
	else
		*out = all;
	return status;
}

void feed_policies_free(struct feed_policies *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++)
		for (unsigned f = 0; f < HAZARD_FIELD_COUNT; f++)
			free(p->items[i].texts[f]);
	free(p->items);
	free(p);
}

/* --- the shipped file, taken in by the assembler --- */

__asm__(".pushsection .rodata\n"
	".global feed_policies_begin\n"
	"feed_policies_begin:\n"
	".incbin \"" FEED_POLICIES_FILE "\"\n"
	".global feed_policies_end\n"
	"feed_policies_end:\n"
	".byte 0\n"
	".popsection\n");

extern const uint8_t feed_policies_begin[], feed_policies_end[];

struct span feed_policies_default(void)
{
	return span_of(feed_policies_begin, (size_t)((uintptr_t)feed_policies_end - (uintptr_t)feed_policies_begin));
}
