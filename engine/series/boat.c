#include "engine/series/boat.h"

#include <string.h>

static const char *const gears[GEAR_COUNT][2] = {
#define X(NAME, token, chinese) {token, chinese},
	BOAT_GEAR_TABLE(X)
#undef X
};
static const char *const areas[AREA_COUNT][2] = {
#define X(NAME, token, chinese) {token, chinese},
	BOAT_AREA_TABLE(X)
#undef X
};

const char *boat_gear_token(unsigned gear)
{
	return gears[gear < GEAR_COUNT ? gear : GEAR_UNKNOWN][0];
}

const char *boat_area_token(unsigned area)
{
	return areas[area < AREA_COUNT ? area : AREA_UNKNOWN][0];
}

static enum status find(const char *const table[][2], unsigned count, struct span text, unsigned *out)
{
	for (unsigned i = 0; i < count; i++)
		if (span_equal(text, span_of_string(table[i][0])) || span_equal(text, span_of_string(table[i][1]))) {
			*out = i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

enum status boat_gear_parse(struct span text, unsigned *out)
{
	return find(gears, GEAR_COUNT, text, out);
}

enum status boat_area_parse(struct span text, unsigned *out)
{
	return find(areas, AREA_COUNT, text, out);
}

/* Bytes of the separator that `text` begins with, 0 for none. */
static size_t separator(struct span text)
{
	if (text.size >= 3 && memcmp(text.data, "\xe3\x80\x81", 3) == 0)
		return 3;
	return text.size && (text.data[0] == ',' || text.data[0] == ' ') ? 1 : 0;
}

enum status boat_gears_parse(struct span text, uint32_t *out)
{
	*out = 0;
	for (size_t at = 0; at < text.size;) {
		size_t skip = separator(span_of(text.data + at, text.size - at)), end = at;
		unsigned gear;
		if (skip) {
			at += skip;
			continue;
		}
		while (end < text.size && !separator(span_of(text.data + end, text.size - end)))
			end++;
		if (boat_gear_parse(span_of(text.data + at, end - at), &gear))
			return STATUS_NOT_FOUND;
		*out |= UINT32_C(1) << gear;
		at = end;
	}
	return *out ? STATUS_OK : STATUS_NOT_FOUND;
}

/* --- names --- */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* The next letter or digit from `*at` on, in upper case; 0 at the end. */
static uint8_t next_sign(struct span text, size_t *at)
{
	while (*at < text.size) {
		uint8_t c = text.data[(*at)++];
		if (c >= 'a' && c <= 'z')
			return (uint8_t)(c - 'a' + 'A');
		if (is_digit(c) || (c >= 'A' && c <= 'Z'))
			return c;
	}
	return 0;
}

static bool same_signs(struct span a, struct span b)
{
	size_t i = 0, k = 0;
	uint8_t c;
	do {
		c = next_sign(a, &i);
		if (c != next_sign(b, &k))
			return false;
	} while (c);
	return true;
}

/* The last run of digits without its leading zeros; empty when there is none but zeros. */
static struct span last_number(struct span text)
{
	size_t end = text.size, at;
	while (end && !is_digit(text.data[end - 1]))
		end--;
	for (at = end; at && is_digit(text.data[at - 1]);)
		at--;
	while (at < end && text.data[at] == '0')
		at++;
	return span_of(text.data + at, end - at);
}

bool boat_name_may_be(struct span said, struct span registered)
{
	size_t at = 0;
	bool latin = true;
	for (size_t i = 0; i < registered.size; i++)
		latin &= registered.data[i] < 0x80;
	if (!next_sign(registered, &at))
		return true;
	if (latin)
		return same_signs(said, registered);
	struct span number = last_number(registered);
	return !number.size || span_equal(last_number(said), number);
}

/* Bytes of what parts two names; a name may have spaces in it. */
static size_t names_apart(struct span text)
{
	if (text.data[0] == ',' || text.data[0] == ';' || text.data[0] == '/')
		return 1;
	return text.data[0] == ' ' ? 0 : separator(text);
}

unsigned boat_names_count(struct span list)
{
	unsigned count = 0;
	bool within = false;
	for (size_t at = 0; at < list.size;) {
		size_t skip = names_apart(span_of(list.data + at, list.size - at));
		if (!within && !skip && list.data[at] != ' ')
			count++;
		within = !skip && (within || list.data[at] != ' ');
		at += skip ? skip : 1;
	}
	return count;
}
