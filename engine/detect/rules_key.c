/* rules_key.c -- the keys that rules of every kind share, and where load, cover and lift are read from. */
#include <stddef.h>

#include "engine/core/utf8.h"
#include "engine/detect/authority.h"
#include "engine/detect/rules_text.h"
#include "engine/detect/subject.h"
#include "engine/series/boat.h"
#include "engine/series/command.h"

#define AT(field) .offset = offsetof(struct rule, field), .size = sizeof(((struct rule *)0)->field)
#define VALUE(unit_, min_, max_, initial_, words_)                                                                     \
	.value = {.unit = unit_, .min = min_, .max = max_, .initial = initial_, .words = words_}
#define DAY_MS INT64_C(86400000)

const struct rule_key rule_keys[RULE_KEY_COUNT] = {
	{"kind", "", "what is looked for: a kind of the table below", KEY_KIND, .required = true},
	{"title", "", "Chinese and English, a bar between", KEY_TITLE, .required = true},
	{"source", "", "law and clause, printed with every finding", KEY_TEXT, .required = true, AT(source)},
	{"rows", "", "rows of the requirements that it answers", KEY_WORDS, AT(rows)},
	{"sample", "", "its numbers are an example of policy, not the law's", KEY_VALUE, AT(sample),
	 VALUE(UNIT_YES, 0, 1, 0, "")},
	{"authority", "", "who must act: names of `authority.h`, or others", KEY_AUTHORITY, AT(authority)},
	{"classes", "any", "any, or classes of devices: `muck, truck`", KEY_CLASSES, .required = false},
	{"gears", "any", "any, gear of fishing boats: `trawl, gillnet`, or all but: `not angling`", KEY_GEARS,
	 .required = false},
	{"sources", "any", "any, or what devices are: `ais, beidou`", KEY_SOURCES, .required = false},
	{"where", "any", "any, `tag:NAME`, `not tag:NAME` or `fence:ID`", KEY_WHERE, .required = false},
	{"when", "always", "a schedule (`schedule.h`)", KEY_WHEN, .required = false},
	{"loaded", "", "whether the load must be there", KEY_VALUE, AT(loaded),
	 VALUE(UNIT_CHOICE, 0, 2, EITHER, "any yes no")},
	{"moving", "", "whether it must move", KEY_VALUE, AT(moving), VALUE(UNIT_CHOICE, 0, 2, EITHER, "any yes no")},
	{"hold", "", "the condition must hold so long", KEY_VALUE, AT(hold_ms), VALUE(UNIT_TIME, 0, DAY_MS, 0, "")},
	{"points", "", "and over so many reports", KEY_VALUE, AT(points), VALUE(UNIT_NUMBER, 1, 1000, 1, "")},
	{"release", "", "it ends when the condition fails for so long", KEY_VALUE, AT(release_ms),
	 VALUE(UNIT_TIME, 0, DAY_MS, 0, "")},
	{"gap", "", "two reports further apart end it", KEY_VALUE, AT(gap_ms),
	 VALUE(UNIT_TIME, 1000, 10 * DAY_MS, 300000, "")},
	{"live", "", "a live warning besides the finding", KEY_VALUE, AT(live), VALUE(UNIT_YES, 0, 1, 0, "")},
	{"severity", "", "1 notice, 2 violation, 3 serious", KEY_VALUE, AT(severity), VALUE(UNIT_NUMBER, 1, 3, 2, "")},
	{"deadline", "", "for handling; 0: none", KEY_VALUE, AT(deadline_ms),
	 VALUE(UNIT_TIME, 0, 3650 * DAY_MS, 0, "")},
	{"remind", "", "words to the driver; {plate} {rule} {limit} {peak} {minutes} {fence} {time} are filled in",
	 KEY_REMIND, AT(remind)},
	{"remind_after", "", "he is reminded when it has stood for so long", KEY_VALUE, AT(remind_after_ms),
	 VALUE(UNIT_TIME, 0, DAY_MS, 0, "")},
	{"remind_every", "", "and not again within this, by this rule", KEY_VALUE, AT(remind_every_ms),
	 VALUE(UNIT_TIME, 60000, 30 * DAY_MS, 1800000, "")},
	{"remind_flags", "speech display", "how: urgent, speech, display, advert", KEY_FLAGS, AT(remind_flags)},
};

