#include "engine/register/calendar_rules.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/utf8.h"

struct reading {
	calendar_mistake *mistake;
	void *context;
	size_t at; /* the rule at hand */
	bool bad;
};

static const struct {
	const char *word;
	uint16_t months;
} periods[] = {{"once", 0},  {"month", 1},    {"quarter", 3}, {"half_year", 6},
	       {"year", 12}, {"2 years", 24}, {"3 years", 36}};

static const char *const known_keys[] = {
	"id",    "annex", "title",  "unit",        "basis",         "remark",      "sample",
	"every", "from",  "until",  "dates",       "start",         "subjects",    "high_risk",
	"risks", "count", "target", "remind_days", "escalate_days", "escalate_to", "comment"};

static const char *const risk_tokens[] = {
#define X(code, NAME, token, chinese) [code] = token,
	CALENDAR_RISK_TABLE(X)
#undef X
};
static const char *const risk_words[] = {
#define X(code, NAME, token, chinese) [code] = chinese,
	CALENDAR_RISK_TABLE(X)
#undef X
};

const char *calendar_risk_token(unsigned risk)
{
	return risk < CALENDAR_RISK_COUNT ? risk_tokens[risk] : "unknown";
}

enum status calendar_risk_parse(struct span text, uint8_t *out)
{
	for (unsigned i = 0; i < CALENDAR_RISK_COUNT; i++)
		if (span_equal(text, span_of_string(risk_tokens[i])) ||
		    span_equal(text, span_of_string(risk_words[i]))) {
			*out = i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

static void tell(struct reading *r, const char *key, const char *text)
{
	char path[128];
	r->bad = true;
	snprintf(path, sizeof path, "rules[%zu]%s%.60s", r->at, key ? "." : "", key ? key : "");
	r->mistake(r->context, path, text);
}

/* --- single values --- */

static const char *string_of(struct reading *r, const json_t *o, const char *key, const char *path)
{
	const json_t *v = json_object_get(o, key);
	if (!v)
		return "";
	if (json_is_string(v) && json_string_length(v) <= CALENDAR_TEXT_MAX &&
	    utf8_printable(span_of(json_string_value(v), json_string_length(v))))
		return json_string_value(v);
	tell(r, path, "is no text of at most 600 bytes");
	return "";
}

/* A copy, "" when it is missing; NULL without memory. */
static char *text_of(struct reading *r, const json_t *o, const char *key, bool required)
{
	const char *text = string_of(r, o, key, key);
	if (required && !*text)
		tell(r, key, "is missing");
	return strdup(text);
}

static bool whole_number(const json_t *v, long long min, long long max)
{
	return json_is_integer(v) && json_integer_value(v) >= min && json_integer_value(v) <= max;
}

static long long number_of(struct reading *r, const json_t *o, const char *key, long long min, long long max,
			   long long missing)
{
	const json_t *v = json_object_get(o, key);
	char text[96];
	if (!v || whole_number(v, min, max))
		return v ? json_integer_value(v) : missing;
	snprintf(text, sizeof text, "is no whole number from %lld to %lld", min, max);
	tell(r, key, text);
	return missing;
}

static int32_t day_of(struct reading *r, const json_t *o, const char *key, int32_t missing)
{
	const char *text = string_of(r, o, key, key);
	int32_t day = missing;
	if (*text && hazard_day_parse(span_of_string(text), &day))
		tell(r, key, "is no date YYYY-MM-DD");
	return day;
}

static bool yes_of(struct reading *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	if (v && !json_is_boolean(v))
		tell(r, key, "is neither true nor false");
	return json_is_true(v);
}

/* --- dates --- */

static bool is_month_day(const char *text, const struct calendar_rule *rule, struct calendar_date *out)
{
	unsigned month = 1, day = 0;
	int size = 0;
	bool fits = rule->months == 1 ? sscanf(text, "%2u%n", &day, &size) == 1
				      : sscanf(text, "%2u-%2u%n", &month, &day, &size) == 2;
	if (!fits || text[size] || !month || month > rule->months || !day || day > 31)
		return false;
	out->month = (uint16_t)month;
	out->day = (uint8_t)day;
	return true;
}

static void take_date(struct reading *r, const char *text, const char *path, const struct calendar_rule *rule,
		      struct calendar_date *out)
{
	if (!rule->months && hazard_day_parse(span_of_string(text), &out->once))
		tell(r, path, "is no date YYYY-MM-DD");
	else if (rule->months && !is_month_day(text, rule, out))
		tell(r, path,
		     rule->months == 1 ? "is no day of a month: 1 to 31"
				       : "is no month of the period and day: \"3-24\"");
}

static enum status take_dates(struct reading *r, const json_t *o, struct calendar_rule *rule)
{
	const json_t *all = json_object_get(o, "dates");
	size_t n = json_array_size(all);
	if (!n || n > CALENDAR_DATES_MAX)
		tell(r, "dates", "is no list of 1 to 4 dates");
	for (size_t i = 0; i < n && i < CALENDAR_DATES_MAX; i++) {
		const json_t *one = json_array_get(all, i);
		struct calendar_date *d = &rule->dates[rule->date_count];
		char path[40];
		snprintf(path, sizeof path, "dates[%zu]", i);
		d->source = strdup(string_of(r, one, "source", path));
		if (!d->source)
			return STATUS_NO_MEMORY;
		rule->date_count++;
		take_date(r, string_of(r, one, "on", path), path, rule, d);
		if (n > 1 && !*d->source)
			tell(r, path, "contradicts another date and names no source");
	}
	rule->has_start = json_object_get(o, "start") != NULL;
	if (rule->has_start)
		take_date(r, string_of(r, o, "start", "start"), "start", rule, &rule->start);
	return STATUS_OK;
}

static unsigned take_days(struct reading *r, const json_t *o, const char *key, bool ascending,
			  uint16_t out[CALENDAR_STEPS_MAX])
{
	const json_t *all = json_object_get(o, key);
	size_t n = json_array_size(all);
	if (all && (!json_is_array(all) || n > CALENDAR_STEPS_MAX))
		tell(r, key, "is no list of at most 8 numbers of days");
	n = n < CALENDAR_STEPS_MAX ? n : CALENDAR_STEPS_MAX;
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(all, i);
		bool right = whole_number(v, 0, CALENDAR_DAYS_MAX);
		out[i] = right ? (uint16_t)json_integer_value(v) : 0;
		if (!right || (i && (ascending ? out[i] <= out[i - 1] : out[i] >= out[i - 1])))
			tell(r, key,
			     ascending ? "are no days, each later than the one before"
				       : "are no days, each nearer than the one before");
	}
	return (unsigned)n;
}

/* --- one rule --- */

static void take_period(struct reading *r, const json_t *o, struct calendar_rule *rule)
{
	const char *word = string_of(r, o, "every", "every");
	for (size_t i = 0; i < sizeof periods / sizeof *periods; i++)
		if (strcmp(word, periods[i].word) == 0) {
			rule->months = periods[i].months;
			return;
		}
	tell(r, "every", "is none of once, month, quarter, half_year, year, 2 years, 3 years");
}

static void take_subjects(struct reading *r, const json_t *o, struct calendar_rule *rule)
{
	const char *word = string_of(r, o, "subjects", "subjects");
	const json_t *risks = json_object_get(o, "risks"), *high = json_object_get(o, "high_risk");
	uint8_t risk;
	rule->subjects = strcmp(word, "enterprise") == 0 ? CALENDAR_OF_ENTERPRISES : CALENDAR_OF_TOWNSHIP;
	if (*word && !rule->subjects)
		tell(r, "subjects", "is not enterprise");
	rule->high_risk = high ? (int8_t)yes_of(r, o, "high_risk") : -1;
	for (size_t i = 0; i < json_array_size(risks); i++) {
		const char *text = json_string_value(json_array_get(risks, i));
		if (!text || calendar_risk_parse(span_of_string(text), &risk))
			tell(r, "risks", "are not of none, blue, yellow, orange, red");
		else
			rule->risks |= (uint8_t)(1u << risk);
	}
	if (!rule->subjects && (high || risks))
		tell(r, high ? "high_risk" : "risks", "goes with subjects");
}

static uint8_t figure_of(struct reading *r, const json_t *o, const char *key, const char *path)
{
	uint8_t figure = 0;
	const char *word = string_of(r, o, key, path);
	if (*word && figure_parse(span_of_string(word), &figure))
		tell(r, path, "is no figure");
	return figure;
}

static void take_target(struct reading *r, const json_t *o, struct calendar_rule *rule)
{
	const json_t *t = json_object_get(o, "target"), *v;
	if (!t)
		return;
	rule->target.figure = figure_of(r, t, "figure", "target.figure");
	rule->target.of = figure_of(r, t, "of", "target.of");
	v = json_object_get(t, rule->target.of ? "percent" : "count");
	if (!rule->target.figure || !whole_number(v, 1, rule->target.of ? 100 : INT32_MAX))
		tell(r, "target", "is no figure with a count, or with `of` and a percentage");
	else
		rule->target.wanted = json_integer_value(v);
}

static void take_id(struct reading *r, const json_t *o, const struct calendar_rules *all, struct calendar_rule *rule)
{
	const char *id = string_of(r, o, "id", "id");
	size_t size = strlen(id);
	if (!size || size > CALENDAR_ID_MAX || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != size) {
		tell(r, "id", "is no id: 1 to 48 of a-z 0-9 -");
		return;
	}
	memcpy(rule->id, id, size + 1);
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->items[i].id, id) == 0)
			tell(r, "id", "is there already");
}

