/* rules_remind.c -- the words of a reminder, taken apart: words, {place}, words ... */
#include "engine/detect/rules.h"

static const char *const places[REMIND_PLACE_COUNT] = {
#define X(NAME, token, about) [REMIND_##NAME] = token,
	REMIND_PLACE_TABLE(X)
#undef X
};

static unsigned place_of(struct span token)
{
	for (unsigned i = 0; i < REMIND_PLACE_COUNT; i++)
		if (span_equal(token, span_of_string(places[i])))
			return i;
	return REMIND_NO_PLACE;
}

/* `rest` begins with a brace. */
static void next_place(struct span *rest, struct span *out_words, unsigned *out_place)
{
	const uint8_t *end = *rest->data == '{' ? memchr(rest->data, '}', rest->size) : NULL;
	size_t size = end ? (size_t)(end - rest->data) + 1 : rest->size;
	*out_words = span_of(rest->data, size);
	*out_place = end ? place_of(span_of(rest->data + 1, size - 2)) : REMIND_NO_PLACE;
	*rest = span_of(rest->data + size, rest->size - size);
}

bool remind_next(struct span *rest, struct span *out_words, unsigned *out_place)
{
	size_t size = 0;
	if (!rest->size)
		return false;
	while (size < rest->size && rest->data[size] != '{' && rest->data[size] != '}')
		size++;
	if (!size) {
		next_place(rest, out_words, out_place);
		return true;
	}
	*out_words = span_of(rest->data, size);
	*out_place = REMIND_WORDS;
	*rest = span_of(rest->data + size, rest->size - size);
	return true;
}
