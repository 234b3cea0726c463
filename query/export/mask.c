#include "query/export/mask.h"

#include <string.h>

static _Thread_local bool masking;

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

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
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

/* The kind of the word at `text`, -1: none. */
static int kind_of(const char *text, size_t size)
{
	for (int i = 0; i < (int)(sizeof kinds / sizeof *kinds); i++)
		if (kinds[i].size == size && kinds[i].is(text))
			return i;
	return -1;
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
	size_t n;
	for (size_t at = 0; (n = next_word(text, size, &at)); at += n) {
		int kind = kind_of(text + at, n);
		if (kind >= 0)
			memset(text + at + kinds[kind].first, '*', n - kinds[kind].first - kinds[kind].last);
	}
}

static bool has_any(struct span text)
{
	size_t n;
	for (size_t at = 0; (n = next_word((const char *)text.data, text.size, &at)); at += n)
		if (kind_of((const char *)text.data + at, n) >= 0)
			return true;
	return false;
}

struct span mask_view(struct span text, struct buf *room)
{
	if (!masking || text.size < 11 || !has_any(text))
		return text;
	buf_clear(room);
	if (buf_append(room, text.data, text.size))
		return span_of("", 0);
	mask_text((char *)room->data, room->size);
	return buf_view(room);
}