static void refuse_unknown(struct reading *r, const json_t *o)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)o, key, value)
	{
		size_t i = 0;
		while (i < sizeof known_keys / sizeof *known_keys && strcmp(key, known_keys[i]) != 0)
			i++;
		if (i == sizeof known_keys / sizeof *known_keys)
			tell(r, key, "is not known");
	}
}

static enum status take_rule(struct reading *r, const json_t *o, struct calendar_rules *all)
{
	struct calendar_rule *rule = &all->items[all->count];
	if (!json_is_object(o)) {
		tell(r, NULL, "is no object");
		return STATUS_OK;
	}
	refuse_unknown(r, o);
	take_id(r, o, all, rule);
	all->count++;
	rule->title = text_of(r, o, "title", true);
	rule->unit = text_of(r, o, "unit", true);
	rule->annex = text_of(r, o, "annex", false);
	rule->basis = text_of(r, o, "basis", false);
	rule->remark = text_of(r, o, "remark", false);
	rule->escalate_to = text_of(r, o, "escalate_to", false);
	if (!rule->title || !rule->unit || !rule->annex || !rule->basis || !rule->remark || !rule->escalate_to)
		return STATUS_NO_MEMORY;
	rule->sample = yes_of(r, o, "sample");
	rule->from_day = day_of(r, o, "from", INT32_MIN);
	rule->until_day = day_of(r, o, "until", INT32_MAX);
	rule->count = (uint16_t)number_of(r, o, "count", 1, 1000, 1);
	take_period(r, o, rule);
	if (rule->months && rule->from_day == INT32_MIN)
		tell(r, "from", "is missing: what comes again begins some day");
	if (rule->from_day > rule->until_day)
		tell(r, "until", "is before from");
	take_subjects(r, o, rule);
	take_target(r, o, rule);
	rule->remind_count = take_days(r, o, "remind_days", false, rule->remind);
	rule->escalate_count = take_days(r, o, "escalate_days", true, rule->escalate);
	return take_dates(r, o, rule);
}