static const struct {
	const char *token;
	uint8_t flag;
} remind_flags[] = {{"urgent", COMMAND_TEXT_URGENT},
		    {"speech", COMMAND_TEXT_SPEECH},
		    {"display", COMMAND_TEXT_DISPLAY},
		    {"advert", COMMAND_TEXT_ADVERT}};
#define FLAG_COUNT (sizeof remind_flags / sizeof *remind_flags)

bool rule_key_is_said(const struct rule_key *k, const struct rule *r)
{
	if (k->form == KEY_GEARS || k->form == KEY_SOURCES)
		return k->form == KEY_GEARS ? r->gears != 0 : r->sources != 0;
	return strncmp(k->token, "remind", 6) != 0 || *r->remind;
}

const struct rule_key *rule_key_find(struct span token)
{
	for (unsigned i = 0; i < RULE_KEY_COUNT; i++)
		if (span_equal(token, span_of_string(rule_keys[i].token)))
			return &rule_keys[i];
	return NULL;
}

static void set_value(const struct rule_key *k, struct rule *r, int64_t value)
{
	memcpy((char *)r + k->offset, &value, k->size); /* little-endian: bytes.h */
}

static int64_t get_value(const struct rule_key *k, const struct rule *r)
{
	int64_t value = 0;
	memcpy(&value, (const char *)r + k->offset, k->size);
	return value;
}

static const char **text_of(const struct rule_key *k, struct rule *r)
{
	return (const char **)(void *)((char *)r + k->offset);
}

void rule_keys_init(struct rule *r)
{
	memset(r, 0, sizeof *r);
	r->classes = RULE_CLASSES_ANY;
	memcpy(&r->when, &SCHEDULE_ALWAYS, sizeof r->when);
	r->title_zh = r->title_en = r->remind = "";
	r->remind_flags = COMMAND_TEXT_SPEECH | COMMAND_TEXT_DISPLAY;
	for (unsigned i = 0; i < RULE_KEY_COUNT; i++) {
		const struct rule_key *k = &rule_keys[i];
		if (k->form == KEY_TEXT || k->form == KEY_WORDS || k->form == KEY_AUTHORITY)
			*text_of(k, r) = "";
		else if (k->form == KEY_VALUE)
			set_value(k, r, k->value.initial);
	}
}

/* --- parsing --- */

/* A NUL-terminated copy. */
static bool keep(struct span text, struct arena *words, const char **out, enum status *status, struct refusal *why)
{
	if (text.size > RULE_TEXT_MAX)
		return refuse(why, TOO_LONG, echo_of(text).text, RULE_TEXT_MAX);
	char *copy = arena_alloc(words, text.size + 1);
	if (!copy) {
		*status = STATUS_NO_MEMORY;
		return refuse(why, NO_MEMORY);
	}
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	*out = copy;
	return true;
}

static bool kind_parse(struct span text, struct rule *r, struct refusal *why)
{
	for (unsigned kind = 1; kind < RULE_KIND_COUNT; kind++)
		if (rule_kind_exists(kind) && span_equal(text, span_of_string(rule_kind_token(kind)))) {
			r->kind = (uint8_t)kind;
			return true;
		}
	return refuse(why, NO_KIND, echo_of(text).text);
}

static bool title_parse(struct span text, struct rule *r, struct arena *words, enum status *status, struct refusal *why)
{
	const uint8_t *bar = memchr(text.data, '|', text.size);
	if (!bar)
		return refuse(why, NO_TITLE, echo_of(text).text);
	struct span chinese = trim(span_of(text.data, (size_t)(bar - text.data)));
	struct span english = trim(span_of(bar + 1, (size_t)(text.data + text.size - bar) - 1));
	if (!chinese.size || !english.size)
		return refuse(why, HALF_TITLE, echo_of(text).text);
	return keep(chinese, words, &r->title_zh, status, why) && keep(english, words, &r->title_en, status, why);
}

