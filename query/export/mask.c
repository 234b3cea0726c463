#include "query/export/mask.h"

#include <string.h>

static _Thread_local bool masking, of_people;

bool mask_set(bool on)
{
	bool before = masking;
	masking = on;
	return before;
}

bool mask_is_on(void)
{
	return masking;
}

bool mask_people(bool on)
{
	bool before = of_people;
	of_people = on;
	return before;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (of_people && c == '-');
}

static bool is_identity(const char *word)
{
	for (int i = 0; i < 17; i++)
		if (!is_digit(word[i]))
			return false;
	return is_digit(word[17]) || word[17] == 'X' || word[17] == 'x';
}

static bool is_mobile(const char *word)
{
	for (int i = 0; i < 11; i++)
		if (!is_digit(word[i]))
			return false;
	return word[0] == '1' && word[1] >= '3';
}

/* What is personal: words of `size`, of which the first and last bytes are shown. */
static const struct {
	size_t size, first, last;
	bool (*is)(const char *word);
} kinds[] = {{18, 3, 4, is_identity}, {11, 3, 4, is_mobile}};

/* digits of a word of people's */
#define PEOPLE_DIGITS 5

static bool has_digits(const char *word, size_t size)
{
	size_t digits = 0;
	for (size_t i = 0; i < size; i++)
		digits += is_digit(word[i]);
	return digits >= PEOPLE_DIGITS;
}

/* How much of the word is shown at its ends; false: all of it. */
static bool is_personal(const char *word, size_t size, size_t *first, size_t *last)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].size == size && kinds[i].is(word)) {
			*first = kinds[i].first;
			*last = kinds[i].last;
			return true;
		}
	*first = *last = size / 4;
	return of_people && has_digits(word, size);
}

/* The next word at or behind `*at`; its size, 0: none. */
static size_t next_word(const char *text, size_t size, size_t *at)
{
	size_t n = 0;
	while (*at < size && !is_word(text[*at]))
		++*at;
	while (*at + n < size && is_word(text[*at + n]))
		n++;
	return n;
}

void mask_text(char *text, size_t size)
{
	size_t n, first, last;
	for (size_t at = 0; (n = next_word(text, size, &at)); at += n)
		if (is_personal(text + at, n, &first, &last))
			memset(text + at + first, '*', n - first - last);
}

static bool has_any(struct span text)
{
	size_t n, first, last;
	for (size_t at = 0; (n = next_word((const char *)text.data, text.size, &at)); at += n)
		if (is_personal((const char *)text.data + at, n, &first, &last))
			return true;
	return false;
}

struct span mask_view(struct span text, struct buf *room)
{
	if (!masking || text.size < PEOPLE_DIGITS || !has_any(text))
		return text;
	buf_clear(room);
	if (buf_append(room, text.data, text.size))
		return span_of("", 0);
	mask_text((char *)room->data, room->size);
	return buf_view(room);
}
