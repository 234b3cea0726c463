/* Random rules: what is printed is read as the same, with the same versions. */
#include <criterion/criterion.h>

#include "engine/detect/rules_text.h"
#include "property/detect/rules_random.h"

#define PUT(...) cr_assert_eq(buf_printf(out, __VA_ARGS__), STATUS_OK)

static int64_t within(uint64_t *state, int64_t min, int64_t max)
{
	uint64_t width = (uint64_t)(max - min) + 1;
	return min + (int64_t)(rules_random(state) % width);
}

static void put_words(struct buf *out, const char *words, uint64_t *state)
{
	struct span rest = span_of_string(words), word;
	uint32_t count = 0, chosen;
	while (next_word(&rest, &word))
		count++;
	rest = span_of_string(words);
	for (chosen = 1 + rules_below(state, count); chosen; chosen--)
		cr_assert(next_word(&rest, &word));
	PUT("%.*s", (int)word.size, (const char *)word.data);
}

/* A number in a random one of its units, rounded to it and within the range. */
static void put_number(struct buf *out, const struct rule_param *p, uint64_t *state)
{
	static const struct {
		uint8_t unit;
		int64_t factor;
		const char *token;
	} units[] = {{UNIT_SPEED, 10, "km/h"},  {UNIT_TIME, 1000, "s"},   {UNIT_TIME, 60000, "min"},
		     {UNIT_TIME, 3600000, "h"}, {UNIT_LENGTH, 1000, "m"}, {UNIT_PERCENT, 1, "%"},
		     {UNIT_NUMBER, 1, ""}};
	for (;;) {
		uint32_t i = rules_below(state, sizeof units / sizeof *units);
		int64_t value = within(state, p->min, p->max), rest = value % units[i].factor;
		if (units[i].unit != p->unit)
			continue;
		if (p->unit != UNIT_SPEED && value - rest < p->min)
			continue;
		PUT("%lld", (long long)(value / units[i].factor));
		if (p->unit == UNIT_SPEED && rest)
			PUT(".%lld", (long long)rest);
		PUT("%s%s", rules_below(state, 2) ? " " : "", units[i].token);
		return;
	}
}

static void put_value(struct buf *out, const struct rule_param *p, uint64_t *state)
{
	struct wall_schedule w;
	switch ((enum param_unit)p->unit) {
	case UNIT_SPEED:
	case UNIT_TIME:
	case UNIT_LENGTH:
	case UNIT_PERCENT:
	case UNIT_NUMBER:
		put_number(out, p, state);
		return;
	case UNIT_YES:
	case UNIT_OPTION:
		put_words(out, "yes no", state);
		return;
	case UNIT_TAG:
		put_words(out, "gate route fire_lane x-1 y.2", state);
		return;
	case UNIT_BITS:
		for (uint32_t i = 1 + rules_below(state, 5); i; i--)
			PUT("%u ", rules_below(state, 32));
		return;
	case UNIT_TYPES:
		for (uint32_t i = 1 + rules_below(state, 8); i; i--)
			PUT(rules_below(state, 4) ? "%x:%x " : "%x:* ", 0x64 + rules_below(state, 4),
			    1 + rules_below(state, 255));
		return;
	case UNIT_HOURS:
		do
			wall_schedule_make(&w, state);
		while (w.hours_count != 1 || w.days_said || w.seasons_count || w.span_s[0] || w.span_s[1]);
		PUT("%s", w.text);
		return;
	case UNIT_CHOICE:
		put_words(out, p->words, state);
		return;
	case UNIT_DATE:
		PUT("20%02u-%02u-%02u", rules_below(state, 100), 1 + rules_below(state, 12),
		    1 + rules_below(state, 28));
		return;
	case UNIT_DECIMAL:
		if (p->initial == DECIMAL_OWN && !rules_below(state, 4))
			PUT("own");
		else
			PUT("%s%u.%0*u", p->min < 0 && rules_below(state, 2) ? "-" : "", rules_below(state, 999),
			    (int)(1 + rules_below(state, 6)), 1 + rules_below(state, 9));
		return;
	}
}

