/* calendar_tables.c -- the words of the calendar. */
#include "engine/register/calendar.h"

#define WORDS(name, TABLE, COUNT)                                                                                      \
	static const char *const name##_tokens[COUNT] = {TABLE(TOKEN)};                                                \
	static const char *const name##_words[COUNT] = {TABLE(WORD)};                                                  \
	const char *task_##name##_token(unsigned code)                                                                 \
	{                                                                                                              \
		return code < COUNT && name##_tokens[code] ? name##_tokens[code] : "unknown";                          \
	}                                                                                                              \
	const char *task_##name##_chinese(unsigned code)                                                               \
	{                                                                                                              \
		return code < COUNT && name##_words[code] ? name##_words[code] : "未知";                               \
	}                                                                                                              \
	enum status task_##name##_parse(struct span text, uint8_t *out)                                                \
	{                                                                                                              \
		return parse(name##_tokens, name##_words, COUNT, text, out);                                           \
	}

static enum status parse(const char *const *tokens, const char *const *words, uint8_t count, struct span text,
			 uint8_t *out)
{
	for (uint8_t i = 0; i < count; i++)
		if (tokens[i] &&
		    (span_equal(text, span_of_string(tokens[i])) || span_equal(text, span_of_string(words[i])))) {
			*out = i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

#define TOKEN(code, NAME, token, chinese) [code] = token,
#define WORD(code, NAME, token, chinese) [code] = chinese,
WORDS(state, TASK_STATE_TABLE, TASK_STATE_COUNT)
WORDS(deed, TASK_DEED_TABLE, TASK_DEED_COUNT)
WORDS(field, TASK_FIELD_TABLE, TASK_FIELD_COUNT)

static const char *const refusals[TASK_REFUSAL_COUNT][3] = {
#define X(NAME, token, english, chinese) {token, english, chinese},
	TASK_REFUSAL_TABLE(X)
#undef X
};

const char *task_refusal_token(unsigned refusal)
{
	return refusal < TASK_REFUSAL_COUNT ? refusals[refusal][0] : "unknown";
}

const char *task_refusal_english(unsigned refusal)
{
	return refusal < TASK_REFUSAL_COUNT ? refusals[refusal][1] : "unknown";
}

const char *task_refusal_chinese(unsigned refusal)
{
	return refusal < TASK_REFUSAL_COUNT ? refusals[refusal][2] : "未知";
}