static enum status take_all(struct reading *r, const json_t *root, struct calendar_rules *all)
{
	const json_t *list = json_object_get(root, "rules");
	size_t n = json_array_size(list);
	enum status status = STATUS_OK;
	if (!json_is_array(list) || n > CALENDAR_RULES_MAX) {
		r->bad = true;
		r->mistake(r->context, "rules", "is no list of at most 512 rules");
		return STATUS_OK;
	}
	all->items = calloc(n ? n : 1, sizeof *all->items);
	if (!all->items)
		return STATUS_NO_MEMORY;
	for (r->at = 0; r->at < n && !status; r->at++)
		status = take_rule(r, json_array_get(list, r->at), all);
	return status;
}

enum status calendar_rules_parse(struct span text, calendar_mistake *mistake, void *context,
				 struct calendar_rules **out)
{
	struct reading r = {.mistake = mistake, .context = context};
	json_error_t error;
	if (text.size > CALENDAR_BYTES_MAX)
		return STATUS_TOO_LONG;
	json_t *root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		char where[64];
		snprintf(where, sizeof where, "line %d, column %d", error.line, error.column);
		mistake(context, where, error.text);
		return STATUS_MALFORMED;
	}
	struct calendar_rules *all = calloc(1, sizeof *all);
	enum status status = all ? take_all(&r, root, all) : STATUS_NO_MEMORY;
	json_decref(root);
	if (!status && r.bad)
		status = STATUS_MALFORMED;
	if (status)
		calendar_rules_free(all);
	else
		*out = all;
	return status;
}