static void put_key(struct buf *out, const struct rule_key *k, uint64_t *state)
{
	static const char *const places[] = {"any", "tag:gate", "not\ttag:gate", "fence:E-1", "fence:水源"};
	static const char *const classes[] = {"any", "muck,hazmat", "渔船", "other muck , hazmat"};
	static const char *const authorities[] = {"交警", "traffic_police , 林业", "某局 乙处,water", "渣土办, 城管"};
	static const char *const gears[] = {"any", "trawl, 刺网", "not angling", "not\ttrawl , unknown", "unknown"};
	static const char *const sources[] = {"any", "ais , beidou", "nmea"};
	struct wall_schedule w;
	PUT("%s =", k->token);
	switch (k->form) {
	case KEY_KIND:
		break;
	case KEY_TITLE:
		PUT("渣土车 %u | truck | %u", rules_below(state, 9), rules_below(state, 9));
		break;
	case KEY_TEXT:
		PUT("法 %u #%u = 'x'", rules_below(state, 99), rules_below(state, 99));
		break;
	case KEY_WORDS:
		PUT("A%u,B%u  C%u", rules_below(state, 99), rules_below(state, 99), rules_below(state, 99));
		break;
	case KEY_AUTHORITY:
		PUT("%s", authorities[rules_below(state, 4)]);
		break;
	case KEY_CLASSES:
		PUT("%s", classes[rules_below(state, 4)]);
		break;
	case KEY_GEARS:
		PUT("%s", gears[rules_below(state, 5)]);
		break;
	case KEY_SOURCES:
		PUT("%s", sources[rules_below(state, 3)]);
		break;
	case KEY_WHERE:
		PUT("%s", places[rules_below(state, 5)]);
		break;
	case KEY_WHEN:
		wall_schedule_make(&w, state);
		PUT("%s", *w.text ? w.text : "always");
		break;
	case KEY_REMIND:
		PUT("{plate}慢行 %u, 限速{limit}", rules_below(state, 99));
		break;
	case KEY_FLAGS:
		put_words(out, "urgent speech display advert", state);
		break;
	case KEY_VALUE:
		put_value(out, &k->value, state);
		break;
	}
	PUT("\n");
}

/* What its stage heeds, by the words of the page: not as the parser decides it. */
static bool may_be_said(unsigned kind, const char *token)
{
	static const char *const refused[] = {"gears",  "sources", "where",  "when",    "loaded",
					      "moving", "hold",    "points", "release", "gap"};
	static const char *const not_of_streams[] = {"classes", "gears",        "sources",      "loaded",      "moving",
						     "gap",     "remind_after", "remind_every", "remind_flags"};
	static const char *const of_streams[] = {"quantity", "unit", "sites", "sectors", "villages", "states"};
	unsigned stage = rule_kind_stage(kind);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (stage == 2 && !strcmp(token, refused[i]))
			return false;
	for (size_t i = 0; i < sizeof not_of_streams / sizeof not_of_streams[0]; i++)
		if (stage == 3 && !strcmp(token, not_of_streams[i]))
			return false;
	for (size_t i = 0; i < sizeof of_streams / sizeof of_streams[0]; i++)
		if (!strcmp(token, of_streams[i]))
			return stage == 3 && (kind == RULE_STATE || strcmp(token, "states") != 0);
	return true;
}

