/* rules_table.c -- kinds of rules and their parameters, as data. */
#include "engine/detect/rules.h"

#define TABLE_UNIT(unit) UNIT_##unit

static const struct rule_param params[] = {
#define K(KIND, meaning)
#define X(KIND, NAME, token, unit, min, max, initial, words, meaning)                                                  \
	{token, words, meaning, RULE_##KIND, PARAM_##KIND##_##NAME, TABLE_UNIT(unit), min, max, initial},
	RULE_PARAM_TABLE(K, X)
#undef X
#undef K
};

#define PARAM_COUNT (sizeof params / sizeof *params)

#define K(KIND, meaning)
#define X(KIND, NAME, token, unit, min, max, initial, words, meaning)                                                  \
	_Static_assert((int)PARAM_##KIND##_##NAME < RULE_PARAMS_MAX, "struct rule has room for every parameter");
RULE_PARAM_TABLE(K, X)
#undef X
#undef K

static const struct {
	const char *token, *chinese;
	unsigned stage;
} kinds[RULE_KIND_COUNT] = {
#define X(code, NAME, token, stage, chinese) [code] = {token, chinese, stage},
	RULE_KIND_TABLE(X)
#undef X
};

static const char *const meanings[RULE_KIND_COUNT] = {
#define K(KIND, meaning) [RULE_##KIND] = meaning,
#define X(KIND, NAME, token, unit, min, max, initial, words, meaning)
	RULE_PARAM_TABLE(K, X)
#undef X
#undef K
};

const struct rule_param *rule_kind_params(unsigned kind, unsigned *out_count)
{
	const struct rule_param *first = NULL;
	*out_count = 0;
	for (size_t i = 0; i < PARAM_COUNT; i++) {
		if (params[i].kind != kind)
			continue;
		if (!first)
			first = &params[i];
		++*out_count;
	}
	return first;
}

bool rule_kind_exists(unsigned kind)
{
	return kind > 0 && kind < RULE_KIND_COUNT && kinds[kind].token;
}

const char *rule_kind_token(unsigned kind)
{
	return rule_kind_exists(kind) ? kinds[kind].token : "";
}

const char *rule_kind_chinese(unsigned kind)
{
	return rule_kind_exists(kind) ? kinds[kind].chinese : "";
}

unsigned rule_kind_stage(unsigned kind)
{
	return kinds[kind < RULE_KIND_COUNT ? kind : 0].stage;
}

const char *rule_kind_meaning(unsigned kind)
{
	return rule_kind_exists(kind) ? meanings[kind] : "";
}

bool rule_types_hold(const struct rule *r, uint8_t item, uint8_t type)
{
	for (unsigned i = 0; i < 8; i++) {
		uint64_t four = (uint64_t)r->params[PARAM_ALARM_ITEM_TYPES + i / 4];
		unsigned pair = (unsigned)(four >> 16 * (i % 4)) & 0xffff;
		if (pair >> 8 == item && pair != 0 && ((pair & 0xff) == type || (pair & 0xff) == 0))
			return true;
	}
	return false;
}