/* The words with one space between. */
static bool words_parse(struct span text, struct arena *words, const char **out, enum status *status,
			struct refusal *why)
{
	char line[RULE_TEXT_MAX + 1];
	size_t size = 0;
	struct span word;
	if (text.size > RULE_TEXT_MAX)
		return refuse(why, TOO_LONG, echo_of(text).text, RULE_TEXT_MAX);
	while (next_word(&text, &word)) {
		if (size)
			line[size++] = ' ';
		memcpy(line + size, word.data, word.size);
		size += word.size;
	}
	return keep(span_of(line, size), words, out, status, why);
}

/* Names of the table become those that people read. */
static bool authority_parse(struct span text, struct arena *words, const char **out, enum status *status,
			    struct refusal *why)
{
	struct buf names = buf_init(8 * RULE_TEXT_MAX);
	bool good = text.size <= RULE_TEXT_MAX;
	if (!good)
		refuse(why, TOO_LONG, echo_of(text).text, RULE_TEXT_MAX);
	else if (authority_list(text, &names))
		good = refuse(why, LIST_TOO_LONG, echo_of(text).text);
	else
		good = keep(buf_view(&names), words, out, status, why);
	buf_deinit(&names);
	return good;
}

static bool classes_parse(struct span text, struct rule *r, struct refusal *why)
{
	struct span word, rest = text;
	uint8_t code;
	if (span_equal(text, span_of_string("any"))) {
		r->classes = RULE_CLASSES_ANY;
		return true;
	}
	for (r->classes = 0; next_word(&rest, &word); r->classes |= UINT32_C(1) << code)
		if (device_class_parse(word, &code))
			return refuse(why, NO_CLASS, echo_of(word).text);
	return r->classes != 0 || refuse(why, NO_CLASS_NAMED);
}

/* "not" in front: all but those. */
static bool gears_parse(struct span text, struct rule *r, struct refusal *why)
{
	struct span word, rest = text;
	unsigned gear;
	if (span_equal(text, span_of_string("any"))) {
		r->gears = 0;
		return true;
	}
	bool others = next_word(&rest, &word) && span_equal(word, span_of_string("not"));
	rest = others ? rest : text;
	for (r->gears = 0; next_word(&rest, &word); r->gears |= UINT32_C(1) << gear)
		if (boat_gear_parse(word, &gear))
			return refuse(why, NO_GEAR, echo_of(word).text);
	if (others)
		r->gears = r->gears ? GEARS_ALL & ~r->gears : 0;
	if (!r->gears)
		return refuse(why, NO_GEAR_NAMED);
	r->gears = r->gears == GEARS_ALL ? 0 : r->gears;
	return true;
}

static const struct {
	uint8_t code;
	const char *token;
} sources[] = {
#define X(code, token) {code, token},
	SUBJECT_SOURCE_TABLE(X)
#undef X
};
#define SOURCE_COUNT (sizeof sources / sizeof *sources)

static bool sources_parse(struct span text, struct rule *r, struct refusal *why)
{
	struct span word;
	r->sources = 0;
	if (span_equal(text, span_of_string("any")))
		return true;
	while (next_word(&text, &word)) {
		size_t i = 0;
		while (i < SOURCE_COUNT && !span_equal(word, span_of_string(sources[i].token)))
			i++;
		if (i == SOURCE_COUNT)
			return refuse(why, NO_SOURCE, echo_of(word).text);
		r->sources |= UINT32_C(1) << sources[i].code;
	}
	return r->sources != 0 || refuse(why, NO_SOURCE_NAMED);
}

bool rule_asks_for(const struct rule *r, uint32_t gears, unsigned source)
{
	if (r->gears && !(r->gears & (gears ? gears : GEARS_UNKNOWN)))
		return false;
	return !r->sources || (source < 32 && r->sources >> source & 1);
}