static void put_rule(struct buf *out, unsigned number, uint64_t *state)
{
	unsigned kind, count;
	do
		kind = 1 + rules_below(state, RULE_KIND_COUNT - 1);
	while (!rule_kind_exists(kind));
	const struct rule_param *params = rule_kind_params(kind, &count);
	PUT("[r%u]\nkind = %s\n", number, rule_kind_token(kind));
	bool reminds = rule_kind_stage(kind) != 3 && rules_below(state, 2);
	for (unsigned i = 1; i < RULE_KEY_COUNT; i++)
		if (strncmp(rule_keys[i].token, "remind", 6) == 0
			    ? reminds && (rule_keys[i].form == KEY_REMIND || rules_below(state, 2))

			    : rule_keys[i].required ||
				      (rule_kind_stage(kind) == 3 && !strcmp(rule_keys[i].token, "quantity")) ||
				      (may_be_said(kind, rule_keys[i].token) && rules_below(state, 2)))
			put_key(out, &rule_keys[i], state);
	for (unsigned i = 0; i < count; i++)
		if (*params[i].token && (params[i].initial == PARAM_REQUIRED || rules_below(state, 2))) {
			PUT("%s = ", params[i].token);
			put_value(out, &params[i], state);
			PUT("%s\n", rules_below(state, 2) ? " # a comment" : "");
		}
}

static void tell(void *context, const struct rule_mistake *m)
{
	cr_log_error("line %u: %s\n%s", m->line, m->text, (const char *)context);
}

static struct rulebook *parse(struct buf *text)
{
	struct rulebook *b = NULL;
	cr_assert_eq(buf_append_u8(text, 0), STATUS_OK);
	text->size--;
	cr_assert_eq(rulebook_parse(buf_view(text), tell, text->data, &b), STATUS_OK);
	return b;
}

/* All that a rule says, but its line. */
static bool same_rule(const struct rule *a, const struct rule *b)
{
	return strcmp(a->id, b->id) == 0 && a->kind == b->kind && a->where_mode == b->where_mode &&
	       a->where_tag == b->where_tag && strcmp(a->where_fence, b->where_fence) == 0 && a->loaded == b->loaded &&
	       a->moving == b->moving && a->severity == b->severity && a->live == b->live && a->sample == b->sample &&
	       a->classes == b->classes && a->gears == b->gears && a->sources == b->sources &&
	       memcmp(&a->when, &b->when, sizeof a->when) == 0 && a->hold_ms == b->hold_ms &&
	       a->release_ms == b->release_ms && a->gap_ms == b->gap_ms && a->deadline_ms == b->deadline_ms &&
	       a->points == b->points && memcmp(a->params, b->params, sizeof a->params) == 0 &&
	       a->version == b->version && strcmp(a->title_zh, b->title_zh) == 0 &&
	       strcmp(a->title_en, b->title_en) == 0 && strcmp(a->source, b->source) == 0 &&
	       strcmp(a->authority, b->authority) == 0 && strcmp(a->rows, b->rows) == 0;
}

Test(rules_property, what_is_printed_is_read_as_the_same)
{
	uint64_t state = rules_seed("rules_property");
	for (int i = 0; i < 300; i++) {
		struct buf text = buf_init(1 << 20), printed = buf_init(1 << 20), again = buf_init(1 << 20);
		struct buf *out = &text;
		unsigned count = rules_below(&state, 20);
		PUT("[inputs]\nload = status bits %u-%u\nlift_up = item %x byte %u mask 0x%x\n",
		    rules_below(&state, 10), 10 + rules_below(&state, 22), rules_below(&state, 256),
		    rules_below(&state, 255), 1 + rules_below(&state, 255));
		for (unsigned r = 0; r < count; r++)
			put_rule(&text, r, &state);
		struct rulebook *first = parse(&text);
		cr_assert_eq(rulebook_print(first, &printed), STATUS_OK);
		struct rulebook *second = parse(&printed);
		cr_assert_eq(first->count, count);
		cr_assert_eq(second->count, count);
		cr_assert_eq(memcmp(&first->inputs, &second->inputs, sizeof first->inputs), 0);
		for (unsigned r = 0; r < count; r++)
			cr_assert(same_rule(&first->rules[r], &second->rules[r]), "%s of\n%s", first->rules[r].id,
				  (char *)printed.data);
		cr_assert_eq(rulebook_print(second, &again), STATUS_OK);
		cr_assert(span_equal(buf_view(&printed), buf_view(&again)));
		rulebook_unref(first);
		rulebook_unref(second);
		buf_deinit(&text);
		buf_deinit(&printed);
		buf_deinit(&again);
	}
}