void calendar_rules_free(struct calendar_rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++) {
		struct calendar_rule *rule = &r->items[i];
		free(rule->title);
		free(rule->unit);
		free(rule->annex);
		free(rule->basis);
		free(rule->remark);
		free(rule->escalate_to);
		for (unsigned d = 0; d < rule->date_count; d++)
			free(rule->dates[d].source);
	}
	free(r->items);
	free(r);
}

/* --- when it is due --- */

static int32_t day_from(int64_t year, unsigned month, unsigned day)
{
	struct civil c = {.year = (int32_t)year, .month = (uint8_t)month, .day = (uint8_t)day};
	return (int32_t)(civil_to_ms(&c) / MS_PER_DAY - (civil_to_ms(&c) % MS_PER_DAY < 0));
}

/* Months since year 0: 12 * year + month - 1. */
static int64_t month_of_day(int32_t day)
{
	struct civil c;
	civil_from_ms((int64_t)day * MS_PER_DAY, &c);
	return 12 * (int64_t)c.year + c.month - 1;
}

static int32_t first_day(int64_t month)
{
	return day_from(month / 12, (unsigned)(month % 12) + 1, 1);
}

static int32_t date_day(const struct calendar_rule *rule, const struct calendar_date *d, int64_t period)
{
	if (!rule->months)
		return d->once;
	int64_t month = period + d->month - 1;
	int32_t day = first_day(month) + d->day - 1, last = first_day(month + 1) - 1;
	return day < last ? day : last;
}

static void name_period(const struct calendar_rule *rule, int64_t period, char out[CALENDAR_PERIOD_MAX])
{
	unsigned year = (unsigned)(period / 12) % 10000, part = (unsigned)(period % 12);
	switch (rule->months) {
	case 0:
		strcpy(out, "once");
		break;
	case 1:
		snprintf(out, CALENDAR_PERIOD_MAX, "%04u-%02u", year, part + 1);
		break;
	case 3:
		snprintf(out, CALENDAR_PERIOD_MAX, "%04uQ%u", year, part / 3 + 1);
		break;
	case 6:
		snprintf(out, CALENDAR_PERIOD_MAX, "%04uH%u", year, part / 6 + 1);
		break;
	case 12:
		snprintf(out, CALENDAR_PERIOD_MAX, "%04u", year);
		break;
	default:
		snprintf(out, CALENDAR_PERIOD_MAX, "%04u-%04u", year, year + rule->months / 12u - 1);
	}
}

static void due_of(const struct calendar_rule *rule, int64_t period, struct calendar_due *out)
{
	name_period(rule, period, out->period);
	out->due_day = INT32_MAX;
	for (unsigned i = 0; i < rule->date_count; i++) {
		out->days[i] = date_day(rule, &rule->dates[i], period);
		out->due_day = out->days[i] < out->due_day ? out->days[i] : out->due_day;
	}
	out->start_day = rule->has_start ? date_day(rule, &rule->start, period)
			 : rule->months  ? first_day(period)
					 : HAZARD_DAY_NONE;
}

static int32_t later(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

enum status calendar_rule_dues(const struct calendar_rule *rule, int32_t from_day, int32_t to_day,
			       calendar_due_visit *visit, void *context)
{
	struct calendar_due due;
	int32_t from = later(from_day, rule->from_day), to = to_day < rule->until_day ? to_day : rule->until_day;
	enum status status = STATUS_OK;
	if (!rule->months) {
		due_of(rule, 0, &due);
		return due.due_day >= from && due.due_day <= to ? visit(context, rule, &due) : STATUS_OK;
	}
	int64_t base = rule->months > 12 ? month_of_day(rule->from_day) / 12 * 12 : 0;
	int64_t period = month_of_day(from) - (month_of_day(from) - base) % rule->months;
	for (; from <= to && first_day(period) <= to && !status; period += rule->months) {
		due_of(rule, period, &due);
		if (due.due_day >= from && due.due_day <= to)
			status = visit(context, rule, &due);
	}
	return status;
}

/* --- the shipped file, taken in by the assembler --- */

__asm__(".pushsection .rodata\n"
	".global calendar_rules_begin\n"
	"calendar_rules_begin:\n"
	".incbin \"" CALENDAR_RULES_FILE "\"\n"
	".global calendar_rules_end\n"
	"calendar_rules_end:\n"
	".byte 0\n"
	".popsection\n");

extern const uint8_t calendar_rules_begin[], calendar_rules_end[];

struct span calendar_rules_default(void)
{
	return span_of(calendar_rules_begin, (size_t)((uintptr_t)calendar_rules_end - (uintptr_t)calendar_rules_begin));
}