/* Words that GBK has and places that there are: what cannot be told is a mistake here, not on the road. */
static bool remind_parse(struct span text, struct rule *r, struct arena *words, enum status *status,
			 struct refusal *why)
{
	struct span rest = text, piece, bad;
	unsigned place;
	size_t size;
	if (text.size > REMIND_MAX)
		return refuse(why, TOO_LONG, echo_of(text).text, REMIND_MAX);
	while (remind_next(&rest, &piece, &place))
		if (place == REMIND_NO_PLACE)
			return refuse(why, NO_REMINDER_PLACE, echo_of(piece).text);
	if (gbk_size(text, &size, &bad))
		return refuse(why, NOT_IN_GBK, echo_of(bad).text);
	return keep(text, words, &r->remind, status, why);
}

static bool flags_parse(struct span text, struct rule *r, struct refusal *why)
{
	struct span word;
	r->remind_flags = 0;
	while (next_word(&text, &word)) {
		size_t i = 0;
		while (i < FLAG_COUNT && !span_equal(word, span_of_string(remind_flags[i].token)))
			i++;
		if (i == FLAG_COUNT)
			return refuse(why, NO_REMINDER_WAY, echo_of(word).text);
		r->remind_flags |= remind_flags[i].flag;
	}
	return r->remind_flags != 0 || refuse(why, NO_REMINDER_WAY_NAMED);
}

static bool after(struct span *text, const char *prefix)
{
	size_t size = strlen(prefix);
	if (text->size < size || memcmp(text->data, prefix, size) != 0)
		return false;
	*text = span_of(text->data + size, text->size - size);
	return true;
}

static bool where_parse(struct span text, struct rule *r, struct refusal *why)
{
	static const struct rule_param tag = {.unit = UNIT_TAG};
	struct span rest = text, word, behind = text;
	int64_t number = 0;
	r->where_mode = WHERE_ANY;
	if (span_equal(text, span_of_string("any")))
		return true;
	if (after(&rest, "fence:")) {
		if (!rest.size || rest.size > FENCE_ID_MAX || !utf8_printable(rest) ||
		    memchr(rest.data, ' ', rest.size))
			return refuse(why, NO_FENCE_ID, echo_of(rest).text);
		r->where_mode = WHERE_FENCE;
		memcpy(r->where_fence, rest.data, rest.size);
		return true;
	}
	bool outside = next_word(&behind, &word) && span_equal(word, span_of_string("not"));
	rest = outside ? trim(behind) : text;
	if (!after(&rest, "tag:"))
		return refuse(why, NO_WHERE, echo_of(text).text);
	if (!value_parse(&tag, rest, &number, why))
		return false;
	r->where_mode = outside ? WHERE_NOT_TAG : WHERE_TAG;
	r->where_tag = (uint16_t)number;
	return true;
}

static bool when_parse(struct span text, struct rule *r, struct refusal *why)
{
	size_t at;
	enum status status = schedule_parse(text, &r->when, &at);
	if (!status)
		return true;
	struct span rest = span_of(text.data + at, text.size - at);
	if (status == STATUS_OUT_OF_RANGE)
		return refuse(why, BAD_TIMES, echo_of(text).text, echo_of(rest).text);
	return refuse(why, NO_SCHEDULE, echo_of(text).text, echo_of(rest).text);
}

bool rule_key_parse(const struct rule_key *k, struct span text, struct rule *r, struct arena *words,
		    enum status *status, struct refusal *why)
{
	int64_t value;
	switch (k->form) {
	case KEY_KIND:
		return kind_parse(text, r, why);
	case KEY_TITLE:
		return title_parse(text, r, words, status, why);
	case KEY_TEXT:
		return keep(text, words, text_of(k, r), status, why);
	case KEY_WORDS:
		return words_parse(text, words, text_of(k, r), status, why);
	case KEY_AUTHORITY:
		return authority_parse(text, words, text_of(k, r), status, why);
	case KEY_CLASSES:
		return classes_parse(text, r, why);
	case KEY_GEARS:
		return gears_parse(text, r, why);
	case KEY_SOURCES:
		return sources_parse(text, r, why);
	case KEY_WHERE:
		return where_parse(text, r, why);
	case KEY_WHEN:
		return when_parse(text, r, why);
	case KEY_REMIND:
		return remind_parse(text, r, words, status, why);
	case KEY_FLAGS:
		return flags_parse(text, r, why);
	case KEY_VALUE:
		if (!value_parse(&k->value, text, &value, why))
			return false;
		set_value(k, r, value);
		return true;
	}
	return false;
}

/* --- printing --- */

static enum status print_classes(const struct rule *r, struct buf *out)
{
	const char *between = "";
	enum status status = r->classes == RULE_CLASSES_ANY ? buf_printf(out, "any") : STATUS_OK;
	for (unsigned code = 0; code < DEVICE_CLASS_COUNT && r->classes != RULE_CLASSES_ANY && !status; code++)
		if (r->classes >> code & 1) {
			status = buf_printf(out, "%s%s", between, device_class_token(code));
			between = ", ";
		}
	return status;
}

static enum status print_gears(const struct rule *r, struct buf *out)
{
	bool others = r->gears & GEARS_UNKNOWN;
	uint32_t named = others ? GEARS_ALL & ~r->gears : r->gears;
	enum status status = buf_printf(out, "%s", !r->gears ? "any" : others ? "not" : "");
	const char *between = others ? " " : "";
	for (unsigned gear = 0; gear < GEAR_COUNT && r->gears && !status; gear++)
		if (named >> gear & 1) {
			status = buf_printf(out, "%s%s", between, boat_gear_token(gear));
			between = ", ";
		}
	return status;
}

static enum status print_sources(const struct rule *r, struct buf *out)
{
	enum status status = buf_printf(out, "%s", r->sources ? "" : "any");
	const char *between = "";
	for (size_t i = 0; i < SOURCE_COUNT && !status; i++)
		if (r->sources >> sources[i].code & 1) {
			status = buf_printf(out, "%s%s", between, sources[i].token);
			between = ", ";
		}
	return status;
}

static enum status print_where(const struct rule *r, struct buf *out)
{
	switch ((enum rule_where_mode)r->where_mode) {
	case WHERE_ANY:
		return buf_printf(out, "any");
	case WHERE_TAG:
		return buf_printf(out, "tag:%s", tag_text(r->where_tag));
	case WHERE_NOT_TAG:
		return buf_printf(out, "not tag:%s", tag_text(r->where_tag));
	case WHERE_FENCE:
		return buf_printf(out, "fence:%s", r->where_fence);
	}
	return STATUS_INVALID;
}

static enum status print_flags(const struct rule *r, struct buf *out)
{
	const char *between = "";
	enum status status = STATUS_OK;
	for (size_t i = 0; i < FLAG_COUNT && !status; i++)
		if (r->remind_flags & remind_flags[i].flag) {
			status = buf_printf(out, "%s%s", between, remind_flags[i].token);
			between = " ";
		}
	return status;
}

enum status rule_key_print(const struct rule_key *k, const struct rule *r, struct buf *out)
{
	int64_t value;
	const char *text;
	switch (k->form) {
	case KEY_KIND:
		return buf_printf(out, "%s", rule_kind_token(r->kind));
	case KEY_TITLE:
		return buf_printf(out, "%s | %s", r->title_zh, r->title_en);
	case KEY_TEXT:
	case KEY_WORDS:
	case KEY_AUTHORITY:
		memcpy(&text, (const char *)r + k->offset, sizeof text);
		return buf_printf(out, "%s", text);
	case KEY_CLASSES:
		return print_classes(r, out);
	case KEY_GEARS:
		return print_gears(r, out);
	case KEY_SOURCES:
		return print_sources(r, out);
	case KEY_WHERE:
		return print_where(r, out);
	case KEY_WHEN:
		return schedule_print(&r->when, out);
	case KEY_REMIND:
		return buf_printf(out, "%s", r->remind);
	case KEY_FLAGS:
		return print_flags(r, out);
	case KEY_VALUE:
		value = get_value(k, r);
		return rule_param_print(&k->value, &value, out);
	}
	return STATUS_INVALID;
}
